"""The decoder against plain descriptions of messages, however their bytes are cut or damaged."""

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import example, given, settings
from hypothesis import strategies as st

from spread import MessageRejectedError, ProtocolError
from spread._decoder import Decoder
from spread._message_types import Membership, Message
from tests.unit.client import frames

# A busy machine is no failure.
unhurried = settings(deadline=None)

names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=31).filter(
    lambda name: len(name.encode()) <= 31
)
orders = st.sampled_from("<>")


@dataclass(frozen=True)
class Data:
    """A data message."""

    type_bits: int
    sender: str
    groups: tuple[str, ...]
    mess_type: int
    payload: bytes
    order: str
    sender_order: str

    def encode(self) -> bytes:
        return frames.data(
            self.payload,
            type_bits=self.type_bits,
            sender=self.sender,
            groups=self.groups,
            mess_type=self.mess_type,
            order=self.order,
            sender_order=self.sender_order,
        )

    def is_shown_by(self, shown: object) -> bool:
        return isinstance(shown, Message) and (
            shown.service_type,
            shown.sender,
            shown.groups,
            shown.mess_type,
            shown.payload,
        ) == (self.type_bits, self.sender, self.groups, self.mess_type, self.payload)


@dataclass(frozen=True)
class NetworkView:
    """A view with vs sets."""

    group: str
    vs_sets: tuple[tuple[str, ...], ...]
    own: int
    order: str

    def encode(self) -> bytes:
        return frames.network_view(self.group, self.vs_sets, self.own, order=self.order)

    def is_shown_by(self, shown: object) -> bool:
        return isinstance(shown, Membership) and (
            shown.group,
            shown.vs_sets,
            shown.vs_set,
            shown.members,
        ) == (self.group, self.vs_sets, self.vs_sets[self.own], sum(self.vs_sets, ()))


@dataclass(frozen=True)
class Rejection:
    """A request that the daemon returns."""

    old_type: int
    groups: tuple[str, ...]
    payload: bytes

    def encode(self) -> bytes:
        return frames.reject(self.old_type, self.groups, self.payload)

    def is_shown_by(self, shown: object) -> bool:
        return (
            isinstance(shown, MessageRejectedError)
            and shown.message is not None
            and (shown.message.groups, shown.message.payload) == (self.groups, self.payload)
        )


Description = Data | NetworkView | Rejection

messages: st.SearchStrategy[Description] = st.one_of(
    st.builds(
        Data,
        type_bits=st.sampled_from([0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x50, 0x40000004]),
        sender=names,
        groups=st.lists(names, max_size=4).map(tuple),
        mess_type=st.integers(-0x8000, 0x7FFF),
        payload=st.binary(max_size=300),
        order=orders,
        sender_order=orders,
    ),
    st.builds(
        NetworkView,
        group=names,
        vs_sets=st.lists(st.lists(names, max_size=3).map(tuple), min_size=1, max_size=4).map(tuple),
        own=st.just(0),
        order=orders,
    ),
    st.builds(
        Rejection,
        old_type=st.sampled_from([0x10, 0x100, 0x200]),
        groups=st.lists(names, min_size=1, max_size=3).map(tuple),
        payload=st.binary(max_size=100),
    ),
)


def pieces(stream: bytes, cuts: Sequence[int]) -> list[bytes]:
    """Cut `stream` at these places, as far as they lie in it."""
    places = sorted({cut for cut in cuts if cut < len(stream)})
    return [
        stream[start:end] for start, end in zip([0, *places], [*places, len(stream)], strict=True)
    ]


def everything(decoder: Decoder) -> list[object]:
    """Take out what is whole, exceptions for single messages included."""
    found: list[object] = []
    while True:
        try:
            message = decoder.next_message()
        except MessageRejectedError as rejected:
            found.append(rejected)
            continue
        if message is None:
            return found
        found.append(message)


@unhurried
@given(st.lists(messages, max_size=8), st.lists(st.integers(0, 4000), max_size=12))
def test_messages_come_out_as_they_were_however_they_are_cut(
    described: list[Description], cuts: list[int]
) -> None:
    decoder = Decoder()
    shown: list[object] = []

    for piece in pieces(b"".join(each.encode() for each in described), cuts):
        room = decoder.writable()
        room[: len(piece)] = piece
        decoder.received(len(piece))
        shown += everything(decoder)

    assert len(shown) == len(described)
    assert [each.is_shown_by(it) for each, it in zip(described, shown, strict=True)] == [
        True for _ in described
    ]
    assert decoder.buffered == 0


@unhurried
@given(st.lists(messages, min_size=1, max_size=6))
def test_reading_only_what_is_missing_never_goes_beyond_one_message(
    described: list[Description],
) -> None:
    decoder = Decoder()
    stream = b"".join(each.encode() for each in described)
    counts = []
    at = 0

    while at < len(stream):
        missing = decoder.missing()
        decoder.feed(stream[at : at + missing])
        at += missing
        counts.append(len(everything(decoder)))

    assert set(counts) <= {0, 1}
    assert sum(counts) == len(described)


@settings(deadline=None, max_examples=500)
@given(
    st.lists(messages, min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=12),
)
@example(described=[Data(0x10, "#a#d", (), 0, b"", "<", "<")], damage=[(47, 0x80)])
def test_damaged_bytes_end_in_an_ordinary_way(
    described: list[Description], damage: list[tuple[int, int]]
) -> None:
    stream = bytearray(b"".join(each.encode() for each in described))
    for place, value in damage:
        stream[place % len(stream)] = value
    decoder = Decoder()
    decoder.feed(stream)

    try:
        found = everything(decoder)
    except ProtocolError as error:
        found = [error]

    assert decoder.buffered >= 0
    assert all(repr(each) for each in found)
    assert len(found) <= len(stream) // 48
    assert len(decoder.writable()) <= 1024 * 1024

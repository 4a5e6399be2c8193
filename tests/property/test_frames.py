"""The compiled codec against the independent one of the tests, and the check against its rules."""

from dataclasses import dataclass

from hypothesis import example, given
from hypothesis import strategies as st

from spread import _frames
from tests.daemon.harness import wire
from tests.memory.header_model import broken_rules

ALICE = b"#alice#d1"


@dataclass(frozen=True)
class Head:
    """A header without its hint."""

    type: int
    sender: bytes
    groups: int
    size: int
    order: wire.Order

    def encode(self, hint: bytes) -> bytes:
        return wire.header(self.type, self.sender, self.groups, hint, self.size, self.order)


def headers(
    types: st.SearchStrategy[int],
    senders: st.SearchStrategy[bytes],
    groups: st.SearchStrategy[int],
    sizes: st.SearchStrategy[int],
) -> st.SearchStrategy[Head]:
    return st.builds(Head, types, senders, groups, sizes, orders)


names = st.binary(max_size=32).filter(lambda name: b"\0" not in name)
bodies = st.binary(max_size=200)
type_words = st.integers(0, 0xFFFFFFFF).map(lambda word: word & ~wire.MARKER)
mess_types = st.integers(-0x8000, 0x7FFF)
orders = st.sampled_from(("little", "big"))

near_types = st.one_of(
    type_words,
    st.sampled_from([1 << bit for bit in range(31) if bit != 7]),
    st.builds(
        lambda one, other: 1 << one | 1 << other, st.sampled_from(range(7)), st.integers(8, 30)
    ),
)
near_names = st.sampled_from((ALICE, ALICE, ALICE + b"\0junk", b"#alic#d1", ALICE + b"1", b""))
near_counts = st.one_of(
    st.integers(0, 100), st.sampled_from((-1, 101)), st.integers(-1 << 31, 1 << 30)
)
near_sizes = st.one_of(st.integers(-1, 10_001), st.integers(-(1 << 31), (1 << 31) - 1))
near_hints = st.one_of(
    st.builds(wire.hint_bytes, mess_types, orders), st.binary(min_size=4, max_size=4)
)


@given(type_words, names, st.lists(names, max_size=100), mess_types, bodies)
def test_what_is_encoded_is_what_the_other_codec_writes(
    type_word: int, sender: bytes, groups: list[bytes], mess_type: int, body: bytes
) -> None:
    expected = wire.data_frame(sender, type_word, tuple(groups), body, mess_type)

    assert _frames.encode(type_word, sender, groups, mess_type, body) == expected


@given(headers(type_words, names, st.integers(0, 100), st.integers(0, 1 << 30)), mess_types, orders)
def test_a_header_of_any_order_is_read_back(
    head: Head, mess_type: int, hint_order: wire.Order
) -> None:
    header = head.encode(wire.hint_bytes(mess_type, hint_order))

    assert _frames.decode_header(header) == (
        head.type,
        head.sender,
        head.groups,
        mess_type,
        hint_order == "little",
        head.size,
    )


@given(type_words, names, st.integers(0, 4_000), st.integers(0, 1 << 30))
def test_a_membership_header_is_what_the_other_codec_writes(
    type_word: int, group: bytes, members: int, size: int
) -> None:
    expected = wire.header(type_word, group, members, wire.hint_bytes(0), size, "little")

    assert _frames.header(type_word, group, members, size) == expected


@given(headers(near_types, near_names, near_counts, near_sizes), near_hints, st.integers(0, 10_000))
@example(Head(wire.FIFO, ALICE, 1, 0, "little"), wire.hint_bytes(0), 31)
@example(Head(wire.FIFO, ALICE, 1, 0, "little"), wire.hint_bytes(0), 32)
def test_a_header_passes_if_it_breaks_no_rule_and_fails_for_one_it_breaks(
    head: Head, hint: bytes, size_max: int
) -> None:
    header = head.encode(hint)

    fault = _frames.check_header(header, ALICE, size_max)

    broken = broken_rules(header, ALICE, size_max)
    assert fault in broken if broken else fault == 0


@given(st.binary(min_size=48, max_size=48), names.filter(lambda name: 0 < len(name) < 32))
def test_any_48_bytes_are_judged_by_the_rules(anything: bytes, private_group: bytes) -> None:
    header = anything[:4] + wire.padded(private_group) + anything[36:]

    fault = _frames.check_header(header, private_group, 143_952)

    broken = broken_rules(header, private_group, 143_952)
    assert fault in broken if broken else fault == 0

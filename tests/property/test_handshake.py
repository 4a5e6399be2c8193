"""The handshake against a model that reads a whole conversation at once, however it is cut."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from spread.daemon.access import Permit
from spread.daemon.auth import Authentication, Peer, Transport, Verdict
from spread.daemon.handshake import Accepted, Handshake, HandshakeSettings, Outcome, Refused

TAKEN = {b"taken", b"r1-1"}
INVENTED = [b"r1-1", b"r2-1"]
SECRET = b"12345"
LARGEST_UNIT = 90

# A busy machine is no failure.
unhurried = settings(deadline=None)


@dataclass(frozen=True)
class Secret:
    """Passes who sends the secret."""

    name: str = "SECRET"
    credentials_size: int = len(SECRET)
    warning: str = ""

    def check(self, peer: Peer, credentials: bytes) -> Verdict:  # noqa: ARG002
        right = credentials == SECRET
        return Verdict(right, b"\x01" if right else b"\x00", "wrong secret")


@dataclass(frozen=True)
class Null:
    """Passes everybody."""

    name: str = "NULL"
    credentials_size: int = 0
    warning: str = ""

    def check(self, peer: Peer, credentials: bytes) -> Verdict:  # noqa: ARG002
        return Verdict(passed=True)


SETTINGS = HandshakeSettings(b"d1", Authentication((Null(), Secret()), ()), Permit())


@dataclass
class Conversation:
    """What a handshake said to a client that sent some bytes and then closed."""

    replies: bytes = b""
    accepted: bool = False
    leftover: bytes = b""
    most_buffered: int = field(default=0, compare=False)


def converse(portions: list[bytes]) -> Conversation:
    """Hold the conversation over a real handshake."""
    names = iter(INVENTED)
    handshake = Handshake(
        settings=SETTINGS,
        address="192.0.2.1",
        kind=Transport.TCP,
        name_is_taken=TAKEN.__contains__,
        invent_name=lambda: next(names),
    )
    said = Conversation()
    for at, portion in enumerate(portions):
        outcome: Outcome = handshake.receive(portion)
        said.replies += outcome.reply
        said.most_buffered = max(said.most_buffered, handshake.buffered)
        if isinstance(outcome, Accepted):
            said.accepted = True
            said.leftover = outcome.leftover + b"".join(portions[at + 1 :])
            return said
        if isinstance(outcome, Refused):
            return said
    said.replies += handshake.end_of_stream().reply
    return said


class CutError(Exception):
    """The model's client sent no more in the middle of a unit."""


class RefusalError(Exception):
    """The model's client is refused with these bytes."""


class Reader:
    """A cursor over all that the model's client ever sends."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def take(self, size: int) -> bytes:
        if len(self.data) < size:
            raise CutError
        taken, self.data = self.data[:size], self.data[size:]
        return taken


def model(data: bytes) -> Conversation:
    """Say what the rules make of a client that sends `data` and closes."""
    reader, said, answer_to_cut = Reader(data), Conversation(), b""
    try:
        for reply, answer_to_cut in model_steps(reader):  # noqa: B007 - the last one is used.
            said.replies += reply
    except CutError:
        said.replies += answer_to_cut
    except RefusalError as refusal:
        said.replies += refusal.args[0]
    else:
        said.accepted, said.leftover = True, reader.data
    return said


def signed(byte: int) -> int:
    return int.from_bytes(bytes((byte,)), signed=True)


def model_steps(reader: Reader) -> Iterator[tuple[bytes, bytes]]:
    """Yield replies, each with the answer to a client that is cut off after it."""
    major, minor = reader.take(2)
    version = signed(major) * 10000 + signed(minor) * 100
    if version < 30100:
        raise RefusalError(b"\xf9")
    if version > 31400:
        version += signed(reader.take(1)[0])
    flags, length = reader.take(2)
    if length > 10:
        raise RefusalError(b"\xfb")
    yield b"", b"\xfb"
    name = reader.take(length) or b"r2-1"
    if any(not 0x24 <= byte <= 0x7E for byte in name):
        raise RefusalError(b"\xfb")
    if name in TAKEN:
        raise RefusalError(b"\xfa")
    if version >= 31600:
        yield b"\x0cNULL SECRET ", b"\xf7"
        yield from model_authentication(reader)
    group = b"#" + name + b"#d1"
    # Who knows this daemon is told its own version, and 2 x 64 KiB as a size that is surely taken.
    told = b"\x05\x00\x02" if flags < 0x80 and flags & 0x02 else b"\x04\x04\x00"
    yield b"\x01" + told[: 3 if version >= 31500 else 2] + bytes((len(group),)) + group, b""


def model_authentication(reader: Reader) -> Iterator[tuple[bytes, bytes]]:
    choice = reader.take(90)
    names = [choice[at : at + 30].split(b"\0")[0] for at in (0, 30, 60)]
    names = names[: names.index(b"")] if b"" in names else names
    if not names or not {b"NULL", b"SECRET"}.issuperset(names):
        raise RefusalError(b"\xf7")
    right = True
    for name in names:
        if name == b"SECRET":
            passed = reader.take(len(SECRET)) == SECRET
            right = right and passed
            yield (b"\x01" if passed else b"\x00"), b"\xf7"
    if not right:
        raise RefusalError(b"\xf7")


# Conversations: mostly legal, so that all states are reached, then damaged anywhere.

versions = st.one_of(
    st.sampled_from([b"\x04\x04\x00", b"\x03\x10\x00", b"\x03\x0f\x00", b"\x03\x0e", b"\x03\x01"]),
    st.binary(min_size=2, max_size=3),
)
names = st.one_of(
    st.sampled_from([b"", b"alice", b"taken", b"~" * 10]),
    st.text(st.characters(min_codepoint=0x24, max_codepoint=0x7E), max_size=10).map(str.encode),
    st.binary(max_size=11),
)
slots = st.sampled_from([b"NULL", b"SECRET", b"", b"NULL\0rest", b"IP", b"S" * 30])
choices = st.lists(slots, min_size=3, max_size=3).map(
    lambda chosen: b"".join(slot.ljust(30, b"\0") for slot in chosen)
)
secrets = st.lists(st.sampled_from([SECRET, b"wrong"]), max_size=3).map(b"".join)
flags = st.integers(0, 255).map(lambda flag: bytes((flag,)))
counted_names = names.map(lambda name: bytes((len(name),)) + name)
conversations = st.tuples(
    versions, flags, counted_names, choices, secrets, st.binary(max_size=200)
).map(b"".join)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Draw a conversation with a byte changed, or cut short."""
    data = bytearray(draw(conversations))
    at = draw(st.integers(0, len(data) - 1))
    if draw(st.booleans()):
        data[at] = draw(st.integers(0, 255))
    else:
        del data[at:]
    return bytes(data)


inputs = st.one_of(conversations, damaged(), st.binary(max_size=300))


@st.composite
def cut(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """Draw an input and one way to cut it into portions, empty ones included."""
    data = draw(inputs)
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=20)))
    bounds = [0, *cuts, len(data)]
    return data, [data[a:b] for a, b in pairwise(bounds)]


@unhurried
@given(inputs)
def test_handshake_says_what_the_model_says(data: bytes) -> None:
    assert converse([data]) == model(data)


@unhurried
@given(cut())
def test_any_cut_gives_the_same_conversation(sample: tuple[bytes, list[bytes]]) -> None:
    data, portions = sample

    assert converse(portions) == converse([data])


@unhurried
@given(inputs)
def test_single_bytes_give_the_same_conversation(data: bytes) -> None:
    assert converse([bytes((byte,)) for byte in data]) == converse([data])


@unhurried
@given(cut())
def test_less_than_one_unit_is_ever_buffered(sample: tuple[bytes, list[bytes]]) -> None:
    _, portions = sample

    assert converse(portions).most_buffered < LARGEST_UNIT


@unhurried
@given(inputs)
def test_every_refusal_ends_in_a_known_code_or_says_nothing(data: bytes) -> None:
    said = converse([data])

    assert said.accepted or said.replies[-1:] in (b"", b"\xf7", b"\xf9", b"\xfa", b"\xfb")

"""What clients send, as strategies: requests and messages of all kinds, good and malformed."""

from dataclasses import dataclass
from itertools import pairwise

from hypothesis import strategies as st

from tests.daemon.harness import wire

__all__ = [
    "GROUPS",
    "PRIVATE_GROUPS",
    "Sent",
    "kills",
    "malformed",
    "messages",
    "pieces_of",
    "requests",
]

PRIVATE_GROUPS = tuple(b"#%s#d1" % name for name in (b"alice", b"bob", b"carol", b"a", b"al"))

# Prefixes of each other, an empty one, 31 bytes, one that fills its field, bytes behind the NUL.
GROUPS = (b"g", b"g2", b"", b"group", b"g" * 31, b"f" * 32, b"g\0junk", b"\xff\x01 ", b"#group")
NOBODY = b"#nobody#d1"

SERVICES = (wire.UNRELIABLE, wire.RELIABLE, wire.FIFO, wire.CAUSAL, wire.AGREED, wire.SAFE)

# Offset and bytes of the header; each makes a little-endian message malformed.
DAMAGES = (
    (0, b"\x80\0\0\x80"),  # No service.
    (0, b"\xb0\0\0\x80"),  # Two services.
    (0, b"\x90\0\1\x80"),  # A service and a request.
    (0, b"\x90\x10\0\x80"),  # A membership message.
    (0, b"\x90\0\x08\x80"),  # Between daemons.
    (0, b"\x90\0\x40\x80"),  # A reject.
    (4, b"#mallory#d1\0"),
    (4, b"#" * 32),
    (36, b"\x65\0\0\0"),  # 101 groups.
    (36, b"\xff\xff\xff\xff"),
    (40, b"\x81\0\0\x80"),
    (44, b"\xff\xff\xff\xff"),
    (44, b"\x51\x32\x02\0"),  # 143,953 bytes.
)


@dataclass(frozen=True)
class Sent:
    """A frame whose sender is still to be put in."""

    type: int
    groups: tuple[bytes, ...]
    data: bytes = b""
    mess_type: int = 0
    order: wire.Order = "little"
    overwrite: tuple[int, bytes] = (0, b"")

    def by(self, private_group: bytes) -> bytes:
        """Return the bytes of the frame as the session of this private group sends it."""
        frame = bytearray(
            wire.encode_frame(
                wire.Frame(
                    self.type,
                    wire.padded(private_group),
                    self.groups,
                    wire.hint_bytes(self.mess_type, self.order),
                    self.data,
                    self.order,
                )
            )
        )
        offset, replacement = self.overwrite
        frame[offset : offset + len(replacement)] = replacement
        return bytes(frame)


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    """Cut the bytes at these places, taken modulo their number."""
    places = sorted({0, len(data)} | {cut % (len(data) + 1) for cut in cuts})
    return [data[start:end] for start, end in pairwise(places)]


orders = st.sampled_from(("little", "little", "big"))
# Half of all is about two groups, so that they have members.
names = st.one_of(st.sampled_from(GROUPS[:2]), st.sampled_from(GROUPS))
destinations = st.one_of(names, st.sampled_from((*GROUPS, *PRIVATE_GROUPS, NOBODY)))
bodies = st.one_of(
    st.binary(max_size=40),
    st.builds(
        lambda byte, size: byte * size, st.binary(min_size=1, max_size=1), st.integers(0, 3_000)
    ),
)
large_bodies = st.builds(
    lambda byte, size: byte * size,
    st.binary(min_size=1, max_size=1),
    st.integers(60_000, 143_952 - 32 * 100),
)
group_lists = st.one_of(
    st.lists(destinations, max_size=4),
    st.lists(destinations, min_size=40, max_size=100),
)


def messages(*, large: bool = True) -> st.SearchStrategy[Sent]:
    """Data messages to groups and private groups; sometimes above the size of a packet."""
    return st.builds(
        Sent,
        type=st.builds(
            lambda service, others: service | others,
            st.sampled_from(SERVICES),
            st.sampled_from((0, 0, wire.SELF_DISCARD, 0x01000000, 0x40000000)),
        ),
        groups=group_lists.map(tuple),
        data=st.one_of(bodies, bodies, bodies, large_bodies) if large else bodies,
        mess_type=st.one_of(st.just(666), st.integers(-0x8000, 0x7FFF)),
        order=orders,
        overwrite=st.sampled_from(((0, b""), (0, b""), (30, b"junk"))),
    )


requests = st.builds(
    Sent,
    type=st.sampled_from((wire.JOIN, wire.JOIN, wire.LEAVE)),
    groups=st.one_of(
        st.tuples(names),
        st.tuples(names),
        st.lists(names, max_size=3).map(tuple),
    ),
    data=st.sampled_from((b"", b"", b"", b"ignored")),
    order=orders,
)

kills = st.builds(
    Sent,
    type=st.just(wire.KILL),
    groups=st.lists(destinations, max_size=2).map(tuple),
    order=orders,
)

malformed = st.builds(
    Sent,
    type=st.just(wire.AGREED),
    groups=st.just((b"g",)),
    data=st.just(b"body"),
    overwrite=st.sampled_from(DAMAGES),
)

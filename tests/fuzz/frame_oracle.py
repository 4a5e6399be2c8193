"""What a session's stream of frames leads to, by the protocol page alone.

The session is a member of what it joined in the stream, and its own messages come back to it. A
few combinations of type bits are not decided by the page: behind one of them nothing is judged.
"""

from dataclasses import dataclass, field
from typing import Literal

from tests.daemon.harness import wire

__all__ = ["SIZE_MAX", "Expectation", "expected_of", "normalised"]

Outcome = Literal["served", "closed", "cut", "undecided"]

GROUPS_MAX = 100
SIZE_MAX = 143_952
HINT_MASK = 0x80FFFF80
REQUESTS = wire.JOIN | wire.LEAVE | wire.KILL
REFUSED_WITH_DATA = 0x3F00 | 0x80000 | wire.REJECT  # Membership, between daemons, reject.
UNDECIDED = 0x4000 | 0x8000 | 0x100000 | 0x200000


@dataclass
class Expectation:
    """`served`: all was taken; `closed`: the daemon ends it; `cut`: the last frame is incomplete.

    `echoes` are the own messages that come back, in order; when the session ends, those still
    queued may be lost. `frames` counts what was judged, the fatal one included.
    """

    outcome: Outcome = "served"
    echoes: list[bytes] = field(default_factory=list)
    frames: int = 0
    joined: set[bytes] = field(default_factory=set)


def expected_of(stream: bytes, private_group: bytes) -> Expectation:
    result = Expectation()
    offset = 0
    while offset < len(stream):
        head = stream[offset : offset + wire.HEADER_SIZE]
        if len(head) < wire.HEADER_SIZE:
            result.outcome = "cut"
            return result
        result.frames += 1
        verdict = _verdict(head, private_group)
        if verdict != "served":
            result.outcome = verdict
            return result
        size = wire.frame_size(head)
        assert size is not None
        if offset + size > len(stream):
            result.outcome = "cut"
            return result
        frame = wire.decode_frame(stream[offset : offset + size])
        if frame.type & wire.KILL:
            result.outcome = "closed"
            return result
        _take(frame, private_group, result)
        offset += size
    return result


def normalised(frame: wire.Frame) -> bytes:
    """Return a data message as a receiver gets it, without the bytes behind the sender's name."""
    return wire.encode_frame(
        wire.Frame(
            frame.type,
            wire.padded(wire.stripped(frame.name)),
            frame.groups,
            frame.hint,
            frame.data,
        )
    )


def _verdict(head: bytes, private_group: bytes) -> Outcome:
    type_word, order = wire.read_type(head)
    service = (type_word & wire.SERVICES).bit_count()
    request = (type_word & REQUESTS).bit_count()
    if service + request != 1:
        return "closed"
    if wire.stripped(head[4:36]) != private_group:
        return "closed"
    groups = int.from_bytes(head[36:40], order, signed=True)
    size = int.from_bytes(head[44:48], order, signed=True)
    if not 0 <= groups <= GROUPS_MAX or size < 0 or size + wire.NAME_SIZE * groups > SIZE_MAX:
        return "closed"
    if _hint_word(head[40:44]) & ~HINT_MASK:
        return "closed"
    if service and type_word & REFUSED_WITH_DATA:
        return "closed"
    if type_word & UNDECIDED or (request and type_word & REFUSED_WITH_DATA):
        return "undecided"
    return "served"


def _hint_word(hint: bytes) -> int:
    little = int.from_bytes(hint, "little")
    return little if little & wire.MARKER == wire.MARKER else int.from_bytes(hint, "big")


def _take(frame: wire.Frame, private_group: bytes, result: Expectation) -> None:
    names = frame.group_names
    if frame.type & (wire.JOIN | wire.LEAVE):
        # A name that fills its field is no name; one that begins with # is never a destination.
        if names and len(names[0]) < wire.NAME_SIZE:
            change = result.joined.add if frame.type & wire.JOIN else result.joined.discard
            change(names[0])
        return
    if frame.type & wire.SELF_DISCARD:
        return
    if any(
        name == private_group if name.startswith(b"#") else name in result.joined for name in names
    ):
        result.echoes.append(normalised(frame))

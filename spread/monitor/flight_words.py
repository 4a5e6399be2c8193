"""What a packet of the flight recorder is, in words."""

from collections.abc import Sequence
from ipaddress import IPv4Address
from typing import Final

from spread.monitor.flight_file import FLAG_NAMES, TARGET_SEGMENT, Direction, Flag, Kind, PacketNote

__all__ = ["kind_name", "meaning", "peer_of"]

FAULTS: Final = {
    1: "dropped: of another protocol, or too short",
    2: "dropped: of a classic daemon or monitor",
    3: "dropped: of another version",
    4: "dropped: of another configuration",
    5: "dropped: damaged on its way",
    6: "dropped: it does not hold together",
    64: "dropped: a monitor's partition is in force",
    65: "of another daemon with this daemon's name",
}

_CONTENTS: Final[dict[int, str]] = {
    Kind.TOKEN: "no {note.number}, round {note.tail}, seq {note.second}, "
    "{note.lag} packets in this round, {note.size} bytes",
    Kind.TOKEN_ACK: "has token {note.number}",
    Kind.WANT: "asks for the token, has seen no {note.number}",
    Kind.PING: "whether anybody listens",
    Kind.PIECE: "piece {note.tail} of a packet of {note.second} bytes",
    Kind.MEASURE: "whether {note.number} bytes arrive",
    Kind.MEASURED: "{note.number} bytes arrived",
    Kind.ALIVE: "is alive, ring {ring}",
    Kind.JOIN: "wants to form a ring, is in ring {ring}",
    Kind.REFER: "names who leads, ring {ring}",
    Kind.FORM1: "first walk of a new ring, from ring {ring}",
    Kind.FORM2: "second walk of a new ring, from ring {ring}",
    Kind.FORM_ACK: "has the packet that forms a ring, is in ring {ring}",
    Kind.LEAVE: "leaves ring {ring}",
}


def kind_name(note: PacketNote) -> str:
    """Return the kind's name; a datagram that is not ours has none."""
    if 0 < note.fault <= 3:
        return "OTHER"
    try:
        return Kind(note.kind).name
    except ValueError:
        return f"KIND {note.kind}"


def peer_of(note: PacketNote, names: Sequence[str]) -> str:
    """Return who sent it, or for whom it is."""
    if 0 < note.fault <= 4:
        return "?"
    if note.direction in (Direction.IN, Direction.JOINED):
        return name_of(note.transmitter, names)
    if note.direction == Direction.CUT:
        return "all"
    return "segment" if note.target == TARGET_SEGMENT else name_of(note.target, names)


def name_of(number: int, names: Sequence[str]) -> str:
    """Return a daemon's name."""
    return names[number] if number < len(names) else f"daemon {number}"


def meaning(note: PacketNote, names: Sequence[str]) -> str:
    """Return what the packet says, its flags, and why it was dropped if it was."""
    parts = [] if 0 < note.fault <= 5 else [_content(note, names)]
    flags = Flag(note.flags & 31)
    if not 0 < note.fault <= 5:
        parts += [words for flag, words in FLAG_NAMES.items() if flag in flags]
    if note.direction == Direction.JOINED:
        parts.append("put together from pieces")
    if note.direction == Direction.CUT:
        parts.append("goes in pieces")
    if note.fault:
        parts.append(FAULTS.get(note.fault, f"dropped: {note.fault}"))
    return ", ".join(each for each in parts if each)


def _content(note: PacketNote, names: Sequence[str]) -> str:
    if note.kind == Kind.DATA:
        of = "" if note.origin == note.transmitter else f" of {name_of(note.origin, names)}"
        return f"seq {note.number}{of}"
    ring = f"{IPv4Address(note.leader)}/{note.ring_time}"
    template = _CONTENTS.get(note.kind, "")
    return template.format(note=note, ring=ring)

"""Tables of the page on ring packets, made from what the code says of itself.

The header's fields come from `spread._packets.LAYOUT`. What the compiled modules have in their
contracts only, the token's body, is taken from there as it stands. The bodies of control packets
are described here, in `BODIES`, by the names of the dataclasses that the daemon makes of them; a
test reads packets with these descriptions and compares what the daemon's own codec says.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from spread._packets import FAULT_TEXTS, FLAGS, KINDS, LAYOUT, PacketHeader, make_packet
from spread.daemon.membership.packets import Role

__all__ = ["BODIES", "NUMBER_SIZES", "PARTS", "Part", "ring_sections"]

SPREAD: Final = Path(__file__).resolve().parents[1] / "spread"


@dataclass(frozen=True, slots=True)
class Part:
    """A field of a control packet: one `form`, or as many as `count` says.

    `form` is a key of `NUMBER_SIZES` or `PARTS`, or "bytes". `count` is empty for a single one,
    "u8" if a byte with the number of them stands in front, else the name of the field that tells.
    """

    name: str
    form: str
    meaning: str
    count: str = ""


NUMBER_SIZES: Final = {"u8": 1, "u16": 2, "u32": 4, "u64": 8}

PARTS: Final = {
    "attempt": (
        Part("creator", "u8", "daemon that began it"),
        Part("time", "u32", "of the creator; grows with each of its attempts"),
        Part("incarnation", "u64", "of the creator"),
    ),
    "ring": (
        Part("leader", "u32", "daemon id of the leader"),
        Part("time", "u32", "of the formation"),
    ),
    "heard": (
        Part("daemon", "u8", "heard of late"),
        Part("incarnation", "u64", "that was heard of it"),
    ),
    "rep": (
        Part("daemon", "u8", "that speaks for its segment or ring"),
        Part("role", "u8", "see the table of roles"),
    ),
    "old ring": (
        Part("ring", "ring", "its id"),
        Part("stable", "u64", "every member of it has all packets up to here"),
        Part("high", "u64", "the highest seq that a member of it knows of"),
        Part("transitional_time", "u32", "of its transitional configuration; 0: not named yet"),
        Part("obligations", "bytes", "bit i: packets of daemon i must be delivered", "16"),
        Part(
            "have",
            "bytes",
            "bit i: somebody has packet stable + 1 + i",
            "(high - stable + 7) / 8",
        ),
    ),
    "member": (
        Part("daemon", "u8", "that has added itself"),
        Part("incarnation", "u64", "of this daemon"),
        Part("counter", "u64", "of its control packets when it added itself"),
        Part("old_ring", "u8", "place among the old rings of the one it comes from"),
    ),
}
"""What the bodies are made of."""

_FORM: Final = (
    Part("id", "attempt", "which attempt this is"),
    Part("hop", "u16", "grows by one with each hop of a pass"),
    Part("next_rep", "u8", "place of the representative that is asked next"),
    Part("ring", "ring", "id of the new ring; 0, 0: not named yet"),
    Part("old_ring_count", "u8", ""),
    Part("member_count", "u8", ""),
    Part("pending", "u8", "daemons that still have to add themselves", "u8"),
    Part("reps", "rep", "representatives", "u8"),
    Part("withdrawn", "u8", "daemons that left the attempt", "u8"),
    Part("old_rings", "old ring", "what is known of the rings that members come from",
         "old_ring_count"),
    Part("members", "member", "who takes part", "member_count"),
)  # fmt: skip

BODIES: Final = {
    "ALIVE": (
        Part("heard", "heard", "daemons heard in this period", "u8"),
        Part("failed", "u8", "daemons known to be dead", "u8"),
    ),
    "JOIN": (
        Part("role", "u8", "what the sender speaks for, see the table of roles"),
        Part("is_probe", "u8", "1 if the sender's ring works and looks for others, else 0"),
        Part("members", "u8", "daemons that the sender speaks for", "u8"),
        Part("reps", "rep", "representatives that the sender knows of", "u8"),
        Part("heard", "heard", "daemons heard of late", "u8"),
        Part("failed", "u8", "daemons known to be dead", "u8"),
    ),
    "REFER": (
        Part("daemon", "u8", "to talk to instead"),
        Part("role", "u8", "what it speaks for"),
    ),
    "FORM1": _FORM,
    "FORM2": _FORM,
    "FORM_ACK": (
        Part("id", "attempt", "which attempt"),
        Part("is_second_pass", "u8", "0 for FORM1, 1 for FORM2"),
        Part("hop", "u16", "the one that has arrived"),
    ),
    "LEAVE": (),
}
"""The bodies of control packets; FORM1 and FORM2 have the same."""

_PURPOSES: Final = {
    "DATA": ("the ring", "data", "a piece of the messages in their order"),
    "TOKEN": ("the successor", "token", "the right to send, and who has what"),
    "TOKEN_ACK": ("the predecessor", "data", "the token has arrived"),
    "WANT": ("the leader", "data", "something waits to be sent: let the token go"),
    "PING": ("successor and leader", "data", "this daemon lives"),
    "PIECE": ("as the packet", "data", "a part of a packet that may not pass whole"),
    "MEASURE": ("the ring", "data", "does a datagram of this size arrive?"),
    "MEASURED": ("who sent a MEASURE", "data", "it does"),
    "ALIVE": ("own segment", "data", "this daemon has no ring"),
    "JOIN": ("representatives, or own segment", "data", "form a ring with me and mine"),
    "REFER": ("who sent a JOIN", "data", "talk to this representative instead"),
    "FORM1": ("next on the path", "token", "gathers members and what they hold"),
    "FORM2": ("next on the path", "token", "tells all of them what was gathered"),
    "FORM_ACK": ("previous on the path", "data", "this hop has arrived"),
    "LEAVE": ("every other member", "data", "this daemon stops"),
}

_FLAG_MEANINGS: Final = {
    "POST": ("DATA", "sent after the token of its visit"),
    "RETRANS": ("DATA", "sent again because somebody asked"),
    "RECOVERY": ("DATA", "of an old ring, for members of the ring that forms"),
    "RESEND": ("TOKEN", "a copy; who passed this token on does so again if that may be lost"),
    "GRANT": ("TOKEN", "handed to who asked for it, past the order of the ring"),
    "FORWARDED": ("DATA, MEASURE", "sent on into a segment, and not to be sent on again"),
}

_ROLE_MEANINGS: Final = {
    "POTENTIAL": "a daemon that may be a representative and has not said so",
    "SEG_REP": "the daemons of its segment that have no ring",
    "RING_REP": "the members of its ring",
}


def ring_sections() -> dict[str, str]:
    """Return the generated parts of the page by name, as Markdown."""
    return {
        "header": _layout("every kind"),
        "example": _example(),
        "kinds": _kinds(),
        "flags": _flags(),
        "headers by kind": _layouts_by_kind(),
        "token": _contract("_token.pxd"),
        "bodies": _bodies(),
        "roles": _table(
            ("number", "role", "speaks for"),
            ((f"{role.value}", role.name, _ROLE_MEANINGS[role.name]) for role in Role),
        ),
        "faults": _table(
            ("number", "the datagram is"),
            ((f"{number}", text) for number, text in enumerate(FAULT_TEXTS) if number),
        ),
    }


def _layout(kinds: str) -> str:
    rows = ((f"{row.offset}", f"{row.size}", row.name, row.meaning)
            for row in LAYOUT if row.kinds == kinds)  # fmt: skip
    return _table(("offset", "size", "field", "meaning"), rows)


def _example() -> str:
    """Show a small DATA packet as a dump, 16 bytes a line."""
    header = PacketHeader(1, flags=33, origin=1, transmitter=2, leader=0x0A000001, time=0x65432100,
                          number=258, second=77, lag=5, tail=0)  # fmt: skip
    packet = make_packet(header, 0x1122334455667788, b"payload")
    places = range(0, len(packet), 16)
    lines = (f"{place:3}  {packet[place : place + 16].hex(' ')}" for place in places)
    return "```\n" + "\n".join(lines) + "\n```"


def _layouts_by_kind() -> str:
    names = dict.fromkeys(row.kinds for row in LAYOUT if row.kinds != "every kind")
    return "\n\n".join(f"### {name}\n\n{_layout(name)}" for name in names)


def _kinds() -> str:
    rows = ((f"{number}", name, *_PURPOSES[name]) for number, name in KINDS.items())
    return _table(("number", "kind", "goes to", "port", "says"), rows)


def _flags() -> str:
    rows = ((f"{bit:#04x}", name, *_FLAG_MEANINGS[name]) for bit, name in FLAGS.items())
    return _table(("bit", "flag", "of", "meaning"), rows)


def _contract(name: str) -> str:
    """Return the indented block with the layout in the contract of a compiled module."""
    lines = (SPREAD / name).read_text(encoding="utf-8").split('"""')[1].splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("    offset"))
    block = lines[start:]
    end = next((number for number, line in enumerate(block) if not line.strip()), len(block))
    return "```\n" + "\n".join(line.removeprefix("    ") for line in block[:end]) + "\n```"


def _bodies() -> str:
    same: dict[tuple[Part, ...], list[str]] = {}
    for name, parts in BODIES.items():
        same.setdefault(parts, []).append(name)
    tables = [_part_table(", ".join(names), parts) for parts, names in same.items()]
    return "\n\n".join([*tables, *(_part_table(f"*{name}*", PARTS[name]) for name in PARTS)])


def _part_table(name: str, parts: tuple[Part, ...]) -> str:
    if not parts:
        return f"### {name}\n\nNothing."
    rows = ((part.name, _form_of(part), part.meaning) for part in parts)
    return f"### {name}\n\n" + _table(("field", "bytes", "meaning"), rows)


def _form_of(part: Part) -> str:
    if part.form == "bytes":
        return part.count
    one = f"{NUMBER_SIZES[part.form]}" if part.form in NUMBER_SIZES else f"*{part.form}*"
    if part.count == "u8":
        return f"1 (n), then n x {one}"
    return f"{part.count} x {one}" if part.count else one


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (" | ".join(cells).strip() for cells in rows)
    ruler = " | ".join("---" for _ in head)
    return "\n".join(f"| {line} |" for line in (" | ".join(head), ruler, *lines))

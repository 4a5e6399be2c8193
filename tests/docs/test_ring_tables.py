"""The tables of the page on ring packets describe what the daemon's codecs write."""

from collections.abc import Mapping

import pytest

from docs.ring_tables import BODIES, NUMBER_SIZES, PARTS, Part, ring_sections
from spread._packets import KINDS
from spread.daemon.membership import codec
from spread.daemon.membership.packets import (
    Alive,
    Form,
    FormAck,
    FormId,
    FormMember,
    Heard,
    Join,
    Leave,
    OldRing,
    Packet,
    Refer,
    Role,
)

Value = int | bytes | list["Value"] | dict[str, "Value"]

DAEMONS = 9
ATTEMPT = FormId(creator=3, time=0x01020304, incarnation=0x05060708_090A0B0C)


def form(*, is_second_pass: bool) -> Form:
    """Return a form of two members from one old ring and one from another."""
    first, second = (0x0A000001, 1_700_000_000), (0x0A000009, 1_600_000_000)
    return Form(
        id=ATTEMPT,
        hop=1,
        is_second_pass=is_second_pass,
        members=[
            FormMember(1, 0x1111, 0x2222, first),
            FormMember(3, 0x3333, 0x4444, first),
            FormMember(8, 0x5555, 0x6666, second),
        ],
        pending=[] if is_second_pass else [5, 6],
        reps=[] if is_second_pass else [(3, Role.SEG_REP), (7, Role.RING_REP)],
        next_rep=0 if is_second_pass else 1,
        old_rings=[
            OldRing(first, 100, 111, b"\x55\x05", [1, 3], [1, 3, 4], 77 * is_second_pass),
            OldRing(second, 5, 5, b"", [8], [8]),
        ],
        ring=(0x0A000001, 1_700_000_009) if is_second_pass else None,
    )


EXAMPLES: Mapping[str, Packet] = {
    "ALIVE": Alive(heard=(Heard(2, 1 << 40), Heard(5, 7)), failed=(0, 8)),
    "JOIN": Join(
        role=Role.RING_REP,
        members=(1, 2, 3),
        reps=((4, Role.POTENTIAL), (5, Role.SEG_REP)),
        heard=(Heard(6, 1 << 50),),
        failed=(7,),
        is_probe=True,
    ),
    "REFER": Refer(daemon=4, role=Role.SEG_REP),
    "FORM1": form(is_second_pass=False),
    "FORM2": form(is_second_pass=True),
    "FORM_ACK": FormAck(ATTEMPT, is_second_pass=True, hop=300),
    "LEAVE": Leave(),
}


class Walk:
    """Reads a body by the tables alone."""

    def __init__(self, body: bytes) -> None:
        self.rest = body

    def fields(self, parts: tuple[Part, ...]) -> dict[str, Value]:
        values: dict[str, Value] = {}
        for part in parts:
            values[part.name] = self._field(part, values)
        return values

    def _field(self, part: Part, above: dict[str, Value]) -> Value:
        if not part.count:
            return self._one(part.form)
        if part.count == "u8":
            return [self._one(part.form) for _ in range(self._number(1))]
        count = self._count(part.count, above)
        if part.form == "bytes":
            return self._take(count)
        return [self._one(part.form) for _ in range(count)]

    def _count(self, text: str, above: dict[str, Value]) -> int:
        numbers = {name: value for name, value in above.items() if isinstance(value, int)}
        return int(eval(text, {}, numbers))

    def _one(self, form: str) -> Value:
        if form in NUMBER_SIZES:
            return self._number(NUMBER_SIZES[form])
        return self.fields(PARTS[form])

    def _number(self, size: int) -> int:
        return int.from_bytes(self._take(size), "little")

    def _take(self, size: int) -> bytes:
        assert size <= len(self.rest)
        taken, self.rest = self.rest[:size], self.rest[size:]
        return taken


def shown(packet: object) -> Value:
    """Return what the tables should make of a packet of the daemon's, or of a part of one."""
    match packet:
        case Form():
            return _shown_form(packet)
        case OldRing():
            return _shown_old_ring(packet)
        case (int(daemon), Role() as role):
            return {"daemon": daemon, "role": int(role)}
        case int():
            return int(packet)
        case tuple() | list():
            return [shown(each) for each in packet]
        case _:
            return {name: shown(getattr(packet, name)) for name in packet.__slots__}  # type: ignore[attr-defined]


def _shown_form(packet: Form) -> Value:
    rings = [each.ring for each in packet.old_rings]
    return {
        "id": shown(packet.id),
        "hop": packet.hop,
        "next_rep": packet.next_rep,
        "ring": _shown_ring(packet.ring or (0, 0)),
        "old_ring_count": len(packet.old_rings),
        "member_count": len(packet.members),
        "pending": shown(packet.pending),
        "reps": shown(packet.reps),
        "withdrawn": shown(packet.withdrawn),
        "old_rings": shown(packet.old_rings),
        "members": [
            {
                "daemon": each.daemon,
                "incarnation": each.incarnation,
                "counter": each.counter,
                "old_ring": rings.index(each.old_ring),
            }
            for each in packet.members
        ],
    }


def _shown_old_ring(entry: OldRing) -> Value:
    return {
        "ring": _shown_ring(entry.ring),
        "stable": entry.stable,
        "high": entry.high,
        "transitional_time": entry.transitional_time,
        "obligations": sum(1 << daemon for daemon in entry.obligations).to_bytes(16, "little"),
        "have": entry.have,
    }


def _shown_ring(ring: tuple[int, int]) -> Value:
    return {"leader": ring[0], "time": ring[1]}


@pytest.mark.parametrize("kind", EXAMPLES)
def test_the_tables_read_what_the_daemon_writes(kind: str) -> None:
    packet = EXAMPLES[kind]
    body = codec.encode(packet)

    walk = Walk(body)
    values = walk.fields(BODIES[kind])

    assert values == shown(packet)
    assert walk.rest == b""


@pytest.mark.parametrize("kind", EXAMPLES)
def test_the_examples_are_packets_that_a_daemon_takes(kind: str) -> None:
    packet = EXAMPLES[kind]
    number = {name: number for number, name in KINDS.items()}[kind]

    assert codec.kind_of(packet) == number
    assert codec.decode(number, codec.encode(packet), DAEMONS) == packet


def test_every_control_packet_has_a_table_and_every_part_is_used() -> None:
    used = {part.form for parts in (*BODIES.values(), *PARTS.values()) for part in parts}

    assert list(BODIES) == [name for number, name in KINDS.items() if number >= 16]
    assert used == {*PARTS, *NUMBER_SIZES, "bytes"}


def test_no_section_is_empty() -> None:
    assert [name for name, text in ring_sections().items() if not text.strip()] == []

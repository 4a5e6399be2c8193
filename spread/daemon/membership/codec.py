"""The bodies of control packets as bytes, little-endian.

    ALIVE      heard, daemons failed
    JOIN       role u8, is a probe u8, daemons members, reps, heard, daemons failed
    REFER      daemon u8, role u8
    FORM1, 2   attempt, hop u16, next rep u8, ring (0, 0: not named), count u8 of old rings,
               count u8 of members, daemons pending, reps, daemons withdrawn, old rings, members
    FORM_ACK   attempt, is the second pass u8, hop u16
    LEAVE      nothing

    daemons    count u8, then each a number u8         ring      leader u32, time u32
    reps       count u8, then each number u8, role u8  attempt   creator u8, time u32,
    heard      count u8, then each number u8,                    incarnation u64
               incarnation u64
    member     number u8, incarnation u64, counter u64, place of its old ring in the form u8
    old ring   ring, stable u64, high u64, transitional time u32 (0: not set),
               obligations 16 bytes (bit i is daemon i), have: (high - stable + 7) / 8 bytes

The transitional set of an old ring does not travel: it is the members that come from it.

A packet from us is always right: what does not fit its field is our bug. Bytes from a peer may be
anything: they are a packet that holds together, or MalformedError.
"""

from collections.abc import Sequence
from struct import Struct
from typing import Any, Final

from spread.daemon.membership.packets import (
    DAEMONS_MAX,
    HAVE_BITS_MAX,
    OLD_RINGS_MAX,
    Alive,
    Form,
    FormAck,
    FormId,
    FormMember,
    Heard,
    Join,
    Kind,
    Leave,
    OldRing,
    Packet,
    Refer,
    Role,
)
from spread.errors import PeerError

__all__ = ["BODY_SIZE_MAX", "FORM_SIZE_MAX", "MalformedError", "decode", "encode", "kind_of"]

BYTE: Final = Struct("<B")
PAIR: Final = Struct("<BB")
HEARD: Final = Struct("<BQ")
ATTEMPT: Final = Struct("<BIQ")
ATTEMPT_TIME: Final = Struct("<IQ")
FORM: Final = Struct("<HBIIBB")
MEMBER: Final = Struct("<BQQB")
MEMBER_REST: Final = Struct("<QQB")
OLD_RING: Final = Struct(f"<IIQQI{DAEMONS_MAX // 8}s")
HOP: Final = Struct("<H")
LONG: Final = Struct("<Q")
UNNAMED: Final = (0, 0)

BODY_SIZE_MAX: Final = 65_507 - 64
"""Bytes of a body: the largest UDP datagram over IPv4 without the header of a packet."""

FORM_SIZE_MAX: Final = (
    ATTEMPT.size  # 13
    + FORM.size  # 13
    + (BYTE.size + DAEMONS_MAX)  # 129, pending
    + (BYTE.size + DAEMONS_MAX * PAIR.size)  # 257, reps
    + (BYTE.size + DAEMONS_MAX)  # 129, withdrawn
    + OLD_RINGS_MAX * (OLD_RING.size + HAVE_BITS_MAX // 8)  # 128 * (44 + 256)
    + DAEMONS_MAX * MEMBER.size  # 128 * 18
)
"""Bytes of the largest form: 41,245, below the largest datagram."""

HOPS_MAX: Final = 2 * DAEMONS_MAX
"""Hops of one pass, and then some: each daemon is visited once."""

SEQ_MAX: Final = (1 << 63) - 1
"""No ring lives to number so many packets; below it, sums with a window cannot wrap round."""


class MalformedError(PeerError):
    """A control packet does not hold together; it is counted and dropped."""


def kind_of(packet: Packet) -> Kind:
    """Return the kind that a packet travels as."""
    match packet:
        case Form(is_second_pass=True):
            return Kind.FORM2
        case Form():
            return Kind.FORM1
        case _:
            return _KINDS[type(packet)]


def encode(packet: Packet) -> bytes:
    """Return the body of a packet; send it as `kind_of(packet)`."""
    match packet:
        case Alive():
            return _heard(packet.heard) + _daemons(packet.failed)
        case Join():
            head = PAIR.pack(packet.role, packet.is_probe)
            who = _daemons(packet.members) + _reps(packet.reps)
            return head + who + _heard(packet.heard) + _daemons(packet.failed)
        case Refer():
            return PAIR.pack(packet.daemon, packet.role)
        case Form():
            return _form(packet)
        case FormAck():
            return _attempt(packet.id) + BYTE.pack(packet.is_second_pass) + HOP.pack(packet.hop)
        case _:  # LEAVE says it all by its kind.
            return b""


def decode(kind: int, body: bytes, daemon_count: int) -> Packet:
    """Return the packet of this kind that `body` holds.

    Every daemon in it is one of the `daemon_count` configured ones, no list repeats one, and the
    parts of a Form agree with each other. Raises MalformedError, and nothing else, otherwise.
    """
    reader = _Reader(body, daemon_count)
    packet: Packet
    match kind:
        case Kind.ALIVE:
            packet = Alive(heard=reader.heard(), failed=reader.daemons())
        case Kind.JOIN:
            packet = _read_join(reader)
        case Kind.REFER:
            packet = Refer(reader.daemon(), reader.role())
        case Kind.FORM1 | Kind.FORM2:
            packet = _read_form(reader, is_second_pass=kind == Kind.FORM2)
        case Kind.FORM_ACK:
            packet = FormAck(reader.attempt(), reader.flag(), *reader.fields(HOP))
        case Kind.LEAVE:
            packet = Leave()
        case _:
            raise MalformedError(f"control packet of unknown kind {kind}")
    reader.end()
    return packet


# -- Writing --------------------------------------------------------------------------------------

_KINDS: Final = {
    Alive: Kind.ALIVE,
    Join: Kind.JOIN,
    Refer: Kind.REFER,
    FormAck: Kind.FORM_ACK,
    Leave: Kind.LEAVE,
}


def _daemons(numbers: Sequence[int]) -> bytes:
    return bytes((len(numbers), *numbers))


def _reps(reps: Sequence[tuple[int, Role]]) -> bytes:
    return BYTE.pack(len(reps)) + b"".join(PAIR.pack(daemon, role) for daemon, role in reps)


def _heard(heard: Sequence[Heard]) -> bytes:
    entries = (HEARD.pack(each.daemon, each.incarnation) for each in heard)
    return BYTE.pack(len(heard)) + b"".join(entries)


def _attempt(attempt: FormId) -> bytes:
    return ATTEMPT.pack(attempt.creator, attempt.time, attempt.incarnation)


def _form(form: Form) -> bytes:
    places = {entry.ring: place for place, entry in enumerate(form.old_rings)}
    leader, time = form.ring or UNNAMED
    counts = len(form.old_rings), len(form.members)
    return b"".join(
        (
            _attempt(form.id),
            FORM.pack(form.hop, form.next_rep, leader, time, *counts),
            _daemons(form.pending),
            _reps(form.reps),
            _daemons(form.withdrawn),
            *map(_old_ring, form.old_rings),
            *(
                MEMBER.pack(each.daemon, each.incarnation, each.counter, places[each.old_ring])
                for each in form.members
            ),
        )
    )


def _old_ring(entry: OldRing) -> bytes:
    mask = sum(1 << daemon for daemon in set(entry.obligations))
    obligations = mask.to_bytes(DAEMONS_MAX // 8, "little")
    fixed = (*entry.ring, entry.stable, entry.high, entry.transitional_time, obligations)
    return OLD_RING.pack(*fixed) + entry.have


# -- Reading --------------------------------------------------------------------------------------


class _Reader:
    """A place in a body, and the checks that need nothing but the field itself."""

    def __init__(self, body: bytes, daemon_count: int) -> None:
        self._body = body
        self._offset = 0
        self._daemon_count = daemon_count

    def take(self, size: int) -> bytes:
        end = self._offset + size
        _require(end <= len(self._body), "ends within a field")
        part = self._body[self._offset : end]
        self._offset = end
        return part

    def end(self) -> None:
        _require(self._offset == len(self._body), "has bytes behind its end")

    def fields(self, layout: Struct) -> tuple[Any, ...]:
        return layout.unpack(self.take(layout.size))

    def byte(self) -> int:
        return self.take(1)[0]

    def flag(self) -> bool:
        value = self.byte()
        _require(value <= 1, "has a flag that is neither 0 nor 1")
        return value == 1

    def daemon(self) -> int:
        number = self.byte()
        _require(number < self._daemon_count, "names a daemon that is not configured")
        return number

    def role(self) -> Role:
        value = self.byte()
        _require(value <= max(Role), "names an unknown role")
        return Role(value)

    def attempt(self) -> FormId:
        creator = self.daemon()
        time, incarnation = self.fields(ATTEMPT_TIME)
        return FormId(creator, time, incarnation)

    def daemons(self) -> tuple[int, ...]:
        numbers = tuple(self.daemon() for _ in range(self.byte()))
        _require_distinct(numbers)
        return numbers

    def reps(self) -> tuple[tuple[int, Role], ...]:
        reps = tuple((self.daemon(), self.role()) for _ in range(self.byte()))
        _require_distinct([daemon for daemon, _ in reps])
        return reps

    def heard(self) -> tuple[Heard, ...]:
        heard = tuple(Heard(self.daemon(), *self.fields(LONG)) for _ in range(self.byte()))
        _require_distinct([each.daemon for each in heard])
        return heard

    def obligations(self, mask: bytes) -> list[int]:
        bits = int.from_bytes(mask, "little")
        _require(bits >> self._daemon_count == 0, "names a daemon that is not configured")
        return [daemon for daemon in range(self._daemon_count) if bits >> daemon & 1]


def _read_join(reader: _Reader) -> Join:
    role, is_probe = reader.role(), reader.flag()
    return Join(
        role=role,
        is_probe=is_probe,
        members=reader.daemons(),
        reps=reader.reps(),
        heard=reader.heard(),
        failed=reader.daemons(),
    )


def _read_form(reader: _Reader, *, is_second_pass: bool) -> Form:
    attempt = reader.attempt()
    hop, next_rep, leader, time, ring_count, member_count = reader.fields(FORM)
    _require(ring_count <= OLD_RINGS_MAX, "has too many old rings")
    form = Form(id=attempt, hop=hop, next_rep=next_rep, is_second_pass=is_second_pass)
    form.ring = None if (leader, time) == UNNAMED else (leader, time)
    form.pending.extend(reader.daemons())
    form.reps.extend(reader.reps())
    form.withdrawn.extend(reader.daemons())
    form.old_rings.extend(_read_old_ring(reader) for _ in range(ring_count))
    form.members.extend(_read_member(reader, form.old_rings) for _ in range(member_count))
    _check_form(form)
    if is_second_pass:
        _check_second_pass(form)
    else:
        _check_first_pass(form)
    return form


def _read_old_ring(reader: _Reader) -> OldRing:
    leader, time, stable, high, transitional_time, obligations = reader.fields(OLD_RING)
    count = high - stable
    is_possible = 0 <= count <= HAVE_BITS_MAX and high <= SEQ_MAX
    _require(is_possible, "has an old ring with an impossible range")
    have = reader.take((count + 7) // 8)
    _require(int.from_bytes(have, "little") >> count == 0, "has a packet outside its range")
    return OldRing(
        ring=(leader, time),
        stable=stable,
        high=high,
        have=have,
        transitional=[],
        obligations=reader.obligations(obligations),
        transitional_time=transitional_time,
    )


def _read_member(reader: _Reader, old_rings: Sequence[OldRing]) -> FormMember:
    daemon = reader.daemon()
    incarnation, counter, place = reader.fields(MEMBER_REST)
    _require(place < len(old_rings), "has a member from an old ring that it does not have")
    old_rings[place].transitional.append(daemon)
    return FormMember(daemon, incarnation, counter, old_rings[place].ring)


def _check_form(form: Form) -> None:
    members = [each.daemon for each in form.members]
    _require_distinct(members)
    _require(form.id.creator in members, "lacks the creator of its form")
    _require_distinct([entry.ring for entry in form.old_rings])
    for entry in form.old_rings:
        _require(len(entry.transitional) > 0, "has an old ring that nobody comes from")
        _require(
            set(entry.transitional) <= set(entry.obligations), "has a member without obligation"
        )


def _check_first_pass(form: Form) -> None:
    _require(form.next_rep <= len(form.reps), "awaits a representative that it does not have")
    _require(form.hop < HOPS_MAX, "has made more hops than there are daemons")
    coming = [*form.pending, *(daemon for daemon, _ in form.reps[form.next_rep :])]
    _require_distinct([each.daemon for each in form.members] + coming + form.withdrawn)
    _require_distinct(form.pending + [daemon for daemon, _ in form.reps])
    is_named = form.ring is not None or any(each.transitional_time for each in form.old_rings)
    _require(not is_named, "names rings before everybody is known")


def _check_second_pass(form: Form) -> None:
    is_complete = not (form.pending or form.reps or form.next_rep or form.withdrawn)
    _require(is_complete, "awaits somebody although complete")
    _require(form.hop < len(form.members), "has more hops than members")
    members = [each.daemon for each in form.members]
    _require(members == sorted(members), "has members out of order")
    _require(
        (form.ring is None) == (form.hop == 0), "has a ring that its first member did not name"
    )
    named_by = set(members[: form.hop])
    for entry in form.old_rings:
        is_named = entry.transitional_time != 0
        _require(
            is_named == (not named_by.isdisjoint(entry.transitional)),
            "has a transitional configuration that its first member did not name",
        )


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise MalformedError(f"control packet {what}")


def _require_distinct(values: Sequence[object]) -> None:
    _require(len(set(values)) == len(values), "names the same twice")

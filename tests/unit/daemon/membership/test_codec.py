"""Control packets as bytes: known layouts, and what is refused."""

from dataclasses import replace
from struct import pack

import pytest

from spread.daemon.membership.codec import (
    BODY_SIZE_MAX,
    FORM_SIZE_MAX,
    MalformedError,
    decode,
    encode,
    kind_of,
)
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

COUNT = 6  # Configured daemons.
ATTEMPT = FormId(creator=1, time=1000, incarnation=77)
RING_A = (0x0A000001, 500)
RING_B = (0x0A000003, 600)
NEW_RING = (0x0A000001, 1002)


def first_pass() -> Form:
    """Return a FORM1 with daemons 1, 0 and 2, without 3; 4 is pending and 5 the next rep."""
    return Form(
        id=ATTEMPT,
        hop=3,
        members=[
            FormMember(1, 77, 5, RING_A),
            FormMember(0, 78, 6, RING_A),
            FormMember(2, 79, 7, RING_B),
        ],
        pending=[4],
        reps=[(2, Role.SEG_REP), (5, Role.RING_REP)],
        next_rep=1,
        withdrawn=[3],
        old_rings=[
            OldRing(RING_A, 10, 19, bytes([0xFF, 0x01]), [1, 0], [0, 1, 3]),
            OldRing(RING_B, 4, 4, b"", [2], [2]),
        ],
    )


def second_pass(hop: int = 1) -> Form:
    """Return the FORM2 of the members 0, 1 and 2, as it comes to the member in place `hop`."""
    form = first_pass()
    form.members.sort(key=lambda each: each.daemon)
    form.old_rings[0].transitional.sort()
    form.pending, form.reps, form.next_rep, form.withdrawn = [], [], 0, []
    form.is_second_pass, form.hop = True, hop
    if hop > 0:
        form.ring = NEW_RING
        form.old_rings[0].transitional_time = 1001
    return form


ALIVE = Alive(heard=(Heard(1, 77), Heard(3, 2**64 - 1)), failed=(2, 0))
JOIN = Join(
    role=Role.RING_REP,
    members=(0, 1),
    reps=((0, Role.RING_REP), (4, Role.POTENTIAL)),
    heard=(Heard(4, 9),),
    failed=(5,),
    is_probe=True,
)
PACKETS: list[tuple[Packet, Kind]] = [
    (ALIVE, Kind.ALIVE),
    (JOIN, Kind.JOIN),
    (Refer(3, Role.SEG_REP), Kind.REFER),
    (first_pass(), Kind.FORM1),
    (second_pass(), Kind.FORM2),
    (second_pass(hop=0), Kind.FORM2),
    (FormAck(ATTEMPT, True, 258), Kind.FORM_ACK),
    (Leave(), Kind.LEAVE),
]


def refusal(kind: int, body: bytes) -> str:
    with pytest.raises(MalformedError) as caught:
        decode(kind, body, COUNT)
    assert isinstance(caught.value, PeerError)
    return str(caught.value)


def refusal_of(packet: Packet) -> str:
    return refusal(kind_of(packet), encode(packet))


@pytest.mark.parametrize(("packet", "kind"), PACKETS, ids=lambda each: getattr(each, "name", ""))
def test_a_packet_comes_back_as_it_was_sent(packet: Packet, kind: Kind) -> None:
    assert kind_of(packet) is kind
    assert decode(kind, encode(packet), COUNT) == packet


@pytest.mark.parametrize(
    ("packet", "body"),
    [
        (ALIVE, "02 01 4d00000000000000 03 ffffffffffffffff 02 02 00"),
        (JOIN, "02 01 02 00 01 02 00 02 04 00 01 04 0900000000000000 01 05"),
        (Refer(3, Role.SEG_REP), "03 01"),
        (FormAck(ATTEMPT, True, 258), "01 e8030000 4d00000000000000 01 0201"),
        (Leave(), ""),
        (
            first_pass(),
            "01 e8030000 4d00000000000000 0300 01 00000000 00000000 02 03"
            "01 04 02 02 01 05 02 01 03"
            "0100000a f4010000 0a00000000000000 1300000000000000 00000000"
            "0b000000000000000000000000000000 ff01"
            "0300000a 58020000 0400000000000000 0400000000000000 00000000"
            "04000000000000000000000000000000"
            "01 4d00000000000000 0500000000000000 00"
            "00 4e00000000000000 0600000000000000 00"
            "02 4f00000000000000 0700000000000000 01",
        ),
    ],
    ids=["alive", "join", "refer", "ack", "leave", "form"],
)
def test_layouts(packet: Packet, body: str) -> None:
    assert encode(packet) == bytes.fromhex(body)


def test_the_largest_form_fits_a_datagram() -> None:
    daemons = range(DAEMONS_MAX)
    rings = [(number, 1) for number in range(OLD_RINGS_MAX)]
    form = Form(
        id=FormId(0, 1, 1),
        hop=DAEMONS_MAX,
        members=[FormMember(each, 1, 1, rings[each % len(rings)]) for each in daemons],
        old_rings=[
            OldRing(ring, 1, 1 + HAVE_BITS_MAX, bytes(HAVE_BITS_MAX // 8), [], list(daemons))
            for ring in rings
        ],
    )
    for member in form.members:
        form.old_rings[member.daemon % len(rings)].transitional.append(member.daemon)

    body = encode(form)

    # Nobody is both a member and awaited or withdrawn: those lists are empty here.
    assert len(body) + 4 * DAEMONS_MAX == FORM_SIZE_MAX
    assert FORM_SIZE_MAX <= BODY_SIZE_MAX
    assert decode(Kind.FORM1, body, DAEMONS_MAX) == form


@pytest.mark.parametrize(("packet", "kind"), PACKETS, ids=lambda each: getattr(each, "name", ""))
def test_a_packet_that_is_cut_anywhere_is_refused(packet: Packet, kind: Kind) -> None:
    body = encode(packet)

    for size in range(len(body)):
        assert refusal(kind, body[:size]) == "control packet ends within a field"


@pytest.mark.parametrize(("packet", "kind"), PACKETS, ids=lambda each: getattr(each, "name", ""))
def test_bytes_behind_a_packet_are_refused(packet: Packet, kind: Kind) -> None:
    assert refusal(kind, encode(packet) + b"\0") == "control packet has bytes behind its end"


@pytest.mark.parametrize("kind", [0, 15, 23, 127])
def test_a_kind_that_is_not_ours_is_refused(kind: int) -> None:
    assert refusal(kind, b"") == f"control packet of unknown kind {kind}"


@pytest.mark.parametrize(
    ("packet", "text"),
    [
        (Refer(COUNT, Role.SEG_REP), "names a daemon that is not configured"),
        (FormAck(FormId(COUNT, 1, 1), False, 0), "names a daemon that is not configured"),
        (Alive((Heard(COUNT, 1),), ()), "names a daemon that is not configured"),
        (Alive((), (COUNT,)), "names a daemon that is not configured"),
        (Alive((), (1, 1)), "names the same twice"),
        (Alive((Heard(1, 1), Heard(1, 2)), ()), "names the same twice"),
        (replace(JOIN, members=(0, 0)), "names the same twice"),
        (replace(JOIN, reps=((0, Role.SEG_REP), (0, Role.RING_REP))), "names the same twice"),
    ],
)
def test_lists_are_of_different_configured_daemons(packet: Packet, text: str) -> None:
    assert refusal_of(packet) == f"control packet {text}"


def test_an_unknown_role_is_refused() -> None:
    assert refusal(Kind.REFER, b"\x01\x03") == "control packet names an unknown role"


def test_a_flag_that_is_no_truth_value_is_refused() -> None:
    body = encode(FormAck(ATTEMPT, True, 0)).replace(b"\x01\x00\x00", b"\x02\x00\x00")

    assert refusal(Kind.FORM_ACK, body) == "control packet has a flag that is neither 0 nor 1"


# -- Forms ----------------------------------------------------------------------------------------


def test_a_form_without_its_creator_is_refused() -> None:
    form = replace(first_pass(), id=FormId(3, 1000, 77))

    assert refusal_of(form) == "control packet lacks the creator of its form"


def test_a_form_with_a_member_twice_is_refused() -> None:
    form = first_pass()
    form.members.append(FormMember(0, 1, 1, RING_B))

    assert refusal_of(form) == "control packet names the same twice"


def test_a_form_with_an_old_ring_twice_is_refused() -> None:
    form = first_pass()
    body = encode(form).replace(pack("<II", *RING_B), pack("<II", *RING_A))

    assert refusal(Kind.FORM1, body) == "control packet names the same twice"


def test_a_form_with_too_many_old_rings_is_refused() -> None:
    form = first_pass()
    form.old_rings = [OldRing((1, time), 0, 0, b"", [], []) for time in range(OLD_RINGS_MAX + 1)]
    form.members = []

    assert refusal_of(form) == "control packet has too many old rings"


def test_a_form_with_an_old_ring_of_nobody_is_refused() -> None:
    form = first_pass()
    form.old_rings.append(OldRing((1, 1), 0, 0, b"", [], []))

    assert refusal_of(form) == "control packet has an old ring that nobody comes from"


def test_a_member_from_a_ring_that_is_not_there_is_refused() -> None:
    body = bytearray(encode(first_pass()))
    body[-1] = 2

    assert refusal(Kind.FORM1, bytes(body)) == (
        "control packet has a member from an old ring that it does not have"
    )


@pytest.mark.parametrize(
    ("stable", "high"), [(5, 4), (0, HAVE_BITS_MAX + 1), (0, 2**64 - 1), (2**63, 2**63)]
)
def test_an_impossible_range_of_packets_is_refused(stable: int, high: int) -> None:
    form = first_pass()
    form.old_rings[1].stable, form.old_rings[1].high = stable, high

    assert refusal_of(form) == "control packet has an old ring with an impossible range"


def test_a_packet_held_outside_the_range_is_refused() -> None:
    form = first_pass()
    form.old_rings[0].have = bytes([0xFF, 0x02])

    assert refusal_of(form) == "control packet has a packet outside its range"


def test_an_obligation_to_a_daemon_that_is_not_configured_is_refused() -> None:
    form = first_pass()
    form.old_rings[0].obligations.append(COUNT)

    assert refusal_of(form) == "control packet names a daemon that is not configured"


def test_a_member_to_whom_nothing_is_owed_is_refused() -> None:
    form = first_pass()
    form.old_rings[0].obligations = [0]

    assert refusal_of(form) == "control packet has a member without obligation"


def test_a_rep_behind_the_last_is_refused() -> None:
    form = replace(first_pass(), next_rep=3)

    assert refusal_of(form) == "control packet awaits a representative that it does not have"


@pytest.mark.parametrize(
    "pending", [[0], [5], [3], [4, 4]], ids=["member", "rep", "withdrawn", "twice"]
)
def test_a_pending_daemon_that_stands_elsewhere_is_refused(pending: list[int]) -> None:
    form = replace(first_pass(), pending=pending)

    assert refusal_of(form) == "control packet names the same twice"


def test_a_pending_daemon_that_was_there_as_a_rep_is_refused() -> None:
    form = replace(
        first_pass(), reps=[(4, Role.SEG_REP), (5, Role.RING_REP)], next_rep=1, pending=[4]
    )

    assert refusal_of(form) == "control packet names the same twice"


def test_an_awaited_rep_that_is_a_member_is_refused() -> None:
    form = replace(first_pass(), next_rep=0)

    assert refusal_of(form) == "control packet names the same twice"


def test_a_first_pass_that_names_the_new_ring_is_refused() -> None:
    form = replace(first_pass(), ring=NEW_RING)

    assert refusal_of(form) == "control packet names rings before everybody is known"


def test_a_first_pass_with_a_transitional_time_is_refused() -> None:
    form = first_pass()
    form.old_rings[1].transitional_time = 1

    assert refusal_of(form) == "control packet names rings before everybody is known"


@pytest.mark.parametrize(
    "form",
    [
        replace(second_pass(), pending=[4]),
        replace(second_pass(), reps=[(4, Role.SEG_REP)]),
        replace(second_pass(), next_rep=1),
        replace(second_pass(), withdrawn=[4]),
    ],
    ids=["pending", "reps", "next rep", "withdrawn"],
)
def test_a_second_pass_that_awaits_somebody_is_refused(form: Form) -> None:
    assert refusal_of(form) == "control packet awaits somebody although complete"


def test_a_second_pass_with_more_hops_than_members_is_refused() -> None:
    assert refusal_of(replace(second_pass(), hop=3)) == "control packet has more hops than members"


def test_a_second_pass_out_of_order_is_refused() -> None:
    form = second_pass()
    form.members.reverse()

    assert refusal_of(form) == "control packet has members out of order"


@pytest.mark.parametrize(
    "form",
    [replace(second_pass(), ring=None), replace(second_pass(hop=0), ring=NEW_RING)],
    ids=["not named", "named too early"],
)
def test_a_second_pass_whose_ring_the_first_member_did_not_name_is_refused(form: Form) -> None:
    assert refusal_of(form) == "control packet has a ring that its first member did not name"


@pytest.mark.parametrize(("place", "time"), [(0, 0), (1, 1001)], ids=["not named", "too early"])
def test_a_transitional_time_that_the_first_member_did_not_set_is_refused(
    place: int, time: int
) -> None:
    form = second_pass()
    form.old_rings[place].transitional_time = time

    assert refusal_of(form) == (
        "control packet has a transitional configuration that its first member did not name"
    )


def test_a_form_with_more_hops_than_there_can_be_is_refused() -> None:
    form = first_pass()
    form.hop = 0xFFFF

    assert refusal_of(form) == "control packet has made more hops than there are daemons"

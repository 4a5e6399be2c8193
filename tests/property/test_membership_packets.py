"""Whatever peers send, membership goes on: no exception, bounded memory, deadlines that come."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from spread.daemon.membership.codec import MalformedError, decode, encode, kind_of
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
from tests.unit.daemon.membership.fleet import WALL_SECONDS, Fleet

SIZES = (2, 2)
COUNT = 4

daemons = st.integers(0, COUNT - 1)
incarnations = st.integers(0, 4)
times = st.integers(WALL_SECONDS - 2, WALL_SECONDS + 6)
rings = st.tuples(st.sampled_from([0x0A000001 + each for each in range(COUNT)]), times)
roles = st.sampled_from(Role)
lists = st.lists(daemons, unique=True).map(tuple)
heard = st.lists(st.builds(Heard, daemons, incarnations), unique_by=lambda each: each.daemon).map(
    tuple
)
reps = st.lists(st.tuples(daemons, roles), unique_by=lambda each: each[0])
attempts = st.builds(FormId, daemons, times, incarnations)

packets = st.one_of(
    st.builds(Alive, heard, lists),
    st.builds(Join, roles, lists, reps.map(tuple), heard, lists, st.booleans()),
    st.builds(Refer, daemons, roles),
    st.builds(FormAck, attempts, st.booleans(), st.integers(0, 4)),
    st.just(Leave()),
)


@st.composite
def sound_forms(draw: st.DrawFn) -> Form:
    """Draw a form that hangs together, at any place of its way."""
    order = draw(st.permutations(range(COUNT)))
    count = draw(st.integers(1, COUNT))
    members = [
        FormMember(each, draw(incarnations), draw(st.integers(0, 50)), draw(rings))
        for each in order[:count]
    ]
    is_second_pass = draw(st.booleans())
    form = Form(draw(attempts), draw(st.integers(0, count)), is_second_pass, members)
    if is_second_pass:
        members.sort(key=lambda each: each.daemon)
        form.hop = draw(st.integers(0, count - 1))
        if form.hop:
            form.ring = 0x0A000001 + members[0].daemon, draw(times)
    else:
        rest = order[count:]
        cut = draw(st.integers(0, len(rest)))
        form.pending = list(rest[:cut])
        form.reps = [(each, draw(roles)) for each in rest[cut:]]
    for ring in dict.fromkeys(each.old_ring for each in members):
        together = [each.daemon for each in members if each.old_ring == ring]
        is_named = (
            is_second_pass
            and members.index(next(each for each in members if each.old_ring == ring)) < form.hop
        )
        form.old_rings.append(
            OldRing(ring, 0, 0, b"", together, together, draw(times) if is_named else 0)
        )
    return form


happenings = st.one_of(
    st.tuples(
        st.just("packet"),
        daemons,
        st.one_of(packets, sound_forms()),
        incarnations,
        rings,
        st.integers(0, 60),
    ),
    st.tuples(st.just("run"), st.integers(1, 1500)),
    st.tuples(st.just("lose"), daemons),
    st.tuples(st.just("unreachable"), daemons),
    st.tuples(st.just("foreign"), daemons, rings),
)


def is_sendable(packet: Packet) -> bool:
    """Whether the compiled core would carry the packet up to the machine's own decoder."""
    try:
        decode(kind_of(packet), encode(packet), COUNT)
    except MalformedError:
        return False
    return True


@settings(max_examples=150, deadline=None)
@given(st.lists(happenings, max_size=30), st.integers(0, 2000))
def test_no_packet_stops_a_daemon(story: list[tuple[Any, ...]], start_ms: int) -> None:
    fleet = Fleet(*SIZES, idle=[2, 3])
    machine = fleet.machines[1]
    fleet.run(start_ms)

    for what, *values in story:
        if what == "packet":
            sender, packet, incarnation, ring, counter = values
            if is_sendable(packet):
                fleet.hear(1, sender, packet, incarnation=incarnation, ring=ring, counter=counter)
        elif what == "run":
            fleet.run(values[0])
        elif what == "lose":
            fleet.lose_token(values[0] % 2)
        elif what == "unreachable":
            machine.unreachable(values[0])
        else:
            machine.foreign_ring(*values)
    fleet.run(60_000)

    # Whatever was said, it has found a ring again, if only its own.
    assert 1 in fleet.rings()[1]

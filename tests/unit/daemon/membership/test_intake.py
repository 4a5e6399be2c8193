"""What single packets do to a daemon in each state, those that nobody should send included."""

import pytest

from spread.daemon.membership.forming import Report, add_member, create, route
from spread.daemon.membership.packets import (
    Alive,
    Form,
    FormAck,
    FormId,
    FormMember,
    Heard,
    Join,
    Leave,
    Refer,
    Role,
)
from spread.daemon.membership.table import State
from tests.unit.daemon.membership.fleet import WALL_SECONDS, Fleet

SECOND = 1000
FAR_AHEAD = WALL_SECONDS + (1 << 21)
ME, PEER, STRANGER = 0, 1, 2


def ring_of_two(*sizes: int) -> Fleet:
    """Daemons 0 and 1 have a ring, the others are only names."""
    fleet = Fleet(*sizes, idle=range(2, sum(sizes)))
    fleet.form()
    fleet.run(20 * SECOND)
    fleet.run_until(lambda: fleet.machines[ME].state is State.OP)
    return fleet


def first_form(fleet: Fleet, creator: int, *reps: tuple[int, Role], time: int = 0) -> Form:
    """Return the FORM1 of an idle daemon, on its way to the first of the others."""
    attempt = FormId(creator, time or WALL_SECONDS + 1000, fleet.incarnations[creator])
    form = create(attempt, [], reps)
    return added(fleet, form, creator)


def added(fleet: Fleet, form: Form, daemon: int, ring: tuple[int, int] | None = None) -> Form:
    """Let an idle daemon put itself on a form."""
    old_ring = ring or (fleet.ids[daemon], 1)
    member = FormMember(daemon, fleet.incarnations[daemon], 1, old_ring)
    assert add_member(form, Report(member, 0, 0, lambda _after, _last: b"", [daemon]))
    route(form)
    return form


def acks(fleet: Fleet, daemon: int) -> int:
    return len(fleet.sent(daemon, FormAck))


# -- Whatever it is --------------------------------------------------------------------------------


def test_a_body_that_does_not_hold_together_is_told_once_a_minute() -> None:
    fleet = ring_of_two(2)

    for _ in range(3):
        fleet.machines[ME].control_packet(16, PEER, fleet.ids[PEER], 1, 99, (0, 0), b"\xff")

    assert fleet.machines[ME].counters["control_malformed"] == 3
    assert len(fleet.logs[ME].causes()) == 1
    fleet.run(61 * SECOND)
    fleet.machines[ME].control_packet(16, PEER, fleet.ids[PEER], 1, 99, (0, 0), b"\xff")
    assert len(fleet.logs[ME].causes()) == 2


def test_a_ring_time_far_ahead_is_ignored_and_told() -> None:
    fleet = ring_of_two(2)

    fleet.hear(ME, PEER, fleet.alive(ME), ring=(1, FAR_AHEAD))

    assert fleet.machines[ME].state is State.OP
    assert "12 days ahead" in fleet.logs[ME].causes()[0]


def test_who_sends_from_another_address_than_a_member_is_told_and_not_heard() -> None:
    fleet = ring_of_two(2)

    fleet.hear(ME, PEER, Leave(), address=0x7F000001)

    assert fleet.machines[ME].state is State.OP
    assert "two running daemons use this name" in fleet.logs[ME].causes()


def test_who_sends_from_another_address_than_the_configured_one_is_told_and_heard() -> None:
    fleet = ring_of_two(3)

    for _ in range(2):
        fleet.hear(ME, STRANGER, fleet.join(Role.SEG_REP, (STRANGER,), ME), address=0x7F000001)

    assert fleet.machines[ME].state is not State.OP
    assert "another address" in fleet.logs[ME].causes()[0]


def test_the_leave_of_a_daemon_outside_the_ring_changes_nothing() -> None:
    fleet = ring_of_two(3)

    fleet.hear(ME, STRANGER, Leave())

    assert fleet.machines[ME].state is State.OP


def test_what_comes_behind_a_leave_is_stale() -> None:
    fleet = ring_of_two(3)
    fleet.hear(ME, STRANGER, Leave())

    fleet.hear(ME, STRANGER, fleet.join(Role.SEG_REP, (STRANGER,), ME))

    assert fleet.machines[ME].state is State.OP
    assert fleet.machines[ME].counters["control_stale"] == 1


def test_the_echo_of_its_own_packets_means_nothing() -> None:
    fleet = ring_of_two(2)

    fleet.hear(ME, ME, fleet.alive(PEER))

    assert fleet.machines[ME].state is State.OP
    assert fleet.machines[ME].counters["control_stale"] == 1


def test_the_later_of_two_daemons_with_one_name_stays_alone() -> None:
    fleet = ring_of_two(2)
    fleet.incarnations[ME] = 5
    fleet.restart(ME, 6)
    fleet.form()

    for _ in range(5):
        fleet.hear(ME, ME, fleet.alive(PEER), incarnation=5)
        fleet.run(400)
    fleet.run(100)

    assert fleet.rings()[ME] == (ME,)
    assert "two running daemons use this name" in fleet.logs[ME].causes()
    sent_count = len(fleet.cores[ME].sent)
    fleet.machines[ME].foreign_ring(PEER, (9, 9))
    fleet.hear(ME, PEER, fleet.join(Role.SEG_REP, (PEER,), ME))
    fleet.run(60 * SECOND)
    assert len(fleet.cores[ME].sent) == sent_count


def test_the_earlier_of_two_daemons_with_one_name_goes_on() -> None:
    fleet = ring_of_two(2)

    for _ in range(5):
        fleet.hear(ME, ME, fleet.alive(PEER), incarnation=9, address=0x7F000001)
        fleet.run(400)

    assert fleet.rings() == [(ME, PEER)] * 2
    assert "two running daemons use this name" in fleet.logs[ME].causes()


def test_a_daemon_that_is_told_of_a_larger_incarnation_twice_stays_alone() -> None:
    fleet = ring_of_two(3)
    for incarnation in (7, 9):
        fleet.hear(ME, STRANGER, Alive((Heard(ME, incarnation),), ()))

    fleet.run(100)

    assert fleet.rings()[ME] == (ME,)
    assert fleet.incarnations[ME] == 8


def test_a_daemon_that_is_told_it_is_double_while_it_searches_stays_alone() -> None:
    fleet = Fleet(2, idle=[PEER])
    for incarnation in (7, 9):
        fleet.hear(ME, PEER, Alive((Heard(ME, incarnation),), ()))
    sent_count = len(fleet.cores[ME].sent)

    fleet.run(2 * SECOND)

    assert fleet.rings()[ME] == (ME,)
    assert len(fleet.cores[ME].sent) == sent_count


def test_an_earlier_incarnation_of_a_member_is_told_that_it_was_here() -> None:
    fleet = ring_of_two(3)
    fleet.hear(ME, STRANGER, Leave(), incarnation=9)

    fleet.hear(ME, STRANGER, fleet.alive(ME), incarnation=3)

    target, probe = fleet.sent(ME, Join)[-1]
    assert target == STRANGER
    assert isinstance(probe, Join)
    assert Heard(STRANGER, 9) in probe.heard
    assert fleet.machines[ME].state is State.OP


def test_a_daemon_that_stays_at_an_earlier_incarnation_is_told_to_the_log() -> None:
    fleet = Fleet(2, idle=[PEER])
    fleet.hear(ME, PEER, Leave(), incarnation=9)

    fleet.hear(ME, PEER, fleet.alive(ME), incarnation=3)
    fleet.run(1100)
    fleet.hear(ME, PEER, fleet.alive(ME), incarnation=3)

    assert any("clock went back" in cause for cause in fleet.logs[ME].causes())


def test_a_member_that_was_never_heard_has_the_incarnation_of_its_form() -> None:
    fleet = Fleet(1, 2)
    fleet.incarnations[2] = 9
    fleet.restart(2, 9)
    fleet.form()
    state = fleet.machines[ME].state

    fleet.hear(ME, 2, fleet.alive(ME), incarnation=3)

    assert fleet.machines[ME].state is state
    assert fleet.machines[ME].counters["control_old"] == 1


# -- ALIVE and JOIN --------------------------------------------------------------------------------


@pytest.mark.parametrize("is_probe", [False, True])
def test_the_join_of_a_member_breaks_the_ring_unless_it_probes_for_it(is_probe: bool) -> None:
    fleet = ring_of_two(3)
    role = Role.RING_REP if is_probe else Role.SEG_REP

    join = fleet.join(role, (PEER,), ME)
    fleet.hear(ME, PEER, join, ring=fleet.machines[ME].ring)

    assert (fleet.machines[ME].state is State.OP) is is_probe


def test_a_leader_that_has_installed_first_may_look_for_others_at_once() -> None:
    fleet = Fleet(3, idle=[STRANGER])
    fleet.installs_rings = False
    fleet.run_until(lambda: fleet.machines[PEER].state is State.EVS)
    forming = fleet.cores[PEER].forming
    assert forming is not None

    fleet.hear(PEER, ME, fleet.join(Role.RING_REP, (ME, PEER), PEER), ring=forming[0])
    passed_over = fleet.machines[PEER].state
    fleet.hear(PEER, ME, fleet.alive(PEER), ring=forming[0])

    assert passed_over is State.EVS
    assert fleet.machines[PEER].state is not State.EVS


def test_an_alive_from_before_the_form_is_stale() -> None:
    fleet = ring_of_two(3)

    fleet.hear(ME, PEER, fleet.alive(ME), counter=1)

    assert fleet.machines[ME].state is State.OP
    assert fleet.machines[ME].counters["control_stale"] == 1


def test_a_working_ring_passes_over_the_alive_of_a_stranger() -> None:
    fleet = ring_of_two(3)

    fleet.hear(ME, STRANGER, fleet.alive(ME))

    assert fleet.machines[ME].state is State.OP


def test_the_leader_answers_a_join_while_the_ring_works() -> None:
    fleet = ring_of_two(2, 1)

    fleet.hear(ME, STRANGER, fleet.join(Role.SEG_REP, (STRANGER,)))
    fleet.run(10)

    assert fleet.machines[ME].state is State.GATHER_ALIVE
    assert STRANGER in [target for target, _ in fleet.sent(ME, Join)]


def test_a_deaf_stranger_gets_one_search_a_second() -> None:
    fleet = ring_of_two(3)
    deaf = fleet.join(Role.SEG_REP, (STRANGER,))
    fleet.hear(ME, STRANGER, deaf)
    fleet.run_until(lambda: fleet.machines[ME].state is State.OP)

    fleet.hear(ME, STRANGER, deaf)
    throttled = fleet.machines[ME].state
    fleet.run(1100)
    fleet.hear(ME, STRANGER, deaf)

    assert throttled is State.OP
    assert fleet.machines[ME].counters["control_throttled"] == 1
    assert fleet.machines[ME].state is State.GATHER_ALIVE


def test_a_member_refers_a_stranger_of_another_segment_to_its_leader() -> None:
    fleet = ring_of_two(2, 1)

    fleet.hear(PEER, STRANGER, fleet.join(Role.SEG_REP, (STRANGER,)))

    assert fleet.sent(PEER, Refer) == [(STRANGER, Refer(ME, Role.RING_REP))]


def test_a_member_leaves_a_stranger_of_its_segment_to_the_leader() -> None:
    fleet = ring_of_two(3)

    fleet.hear(PEER, STRANGER, fleet.join(Role.SEG_REP, (STRANGER,)))

    assert fleet.sent(PEER, Refer) == []


def test_a_represented_daemon_refers_others_to_its_representative() -> None:
    fleet = Fleet(2, 1, idle=[0, 2])
    fleet.hear(1, 0, fleet.join(Role.SEG_REP, (0,), 1))

    fleet.hear(1, 2, fleet.join(Role.SEG_REP, (2,), 1))

    assert fleet.machines[1].state is State.REPRESENTED
    assert fleet.sent(1, Refer) == [(2, Refer(0, Role.SEG_REP))]


def test_a_represented_daemon_that_has_heard_no_representative_refers_nobody() -> None:
    fleet = Fleet(2, 1, idle=[0, 2])
    fleet.hear(1, 0, fleet.alive(1))
    fleet.run(500)

    fleet.hear(1, 2, fleet.join(Role.SEG_REP, (2,), 1))

    assert fleet.machines[1].state is State.REPRESENTED
    assert fleet.sent(1, Refer) == []


def test_a_represented_daemon_waits_on_while_others_search() -> None:
    fleet = Fleet(3, idle=[0, 2])
    fleet.hear(1, 0, fleet.alive(1))
    fleet.run(500)

    for _ in range(4):
        fleet.run(500)
        fleet.hear(1, 0, fleet.alive(1))
    waited = fleet.machines[1].state
    fleet.run(700)

    assert waited is State.REPRESENTED
    assert fleet.machines[1].state is State.SEG


def test_a_representative_that_does_not_hear_gets_one_chance() -> None:
    fleet = Fleet(2, idle=[0])
    deaf = fleet.join(Role.SEG_REP, (0,))
    fleet.hear(1, 0, deaf)
    followed = fleet.machines[1].state
    for _ in range(4):
        fleet.run(200)
        fleet.hear(1, 0, deaf)

    assert followed is State.REPRESENTED
    assert fleet.machines[1].state is State.SEG
    fleet.hear(1, 0, fleet.join(Role.SEG_REP, (0,), 1))
    assert fleet.machines[1].state is State.REPRESENTED


def test_a_join_from_another_segment_waits_until_the_own_is_searched() -> None:
    fleet = Fleet(2, 2, idle=[1, 2, 3])

    fleet.hear(ME, 3, fleet.join(Role.SEG_REP, (3,), ME))
    fleet.run(510)

    assert fleet.machines[ME].state is State.GATHER
    assert 3 in [target for target, _ in fleet.sent(ME, Join)]


def test_a_second_representative_of_the_segment_is_left_to_create() -> None:
    fleet = Fleet(3, idle=[0, 2])
    fleet.run(510)
    first = fleet.join(Role.SEG_REP, (0,), 1)

    for _ in range(10):
        fleet.hear(1, 0, first)
        fleet.run(250)
    patient = fleet.machines[1].state
    fleet.run(1300)

    assert patient is State.GATHER
    assert fleet.sent(1, Form) == []
    fleet.run(1300)
    assert [target for target, _ in fleet.sent(1, Form)] == []
    assert fleet.rings()[1] == (1,)


def test_representatives_are_asked_again_when_the_first_stays_away() -> None:
    fleet = Fleet(1, 2, idle=[0, 2])
    fleet.run(510)
    fleet.hear(1, 0, fleet.join(Role.SEG_REP, (0,), 1))

    fleet.run(1300)

    assert fleet.machines[1].state is State.GATHER
    assert [target for target, _ in fleet.sent(1, Join)][-1] == 0


def test_a_candidate_that_is_silent_gives_way_to_the_next_of_its_segment() -> None:
    fleet = Fleet(1, 3, idle=[1, 2, 3])

    fleet.run(1000)

    assert {target for target, _ in fleet.sent(ME, Join)} == {1, 2, 3}


def test_a_referred_daemon_is_asked() -> None:
    fleet = Fleet(1, 1, 2, idle=[1, 2, 3])

    fleet.hear(ME, 1, Refer(3, Role.SEG_REP))
    fleet.hear(ME, 1, Refer(ME, Role.SEG_REP))
    fleet.run(10)

    assert 3 in [target for target, _ in fleet.sent(ME, Join)]
    assert ME not in [target for target, _ in fleet.sent(ME, Join)]


def test_the_failed_list_of_others_shortens_the_wait() -> None:
    fleet = Fleet(3)
    fleet.form()
    fleet.crash(2)
    fleet.lose_token(0)

    fleet.hear(0, 1, fleet.alive(0, failed=(2,)))
    fleet.run(50)

    assert fleet.rings() == [(0, 1), (0, 1), ()]


def test_after_a_failed_attempt_the_word_of_others_keeps_a_daemon_out() -> None:
    fleet = Fleet(3, idle=[1, 2])
    fleet.hear(0, 1, fleet.alive(0))
    fleet.hear(0, 2, fleet.alive(0))
    assert fleet.machines[0].state is State.FORM
    fleet.run(700)  # Nobody acknowledges.

    fleet.hear(0, 1, fleet.alive(0, failed=(0, 2)))
    fleet.hear(0, 2, fleet.join(Role.SEG_REP, (2,), 0))

    assert fleet.machines[0].counters["kept_out"] == 1


# -- Hints -----------------------------------------------------------------------------------------


def test_the_data_of_a_member_in_a_later_ring_breaks_the_own() -> None:
    fleet = ring_of_two(3)
    leader, time = fleet.machines[ME].ring

    fleet.machines[ME].foreign_ring(PEER, (leader, time))
    fleet.machines[ME].foreign_ring(PEER, (leader, FAR_AHEAD))
    unbroken = fleet.machines[ME].state
    fleet.machines[ME].foreign_ring(PEER, (leader, time + 1))

    assert unbroken is State.OP
    assert fleet.machines[ME].state is State.SEG


def test_hints_start_one_search_a_second() -> None:
    fleet = ring_of_two(3)
    fleet.machines[ME].foreign_ring(STRANGER, (9, 9))
    fleet.run_until(lambda: fleet.machines[ME].state is State.OP)

    fleet.machines[ME].foreign_ring(STRANGER, (9, 9))
    throttled = fleet.machines[ME].state
    fleet.run(1100)
    fleet.machines[ME].foreign_ring(STRANGER, (9, 9))

    assert throttled is State.OP
    assert fleet.machines[ME].state is State.GATHER_ALIVE


def test_a_hint_during_a_search_adds_whom_to_ask() -> None:
    fleet = ring_of_two(2, 2)
    fleet.hear(ME, 2, fleet.join(Role.SEG_REP, (2,)))
    fleet.run(20)

    fleet.machines[ME].foreign_ring(3, (9, 9))
    fleet.run(20)

    assert fleet.sent(ME, Join)[-1][0] == 3


def test_hints_about_members_and_without_a_ring_are_ignored() -> None:
    fleet = ring_of_two(3)
    fleet.hear(ME, PEER, Refer(PEER, Role.RING_REP))
    assert fleet.machines[ME].state is State.OP
    fleet.lose_token(ME)

    fleet.machines[ME].foreign_ring(STRANGER, (9, 9))

    assert fleet.machines[ME].state is State.SEG


# -- FORM ------------------------------------------------------------------------------------------


def test_a_form_time_far_ahead_is_ignored_and_told() -> None:
    fleet = Fleet(2, idle=[PEER])

    fleet.hear(ME, PEER, first_form(fleet, PEER, (ME, Role.SEG_REP), time=FAR_AHEAD))

    assert acks(fleet, ME) == 0
    assert fleet.machines[ME].counters["clock_ahead"] == 1


def test_a_form_that_comes_twice_is_acknowledged_twice_and_filled_once() -> None:
    fleet = Fleet(2, idle=[PEER])
    for _ in range(2):
        fleet.hear(ME, PEER, first_form(fleet, PEER, (ME, Role.SEG_REP)))

    assert acks(fleet, ME) == 2
    assert fleet.cores[ME].calls.count("freeze") == 1


def test_a_form_for_somebody_else_is_ignored() -> None:
    fleet = Fleet(3, idle=[PEER, STRANGER])

    fleet.hear(ME, PEER, first_form(fleet, PEER, (STRANGER, Role.SEG_REP)))

    assert acks(fleet, ME) == 0
    assert fleet.machines[ME].counters["form_ignored"] == 1


def test_a_form_older_than_the_ring_is_ignored_and_its_creator_told_the_time() -> None:
    fleet = ring_of_two(3)
    fleet.lose_token(ME)
    acknowledged = acks(fleet, ME)

    fleet.hear(ME, STRANGER, first_form(fleet, STRANGER, (ME, Role.SEG_REP), time=5))

    assert acks(fleet, ME) == acknowledged
    assert fleet.sent(ME, Alive)[-1][0] == STRANGER
    assert fleet.machines[ME].state is State.SEG


def test_a_form_older_than_a_working_ring_is_ignored() -> None:
    fleet = ring_of_two(3)
    sent_count = len(fleet.cores[ME].sent)

    fleet.hear(ME, STRANGER, first_form(fleet, STRANGER, (ME, Role.RING_REP), time=5))

    assert len(fleet.cores[ME].sent) == sent_count
    assert fleet.machines[ME].state is State.OP


def test_a_form_with_a_restarted_daemon_that_claims_the_old_ring_is_ignored() -> None:
    fleet = ring_of_two(3)
    ring = fleet.machines[ME].ring
    fleet.lose_token(ME)
    fleet.incarnations[PEER] = 9
    form = first_form(fleet, STRANGER, (PEER, Role.SEG_REP), (ME, Role.SEG_REP))
    form = create(form.id, [], [(PEER, Role.SEG_REP), (ME, Role.SEG_REP)])
    form = added(fleet, form, STRANGER)
    # The order of representatives is that of their numbers.
    form.reps.reverse()
    form = added(fleet, form, PEER, ring)

    fleet.hear(ME, PEER, form)

    assert fleet.machines[ME].counters["form_ignored"] == 1


def test_a_leader_that_has_just_looked_fills_a_form_and_one_that_has_not_does_not() -> None:
    fleet = ring_of_two(3)
    form = first_form(fleet, STRANGER, (ME, Role.RING_REP))
    fleet.hear(ME, STRANGER, form)
    unasked = fleet.machines[ME].state
    fleet.run(70 * SECOND)
    fleet.hear(ME, STRANGER, fleet.join(Role.SEG_REP, (STRANGER,), ME))
    fleet.run_until(lambda: fleet.machines[ME].state is State.OP)
    form = first_form(fleet, STRANGER, (ME, Role.RING_REP), time=WALL_SECONDS + 2000)
    fleet.run(1000)

    fleet.hear(ME, STRANGER, form)

    assert unasked is State.OP
    assert fleet.machines[ME].state is State.FORM
    assert fleet.sent(ME, Form)[-1][0] == PEER


@pytest.mark.parametrize(
    ("daemon", "role"), [(ME, Role.SEG_REP), (PEER, Role.RING_REP), (PEER, Role.SEG_REP)]
)
def test_a_working_ring_comes_by_its_leader_or_not_at_all(daemon: int, role: Role) -> None:
    fleet = ring_of_two(3)
    fleet.machines[ME].foreign_ring(STRANGER, (9, 9))

    fleet.hear(daemon, STRANGER, first_form(fleet, STRANGER, (daemon, role)))

    assert fleet.machines[daemon].state in (State.OP, State.GATHER_ALIVE)


@pytest.mark.parametrize("brings_leader", [False, True])
def test_a_member_follows_its_leader_onto_a_form(brings_leader: bool) -> None:
    fleet = ring_of_two(3)
    form = first_form(fleet, STRANGER, (ME, Role.RING_REP))
    if brings_leader:
        member = FormMember(ME, 1, 99, fleet.machines[ME].ring)
        assert add_member(form, Report(member, 0, 0, lambda _after, _last: b"", [ME]), [PEER])
        route(form)
    else:
        form.reps.clear()
        form.pending = [PEER]

    fleet.hear(PEER, STRANGER, form)

    assert (fleet.machines[PEER].state is State.FORM) is brings_leader


def test_form2_of_another_attempt_is_ignored() -> None:
    fleet = Fleet(2, idle=[0])
    fleet.hear(1, 0, first_form(fleet, 0, (1, Role.SEG_REP)))
    other = first_form(fleet, 0, (1, Role.SEG_REP), time=WALL_SECONDS + 2000)
    other = added(fleet, other, 1, fleet.machines[1].ring)
    other.ring = fleet.ids[0], WALL_SECONDS + 3000
    other.old_rings[0].transitional_time = WALL_SECONDS + 2999
    route(other)

    fleet.hear(1, 0, other)

    assert fleet.machines[1].state is State.FORM
    assert fleet.machines[1].counters["form_ignored"] == 1


def test_an_acknowledgement_of_another_hop_stops_nothing() -> None:
    fleet = Fleet(2, idle=[PEER])
    fleet.hear(ME, PEER, fleet.alive(ME))
    sent = fleet.sent(ME, Form)

    form = sent[-1][1]
    assert isinstance(form, Form)
    fleet.hear(ME, PEER, FormAck(form.id, True, form.hop))
    fleet.run(40)
    again = len(fleet.sent(ME, Form))
    fleet.hear(ME, PEER, FormAck(form.id, False, form.hop))
    fleet.run(100)

    assert again == len(sent) + 1
    assert len(fleet.sent(ME, Form)) == again


def test_a_member_that_gives_up_the_attempt_ends_it_for_those_it_was_told_to() -> None:
    fleet = Fleet(3, idle=[PEER, STRANGER])
    fleet.hear(ME, PEER, first_form(fleet, PEER, (ME, Role.SEG_REP), (STRANGER, Role.SEG_REP)))
    waiting = fleet.machines[ME].state

    fleet.hear(ME, PEER, fleet.alive(ME), counter=50)

    assert waiting is State.FORM
    assert fleet.machines[ME].state is State.SEG


def test_a_form_that_is_never_finished_is_given_up() -> None:
    fleet = Fleet(2, idle=[0])
    fleet.hear(1, 0, first_form(fleet, 0, (1, Role.SEG_REP)))
    second = fleet.sent(1, Form)[-1][1]
    assert isinstance(second, Form)
    fleet.hear(1, 0, FormAck(second.id, True, second.hop))

    fleet.run(1249)
    waiting = fleet.machines[1].state
    fleet.run(2)

    assert waiting is State.FORM
    assert fleet.machines[1].state is State.SEG

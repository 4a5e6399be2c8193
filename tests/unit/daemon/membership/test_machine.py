"""Membership as a whole: rings form, break, shrink, merge and form again."""

import pytest

from spread.daemon.membership.intake import LEFT
from spread.daemon.membership.packets import Alive, Form, FormAck, Join, Leave, Packet, Refer
from spread.daemon.membership.settings import NetworkSettings
from spread.daemon.membership.table import State
from tests.unit.daemon.membership.fleet import MS, Fleet


@pytest.mark.parametrize("sizes", [(2,), (5,), (2, 2), (1, 1, 1), (3, 1, 2)])
def test_daemons_that_start_together_form_one_ring_without_waiting(sizes: tuple[int, ...]) -> None:
    fleet = Fleet(*sizes)

    fleet.run(100)

    everybody = tuple(range(sum(sizes)))
    assert fleet.rings() == [everybody] * len(everybody)
    assert len({machine.ring for machine in fleet.machines}) == 1
    assert fleet.machines[0].ring[0] == fleet.ids[0]


def test_many_daemons_start_at_once() -> None:
    fleet = Fleet(40)

    fleet.run(200)

    assert fleet.rings() == [tuple(range(40))] * 40


def test_a_daemon_that_is_not_there_is_waited_for_once() -> None:
    fleet = Fleet(3, idle=[2])

    fleet.run(1700)
    before = fleet.rings()
    fleet.run(100)

    assert before == [(), (), ()]
    assert fleet.rings() == [(0, 1), (0, 1), ()]


def test_a_daemon_alone_serves_its_clients_after_it_has_looked_around() -> None:
    fleet = Fleet(2, idle=[1])

    fleet.run(1800)

    assert fleet.rings()[0] == (0,)
    assert "start" not in fleet.cores[0].calls


def test_a_silent_member_is_given_up_after_two_rounds_without_a_word() -> None:
    fleet = Fleet(3)
    fleet.form()
    fleet.crash(2)

    fleet.lose_token(0, 1)
    fleet.run(990)
    before = fleet.rings()
    fleet.run(50)

    assert before == [(), (), ()]
    assert fleet.rings() == [(0, 1), (0, 1), ()]


@pytest.mark.parametrize("sizes", [(3,), (1, 2), (1, 1, 1)])
def test_a_member_that_cannot_be_reached_is_replaced_at_once(sizes: tuple[int, ...]) -> None:
    fleet = Fleet(*sizes)
    fleet.form()
    fleet.crash(2)

    fleet.machines[1].unreachable(2)
    fleet.run(100)

    assert fleet.rings() == [(0, 1), (0, 1), ()]


@pytest.mark.parametrize("sizes", [(3,), (1, 2), (2, 1)])
def test_a_member_that_leaves_is_replaced_at_once(sizes: tuple[int, ...]) -> None:
    fleet = Fleet(*sizes)
    fleet.form()

    fleet.machines[2].leave()
    fleet.run(100)

    assert fleet.rings()[:2] == [(0, 1), (0, 1)]
    assert fleet.machines[2].next_deadline_ns == 0


def test_a_ring_that_was_lost_because_a_member_left_says_so() -> None:
    fleet = Fleet(3)
    fleet.form()

    fleet.lose_token(0)  # It misses the member before the word of it has come.
    fleet.machines[2].leave()
    fleet.run(3000)

    assert fleet.machines[0].installed.numbers == (0, 1)
    assert fleet.machines[0].last_ending[0] == f"{LEFT}: d2"


def test_troubles_and_counters_are_for_those_who_watch() -> None:
    fleet = Fleet(2)
    fleet.form()

    fleet.machines[0].multicast_missed(1)

    assert fleet.machines[0].troubles[1][0] == "multicast_lost"
    assert fleet.machines[0].counters["multicast_lost"] == 1


def test_who_has_left_answers_nothing() -> None:
    fleet = Fleet(2)
    fleet.form()
    fleet.machines[1].leave()
    sent_count = len(fleet.cores[1].sent)

    fleet.run(100)
    fleet.lose_token(1, reason=4)

    assert len(fleet.cores[1].sent) == sent_count
    assert fleet.cores[1].calls[-1] == "lost"


def test_a_restart_breaks_the_ring_before_the_token_is_missed() -> None:
    fleet = Fleet(3)
    fleet.form()
    ring = fleet.machines[0].ring

    fleet.restart(1)
    fleet.run(100)

    assert fleet.rings() == [(0, 1, 2)] * 3
    assert fleet.machines[0].ring > ring


def test_a_restart_in_another_segment_is_seen_by_its_join() -> None:
    fleet = Fleet(2, 2)
    fleet.form()

    fleet.restart(3)
    fleet.run(2000)

    assert fleet.rings() == [(0, 1, 2, 3)] * 4


@pytest.mark.parametrize("late", [0, 2])
def test_a_late_daemon_joins_a_working_ring(late: int) -> None:
    fleet = Fleet(3, idle=[late])
    fleet.form()
    lost_count = [core.calls.count("lost") for core in fleet.cores]

    fleet.start(late)
    fleet.run(600)

    assert fleet.rings() == [(0, 1, 2)] * 3
    # The ring went on until the new one was there.
    assert [core.calls.count("lost") for core in fleet.cores][1] == lost_count[1]


@pytest.mark.parametrize("sizes", [(4,), (2, 2), (1, 1, 2)])
def test_parts_find_each_other_soon_after_a_partition(sizes: tuple[int, ...]) -> None:
    fleet = Fleet(*sizes)
    fleet.form()
    fleet.blocks = lambda source, target, _: (source < 2) != (target < 2)
    fleet.lose_token(0, 2)
    fleet.run_until(lambda: fleet.rings() == [(0, 1), (0, 1), (2, 3), (2, 3)])

    fleet.blocks = lambda _source, _target, _: False
    fleet.run(8000)

    assert fleet.rings() == [(0, 1, 2, 3)] * 4


def test_traffic_of_another_ring_starts_a_merge() -> None:
    fleet = Fleet(2, 1)
    fleet.form()
    fleet.blocks = lambda source, target, _: (source < 2) != (target < 2)
    fleet.lose_token(0, 2)
    fleet.run_until(lambda: fleet.rings() == [(0, 1), (0, 1), (2,)])
    fleet.run(20_000)

    fleet.blocks = lambda _source, _target, _: False
    fleet.machines[0].foreign_ring(2, fleet.machines[2].ring)
    fleet.run(100)

    assert fleet.rings() == [(0, 1, 2)] * 3


def test_a_member_tells_its_leader_of_traffic_that_only_its_segment_gets() -> None:
    fleet = Fleet(1, 2, 1)
    fleet.form()
    fleet.blocks = lambda source, target, _: (source == 3) != (target == 3)
    fleet.lose_token(0, 3)
    fleet.run_until(lambda: fleet.rings() == [(0, 1, 2)] * 3 + [(3,)])
    fleet.run(20_000)

    fleet.blocks = lambda _source, _target, _: False
    fleet.machines[2].foreign_ring(3, fleet.machines[3].ring)
    told_by_second = fleet.sent(2, Refer)
    fleet.machines[1].foreign_ring(3, fleet.machines[3].ring)
    fleet.run(100)

    assert told_by_second == []
    assert fleet.rings() == [(0, 1, 2, 3)] * 4


def test_a_cascade_of_losses_ends_in_one_ring() -> None:
    fleet = Fleet(4)
    fleet.form()
    fleet.installs_rings = False
    fleet.lose_token(0)
    fleet.run_until(lambda: fleet.machines[0].state is State.EVS)
    fleet.crash(3)

    fleet.installs_rings = True
    fleet.lose_token(1)
    fleet.run(2500)

    assert fleet.rings()[:3] == [(0, 1, 2)] * 3


def test_a_link_of_one_way_costs_no_more_than_its_daemon() -> None:
    fleet = Fleet(4)
    fleet.form()
    fleet.blocks = lambda source, target, _: (source, target) == (1, 2)
    fleet.lose_token(2)

    fleet.run_until(lambda: fleet.rings() == [(0, 1, 3), (0, 1, 3), (2,), (0, 1, 3)])
    installs = [core.calls.count("commit") for core in fleet.cores]
    fleet.run(60_000)

    # Tried again now and then, less and less often.
    assert fleet.cores[0].calls.count("commit") - installs[0] < 10
    assert "it is heard but acknowledges no FORM" in fleet.logs[1].causes()
    fleet.blocks = lambda _source, _target, _: False
    fleet.run_until(lambda: fleet.rings() == [(0, 1, 2, 3)] * 4)


def test_a_daemon_that_nobody_hears_disturbs_nobody() -> None:
    fleet = Fleet(3)
    fleet.form()
    fleet.blocks = lambda source, _target, _packet: source == 0
    fleet.lose_token(1)
    fleet.run_until(lambda: fleet.rings() == [(0,), (1, 2), (1, 2)])
    lost_count = fleet.cores[1].calls.count("lost")

    fleet.run(60_000)

    assert fleet.cores[1].calls.count("lost") == lost_count
    assert "it is heard but does not hear this daemon" in fleet.logs[0].causes()


def test_a_representative_that_does_not_hear_us_is_not_waited_for() -> None:
    fleet = Fleet(3, idle=[2])
    fleet.blocks = lambda source, target, _: (source, target) == (1, 0)

    fleet.run(6000)

    assert fleet.rings()[1] == (1,)


@pytest.mark.parametrize("kind", [Form, FormAck, Alive, Join])
def test_packets_that_get_lost_now_and_then_delay_a_ring(kind: type[Packet]) -> None:
    fleet = Fleet(2, 2)
    drops = iter([True, False] * 1000)
    fleet.blocks = lambda _source, _target, packet: isinstance(packet, kind) and next(drops)

    fleet.run(4000)

    assert fleet.rings() == [(0, 1, 2, 3)] * 4


def test_multicast_that_never_arrives_is_told_to_the_log() -> None:
    fleet = Fleet(2)
    fleet.blocks = lambda source, _target, packet: (
        isinstance(packet, Alive | Join)
        and not any(member == 1 - source for member, _ in getattr(packet, "reps", ()))
    )

    fleet.run(40_000)

    assert fleet.rings() == [(0,), (1,)]
    assert any("multicast never does" in cause for cause in fleet.logs[0].causes())
    assert fleet.machines[0].counters["multicast_lost"] > 1


def test_multicast_that_never_arrives_in_a_ring_is_told_to_the_log() -> None:
    fleet = Fleet(2)
    fleet.form()

    fleet.machines[0].multicast_missed(1)

    assert any("multicast never does" in cause for cause in fleet.logs[0].causes())
    assert fleet.machines[0].counters["multicast_lost"] == 1


def test_datagrams_that_do_not_reach_a_member_are_told_for_each_size() -> None:
    fleet = Fleet(2)
    fleet.form()

    for size in (8_972, 8_972, 1_472):
        fleet.machines[0].path_limited(1, size, 1_232)
    fleet.machines[0].path_found(1_232)

    *told, found = fleet.logs[0].events[-3:]
    assert [fields["datagram_bytes"] for _, fields in told] == [8_972, 1_472]
    assert all(fields["daemon"] == "d1" for _, fields in told)
    assert all(fields["passing_bytes"] == 1_232 for _, fields in told)
    assert found == ("size of datagrams measured", {"datagram_bytes": 1_232})
    assert fleet.machines[0].counters["datagrams_lost"] == 3


def test_a_member_that_answers_about_no_size_is_not_said_to_get_small_ones() -> None:
    fleet = Fleet(2)
    fleet.form()

    fleet.machines[0].path_unanswered(1)

    _, fields = fleet.logs[0].events[-1]
    assert "not even for the smallest" in str(fields["cause"])
    assert not {"datagram_bytes", "passing_bytes"} & fields.keys()
    assert fleet.machines[0].counters["measures_unanswered"] == 1
    assert fleet.machines[0].counters["datagrams_lost"] == 0


def test_tokens_that_are_lost_at_once_again_and_again_are_told_to_the_log() -> None:
    fleet = Fleet(3)
    for _ in range(3):
        fleet.form()
        fleet.lose_token(0)

    assert any("token is lost again" in cause for cause in fleet.logs[0].causes())
    assert fleet.logs[0].events[-2][1]["daemon"] == "d1"


def test_a_token_that_never_passes_recovery_is_told_to_the_log() -> None:
    fleet = Fleet(3)
    fleet.installs_rings = False
    for _ in range(3):
        fleet.run_until(lambda: fleet.machines[2].state is State.EVS)
        fleet.lose_token(2, reason=2)

    assert any("token is lost again" in cause for cause in fleet.logs[2].causes())
    assert fleet.logs[2].events[-2][1]["daemon"] == "d0"


def test_a_pause_is_no_sign_of_a_firewall() -> None:
    fleet = Fleet(2)
    for _ in range(5):
        fleet.form()
        fleet.lose_token(0, reason=3)

    assert fleet.logs[0].causes() == []


def test_a_ring_that_the_core_finds_impossible_is_given_up() -> None:
    fleet = Fleet(2)
    fleet.cores[1].accepts = False
    fleet.run_until(lambda: "commit" in fleet.cores[1].calls)

    fleet.cores[1].accepts = True
    fleet.lose_token(0)
    fleet.run(3000)

    assert fleet.rings() == [(0, 1)] * 2


def test_a_daemon_with_more_unstable_packets_than_a_form_holds_stays_out_of_the_attempt() -> None:
    fleet = Fleet(3)
    fleet.cores[1].reported = (0, 100_000)

    fleet.run(2000)

    assert fleet.rings()[0] == fleet.rings()[2] == (0, 2)


def test_a_creator_with_more_unstable_packets_than_a_form_holds_makes_no_ring() -> None:
    fleet = Fleet(2, idle=[1])
    fleet.cores[0].reported = (0, 100_000)

    fleet.run(4000)

    assert fleet.rings()[0] == ()
    assert "commit" not in fleet.cores[0].calls


def test_a_clock_that_went_back_between_two_starts_is_made_up_for() -> None:
    fleet = Fleet(2)
    fleet.incarnations[1] = 1000
    fleet.restart(1, 1000)
    fleet.form()
    fleet.crash(1)
    fleet.machines[0].unreachable(1)
    fleet.run(100)

    fleet.restart(1, 500)
    fleet.run(10_000)

    assert fleet.rings() == [(0, 1)] * 2
    assert fleet.incarnations[1] == 1001
    assert fleet.machines[1].counters["own_clock_behind"] == 1


def test_the_deadline_changes_are_announced() -> None:
    fleet = Fleet(2)
    fleet.form()
    assert fleet.machines[0].next_deadline_ns == 0  # Everybody configured is there.

    fleet.lose_token(0)

    assert fleet.machines[0].next_deadline_ns > fleet.now_ns
    assert fleet.machines[0].next_deadline_ns <= fleet.now_ns + 250 * MS


def test_leave_goes_to_the_own_segment_and_to_members_elsewhere() -> None:
    fleet = Fleet(2, 2)
    fleet.form()

    fleet.machines[1].leave()

    assert [target for target, _ in fleet.sent(1, Leave)] == [256, 2, 3]


def test_a_daemon_that_withdraws_is_alone_at_once_and_its_ring_goes_on() -> None:
    fleet = Fleet(3)
    fleet.form()

    fleet.machines[1].withdraw("test")
    fleet.run(100)

    assert fleet.machines[1].is_withdrawn
    assert fleet.rings() == [(0, 2), (1,), (0, 2)]


def test_a_daemon_that_has_withdrawn_hears_nobody() -> None:
    fleet = Fleet(2)
    fleet.form()
    fleet.machines[1].withdraw("test")
    fleet.run(100)
    sent_count = len(fleet.cores[1].sent)

    fleet.hear(1, 0, fleet.alive(1))
    fleet.machines[1].foreign_ring(0, (fleet.ids[0], 9))
    fleet.machines[1].unreachable(0)
    fleet.run(100)

    assert fleet.machines[1].is_withdrawn
    assert len(fleet.cores[1].sent) == sent_count


def test_a_daemon_that_is_renumbered_forms_a_ring_in_the_other_network() -> None:
    fleet = Fleet(2)
    fleet.form()
    machine, core = fleet.machines[1], fleet.cores[1]
    machine.counters["clock_ahead"] += 1
    machine.withdraw("test")
    fleet.run(10)
    ring = machine.ring

    machine.renumber(
        NetworkSettings(
            me=0,
            ids=(fleet.ids[1],),
            names=(b"d1",),
            segments=(0,),
            network_hash=2,
            incarnation=9,
        )
    )
    before = machine.ring
    machine.start("another network")
    assert core.forming is not None
    machine.transitional()
    machine.regular()

    assert before == ring
    assert machine.members == (0,)
    assert machine.ring[1] > ring[1]
    assert not machine.is_withdrawn
    assert machine.counters["clock_ahead"] == 1


def test_a_daemon_withdraws_while_it_looks_for_others() -> None:
    fleet = Fleet(3, idle=[2])
    fleet.run(50)

    fleet.machines[0].withdraw("test")
    fleet.run(10)

    assert fleet.machines[0].is_withdrawn

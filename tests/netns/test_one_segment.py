"""Four hosts on one switch: daemons that die, stop, restart, and parts of the network that part.

Clients talk all the while, and what they saw is judged by all guarantees.
"""

from collections.abc import Iterator

import pytest

from spread.service import AGREED_MESS
from spread.sim.clients import TraceClient
from spread.sim.trace import Cause, Viewed
from tests.netns.rings import Ring, lan
from tests.netns.storms import Storm

CLIENTS = 8
PATIENCE = 60.0  # Seconds, after many faults.
SOME = 400  # Events of clients: enough to be in the middle of something.


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ring]:
    with lan(tmp_path_factory.mktemp("one_segment"), 4) as started:
        yield started


def test_clients_of_all_daemons_share_one_view_and_one_order(ring: Ring) -> None:
    with ring.stage() as stage:
        clients = [stage.client(number, f"c{number}", "tea") for number in range(4)]
        stage.talk(CLIENTS)
        stage.until_delivered(SOME)

        stage.finish()

        events = [event for each in clients if each.trace for event in each.trace.events]
        views = [event for event in events if isinstance(event, Viewed)]
        assert len(views) >= 4
        assert all(view.cause is not Cause.NETWORK for view in views)


@pytest.mark.parametrize("victim", [0, 2, 3], ids=["leader", "middle", "last"])
def test_a_ring_survives_the_crash_of_a_daemon_and_takes_it_back(ring: Ring, victim: int) -> None:
    with ring.stage() as stage:
        others = [number for number in range(4) if number != victim]
        stage.talk(CLIENTS, seed=10 + victim)
        stage.until_delivered(SOME)

        ring.daemons[victim].kill()
        stage.until_rings(others)
        stage.until_delivered(SOME)
        ring.daemons[victim].start()

        stage.finish()


def test_a_daemon_that_restarts_at_once_is_another_one(ring: Ring) -> None:
    with ring.stage() as stage:
        first = ring.daemons[1].ring_id
        stage.talk(CLIENTS, seed=20)
        stage.until_delivered(SOME)

        ring.daemons[1].kill()
        ring.daemons[1].start()

        stage.until(lambda: ring.daemons[0].ring_id != first, "a new ring")
        stage.finish()


def test_two_crashes_at_once_leave_a_ring_of_the_others(ring: Ring) -> None:
    with ring.stage() as stage:
        stage.talk(CLIENTS, seed=21)
        stage.until_delivered(SOME)

        ring.daemons[0].kill()
        ring.daemons[3].kill()
        stage.until_rings([1, 2])
        stage.until_delivered(SOME)
        ring.daemons[3].start()
        ring.daemons[0].start()

        stage.finish()


def test_a_daemon_that_is_told_to_stop_takes_leave(ring: Ring) -> None:
    with ring.stage() as stage:
        stage.talk(CLIENTS, seed=22)
        stage.until_delivered(SOME)

        ring.daemons[2].terminate()
        stage.until_rings([0, 1, 3])
        stage.until(lambda: not ring.daemons[2].is_running, "d3 to end")
        status = ring.daemons[2].process.returncode
        ring.daemons[2].start()

        stage.finish()
    assert status == 0


def test_what_a_client_got_back_before_its_daemon_stops_is_not_lost(ring: Ring) -> None:
    with ring.stage() as stage:
        sender = stage.client(3, "sender", "tea")
        receiver = stage.client(0, "receiver", "tea")
        stage.until(lambda: _members(receiver) == 2, "both in the group")

        for _ in range(500):
            sender.multicast(AGREED_MESS, [b"tea"], 1_000)
        stage.until(lambda: len(_delivered(sender)) > 100, "the first of its own messages")
        ring.daemons[3].terminate()
        stage.until(lambda: _members(receiver) == 1, "the view without the sender")
        stage.until(lambda: not ring.daemons[3].is_running, "d4 to end")
        ring.daemons[3].start()

        stage.finish()
        got_back = _delivered(sender)
        assert _delivered(receiver)[: len(got_back)] == got_back


@pytest.mark.parametrize("sleeper", [0, 2], ids=["leader", "member"])
def test_a_daemon_that_is_stopped_and_continued_comes_back(ring: Ring, sleeper: int) -> None:
    with ring.stage() as stage:
        others = [number for number in range(4) if number != sleeper]
        stage.talk(CLIENTS, seed=30 + sleeper)
        stage.until_delivered(SOME)

        ring.daemons[sleeper].pause()
        stage.until_rings(others)
        stage.until_delivered(SOME)
        ring.daemons[sleeper].resume()

        stage.finish()


def test_a_cable_that_is_pulled_leaves_the_host_alone_until_it_is_plugged_in(ring: Ring) -> None:
    with ring.stage() as stage:
        stage.talk(CLIENTS, seed=40)
        stage.until_delivered(SOME)

        ring.switch.set_cable("h2", plugged=False)
        stage.until_rings([0, 2, 3], [1])
        stage.until_delivered(SOME)
        ring.switch.set_cable("h2", plugged=True)

        stage.finish()


def test_an_interface_that_is_switched_off_stops_no_daemon(ring: Ring) -> None:
    with ring.stage() as stage:
        stage.talk(CLIENTS, seed=41)
        stage.until_delivered(SOME)

        ring.daemons[0].host.set_interface("eth0", up=False)
        stage.until_rings([0], [1, 2, 3])
        stage.until_delivered(SOME)
        ring.daemons[0].host.set_interface("eth0", up=True)

        stage.finish()


def test_both_parts_of_a_split_network_go_on_and_merge(ring: Ring) -> None:
    with ring.stage() as stage:
        stage.talk(CLIENTS, seed=50)
        stage.until_delivered(SOME)

        ring.split([0, 1], [2, 3])
        stage.until_rings([0, 1], [2, 3])
        stage.until_delivered(SOME)
        ring.merge()

        stage.finish()


def test_parts_merge_without_any_traffic(ring: Ring) -> None:
    with ring.stage() as stage:
        clients = [stage.client(number, f"c{number}", "tea") for number in range(4)]
        stage.until(lambda: all(_members(each) == 4 for each in clients), "a view of all")

        ring.split([0], [1, 2, 3])
        stage.until_rings([0], [1, 2, 3])
        stage.until(lambda: _members(clients[0]) == 1, "the view of the lonely one")
        ring.merge()

        stage.finish()


def test_a_host_moves_from_one_part_to_the_other(ring: Ring) -> None:
    with ring.stage() as stage:
        stage.talk(CLIENTS, seed=51)
        stage.until_delivered(SOME)

        ring.split([0, 1], [2, 3])
        stage.until_rings([0, 1], [2, 3])
        ring.split([0], [1, 2, 3])
        stage.until_rings([0], [1, 2, 3])
        stage.until_delivered(SOME)
        ring.merge()

        stage.finish()


def test_three_parts_merge_one_after_the_other(ring: Ring) -> None:
    with ring.stage() as stage:
        stage.talk(CLIENTS, seed=52)
        stage.until_delivered(SOME)

        ring.split([0], [1, 2], [3])
        stage.until_rings([0], [1, 2], [3])
        ring.split([0, 1, 2], [3])
        stage.until_rings([0, 1, 2], [3])
        ring.merge()

        stage.finish()


def test_a_crash_while_the_parts_merge_holds_nobody_up(ring: Ring) -> None:
    with ring.stage() as stage:
        stage.talk(CLIENTS, seed=53)
        stage.until_delivered(SOME)

        ring.split([0, 1], [2, 3])
        stage.until_rings([0, 1], [2, 3])
        ring.merge()
        ring.daemons[2].kill()
        stage.until_rings([0, 1, 3])
        ring.daemons[2].start()

        stage.finish()


def test_no_guarantee_breaks_in_a_storm_of_faults(ring: Ring) -> None:
    with ring.stage() as stage:
        stage.talk(CLIENTS, seed=2)

        Storm(ring, stage, seed=2).rage(12)

        stage.finish(PATIENCE)


def _members(client: TraceClient) -> int:
    """Return how many members the client's last view has."""
    events = [] if client.trace is None else client.trace.events
    views = [event for event in events if isinstance(event, Viewed)]
    return len(views[-1].members) if views else 0


def _delivered(client: TraceClient) -> list[int]:
    return [] if client.trace is None else [each.identity for each in client.trace.delivered()]

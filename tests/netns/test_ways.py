"""Ways and hosts that give less than they say: the daemons find out, say so, and go on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from spread.service import AGREED_MESS
from spread.sim.clients import TraceClient
from spread.sim.trace import Viewed
from tests.netns.daemons import Daemon, LogEvent
from tests.netns.rings import Ring, lan
from tests.netns.stage import Stage

JUMBO_MTU = 9_000
JUMBO, ETHERNET, LEAST = 8_972, 1_472, 548
LARGE = 60_000  # Bytes of a message: it fills packets of any size but the largest.
PATIENCE = 40.0  # Seconds.


@contextmanager
def talking(ring: Ring) -> Iterator[tuple[Stage, list[TraceClient]]]:
    """Let one client of each daemon be in a group with those of the others."""
    with ring.stage() as stage:
        clients = [stage.client(number, f"c{number}", "tea") for number in range(len(ring.daemons))]
        stage.until(lambda: all(_members(each) == len(clients) for each in clients), "all in")
        yield stage, clients


def exchange(stage: Stage, clients: list[TraceClient], count: int = 6) -> None:
    """Let every client send some large messages, and wait until everybody has got them all."""
    before = [_received(each) for each in clients]
    for _ in range(count):
        for each in clients:
            each.multicast(AGREED_MESS, [b"tea"], LARGE)
    due = count * len(clients)
    stage.until(
        lambda: all(
            _received(each) >= had + due for each, had in zip(clients, before, strict=True)
        ),
        "all large messages at all clients",
        PATIENCE,
    )


def _received(client: TraceClient) -> int:
    return 0 if client.trace is None else sum(1 for _ in client.trace.delivered())


def _members(client: TraceClient) -> int:
    events = [] if client.trace is None else client.trace.events
    views = [event for event in events if isinstance(event, Viewed)]
    return len(views[-1].members) if views else 0


def told_of_size(daemon: Daemon, peer: str, size: int) -> list[LogEvent]:
    return [
        event
        for event in daemon.find("trouble with a daemon", peer, "datagrams of this size")
        if event.fields["datagram_bytes"] == size
    ]


def measured(daemon: Daemon) -> object:
    """Return the size that was found to reach all members, when it was measured last."""
    return daemon.find("size of datagrams measured")[-1].fields["datagram_bytes"]


def final_counts(stage: Stage, ring: Ring) -> list[dict[str, Any]]:
    """Stop all daemons; return what each of them counted."""
    for daemon in ring.daemons:
        daemon.terminate()
    stage.until(lambda: not any(each.is_running for each in ring.daemons), "all to stop")
    return [dict(each.find("statistics")[0].fields) for each in ring.daemons]


def test_large_frames_are_used_where_all_interfaces_take_them(tmp_path: Path) -> None:
    with lan(tmp_path, 3, mtu=JUMBO_MTU) as ring, talking(ring) as (stage, clients):
        exchange(stage, clients)
        exchange(stage, clients)
        stage.finish()

        for daemon in ring.daemons:
            (found,) = daemon.find("size of datagrams")
            assert (found.fields["bytes"], found.fields["mtu"]) == (JUMBO, JUMBO_MTU)
        assert [measured(each) for each in ring.daemons] == [JUMBO] * 3
        assert not any("cut" in each for each in final_counts(stage, ring))


def narrow(ring: Ring, host: str) -> None:
    """Let the switch pass no large frames to and from a host, in silence."""
    for daemon in ring.daemons:
        daemon.host.send_frames_singly()
    ring.switch.set_mtu(host, 1_500)


def test_a_switch_that_drops_large_frames_is_told_and_done_without(tmp_path: Path) -> None:
    with lan(tmp_path, 3, mtu=JUMBO_MTU) as ring:
        narrow(ring, "h3")
        with talking(ring) as (stage, clients):
            exchange(stage, clients)
            for daemon in ring.daemons[:2]:
                stage.until(
                    lambda each=daemon: told_of_size(each, "d3", JUMBO),
                    "d3 to be told of",
                    PATIENCE,
                )
            stage.until(
                lambda: (
                    {
                        event.fields["daemon"]
                        for event in ring.daemons[2].find("trouble with a daemon")
                        if event.fields.get("datagram_bytes") == JUMBO
                    }
                    == {"d1", "d2"}
                ),
                "d3 to tell of the others",
                PATIENCE,
            )
            assert not told_of_size(ring.daemons[0], "d2", JUMBO)
            (told,) = told_of_size(ring.daemons[0], "d3", JUMBO)
            assert told.fields["passing_bytes"] == ETHERNET
            stage.until(lambda: ring.daemons[0].find("health finding"), "health to tell of d3")
            (finding,) = ring.daemons[0].find("health finding", "path-size")
            assert "large datagrams of d1 do not reach d3" in finding.fields["finding"]
            exchange(stage, clients)
            stage.finish()

            assert [measured(each) for each in ring.daemons] == [ETHERNET] * 3


@pytest.mark.parametrize("mtu", [576, 1_000])
def test_a_switch_that_passes_small_frames_only_is_done_without(tmp_path: Path, mtu: int) -> None:
    with lan(tmp_path, 3, starts=False) as ring:
        for daemon in ring.daemons:
            daemon.host.send_frames_singly()
        ring.switch.set_mtu("h2", mtu)
        with talking(ring) as (stage, clients):
            first = ring.daemons[0].ring_id
            exchange(stage, clients)
            for daemon, peer in zip(ring.daemons, ("d2", "d1", "d2"), strict=True):
                stage.until(
                    lambda each=daemon, name=peer: told_of_size(each, name, ETHERNET),
                    f"{peer} to be told of",
                    PATIENCE,
                )
            exchange(stage, clients)
            stage.finish()

            assert [measured(each) for each in ring.daemons] == [LEAST] * 3
            assert ring.daemons[0].ring_id == first


def test_a_way_that_becomes_narrow_keeps_the_ring_and_all_messages(tmp_path: Path) -> None:
    with lan(tmp_path, 3, mtu=JUMBO_MTU) as ring, talking(ring) as (stage, clients):
        exchange(stage, clients)
        first = ring.daemons[0].ring_id

        narrow(ring, "h2")
        for _ in range(3):
            exchange(stage, clients)
        stage.until(
            lambda: told_of_size(ring.daemons[0], "d2", JUMBO), "d2 to be told of", PATIENCE
        )
        stage.finish()

        assert ring.daemons[0].ring_id == first
        counts = final_counts(stage, ring)
        assert any("cut" in each for each in counts)
        assert counts[1]["joined"] > 0


def test_a_ring_that_changes_on_a_narrow_way_loses_nothing(tmp_path: Path) -> None:
    with lan(tmp_path, 3, mtu=JUMBO_MTU) as ring, talking(ring) as (stage, clients):
        exchange(stage, clients)

        narrow(ring, "h2")
        for each in clients[:2]:
            for _ in range(10):
                each.multicast(AGREED_MESS, [b"tea"], LARGE)
        ring.daemons[2].kill()
        stage.until_rings([0, 1], seconds=PATIENCE)
        exchange(stage, clients[:2])
        ring.daemons[2].start()

        stage.finish(PATIENCE)


def test_a_host_that_loses_fragments_is_told_and_done_without(tmp_path: Path) -> None:
    with lan(tmp_path, 3, options=["PacketSize = 8000"], starts=False) as ring:
        ring.daemons[1].host.drop_fragments()
        for daemon in ring.daemons:
            daemon.host.send_frames_singly()
        with talking(ring) as (stage, clients):
            (found,) = ring.daemons[0].find("datagrams larger than the way takes, so IP cuts them")
            assert (found.fields["bytes"], found.fields["mtu"]) == (8_000, 1_500)
            exchange(stage, clients)
            stage.until(
                lambda: told_of_size(ring.daemons[0], "d2", 8_000), "d2 to be told of", PATIENCE
            )
            exchange(stage, clients)
            stage.finish()

            assert measured(ring.daemons[0]) == ETHERNET


def test_fragments_are_used_where_they_pass_and_are_asked_for(tmp_path: Path) -> None:
    options = ["PacketSize = 8000"]
    with lan(tmp_path, 3, options=options) as ring, talking(ring) as (stage, clients):
        exchange(stage, clients)
        exchange(stage, clients)
        stage.finish()

        assert [measured(each) for each in ring.daemons] == [8_000] * 3


@pytest.mark.parametrize("buffer", [4_000, 30_000])
def test_small_socket_buffers_are_told_and_lived_with(tmp_path: Path, buffer: int) -> None:
    environment = {"SPREAD_TEST_FAULTS": f"buffer={buffer}"}
    with lan(tmp_path, 3, environment=environment) as ring, talking(ring) as (stage, clients):
        for daemon in ring.daemons:
            (found,) = daemon.find("socket buffers smaller than wished")
            assert found.fields["receive_bytes"] <= 2 * buffer
            assert "net.core.rmem_max" in found.fields["remedy"]
        exchange(stage, clients)

        stage.finish()


def test_a_system_without_offload_is_told_and_lived_with(tmp_path: Path) -> None:
    environment = {"SPREAD_TEST_FAULTS": "offload=no"}
    with lan(tmp_path, 3, environment=environment) as ring, talking(ring) as (stage, clients):
        for daemon in ring.daemons:
            (found,) = daemon.find("offload for datagrams")
            assert (found.fields["segmentation"], found.fields["coalescing"]) == ("no", "no")
        exchange(stage, clients)
        stage.finish()

        for counts in final_counts(stage, ring):
            assert "joint_sends" not in counts
            assert "joint_receives" not in counts


@pytest.mark.parametrize("size", [600, 1_300, 8_500])
def test_large_datagrams_that_vanish_at_one_host_are_done_without(
    tmp_path: Path, size: int
) -> None:
    with lan(tmp_path, 3, mtu=JUMBO_MTU, starts=False) as ring:
        ring.daemons[1].environment["SPREAD_TEST_FAULTS"] = f"size={size}"
        with talking(ring) as (stage, clients):
            exchange(stage, clients)
            stage.until(
                lambda: told_of_size(ring.daemons[0], "d2", JUMBO), "d2 to be told of", PATIENCE
            )
            exchange(stage, clients)
            stage.finish()

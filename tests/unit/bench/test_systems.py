"""Systems of several daemons, on loopback, and in namespaces where these are to be had."""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("bench._load", reason="build it with: python bench/setup_ext.py")

from bench.drive import drive
from bench.fleet import Fleet, RunningSystem
from bench.hosts import links_of
from bench.load import Bounds, Workload
from bench.namespaces import why_impossible
from bench.session import SessionError
from bench.system import LOOPBACK, NAMESPACES, SPREAD, DaemonError, Implementation, Topology

FEW = Bounds(warm_up_count=20, count=300)
LOOPBACK_RING = Topology(daemons=2, links=LOOPBACK)
NAMESPACE_RING = Topology(daemons=2, links=NAMESPACES, mtu=9000)


def require(topology: Topology) -> None:
    """Skip where the topology cannot be."""
    reason = why_impossible()
    if topology.links == NAMESPACES and reason:
        pytest.skip(reason)


@pytest.fixture(scope="module", params=[LOOPBACK_RING, NAMESPACE_RING], ids=str)
def ring(request: pytest.FixtureRequest) -> Iterator[RunningSystem]:
    """Two daemons of ours."""
    topology: Topology = request.param
    require(topology)
    with RunningSystem(SPREAD, topology) as system:
        yield system


def test_clients_at_all_daemons_get_all_messages(ring: RunningSystem) -> None:
    workload = Workload(payload_size=2000, window=20, senders=2, receivers=2)

    measured = drive(ring, workload, FEW)

    assert len(measured.delivered) == 4
    assert min(measured.delivered) > 0  # That all came is what `drive` checks.
    assert measured.latency_own.count > 0
    assert measured.latency_other.count > 0


def test_processor_time_and_memory_are_those_of_all_daemons(ring: RunningSystem) -> None:
    before_s = ring.cpu_s()

    drive(ring, Workload(payload_size=100, window=20, senders=2), FEW)

    assert ring.cpu_s() > before_s
    assert sum(ring.cpu_split_s()) > 0
    assert len(ring.resident_kb()) == len(ring.peak_kb()) == len(set(ring.pids)) == 2
    assert all(
        0 < now <= peak for now, peak in zip(ring.resident_kb(), ring.peak_kb(), strict=True)
    )


def test_namespaces_are_reached_by_unix_sockets_too() -> None:
    require(NAMESPACE_RING)
    with RunningSystem(SPREAD, NAMESPACE_RING) as system:
        measured = drive(
            system, Workload(payload_size=100, window=5, senders=2), FEW, transport="unix"
        )

    assert min(measured.delivered) > 0  # That all came is what `drive` checks.


def test_large_frames_pass_links_of_that_mtu() -> None:
    require(NAMESPACE_RING)
    with RunningSystem(SPREAD, NAMESPACE_RING) as system:
        mtu = system.run_inside(
            1, lambda: Path("/proc/thread-self/net/dev").read_text().count("eth0")
        )

    assert mtu == 1


def test_daemon_that_was_killed_is_no_longer_there_until_it_is_started_again() -> None:
    with RunningSystem(SPREAD, LOOPBACK_RING) as system:
        system.kill(1)

        assert not system.is_running()
        with pytest.raises((OSError, SessionError)):
            system.open(1, "late")
        system.restart(1)

        assert system.is_running()
        system.open(1, "again").close()


def test_ended_system_tells_what_its_daemons_counted() -> None:
    with RunningSystem(SPREAD, Topology()) as system:
        measured = drive(system, Workload(payload_size=100, window=5), Bounds(count=100))
        [counted] = system.statistics()

    assert counted["deliveries"] >= measured.delivered[0]


def test_loopback_has_no_links_to_part() -> None:
    with RunningSystem(SPREAD, LOOPBACK_RING) as system, pytest.raises(DaemonError, match="parted"):
        system.split([0], [1])


def test_unix_sockets_of_daemons_on_loopback_are_one() -> None:
    with (
        RunningSystem(SPREAD, LOOPBACK_RING) as system,
        pytest.raises(DaemonError, match="use tcp"),
    ):
        system.open(1, "client", transport="unix")


def test_jumbo_frames_need_namespaces() -> None:
    with pytest.raises(DaemonError, match="MTU of 9000"):
        links_of(Topology(daemons=2, mtu=9000, links=LOOPBACK))


def test_system_is_kept_until_its_daemon_ends_or_the_topology_changes() -> None:
    with Fleet() as fleet:
        first = fleet.system(SPREAD, Topology())
        assert fleet.system(SPREAD, Topology()) is first
        first.kill(0)
        second = fleet.system(SPREAD, Topology())
        assert second is not first

        fleet.system(SPREAD, LOOPBACK_RING)

        assert not second.is_running()


def test_fresh_system_is_never_used_twice() -> None:
    fresh = Topology(is_fresh=True)
    with Fleet() as fleet:
        first = fleet.system(SPREAD, fresh)

        assert fleet.system(SPREAD, fresh) is not first
        assert not first.is_running()


@pytest.mark.parametrize("command", ["/no/such/daemon", "{nmae}", ""])
def test_command_that_is_none_is_refused(command: str) -> None:
    with pytest.raises(DaemonError):
        RunningSystem(Implementation("bad", command), Topology())

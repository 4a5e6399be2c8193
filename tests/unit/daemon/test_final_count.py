"""What a daemon counted, as it is told at its end."""

from contextlib import ExitStack

from spread.config.load import local_ring
from spread.daemon.final_count import final_count
from tests.daemon.harness.ports import free_port
from tests.unit.datagram_daemon import ALIVE, Daemon


def test_counters_of_node_and_sockets_are_in_it_and_zero_ones_are_not() -> None:
    with ExitStack() as stack:
        daemon = Daemon(local_ring(free_port(), 2, 1), stack)
        datagrams = daemon.attach()
        for _ in range(3):
            daemon.node.send_control(ALIVE, 1, b"x")
        daemon.reactor.settle()

        count = final_count(daemon.node, datagrams)

    assert count["control_sent"] == 3
    assert count["datagrams_out"] == 3
    assert count["resident_peak_kb"] > 1_000
    assert "retransmitted" not in count
    assert all(count.values())


def test_a_daemon_without_a_ring_has_one_too() -> None:
    with ExitStack() as stack:
        daemon = Daemon(local_ring(free_port(), 2, 1), stack)
        daemon.node.send_control(ALIVE, 1, b"x")

        assert final_count(daemon.node, None)["control_sent"] == 1

"""Hosts with two interfaces: one network for daemons, another one for clients and monitors."""

import socket
from collections.abc import Iterator

import pytest

from tests.netns.daemons import PORT
from tests.netns.rings import Ring, two_networks

CLIENTS = 6
SOME = 400


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ring]:
    with two_networks(tmp_path_factory.mktemp("two_networks")) as started:
        yield started


def test_clients_reach_a_ring_that_has_a_network_of_its_own(ring: Ring) -> None:
    with ring.stage() as stage:
        stage.talk(CLIENTS, seed=80)
        stage.until_delivered(SOME)
        ring.daemons[1].kill()
        stage.until_rings([0, 2])
        ring.daemons[1].start()

        stage.finish()


def test_no_peer_is_taken_for_one_with_a_wrong_address(ring: Ring) -> None:
    with ring.stage() as stage:
        stage.talk(CLIENTS, seed=81)
        stage.until_delivered(SOME)

        stage.finish()

    assert not [each for daemon in ring.daemons for each in daemon.find("trouble with a daemon")]


def test_a_daemon_interface_takes_no_clients(ring: Ring) -> None:
    with ring.stage(), ring.daemons[1].host.namespace.entered(), socket.socket() as client:
        refused = client.connect_ex((ring.daemons[0].host.address, PORT))

    assert refused != 0


def test_a_ring_does_not_mind_that_the_network_of_the_clients_is_down(ring: Ring) -> None:
    with ring.stage() as stage:
        before = [daemon.ring_id for daemon in ring.daemons]
        clients = [stage.client(number, f"c{number}", "tea") for number in (1, 2)]

        ring.switch.set_cable("h1", "eth1", plugged=False)
        for _ in range(100):
            sent = [client.multicast(0x20, [b"tea"]) for client in clients]
        stage.until(
            lambda: all(
                client.trace and sent[-1] in client.trace.delivered() for client in clients
            ),
            "the last messages at the others",
        )
        ring.switch.set_cable("h1", "eth1", plugged=True)

        stage.finish()
        assert [daemon.ring_id for daemon in ring.daemons] == before

"""Two segments with a router between: two daemons each, and the loss of those who forward."""

from collections.abc import Iterator

import pytest

from tests.netns.rings import Ring, two_segments

CLIENTS = 8
SOME = 400


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ring]:
    with two_segments(tmp_path_factory.mktemp("two_segments"), (2, 2)) as started:
        yield started


def test_clients_of_both_segments_share_one_order(ring: Ring) -> None:
    with ring.stage() as stage:
        stage.talk(CLIENTS, seed=60)
        stage.until_delivered(SOME)

        stage.finish()


@pytest.mark.parametrize("forwarder", [0, 2], ids=["first", "second"])
def test_the_crash_of_a_forwarder_is_survived(ring: Ring, forwarder: int) -> None:
    with ring.stage() as stage:
        stage.talk(CLIENTS, seed=61 + forwarder)
        stage.until_delivered(SOME)

        ring.daemons[forwarder].kill()
        stage.until_rings([number for number in range(4) if number != forwarder])
        stage.until_delivered(SOME)
        ring.daemons[forwarder].start()

        stage.finish()


def test_a_forwarder_that_is_stopped_is_replaced_until_it_goes_on(ring: Ring) -> None:
    with ring.stage() as stage:
        stage.talk(CLIENTS, seed=65)
        stage.until_delivered(SOME)

        ring.daemons[2].pause()
        stage.until_rings([0, 1, 3])
        stage.until_delivered(SOME)
        ring.daemons[2].resume()

        stage.finish()


def test_segments_that_lose_each_other_go_on_alone_and_merge(ring: Ring) -> None:
    with ring.stage() as stage:
        stage.talk(CLIENTS, seed=66)
        stage.until_delivered(SOME)

        ring.switch.set_cable("router", plugged=False)
        stage.until_rings([0, 1], [2, 3])
        stage.until_delivered(SOME)
        ring.switch.set_cable("router", plugged=True)

        stage.finish()


def test_a_host_may_lose_its_neighbour_and_keep_the_other_segment(ring: Ring) -> None:
    with ring.stage() as stage:
        stage.talk(CLIENTS, seed=67)
        stage.until_delivered(SOME)

        ring.switch.set_cable("h22", plugged=False)
        stage.until_rings([0, 1, 2], [3])
        stage.until_delivered(SOME)
        ring.switch.set_cable("h22", plugged=True)

        stage.finish()

"""Whole rings on a network without faults, or with one that a test makes."""

import pytest

from tests.ring.network import VirtualNetwork, Weather
from tests.ring.station import AGREED, MS, SAFE, Shape


def formed(daemons: int, shape: Shape | None = None) -> VirtualNetwork:
    network = VirtualNetwork(daemons, shape=shape)
    network.form(list(range(daemons)))
    network.run(20 * MS)
    return network


def heard(network: VirtualNetwork) -> list[list[bytes]]:
    """Return what each client heard in its last ring."""
    return [chapters[-1].messages for chapters in network.transcripts]


def tokens(network: VirtualNetwork) -> int:
    return sum(station.statistics["tokens"] for station in network.stations)


def test_a_message_is_delivered_within_two_hops_of_a_resting_token() -> None:
    network = formed(3)
    before = tokens(network)

    network.submit(2, b"hello")
    network.run(100_000)

    assert heard(network) == [[b"hello"]] * 3
    assert tokens(network) - before <= 4


def test_a_ring_at_rest_sends_next_to_nothing() -> None:
    network = formed(5)
    before = tokens(network)

    network.run(10_000 * MS)

    # The resting token goes round each 416 ms, and twice for each of its rests.
    assert tokens(network) - before <= 2 * 5 * 25


def forwarded(network: VirtualNetwork) -> list[int]:
    return [station.statistics["forwarded"] for station in network.stations]


@pytest.mark.parametrize("payload_max", [512, 1_408, 65_443])
@pytest.mark.parametrize("size", [0, 143_952, 1_500_000])
def test_messages_of_any_size_pass(payload_max: int, size: int) -> None:
    network = formed(3, Shape(payload_max=payload_max))
    body = bytes(range(251)) * (size // 251) + b"end"

    network.submit(1, body, SAFE)
    network.run(2_000 * MS)

    assert heard(network) == [[body]] * 3


def test_a_large_message_is_whole_in_the_next_ring_when_its_ring_breaks() -> None:
    network = formed(4, Shape(segments=(0, 0, 1, 1)))
    body = b"0123456789" * 30_000

    network.submit(1, body)
    network.run(300_000)
    network.parts = [0, 0, 1, 1]
    network.form([0, 1])
    network.form([2, 3])
    network.run(500 * MS)

    assert heard(network) == [[body], [body], [], []]
    assert all(
        not chapter.messages for chapters in network.transcripts for chapter in chapters[:-1]
    )


def test_packets_of_one_segment_reach_the_others_through_one_unicast() -> None:
    network = formed(6, Shape(segments=(0, 0, 1, 1, 2, 2)))
    before = forwarded(network)

    network.submit(0, b"hello")
    network.run(20 * MS)

    assert heard(network) == [[b"hello"]] * 6
    more = [now - then for now, then in zip(forwarded(network), before, strict=True)]
    assert more == [0, 0, 1, 0, 1, 0]


def test_the_loss_of_a_packet_costs_one_copy() -> None:
    network = formed(3)
    network.weather = Weather(loss=1.0)
    network.submit(0, b"lost")
    network.weather = Weather()

    for number in range(5):
        network.submit(0, b"%d" % number)
        network.run(5 * MS)

    assert heard(network) == [[b"lost", b"0", b"1", b"2", b"3", b"4"]] * 3
    assert sum(station.statistics["retransmitted"] for station in network.stations) <= 2


def test_lost_tokens_cost_milliseconds_and_no_ring() -> None:
    network = formed(3)
    network.weather = Weather(loss=0.2)
    for number in range(60):
        network.submit(number % 3, b"%d" % number, AGREED)
        network.run(2 * MS)

    network.run_quietly()

    first, *others = heard(network)
    assert sorted(first) == sorted(b"%d" % number for number in range(60))
    assert others == [first, first]
    assert not network.broken


def test_safe_messages_of_all_wait_for_nobody_in_particular() -> None:
    network = formed(5)

    for daemon in range(5):
        network.submit(daemon, b"%d" % daemon, SAFE)
    network.run(20 * MS)

    first, *others = heard(network)
    assert sorted(first) == [b"0", b"1", b"2", b"3", b"4"]
    assert others == [first] * 4


def test_a_member_that_hears_nothing_loses_the_ring_and_so_do_all() -> None:
    network = formed(3)
    network.parts = [0, 0, 1]

    network.run(3_000 * MS)

    assert network.broken == {0, 1, 2}


def test_no_token_is_visited_twice() -> None:
    network = formed(3)
    network.weather = Weather(loss=0.1, repeats=0.5, overtakes=0.5)
    for number in range(40):
        network.submit(number % 3, b"%d" % number, SAFE)
        network.run(1 * MS)
    network.run_quietly()

    numbers = [station.ring_statistics["tok_no"] for station in network.stations]
    assert len(set(numbers)) == 3
    assert tokens(network) <= max(numbers) + 1
    assert all(len(bodies) == 40 for bodies in heard(network))

"""Daemons that made attempts fail are kept out, longer each time."""

from spread.daemon.membership.bars import Bars

PEER, OTHER = 1, 2


def ends(bars: Bars, daemon: int, now: int) -> int:
    """Return how long from now the daemon is kept out."""
    until = now
    while bars.is_barred(daemon, until):
        until += 1
    return until - now


def test_each_failure_doubles_the_time_up_to_a_bound() -> None:
    bars = Bars(10)

    times = []
    for _ in range(6):
        bars.fail(PEER, 0)
        times.append(ends(bars, PEER, 0))

    assert times == [10, 20, 40, 80, 80, 80]


def test_the_word_of_others_counts_once_while_it_spreads() -> None:
    bars = Bars(10)
    for _ in range(3):
        bars.believe(PEER, 0)
    first = ends(bars, PEER, 0)

    bars.believe(PEER, 10)

    assert first == 10
    assert ends(bars, PEER, 10) == 20


def test_only_own_experience_is_passed_on() -> None:
    bars = Bars(10)
    bars.fail(PEER, 0)
    bars.believe(OTHER, 0)

    assert bars.unreached(5) == {PEER}
    assert bars.unreached(10) == frozenset()


def test_a_daemon_that_is_in_the_ring_begins_anew() -> None:
    bars = Bars(10)
    bars.fail(PEER, 0)

    bars.clear(PEER)

    assert not bars.is_barred(PEER, 0)
    assert bars.next_end_ns(0) is None
    assert bars.fail(PEER, 0) == 1


def test_the_first_end_is_told() -> None:
    bars = Bars(10)
    bars.fail(PEER, 0)
    bars.fail(OTHER, 4)

    assert bars.next_end_ns(3) == 10
    assert bars.next_end_ns(12) == 14

"""When a ring looks for daemons that it lacks."""

from spread.daemon.membership.probing import Lookups

SECOND = 1_000_000_000
PERIOD = 30 * SECOND


def test_after_a_loss_lookups_come_soon_and_then_less_and_less_often() -> None:
    lookups = Lookups(PERIOD, 0)

    waits = [lookups.wait_ns() for _ in range(6)]

    most = [1, 2, 4, 8, 30, 30]
    assert all(
        seconds * SECOND * 3 // 4 <= wait <= seconds * SECOND
        for seconds, wait in zip(most, waits, strict=True)
    )


def test_another_loss_begins_the_series_again() -> None:
    lookups = Lookups(PERIOD, 0)
    for _ in range(5):
        lookups.wait_ns()

    lookups.start_series()

    assert lookups.wait_ns() <= SECOND


def test_daemons_do_not_stay_in_step() -> None:
    waits = {Lookups(PERIOD, number).wait_ns() for number in range(40)}

    assert len(waits) == 40


def test_hints_are_held_back_for_a_second_and_let_through_by_a_new_ring() -> None:
    lookups = Lookups(PERIOD, 0)
    lookups.hold(5 * SECOND)

    before, after = lookups.takes_hint(6 * SECOND - 1), lookups.takes_hint(6 * SECOND)
    lookups.hold(6 * SECOND)
    lookups.release()

    assert (before, after) == (False, True)
    assert lookups.takes_hint(6 * SECOND)

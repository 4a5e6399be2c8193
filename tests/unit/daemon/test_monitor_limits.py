"""Budgets of sources, and one line a minute."""

from spread.daemon.monitor_limits import ENTRIES_MAX, MINUTE_NS, Budgets, Minutes


class Clock:
    now_ns = 1

    def __call__(self) -> int:
        return self.now_ns


def test_a_source_may_send_its_burst_and_then_at_its_rate():
    clock = Clock()
    budgets = Budgets(clock, rate=10, burst=3)

    burst = [budgets.take("10.0.0.1") for _ in range(4)]
    clock.now_ns += 100_000_000
    later = [budgets.take("10.0.0.1") for _ in range(2)]

    assert burst == [True, True, True, False]
    assert later == [True, False]


def test_rest_does_not_earn_more_than_a_burst():
    clock = Clock()
    budgets = Budgets(clock, rate=10, burst=3)
    budgets.take("10.0.0.1")

    clock.now_ns += 3600 * 1_000_000_000

    assert sum(budgets.take("10.0.0.1") for _ in range(10)) == 3


def test_one_source_does_not_spend_what_is_another_s():
    budgets = Budgets(Clock(), rate=10, burst=1)
    budgets.take("10.0.0.1")

    assert budgets.take("10.0.0.2")
    assert not budgets.take("10.0.0.1")


def test_a_source_that_was_not_seen_for_long_is_forgotten():
    budgets = Budgets(Clock(), rate=10, burst=1)
    for host in range(ENTRIES_MAX + 1):
        budgets.take(f"10.0.{host // 256}.{host % 256}")

    assert budgets.take("10.0.0.0")
    assert not budgets.take("10.0.1.0")


def test_a_line_tells_how_many_were_held_back():
    clock = Clock()
    minutes = Minutes(clock)

    first = [minutes.since("a") for _ in range(3)]
    other = minutes.since("b")
    clock.now_ns += MINUTE_NS

    assert first == [0, None, None]
    assert other == 0
    assert minutes.since("a") == 2


def test_a_debt_is_paid_before_there_is_one_left_again():
    clock = Clock()
    budgets = Budgets(clock, rate=10, burst=3)

    budgets.charge("10.0.0.1", 5)
    clock.now_ns += 200_000_000
    in_debt = budgets.has("10.0.0.1")
    clock.now_ns += 100_000_000

    assert not in_debt
    assert budgets.has("10.0.0.1")


def test_some_are_taken_as_far_as_there_are_some():
    clock = Clock()
    budgets = Budgets(clock, rate=10, burst=3)

    taken = [budgets.take_some("", 2) for _ in range(3)]
    budgets.charge("", 4)
    clock.now_ns += 500_000_000

    assert taken == [2, 1, 0]
    assert budgets.take_some("", 9) == 1

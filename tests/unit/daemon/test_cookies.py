"""Cookies: whose they are, how long they last, that nobody can guess them."""

import itertools

import pytest

from spread.daemon.cookies import PERIOD_NS, Cookies
from spread.monitor.queries import COOKIE_SIZE, NO_COOKIE

ASKER = ("10.0.0.1", 5000)


class Bench:
    """Cookies whose secrets are told by number, and a clock that is set by hand."""

    def __init__(self, first: int = 0) -> None:
        self.now_ns = 5
        numbers = itertools.count(first)
        self.cookies = Cookies(lambda: self.now_ns, lambda size: bytes([next(numbers)]) * size)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_cookie_proves_the_place_that_it_was_made_for(bench: Bench) -> None:
    cookie = bench.cookies.of(*ASKER)

    assert len(cookie) == COOKIE_SIZE
    assert bench.cookies.proves(cookie, *ASKER)
    assert not bench.cookies.proves(cookie, "10.0.0.2", 5000)
    assert not bench.cookies.proves(cookie, "10.0.0.1", 5001)


@pytest.mark.parametrize("cookie", [NO_COOKIE, b"", b"\0", bytes(COOKIE_SIZE - 1)])
def test_nothing_else_proves_anything(bench: Bench, cookie: bytes) -> None:
    assert not bench.cookies.proves(cookie, *ASKER)


def test_another_daemon_s_cookie_is_worth_nothing(bench: Bench) -> None:
    assert not bench.cookies.proves(Bench(100).cookies.of(*ASKER), *ASKER)


def test_a_cookie_lasts_for_one_to_two_periods(bench: Bench) -> None:
    bench.now_ns += PERIOD_NS - 1
    cookie = bench.cookies.of(*ASKER)

    bench.now_ns += 1
    is_taken_after_one = bench.cookies.proves(cookie, *ASKER)
    is_another = bench.cookies.of(*ASKER) != cookie
    bench.now_ns += PERIOD_NS

    assert is_taken_after_one
    assert is_another
    assert not bench.cookies.proves(cookie, *ASKER)


def test_a_cookie_of_long_ago_is_worth_nothing_though_nobody_has_asked_since(bench: Bench) -> None:
    cookie = bench.cookies.of(*ASKER)

    bench.now_ns += 100 * PERIOD_NS

    assert not bench.cookies.proves(cookie, *ASKER)


def test_secrets_are_of_the_system_if_nothing_else_is_said() -> None:
    assert Cookies(lambda: 0).of(*ASKER) != Cookies(lambda: 0).of(*ASKER)

"""Calls from other threads, run by whoever watches the descriptor."""

import select
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from spread.daemon.calls import BATCH_MAX, CALLS_MAX, Calls

WAIT_S = 20


@pytest.fixture
def calls() -> Iterator[Calls]:
    with closing(Calls()) as opened:
        yield opened


def is_readable(calls: Calls, timeout: float = 0) -> bool:
    return bool(select.select([calls], [], [], timeout)[0])


def test_a_call_of_another_thread_wakes_the_loop(calls: Calls) -> None:
    done: list[str] = []
    threading.Thread(target=lambda: calls.call_soon(lambda: done.append("called"))).start()

    assert is_readable(calls, WAIT_S)
    assert done == []
    calls.run_all()

    assert done == ["called"]
    assert not is_readable(calls)


def test_calls_are_made_in_their_order(calls: Calls) -> None:
    done: list[int] = []
    for number in range(BATCH_MAX):
        calls.call_soon(lambda number=number: done.append(number))  # type: ignore[misc]

    calls.run_all()

    assert done == list(range(BATCH_MAX))


def test_many_calls_are_spread_over_several_turns(calls: Calls) -> None:
    done: list[int] = []
    for number in range(BATCH_MAX + 1):
        calls.call_soon(lambda number=number: done.append(number))  # type: ignore[misc]

    calls.run_all()
    assert len(done) == BATCH_MAX
    assert is_readable(calls)
    calls.run_all()

    assert len(done) == BATCH_MAX + 1
    assert not is_readable(calls)


def test_a_call_that_finds_no_room_is_refused_and_counted(calls: Calls) -> None:
    accepted = [calls.call_soon(lambda: None) for _ in range(CALLS_MAX + 3)]

    assert accepted == [True] * CALLS_MAX + [False] * 3
    assert calls.counters() == {"calls_refused": 3}


def test_a_call_after_the_end_is_harmless() -> None:
    calls = Calls()
    calls.close()

    calls.call_soon(lambda: None)

    assert calls.counters() == {"calls_refused": 0}

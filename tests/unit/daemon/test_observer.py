"""The watching thread with a real thread, and whatever is thrown at it."""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace

import pytest

from spread._snapshot import Snapshots
from spread.config import local
from spread.config.model import EventPriority, EventType
from spread.daemon.observer import DATAGRAMS_MAX, Observer, Reply, Request, State
from spread.daemon.reporting import Reports
from spread.daemon.snapshot import Publisher, Sources
from spread.daemon.view_history import ViewHistory
from spread.daemon.watching import identity_of
from spread.monitor.report import Report
from tests.memory.daemon import MemoryDaemon

WAIT_S = 20
HERE = 0x7F000001


class Echo:
    """Answers each datagram with itself; one that says so raises, or waits."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.may_go_on = threading.Event()
        self.is_waiting = threading.Event()

    @property
    def counters(self) -> Mapping[str, int]:
        return {"monitor_requests": len(self.requests)}

    def answer(self, request: Request, state: State) -> Iterable[Reply]:
        assert state.report.daemon == "localhost"
        self.requests.append(request)
        if request.data == b"raise":
            raise ValueError("a defect")
        if request.data == b"wait":
            self.is_waiting.set()
            assert self.may_go_on.wait(WAIT_S)
        return [Reply(request.data, request.source, request.port)]


class Watched:
    """An observer of a daemon in memory."""

    def __init__(self) -> None:
        self.daemon = MemoryDaemon()
        self.echo = Echo()
        self.sent: list[tuple[bytes, tuple[str, int]]] = []
        self.logged: list[dict[str, object]] = []
        self.send_fails = False
        self.observer = Observer(
            self.echo, Reports(self.daemon.control.sessions.named), self._send, self
        )
        sources = Sources(
            snapshots=Snapshots(self.daemon.node),
            groups=self.daemon.control.groups,
            views=ViewHistory(("localhost",), ("127.0.0.1",), lambda: 1.0),
        )
        self.publisher = Publisher(sources, identity_of(local(4803), 1), self.observer.publish)

    def ask(self, data: bytes) -> None:
        self.observer.monitor_datagram(data, HERE, 99)

    def settle(self) -> None:
        """Wait until everything handed over so far is done."""
        done = threading.Event()
        self.observer.post(done.set)
        assert done.wait(WAIT_S)

    def event(
        self,
        types: EventType,
        priority: EventPriority,
        wording: str,
        /,
        *,
        lines: Sequence[str] = (),
        **fields: object,
    ) -> None:
        assert (types, priority, lines) is not None
        self.logged.append({"wording": wording, **fields})

    def _send(self, data: bytes, target: tuple[str, int]) -> object:
        if self.send_fails:
            raise OSError("no buffer")
        self.sent.append((data, target))
        return len(data)


@pytest.fixture
def watched() -> Iterator[Watched]:
    made = Watched()
    with ExitStack() as stack:
        stack.callback(made.observer.stop)
        stack.callback(made.echo.may_go_on.set)
        yield made


def started(watched: Watched) -> Watched:
    watched.publisher.publish()
    watched.observer.start()
    return watched


def test_a_datagram_is_answered_where_it_came_from(watched: Watched) -> None:
    started(watched).ask(b"hello")
    watched.settle()

    assert watched.echo.requests == [Request(b"hello", "127.0.0.1", 99)]
    assert watched.sent == [(b"hello", ("127.0.0.1", 99))]
    assert watched.observer.counters.monitor_replies == 1


def test_before_the_first_report_datagrams_are_dropped_and_counted(watched: Watched) -> None:
    watched.observer.start()
    watched.ask(b"hello")
    watched.settle()

    assert watched.sent == []
    assert watched.observer.counters.monitor_early == 1


def test_what_goes_wrong_is_told_once_and_the_thread_goes_on(watched: Watched) -> None:
    started(watched)
    for _ in range(3):
        watched.ask(b"raise")
    watched.ask(b"hello")
    watched.settle()

    assert watched.observer.counters.observer_failures == 3
    assert [each["reason"] for each in watched.logged] == ["ValueError: a defect"]
    assert watched.sent == [(b"hello", ("127.0.0.1", 99))]


def test_a_flood_is_dropped_and_counted_and_takes_no_memory(watched: Watched) -> None:
    started(watched).ask(b"wait")
    assert watched.echo.is_waiting.wait(WAIT_S)

    for _ in range(3 * DATAGRAMS_MAX):
        watched.ask(b"flood")
    watched.echo.may_go_on.set()
    watched.settle()

    assert len(watched.echo.requests) == 1 + DATAGRAMS_MAX
    assert watched.observer.counters.monitor_queue_full == 2 * DATAGRAMS_MAX


def test_reports_come_through_a_flood(watched: Watched) -> None:
    started(watched).ask(b"wait")
    assert watched.echo.is_waiting.wait(WAIT_S)
    for _ in range(2 * DATAGRAMS_MAX):
        watched.ask(b"flood")

    watched.publisher.publish()
    watched.echo.may_go_on.set()
    watched.settle()

    state = watched.observer.state
    assert state is not None
    assert state.report.counters["snapshots"] == 1
    assert state.report.counters["monitor_queue_full"] == DATAGRAMS_MAX


def test_replies_that_the_system_does_not_take_are_counted(watched: Watched) -> None:
    watched.send_fails = True

    started(watched).ask(b"hello")
    watched.settle()

    assert watched.observer.counters.monitor_unsent == 1
    assert watched.observer.counters.observer_failures == 0


def test_two_defects_of_one_kind_are_both_told(watched: Watched) -> None:
    started(watched)

    def one() -> None:
        raise KeyError("one")

    def other() -> None:
        raise KeyError("other")

    for defect in (one, other, one):
        watched.observer.post(defect)
    watched.settle()

    assert [each["reason"] for each in watched.logged] == ["KeyError: 'one'", "KeyError: 'other'"]
    assert watched.observer.counters.observer_failures == 3


def test_only_the_newest_snapshot_waits_for_a_thread_that_is_held_up(watched: Watched) -> None:
    states: list[State] = []

    class Told:
        def published(self, state: State) -> None:
            states.append(state)

    watched.observer.subscribe(Told())
    started(watched)
    watched.ask(b"wait")
    assert watched.echo.is_waiting.wait(WAIT_S)

    for _ in range(5):
        watched.publisher.publish()
    watched.echo.may_go_on.set()
    watched.settle()

    assert len(states) == 2
    watched.publisher.publish()
    watched.settle()
    assert len(states) == 3


def test_each_subscriber_is_told_of_each_report(watched: Watched) -> None:
    class Subscriber:
        def __init__(self, fault: Exception | None = None) -> None:
            self.told: list[State] = []
            self.fault = fault

        def published(self, state: State) -> None:
            self.told.append(state)
            if self.fault is not None:
                raise self.fault

    first, second = Subscriber(KeyError("x")), Subscriber()
    watched.observer.subscribe(first)
    watched.observer.subscribe(second)

    started(watched).settle()
    watched.publisher.publish()
    watched.settle()

    assert len(first.told) == len(second.told) == 2
    assert watched.observer.counters.observer_failures == 2


def test_a_report_is_completed_before_anybody_sees_it(watched: Watched) -> None:
    watched.observer.complete_with(lambda report: replace(report, release="with more"))

    started(watched)
    watched.settle()

    assert watched.observer.state is not None
    assert watched.observer.state.report.release == "with more"


def test_a_report_that_cannot_be_completed_is_published_as_it_is(watched: Watched) -> None:
    def fail(_: Report) -> Report:
        raise ZeroDivisionError

    watched.observer.complete_with(fail)

    started(watched)
    watched.settle()

    assert watched.observer.state is not None
    assert watched.observer.state.report.daemon == "localhost"
    assert watched.observer.counters.observer_failures == 1


def test_stop_ends_the_thread_after_what_is_in_hand(watched: Watched) -> None:
    started(watched).ask(b"hello")

    watched.observer.stop()

    assert watched.sent == [(b"hello", ("127.0.0.1", 99))]


def test_an_observer_that_never_started_can_be_stopped(watched: Watched) -> None:
    watched.observer.stop()

    assert watched.observer.state is None

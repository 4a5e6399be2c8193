"""The watching thread: answers monitors with what the ring's thread has published.

    ring's thread    monitor_datagram(), publish()  ->  queue (bounded, counted)
    watching thread  queue -> snapshot: report, subscribers
                           -> datagram: server decides -> replies, commands
                     commands -> call_soon -> the ring's thread

Whatever goes wrong here stays here: an exception is counted and told to the log, once a minute for
each kind and place, and the ring does not hear of it. Of snapshots only the newest waits: what
holds this thread up does not leave it with old ones.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from ipaddress import IPv4Address
from queue import Empty, SimpleQueue
from typing import Final, Protocol

from spread.daemon.event_sink import EventSink
from spread.daemon.failures import Failures
from spread.daemon.reporting import Reports
from spread.daemon.snapshot import Snapshot
from spread.daemon.thread_names import show_thread_names
from spread.monitor.report import Report

__all__ = ["Counters", "Observer", "Reply", "Request", "Server", "Subscriber"]

DATAGRAMS_MAX: Final = 512
"""Datagrams of monitors that wait; who sends more asks again."""

STOP_S: Final = 2.0
"""How long an orderly end waits for the thread; it is a daemon thread, so nothing hangs on it."""

IDLE_S: Final = 5.0
"""The thread wakes up so often even if nothing comes, to see that it is to end."""


@dataclass(frozen=True, slots=True)
class Request:
    """A datagram of a monitor."""

    data: bytes
    source: str
    port: int


@dataclass(frozen=True, slots=True)
class Reply:
    """A datagram to send."""

    data: bytes
    target: str
    port: int


class Server(Protocol):
    """Decides about datagrams; used by the watching thread only."""

    @property
    def counters(self) -> Mapping[str, int]:
        """What came of them, by the names of `spread.counters`."""

    def answer(self, request: Request, state: "State") -> Iterable[Reply]:
        """Return the replies to a datagram, which may be anything."""


class Subscriber(Protocol):
    """Is told of each new snapshot, about once a second; used by the watching thread only."""

    def published(self, state: "State") -> None:
        """A new snapshot is there."""


@dataclass(frozen=True, slots=True)
class State:
    """What the watching thread knows of the ring: the last snapshot and the report of it."""

    snapshot: Snapshot
    report: Report


@dataclass(slots=True)
class Counters:
    """What is counted here, by the names of `spread.counters`; written by one thread each."""

    monitor_queue_full: int = 0
    monitor_early: int = 0
    monitor_replies: int = 0
    monitor_unsent: int = 0
    observer_failures: int = 0


Send = Callable[[bytes, tuple[str, int]], object]
"""Sends a datagram to an address and port without waiting; OSError if it cannot."""


Complete = Callable[[Report], Report]
"""Returns a report with more in it; used by the watching thread only."""

Item = Request | Callable[[], None]
"""What waits for the watching thread."""


class Observer:
    """The watching thread. `start` it before the loop runs, `stop` it before sockets close."""

    def __init__(self, server: Server, reports: Reports, send: Send, log: EventSink) -> None:
        self.counters = Counters()
        self._server = server
        self._reports = reports
        self._send = send
        self._queue: SimpleQueue[Item | None] = SimpleQueue()
        self._subscribers: list[Subscriber] = []
        self._complete: Complete | None = None
        self._state: State | None = None
        self._newest: Snapshot | None = None  # Published, and not taken yet.
        self._lock = threading.Lock()
        self._failures = Failures(log, "the watching thread failed, the ring goes on")
        self._thread = threading.Thread(target=self._run, name="spread-watching", daemon=True)

    # -- Any thread -------------------------------------------------------------------------------

    @property
    def state(self) -> State | None:
        """The last snapshot and its report; None before the first."""
        return self._state

    def complete_with(self, complete: Complete) -> None:
        """Let `complete` add to each report what only this thread finds out; before `start`."""
        self._complete = complete

    def subscribe(self, subscriber: Subscriber) -> None:
        """Have a subscriber told of each snapshot; before `start`."""
        self._subscribers.append(subscriber)

    def post(self, what: Callable[[], None]) -> None:
        """Have `what` called in the watching thread; an exception of it is logged."""
        self._queue.put(what)

    def start(self) -> None:
        """Begin."""
        self._thread.start()
        show_thread_names()

    def stop(self) -> None:
        """End the thread after what it has in hand."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join(STOP_S)

    # -- The ring's thread ------------------------------------------------------------------------

    def publish(self, snapshot: Snapshot) -> None:
        """Take a snapshot; one that still waits is forgotten."""
        with self._lock:
            is_waiting = self._newest is not None
            self._newest = snapshot
        if not is_waiting:
            self._queue.put(self._take_newest)

    def monitor_datagram(self, data: bytes, source: int, port: int) -> None:
        """Take a datagram, or count it if too many wait."""
        if self._queue.qsize() >= DATAGRAMS_MAX:
            self.counters.monitor_queue_full += 1
            return
        self._queue.put(Request(data, str(IPv4Address(source)), port))

    # -- The watching thread ----------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            try:
                item = self._queue.get(timeout=IDLE_S)
            except Empty:
                continue
            if item is None:
                return
            try:
                self._take(item)
            except Exception as error:
                self._failed(error)

    def _take(self, item: Item) -> None:
        if not isinstance(item, Request):
            item()
        elif self._state is None:
            self.counters.monitor_early += 1
        else:
            self.send(self._server.answer(item, self._state))

    def _take_newest(self) -> None:
        with self._lock:
            snapshot, self._newest = self._newest, None
        if snapshot is not None:
            self._publish(snapshot)

    def _publish(self, snapshot: Snapshot) -> None:
        own = asdict(self.counters) | dict(self._server.counters)
        self._state = State(snapshot, self._completed(self._reports.report(snapshot, own)))
        for subscriber in self._subscribers:
            try:
                subscriber.published(self._state)
            except Exception as error:
                self._failed(error)

    def _completed(self, report: Report) -> Report:
        if self._complete is None:
            return report
        try:
            return self._complete(report)
        except Exception as error:
            self._failed(error)
        return report

    def send(self, replies: Iterable[Reply]) -> None:
        """Send datagrams; called in the watching thread."""
        for reply in replies:
            self._reply(reply)

    def _reply(self, reply: Reply) -> None:
        try:
            self._send(reply.data, (reply.target, reply.port))
        except OSError:
            self.counters.monitor_unsent += 1
        else:
            self.counters.monitor_replies += 1

    def _failed(self, error: Exception) -> None:
        self._failures.note(error)
        self.counters.observer_failures = self._failures.count

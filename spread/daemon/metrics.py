"""Metrics of one daemon over HTTP, from a thread of its own that reads published reports only.

    /metrics    the last report as Prometheus reads it
    /healthz    200 while the ring's thread publishes reports, else 503: restart the daemon
    /readyz     200 while the daemon is in a ring and groups are stable, else 503

    scraper -> `MetricsServer` (sockets, limits) -> `MetricsPages` (what stands there) -> Report

A scraper that hangs keeps nobody out: a connection that sends no whole request, or does not read
its answer, is closed at its deadline. Until then it has one of a few places, of which each source
has a share, and one that finds no place takes that of the connection which has been idle longest.
Both are counted. Connections beyond `Limits.a_second` wait in the system's row. The text is made
once for each report, however many ask for it.
"""

import selectors
import socket
import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from spread.config.listens import Listen, Purpose, Transport
from spread.daemon.event_sink import EventSink
from spread.daemon.failures import Failures
from spread.daemon.listen_errors import refusal
from spread.daemon.metrics_http import Answer, Request, read_request, write_answer
from spread.daemon.thread_names import show_thread_names
from spread.errors import PeerError
from spread.monitor.prometheus import Answers, ReportCollector, exposition, require_client
from spread.monitor.report import Report
from spread.system import claim_address, reuse_address

__all__ = ["STALE_S", "Limits", "MetricsPages", "MetricsServer", "open_metrics"]

STALE_S: Final = 5.0
"""A report that is older, five turns of the second, says that the ring's thread hangs."""

RETRY_S: Final = 1.0
"""Between a failure that is nobody's fault and the next attempt to serve."""

READ_SIZE: Final = 4096
BACKLOG: Final = 64
"""More than `Limits.a_second`: who waits for the next second need not connect again."""

_INDEX: Final = b"/metrics\n/healthz\n/readyz\n"


@dataclass(frozen=True, slots=True)
class Limits:
    """What others can take of the server."""

    connections: int = 8
    """Open at a time; a scraper needs one, and a few may hang."""
    of_source: int = 4
    """Of these, from one address: what hangs on one host leaves room for the others."""
    request_s: float = 2.0
    """Until a request is there as a whole; scrapers send it in one piece."""
    answer_s: float = 5.0
    """Until its answer has been read; scrapers give up after ten."""
    a_second: int = 50
    """New connections a second."""


def open_metrics(address: str, port: int) -> socket.socket:
    """Return a socket that listens for scrapers.

    Raises ConfigurationError if prometheus-client is missing, and ListenError if the address
    cannot be had: who asked for metrics would not notice otherwise that there are none.
    """
    require_client()
    listen = Listen(Transport.TCP, Purpose.METRICS, address, port)
    opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        claim_address(opened)
        reuse_address(opened)
        opened.bind((address, port))
        opened.listen(BACKLOG)
    except OSError as error:
        opened.close()
        raise refusal(listen, error) from error
    return opened


class MetricsPages:
    """What the server answers; `published` returns the last report, `clock` seconds since 1970."""

    def __init__(
        self, published: Callable[[], Report | None], clock: Callable[[], float] = time.time
    ) -> None:
        self._published = published
        self._clock = clock
        self._collector = ReportCollector(self._answers, clock)
        self._made: dict[str, tuple[Report, Answer]] = {}

    def answer(self, request: Request) -> Answer:
        """Return the answer to a request."""
        if request.method not in ("GET", "HEAD"):
            return Answer(405, b"only GET and HEAD\n")
        if request.path == "/":
            return Answer(200, _INDEX)
        report = self._published()
        if request.path == "/metrics":
            return (
                Answer(503, b"no report yet\n") if report is None else self._text(report, request)
            )
        if request.path == "/healthz":
            return _verdict(self._why_unhealthy(report))
        if request.path == "/readyz":
            return _verdict(self._why_unhealthy(report) or _why_unready(report))
        return Answer(404, b"there are /metrics, /healthz and /readyz\n")

    def _text(self, report: Report, request: Request) -> Answer:
        # A scraper says the same each time; others must not fill the memory.
        form = "openmetrics" if "application/openmetrics-text" in request.accept else ""
        made = self._made.get(form)
        if made is None or made[0] is not report:
            accept = "application/openmetrics-text; version=1.0.0" if form else ""
            made = report, Answer(200, *exposition(self._collector, accept))
            self._made[form] = made
        return made[1]

    def _answers(self) -> Answers:
        report = self._published()
        return {} if report is None else {report.daemon: report}

    def _why_unhealthy(self, report: Report | None) -> str:
        if report is None:
            return "no report yet"
        age_s = self._clock() - report.time_s
        return f"the last report is {age_s:.1f} s old" if age_s > STALE_S else ""


def _why_unready(report: Report | None) -> str:
    if report is None or report.is_forming:
        return f"membership is in state {report.state if report else 'unknown'}"
    if report.group_state != "GOP":
        return f"groups are in state {report.group_state}"
    return ""


def _verdict(reason: str) -> Answer:
    return Answer(503, f"{reason}\n".encode()) if reason else Answer(200, b"ok\n")


@dataclass(slots=True)
class _Connection:
    socket: socket.socket
    source: str
    """Address of the other side."""
    deadline: float
    received: bytearray = field(default_factory=bytearray)
    answer: memoryview | None = None
    """What is left to send; None while the request is read."""


class MetricsServer:
    """Serves `answer` on a socket that listens, until `close`; it owns the socket."""

    def __init__(
        self,
        listening: socket.socket,
        answer: Callable[[Request], Answer],
        log: EventSink,
        limits: Limits | None = None,
    ) -> None:
        self._failures = Failures(log, "the thread for metrics failed and goes on")
        self._is_closed = threading.Event()
        self._listening = listening
        self._answer = answer
        self._limits = limits or Limits()
        self._counters = dict.fromkeys(
            ("metrics_requests", "metrics_displaced", "metrics_timeouts", "metrics_malformed"), 0
        )
        self._selector = selectors.DefaultSelector()
        self._open: dict[socket.socket, _Connection] = {}
        self._is_accepting = False
        self._second = 0.0
        self._accepted = 0
        self._waker, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="spread-metrics", daemon=True)

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        host, port = self._listening.getsockname()[:2]
        return host, port

    @property
    def thread(self) -> threading.Thread:
        """The thread that does all this."""
        return self._thread

    def start(self) -> None:
        """Begin to serve."""
        self._listening.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._accept_again(time.monotonic())
        self._thread.start()
        show_thread_names()

    def counters(self) -> dict[str, int]:
        """Return what was counted, by names of `spread.counters.OBSERVING`."""
        return self._counters | {"metrics_failures": self._failures.count}

    def close(self) -> None:
        """Stop, whatever is going on, and close all sockets."""
        self._is_closed.set()
        self._waker.close()
        if self._thread.ident is not None:
            self._thread.join()
        for connection in self._open.values():
            connection.socket.close()
        self._selector.close()
        self._woken.close()
        self._listening.close()

    # -- The thread -------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._is_closed.is_set():
            try:
                self._turn()
            except Exception as error:
                self._failures.note(error)
                self._give_up()
                self._is_closed.wait(RETRY_S)

    def _turn(self) -> None:
        """Wait for something to do, and do it."""
        for key, _ in self._selector.select(self._sleep_s(time.monotonic())):
            if key.fileobj is self._woken:
                return
            if key.fileobj is self._listening:
                self._accept(time.monotonic())
            elif key.data.socket in self._open:  # It may have made room just now.
                self._serve(key.data)
        now = time.monotonic()
        self._close_late(now)
        if not self._is_accepting and now >= self._second + 1:
            self._accept_again(now)

    def _give_up(self) -> None:
        """Close what is open: the next one begins as the first did."""
        for opened in self._open:
            with suppress(KeyError, ValueError):
                self._selector.unregister(opened)
            opened.close()
        self._open.clear()

    def _sleep_s(self, now: float) -> float | None:
        times = [connection.deadline for connection in self._open.values()]
        if not self._is_accepting:
            times.append(self._second + 1)
        return max(0.0, min(times) - now) if times else None

    def _accept_again(self, now: float) -> None:
        self._selector.register(self._listening, selectors.EVENT_READ)
        self._is_accepting = True
        self._second, self._accepted = now, 0

    def _accept(self, now: float) -> None:
        if now >= self._second + 1:
            self._second, self._accepted = now, 0
        if self._accepted >= self._limits.a_second:
            self._selector.unregister(self._listening)
            self._is_accepting = False
            return
        try:
            accepted, (source, _) = self._listening.accept()
        except OSError:
            return  # It is gone again, or there is no descriptor for it: others need them more.
        finally:
            self._accepted += 1
        displaced = _who_gives_way(self._open.values(), source, self._limits)
        if displaced is not None:
            self._counters["metrics_displaced"] += 1
            self._end(displaced)
        accepted.setblocking(False)
        connection = _Connection(accepted, source, now + self._limits.request_s)
        self._open[accepted] = connection
        self._selector.register(accepted, selectors.EVENT_READ, connection)
        # Mostly the request is there already, and is answered before anybody else finds no place.
        self._serve(connection)

    def _serve(self, connection: _Connection) -> None:
        try:
            if connection.answer is None:
                self._read(connection)
            else:
                self._write(connection)
        except BlockingIOError:
            pass  # It is ready at another time.
        except OSError:
            self._end(connection)
        except PeerError:
            self._counters["metrics_malformed"] += 1
            self._end(connection)

    def _read(self, connection: _Connection) -> None:
        data = connection.socket.recv(READ_SIZE)
        if not data:
            self._end(connection)
            return
        connection.received += data
        request = read_request(bytes(connection.received))
        if request is None:
            return
        self._counters["metrics_requests"] += 1
        answer = write_answer(self._answered(request), with_body=request.method != "HEAD")
        connection.answer = memoryview(answer)
        connection.deadline = time.monotonic() + self._limits.answer_s
        self._selector.modify(connection.socket, selectors.EVENT_WRITE, connection)
        self._write(connection)

    def _answered(self, request: Request) -> Answer:
        """Whatever goes wrong with one page must not end the thread that serves all."""
        try:
            return self._answer(request)
        except Exception as error:
            return Answer(500, f"{type(error).__name__}: {error}\n".encode())

    def _write(self, connection: _Connection) -> None:
        if connection.answer is None:
            return
        connection.answer = connection.answer[connection.socket.send(connection.answer) :]
        if not connection.answer:
            with suppress(OSError):  # The other side may be gone already.
                connection.socket.shutdown(socket.SHUT_WR)
            self._end(connection)

    def _close_late(self, now: float) -> None:
        for connection in list(self._open.values()):
            if now >= connection.deadline:
                self._counters["metrics_timeouts"] += 1
                self._end(connection)

    def _end(self, connection: _Connection) -> None:
        self._selector.unregister(connection.socket)
        connection.socket.close()
        del self._open[connection.socket]


def _who_gives_way(
    connections: Collection[_Connection], source: str, limits: Limits
) -> _Connection | None:
    """Return whose place one from `source` takes; None if there is room.

    Who has its share gives way to itself. One that has not asked for anything gives way before one
    that reads its answer, and of both the one nearest to its deadline.
    """
    own = [each for each in connections if each.source == source]
    if len(own) >= limits.of_source:
        return min(own, key=_patience)
    if len(connections) >= limits.connections:
        return min(connections, key=_patience)
    return None


def _patience(connection: _Connection) -> tuple[bool, float]:
    return connection.answer is not None, connection.deadline

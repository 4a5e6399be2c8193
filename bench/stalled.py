"""Memory of a daemon while one member of a group does not read what it is sent."""

import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.cell import Effort, Figure, Sample
from bench.load import Bounds, Measurement, Workload, join, new_load, run
from bench.session import Session
from bench.system import System, Topology

LOOK_S = 0.02  # The resolution of the time at which a session was closed.
GRACE_S = 1.0  # For a close that comes when the load is over.
FRESH = Topology(is_fresh=True)  # Peaks count from the start of a process.
SMALL_BUFFER_SIZE = 4096  # The kernel keeps little for the stalled member: the daemon must.


@dataclass(frozen=True, slots=True, kw_only=True)
class StalledCell:
    """A sender that keeps its window, and a member beside it that stops to read."""

    name: str
    title: str
    workload: Workload
    topology: Topology = FRESH
    kind: str = "footprint"
    has_limit: bool = False

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Peak, what the stalled member adds, how long it is kept, and what the others get."""
        return (
            Figure(title=f"{self.title}: peak resident", unit="MB", more_is_better=False),
            Figure(title=f"{self.title}: more than without", unit="MB", more_is_better=False),
            Figure(title=f"{self.title}: kept for", unit="s", more_is_better=False),
            Figure(title=f"{self.title}: rate of the others", unit="messages/s"),
        )

    def run(self, system: System, effort: Effort) -> Sample:
        """Run the load without the stalled member, then with it; its peaks are of all daemons."""
        bounds = Bounds(warm_up_s=effort.warm_up_s, duration_s=effort.duration_s)
        with ExitStack() as stack:
            group = f"bench-{secrets.token_hex(3)}".encode()
            before = self._load(system, group, bounds)
            before_kb = max(system.peak_kb())
            stalled = stack.enter_context(system.open(0, f"m{secrets.token_hex(3)}"))
            stalled.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER_SIZE)
            join([group], [stalled])
            watch = stack.enter_context(watched(system, stalled))
            measurement = self._load(system, group, bounds)
            watch.wait(GRACE_S)
        peak_kb = max(system.peak_kb())
        return Sample(
            (
                peak_kb / 1024,
                (peak_kb - before_kb) / 1024,
                watch.kept_s,
                measurement.messages_per_s,
            ),
            measurement,
            {
                "closed": watch.is_closed,
                "messages_per_s_without": before.messages_per_s,
                "resident_kb_after": system.resident_kb(),
            },
        )

    def _load(self, system: System, group: bytes, bounds: Bounds) -> Measurement:
        with ExitStack() as stack:
            senders = [
                stack.enter_context(system.open(i % system.size, f"s{i}{secrets.token_hex(3)}"))
                for i in range(self.workload.senders)
            ]
            join([group], senders)
            load = new_load(self.workload, [group], senders, hosts=system.size)
            return run(load, self.workload, bounds)


class Watch:
    """Waits in a thread of its own for a daemon to close a session that nobody reads.

    The end of the stream waits behind what the member has not read, so the daemon's socket is
    looked at instead: it is established no more once it is closed.
    """

    def __init__(self, system: System, session: Session) -> None:
        """Begin to watch a TCP session at the first daemon."""
        self._system = system
        self._port = session.connection.getsockname()[1]
        self._began_s = time.monotonic()
        self._ended_s: float | None = None
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    @property
    def is_closed(self) -> bool:
        """Whether the daemon has closed the session."""
        return self._ended_s is not None

    @property
    def kept_s(self) -> float:
        """How long the session lived; up to now if it is open."""
        return (self._ended_s or time.monotonic()) - self._began_s

    def wait(self, timeout_s: float) -> None:
        """Wait until the session is closed, at most for the time."""
        self._thread.join(timeout_s)

    def stop(self) -> None:
        """End the thread."""
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._is_over.wait(LOOK_S):
            if not is_established(self._system.run_inside(0, _sockets), self._port):
                self._ended_s = time.monotonic()
                return


def _sockets() -> str:
    # Of the thread: its namespace may be another than that of the process.
    return Path("/proc/thread-self/net/tcp").read_text()


def is_established(sockets: str, remote_port: int) -> bool:
    """Whether a socket in the kernel's list is connected to a port at the other end."""
    rows = [line.split() for line in sockets.splitlines()[1:]]
    return any(int(row[2].rpartition(":")[2], 16) == remote_port and row[3] == "01" for row in rows)


@contextmanager
def watched(system: System, session: Session) -> Iterator[Watch]:
    """Watch a session, which keeps what it has not read, while the block runs."""
    watch = Watch(system, session)
    try:
        yield watch
    finally:
        watch.stop()
        with suppress(OSError):  # The daemon has closed it already.
            session.connection.shutdown(socket.SHUT_RDWR)

"""Systems that run: made when a cell needs them, kept for the next cells on the same topology."""

import select
import signal
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Self, TypeVar

from bench.address import Address
from bench.daemon import Daemon
from bench.hosts import network
from bench.session import HEADER, SERVICES, Session, frame
from bench.system import DaemonError, Implementation, Topology

RING_TIMEOUT_S = 60.0
CALL_GAP_S = 0.1  # Between messages that look for a ring of all daemons.
SESSION_TIMEOUT_S = 10.0

T = TypeVar("T")


class RunningSystem:
    """Daemons of one implementation on one topology, from their start until `close`."""

    def __init__(
        self, implementation: Implementation, topology: Topology, core: int | None = None
    ) -> None:
        """Start all daemons and wait until a message of each reaches a client at every other.

        Raises DaemonError if that does not happen. With `core`, all run on that processor only.
        """
        self.implementation = implementation
        self.topology = topology
        self.core = core
        self.daemons: list[Daemon] = []
        self._stack = ExitStack()
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self) -> None:
        directory = Path(
            self._stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
        ).resolve()
        net = self._network = self._stack.enter_context(network(self.topology))
        self.port = net.port
        began_s = time.monotonic()
        for host in net.hosts:
            place = directory / host.name
            place.mkdir()
            self.daemons.append(
                Daemon(
                    self.implementation.command_for(self.topology),
                    net,
                    host,
                    place,
                    faults=self.topology.faults,
                    core=self.core,
                )
            )
        versions = [daemon.wait_until_it_accepts() for daemon in self.daemons]
        self.start_s = time.monotonic() - began_s
        self.version = versions[0]
        if self.size > 1:
            self._wait_until_all_hear_all()

    @property
    def size(self) -> int:
        return self.topology.daemons

    @property
    def pids(self) -> tuple[int, ...]:
        return tuple(daemon.process.pid for daemon in self.daemons)

    def location(self, number: int, transport: str = "tcp") -> Address:
        return self.daemons[number].location(transport)

    def open(
        self, number: int, name: str, *, membership: bool = False, transport: str = "tcp"
    ) -> Session:
        daemon = self.daemons[number]
        if transport == "unix" and daemon.namespace is None and self.size > 1:
            raise DaemonError("daemons on loopback share the name of their Unix socket: use tcp")
        return daemon.open(name, membership, transport, SESSION_TIMEOUT_S)

    def run_inside(self, number: int, function: Callable[[], T]) -> T:
        with self.entered(number):
            return function()

    def entered(self, number: int) -> AbstractContextManager[None]:
        namespace = self.daemons[number].namespace
        return nullcontext() if namespace is None else namespace.entered()

    def cpu_s(self) -> float:
        return sum(daemon.cpu_s() for daemon in self.daemons)

    def cpu_split_s(self) -> tuple[float, float]:
        splits = [daemon.cpu_split_s() for daemon in self.daemons]
        return sum(user for user, _ in splits), sum(system for _, system in splits)

    def resident_kb(self) -> list[int]:
        return [daemon.memory_kb("VmRSS") for daemon in self.daemons]

    def peak_kb(self) -> list[int]:
        return [daemon.memory_kb("VmHWM") for daemon in self.daemons]

    def pause(self, number: int) -> None:
        self.daemons[number].send_signal(signal.SIGSTOP)

    def resume(self, number: int) -> None:
        self.daemons[number].send_signal(signal.SIGCONT)

    def kill(self, number: int) -> None:
        self.daemons[number].kill()

    def restart(self, number: int) -> None:
        self.daemons[number].restart()
        self.daemons[number].wait_until_it_accepts()

    def split(self, *parts: Sequence[int]) -> None:
        self._network.split(*parts)

    def merge(self) -> None:
        self._network.split(range(self.size))

    def output(self, number: int) -> str:
        return self.daemons[number].output()

    def statistics(self) -> list[dict[str, int]]:
        for daemon in self.daemons:
            daemon.terminate()  # At once: one by one, the others would form smaller rings first.
        for daemon in self.daemons:
            daemon.wait()
        return [daemon.statistics() for daemon in self.daemons]

    def is_running(self) -> bool:
        """Whether all daemons run."""
        return all(daemon.is_running() for daemon in self.daemons)

    def obituary(self) -> str:
        """Return what daemons that have ended printed, empty while all run."""
        ended = [daemon for daemon in self.daemons if not daemon.is_running()]
        return "".join(f"; {daemon.complaint('the daemon has ended')}" for daemon in ended)

    def close(self) -> None:
        """Stop the daemons and remove what was made for them."""
        for daemon in self.daemons:
            daemon.close()
        self._stack.close()

    def _wait_until_all_hear_all(self) -> None:
        """Let clients at all daemons call each other until each has heard each.

        Daemons that have just started form small rings first. Nothing but messages is used, which
        the bare forwarder delivers, too.
        """
        group = b"bench-start"
        deadline_s = time.monotonic() + RING_TIMEOUT_S
        with ExitStack() as stack:
            sessions = [
                stack.enter_context(self.open(number, f"start{number}"))
                for number in range(self.size)
            ]
            names = {session.private_group for session in sessions}
            for session in sessions:
                session.join(group)
            heard: list[set[bytes]] = [set() for _ in sessions]
            while any(each != names for each in heard):
                if time.monotonic() > deadline_s:
                    raise DaemonError(self._deaf(heard))
                for session in sessions:
                    call = frame(session.private_group, SERVICES["agreed"], [group])
                    session.connection.sendall(call)
                _listen(sessions, heard)

    def _deaf(self, heard: list[set[bytes]]) -> str:
        counts = ", ".join(str(len(each)) for each in heard)
        return "".join(
            [
                f"{self.implementation.label}: no ring of {self.size} daemons within "
                f"{RING_TIMEOUT_S:g} s (their clients hear {counts} of them)",
                *(f"; {daemon.complaint('its end')}" for daemon in self.daemons),
            ]
        )


def _listen(sessions: list[Session], heard: list[set[bytes]]) -> None:
    """Note whose messages come to each session, for the time between two calls."""
    end_s = time.monotonic() + CALL_GAP_S
    while (rest_s := end_s - time.monotonic()) > 0:
        ready, _, _ = select.select(sessions, [], [], rest_s)
        for session in ready:
            heard[sessions.index(session)].add(
                HEADER.unpack_from(session.receive())[1].rstrip(b"\0")
            )


class Fleet:
    """Running systems, kept between cells on one topology; a context manager that stops them.

    A system whose daemon has ended is made anew. Idle systems of another topology would cost a
    little, so a new topology ends those of the one before.
    """

    def __init__(self, core: int | None = None) -> None:
        self._core = core
        self._systems: dict[tuple[str, Topology], RunningSystem] = {}
        self.versions: dict[str, str] = {}  # What implementations said, by their label.

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._drop(list(self._systems))

    def system(self, implementation: Implementation, topology: Topology) -> RunningSystem:
        """Return running daemons of an implementation; raises DaemonError and OSError."""
        wanted = (implementation.label, topology)
        self._drop(
            [
                key
                for key, system in self._systems.items()
                if key[1] != topology
                or (key == wanted and (topology.is_fresh or not system.is_running()))
            ]
        )
        if wanted not in self._systems:
            system = RunningSystem(implementation, topology, self._core)
            self._systems[wanted] = system
            self.versions[implementation.label] = system.version
        return self._systems[wanted]

    def obituary(self, implementation: Implementation, topology: Topology) -> str:
        """Return how an implementation's daemons ended, empty while they run."""
        system = self._systems.get((implementation.label, topology))
        return "" if system is None else system.obituary()

    def discard(self, implementation: Implementation, topology: Topology) -> None:
        """Stop a system in which something went wrong; the next cell gets a new one."""
        key = (implementation.label, topology)
        self._drop([key] if key in self._systems else [])

    def _drop(self, keys: list[tuple[str, Topology]]) -> None:
        for key in keys:
            self._systems.pop(key).close()

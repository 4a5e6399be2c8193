"""Clients on real sockets, in real time: the simulator's clients, workload and judges.

One thread does everything: what clients note is their true program order. Nothing waits for a time
to pass, only for conditions, and each of them has a deadline.
"""

import select
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import cast

from spread.service import SAFE_MESS
from spread.sim.agenda import MS, START_NS, Agenda
from spread.sim.checkers import check_all
from spread.sim.clients import Messages, TraceClient
from spread.sim.connection import Connection, Listener
from spread.sim.host import Host as SimulatedHost
from spread.sim.ring_watch import RingWatch
from spread.sim.trace import (
    Closure,
    DaemonStarted,
    Delivered,
    History,
    LeftGroup,
    RingInstalled,
    Viewed,
)
from spread.sim.workload import Workload
from spread.sim.world import World
from tests.daemon.harness.waiting import DEADLINE, Deadline
from tests.netns import evidence
from tests.netns.daemons import PORT, Daemon

__all__ = ["Stage"]

STEP_MS = 5  # How late a condition or an event of the workload may be noticed.
READ_SIZE = 1 << 18
LOG_TAIL = 4_000  # Characters of each log in a failure.


class Stage:
    """Daemons, their clients, and the clock by which these act."""

    def __init__(self, daemons: Sequence[Daemon]) -> None:
        self.daemons = list(daemons)
        self.history = History(daemon_names=tuple(each.name.encode() for each in daemons))
        self.agenda = Agenda()
        self.messages = Messages()
        self.poll = select.poll()
        self.connections: dict[int, _Connection] = {}
        self.workloads: list[Workload] = []
        self.clients: list[TraceClient] = []
        self.hosts = [_Server(self, each) for each in daemons]
        self.cluster = _Size(len(self.daemons))
        self._tails: dict[TraceClient, _Tail] = {}
        self._due: dict[TraceClient, set[int]] = {}
        self._due_since_s: float | None = None
        self._began_ns = time.monotonic_ns()

    def close(self) -> None:
        """Close all connections without a word."""
        for connection in list(self.connections.values()):
            connection.close_socket()

    # -- Clients ----------------------------------------------------------------------------------

    def talk(self, clients: int, *, pause_ms: int = 10, seed: int = 1) -> None:
        """Let a workload run until `settle`: clients that come and go, talk, hang and die."""
        workload = Workload(cast(World, self), clients, pause_ms * MS, Random(seed))
        workload.messages = self.messages
        self.workloads.append(workload)
        workload.start()

    def client(self, daemon: int, name: str, *groups: str, membership: bool = True) -> TraceClient:
        """Return a client of a daemon that is let in and has asked to join the groups."""
        found = TraceClient(cast(World, self), self.messages, name.encode(), membership=membership)
        self.clients.append(found)
        found.connect(cast(SimulatedHost, self.hosts[daemon]))
        self.until(lambda: found.is_open, f"{name} to be let in by {self.daemons[daemon].name}")
        for group in groups:
            found.join(group.encode())
        return found

    # -- Time -------------------------------------------------------------------------------------

    def step(self) -> None:
        """Wait for input a little, and do what is due."""
        for descriptor, events in self.poll.poll(STEP_MS):
            connection = self.connections.get(descriptor)
            if connection is not None:
                connection.serve(events)
        self.agenda.run(START_NS + time.monotonic_ns() - self._began_ns)

    def until(self, condition: Callable[[], object], what: str, seconds: float = DEADLINE) -> None:
        """Let clients act until the condition holds; raises AssertionError after `seconds`."""
        deadline = Deadline(seconds)
        while not condition():
            self.look_after_daemons()
            if deadline.passed():
                raise AssertionError(
                    f"after {seconds:g} s still waiting for: {what}\n{self.describe()}"
                )
            self.step()

    def look_after_daemons(self) -> None:
        """Fail if a daemon ended by itself or says that its code failed."""
        for daemon in self.daemons:
            if daemon.is_expected and not daemon.is_running:
                raise AssertionError(
                    f"{daemon.name} ended with status {daemon.process.returncode}:\n"
                    f"{daemon.output()[-LOG_TAIL:]}"
                )

    def until_rings(self, *rings: Sequence[int], seconds: float = DEADLINE) -> None:
        """Wait until the daemons of each ring, by number, have installed it and agree on its id."""
        wanted = " and ".join(" ".join(self.daemons[each].name for each in ring) for ring in rings)
        self.until(lambda: all(map(self._is_ring, rings)), f"rings of {wanted}", seconds)

    def _is_ring(self, numbers: Sequence[int]) -> bool:
        members = [self.daemons[number] for number in numbers]
        names = tuple(each.name for each in members)
        if any(each.ring != names for each in members):
            return False
        return len({each.ring_id for each in members}) == 1

    def until_delivered(self, count: int, seconds: float = DEADLINE) -> None:
        """Wait until clients have got so many messages more."""
        before = self._delivered()
        self.until(lambda: self._delivered() >= before + count, f"{count} deliveries", seconds)

    def _delivered(self) -> int:
        return sum(len(client.events) for client in self.history.clients)

    # -- The end ----------------------------------------------------------------------------------

    def settle(self, seconds: float = DEADLINE) -> None:
        """Stop asking for anything, and wait until everybody has everything that is due.

        All daemons must run; they, and the views of each group, become one.
        """
        self.history.healed_at = self.history.tick()
        self.until_rings(range(len(self.daemons)), seconds=seconds)
        for workload in self.workloads:
            workload.stop()
        self.until(self._is_calm, "handshakes and farewells to end", seconds)
        self._until_requests_are_ordered(seconds)
        self.until(self._views_agree, "one view of each group", seconds)
        self.expect(self._farewells())
        self.until(lambda: all(map(self._has, self._due)), "the farewells of all clients", seconds)

    def _until_requests_are_ordered(self, seconds: float) -> None:
        """Wait until nothing that a client has asked for is still under way.

        Views cannot tell: somebody who leaves a group and joins it again is in the last view as
        long as neither has been ordered, and what others send between the two is not for him.
        """
        self.expect({client: {self._say_to_itself(client)} for client in self._open()})
        self.until(
            lambda: all(self._has(client) or not client.is_open for client in self._due),
            "what clients say to themselves",
            seconds,
        )

    def expect(self, due: dict[TraceClient, set[int]]) -> None:
        """Clients are to get the messages that have just been sent, by identity."""
        self._due = due
        self._due_since_s = time.time()

    def _say_to_itself(self, client: TraceClient) -> int:
        return client.multicast(SAFE_MESS, [client.private_group]).identity

    def _farewells(self) -> dict[TraceClient, set[int]]:
        """Let every client send once more to itself and its groups; return what each is to get."""
        # Also to itself: what a client in no group has sent is behind nobody else's farewell.
        due = {client: {self._say_to_itself(client)} for client in self._open()}
        for group, clients in self._wanted().items():
            sent = {client.multicast(SAFE_MESS, [group]).identity for client in clients}
            for client in clients:
                due[client] |= sent
        return due

    def violations(self) -> list[str]:
        """Return what contradicts a guarantee, in what clients and daemons noted."""
        watch = RingWatch()
        for daemon in self.daemons:
            daemon.find("membership")
            numbers = {each.name: each.number for each in self.daemons}
            for ring, names in daemon.history:
                watch.installed(daemon.number, ring, tuple(numbers[name] for name in names))
            if daemon.is_running and self.history.healed_at is not None:
                self._note_ring(daemon, tuple(numbers[name] for name in daemon.ring))
        return [*watch.violations, *map(str, check_all(self.history))]

    def finish(self, seconds: float = DEADLINE) -> None:
        """Settle, judge, and say what was seen."""
        self.settle(seconds)
        found = self.violations()
        assert not found, "\n".join(found) + "\n" + self.describe()

    def describe(self) -> str:
        """Return what is missing, the ends of the daemons' logs, and what the daemons know."""
        logs = [
            f"--- {each.name}, ring {each.ring} ---\n{each.output()[-LOG_TAIL:]}"
            for each in self.daemons
        ]
        missing = evidence.of_messages(self._due, self.messages.sent, self.history)
        return "\n".join([missing, *logs, evidence.of_ring(self.daemons, self._due_since_s)])

    def _note_ring(self, daemon: Daemon, members: tuple[int, ...]) -> None:
        history, number, life = self.history, daemon.number, daemon.life
        now_ns = self.agenda.now_ns
        history.daemons.append(DaemonStarted(history.tick(), now_ns, number, life))
        if members:
            history.daemons.append(
                RingInstalled(history.tick(), now_ns, number, life, daemon.ring_id, members)
            )

    def _everybody(self) -> list[TraceClient]:
        talking = (each for workload in self.workloads for each in workload.clients)
        return [each for each in (*self.clients, *talking) if each is not None]

    def _open(self) -> list[TraceClient]:
        return [client for client in self._everybody() if client.is_open]

    def _is_calm(self) -> bool:
        return all(
            client.trace is not None and (client.is_open or not client.trace.is_open)
            for client in self._everybody()
        )

    def _wanted(self) -> dict[bytes, list[TraceClient]]:
        wanted: dict[bytes, list[TraceClient]] = {}
        for client in self._open():
            for group in client.groups:
                wanted.setdefault(group, []).append(client)
        return wanted

    def _views_agree(self) -> bool:
        for group, clients in self._wanted().items():
            names = {client.private_group for client in clients}
            for client in clients:
                if client.membership and set(_last_members(client, group)) != names:
                    return False
        return True

    def _has(self, client: TraceClient) -> bool:
        """Whether a client has got all that is due."""
        tail = self._tails.setdefault(client, _Tail())
        return self._due[client] <= tail.delivered_to(client)


@dataclass(slots=True)
class _Tail:
    """What a client was delivered, looked at from where the last look ended."""

    identities: set[int] = field(default_factory=set)
    at: int = 0

    def delivered_to(self, client: TraceClient) -> set[int]:
        events = [] if client.trace is None else client.trace.events
        for event in events[self.at :]:
            if isinstance(event, Delivered):
                self.identities.add(event.message.identity)
        self.at = len(events)
        return self.identities


@dataclass(frozen=True, slots=True)
class _Size:
    """How many daemons there are, for a workload."""

    size: int


class _Server:
    """A daemon as clients see it."""

    def __init__(self, stage: Stage, daemon: Daemon) -> None:
        self.stage = stage
        self.daemon = daemon

    @property
    def number(self) -> int:
        return self.daemon.number

    @property
    def life(self) -> int:
        return self.daemon.life

    @property
    def serves(self) -> bool:
        return self.daemon.is_expected and not self.daemon.is_paused and self.daemon.is_ready

    def connect(self, listener: Listener) -> Connection:
        """Open a connection; one that is refused ends at once."""
        return cast(Connection, _Connection(self, listener))


class _Connection:
    """A TCP connection to a daemon, with what it has not taken yet."""

    def __init__(self, host: _Server, listener: Listener) -> None:
        self.host = host
        self.listener = listener
        self.pending = bytearray()
        self.is_over = False
        self._stage = host.stage
        self._reads = True
        self._life = host.life
        daemon = host.daemon
        with (daemon.clients or daemon.host).namespace.entered():
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            # It is decided at once: the host is the same, or one with a good network.
            self._socket.connect((daemon.address, PORT))
        except OSError:
            self._over_soon(Closure.CRASH)
            return
        self._socket.setblocking(False)
        self._stage.connections[self._socket.fileno()] = self
        self._watch()

    def write(self, data: bytes) -> None:
        """Send bytes, or keep them until there is room."""
        if not self.is_over:
            self.pending += data
            self._flush()

    def stop_reading(self) -> None:
        """Take nothing from now on, as a client that hangs does."""
        self._reads = False
        self._watch()

    def read_again(self) -> None:
        """Take what waits, and all that comes."""
        self._reads = True
        self._watch()

    def close(self) -> None:
        """Break the connection, as the death of the client does."""
        if not self.is_over:
            self._over_soon(Closure.CLIENT)

    def close_socket(self) -> None:
        """Forget the connection."""
        self.is_over = True
        descriptor = self._socket.fileno()
        if self._stage.connections.pop(descriptor, None) is not None:
            with suppress(KeyError):  # One that hangs is not waited for.
                self._stage.poll.unregister(descriptor)
        self._socket.close()

    def serve(self, events: int) -> None:
        """The socket is ready."""
        if events & select.POLLOUT:
            self._flush()
        if events & ~select.POLLOUT and not self.is_over and self._reads:
            self._read()

    def _read(self) -> None:
        try:
            data = self._socket.recv(READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self.listener.received(data)
            return
        daemon = self.host.daemon
        runs = daemon.is_expected and daemon.life == self._life
        self.close_socket()
        self.listener.ended(Closure.DAEMON if runs else Closure.CRASH)

    def _flush(self) -> None:
        # A broken connection shows when it is read.
        with suppress(OSError):
            while self.pending:
                del self.pending[: self._socket.send(self.pending)]
        self._watch()

    def _over_soon(self, closure: Closure) -> None:
        self.close_socket()
        self._stage.agenda.after(0, self.listener.ended, closure)

    def _watch(self) -> None:
        """Wait for what matters now; the end of a connection that is not read does not."""
        poll, descriptor = self._stage.poll, self._socket.fileno()
        wanted = (select.POLLIN if self._reads else 0) | (select.POLLOUT if self.pending else 0)
        if self.is_over:
            return
        if wanted:
            poll.register(descriptor, wanted)
        else:
            poll.register(descriptor, 0)
            poll.unregister(descriptor)


def _last_members(client: TraceClient, group: bytes) -> tuple[bytes, ...]:
    trace = client.trace
    for event in reversed(trace.events if trace is not None else ()):
        if isinstance(event, Viewed) and event.group == group:
            return event.members
        if isinstance(event, LeftGroup) and event.group == group:
            return ()
    return ()

"""One simulated host: a whole daemon on a clock of its own, and what can happen to it.

    datagrams, bytes of clients  ->  MemoryDriver  ->  datagrams, bytes to clients, next deadline

After each event the host turns the node as the reactor does, until it is idle. A host that is
paused keeps what arrives, up to the size of its socket buffers; a crashed one forgets all but the
disk.
"""

from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING, Final

from spread._memory_driver import MemoryDriver
from spread.config import Configuration
from spread.config.model import EventPriority, EventType
from spread.daemon.access import Permit
from spread.daemon.access_files import AccessFiles
from spread.daemon.auth import Authentication, Transport
from spread.daemon.composition import Parts, compose
from spread.daemon.handshake import HandshakeSettings
from spread.daemon.ring_time import RingTimes
from spread.sim.agenda import SECOND, START_NS
from spread.sim.cluster import address_of
from spread.sim.connection import Connection, Listener
from spread.sim.disk import Disk
from spread.sim.trace import Closure

if TYPE_CHECKING:
    from spread.sim.world import World

__all__ = ["Host", "HostFailureError"]

SOCKET_DATAGRAMS_MAX: Final = 512
"""Datagrams that wait in the socket buffers of a paused host; what comes then is lost."""

READ_SIZE: Final = 65_536
TURNS_MAX: Final = 10_000  # Of the node for one event; more of them are a loop without an end.

AUTHENTICATION: Final = Authentication.load(("NULL",), (), AccessFiles())


class HostFailureError(Exception):
    """The daemon's own code failed; nothing outside may ever make it."""


class Host:
    """A place in configuration order; `life` counts the daemons that ran there."""

    def __init__(self, world: "World", number: int, configuration: Configuration) -> None:
        self.number = number
        self.configuration = configuration
        self.name = configuration.me.name.encode()
        self.address = address_of(configuration.me)
        self.life = 0
        self.is_silent = False  # When down: whether not even the kernel answers.
        self.is_paused = False
        self.disk = Disk()
        self.wall_offset_s = 1_800_000_000
        self.parts: Parts | None = None
        self.connections: dict[int, Connection] = {}
        self._world = world
        self._agenda = world.agenda
        self._network = world.network
        self._driver: MemoryDriver | None = None
        # Monotonic clocks of hosts have nothing in common.
        self._offset_ns = Random(number).randrange(SECOND, 1_000 * SECOND)
        self._socket: list[tuple[int, int, bytes]] = []  # Channel, source and bytes.
        self._busy_ns = world.cluster.busy_ns
        self._busy_until_ns = 0
        self._numbers = Random(f"{world.seed}/{number}")
        self._waiting: dict[Connection, None] = {}
        self._wake_ns = 0
        self._is_pumping = False
        self._is_stirred = False
        self._ring: tuple[int, int] | None = None

    # -- Clocks -----------------------------------------------------------------------------------

    def clock_ns(self) -> int:
        """The host's monotonic clock."""
        return self._agenda.now_ns + self._offset_ns

    def wall_seconds(self) -> int:
        """The host's wall clock, which faults move."""
        return (self._agenda.now_ns - START_NS) // SECOND + self.wall_offset_s

    # -- Life -------------------------------------------------------------------------------------

    @property
    def is_up(self) -> bool:
        """Whether a daemon runs here, even if it is paused."""
        return self._driver is not None

    @property
    def serves(self) -> bool:
        """Whether a client that connects is answered."""
        return self._driver is not None and not self.is_paused

    @property
    def ring(self) -> tuple[int, ...]:
        """Numbers of the daemons of the installed ring; none if the daemon does not run."""
        if self.parts is None:
            return ()
        membership = self.parts.membership
        return (self.number,) if membership is None else tuple(membership.members)

    def start(self) -> None:
        """Run a new daemon."""
        self.life += 1
        self.is_silent = False
        cluster = self._world.cluster
        self.parts = compose(
            self.configuration,
            log=self,
            clock_ns=self.clock_ns,
            numbers=Random(f"{self._world.seed}/{self.number}/{self.life}"),
            incarnation=self._incarnation(),
            ring_times=RingTimes(self.wall_seconds, self.disk if cluster.remembers else None),
            handshake=HandshakeSettings(self.name, AUTHENTICATION, Permit()),
            sizes=cluster.sizes,
            timeouts=cluster.timeouts,
        )
        self._driver = MemoryDriver(self.parts.node)
        self._ring = None
        self._world.daemon_started(self)
        if self.parts.membership is not None:
            self.parts.membership.start()
        else:
            ring = self.parts.control.settings.ring
            self._world.ring_installed(self, (ring.leader, ring.time), (self.number,))
        self._pump()

    def _incarnation(self) -> int:
        wall_ns = self.wall_seconds() * SECOND + self._agenda.now_ns % SECOND
        return self.disk.next_incarnation(wall_ns) if self._world.cluster.remembers else wall_ns

    def crash(self, *, silent: bool) -> None:
        """End the daemon at once; if not `silent`, the kernel goes on and says that it is gone."""
        if self._driver is None:
            return
        self.is_silent = silent
        self.is_paused = False
        self._driver = None
        self.parts = None
        self._socket.clear()
        self._busy_until_ns = 0
        self._waiting.clear()
        self._wake_ns = 0
        self._world.daemon_stopped(self)
        connections, self.connections = self.connections, {}
        for connection in connections.values():
            connection.end(Closure.CRASH)

    def leave(self) -> None:
        """Ask the daemon to go in order; it is crashed when it has left."""
        if self.parts is not None and self.parts.membership is not None and not self.is_paused:
            self.parts.membership.leave()
            self._pump()

    def pause(self) -> None:
        """Stop the daemon where it stands."""
        self.is_paused = self._driver is not None

    def resume(self) -> None:
        """Let a paused daemon go on: it reads what is in its sockets, then looks at the clock."""
        if not self.is_paused:
            return
        self.is_paused = False
        self._busy_until_ns = 0
        if self._driver is not None:
            self._read_sockets(self._driver)
            for connection in list(self.connections.values()):
                if connection.is_full and connection.reads:
                    self._write(connection)  # The client has read on meanwhile.
            self._pump()

    # -- Network ----------------------------------------------------------------------------------

    def datagram(self, origin: int, channel: int, data: bytes, *, wants_answer: bool) -> None:
        """Take a datagram of another host; it waits while the daemon is busy or paused."""
        driver = self._driver
        if driver is None:
            if wants_answer and not self.is_silent:
                self._network.answer_unreachable(self.number, origin)
            return
        source = self._world.hosts[origin].address
        if self.is_paused or self._agenda.now_ns < self._busy_until_ns:
            if len(self._socket) < SOCKET_DATAGRAMS_MAX:
                self._socket.append((channel, source, data))
            return
        driver.receive_datagram(data, source, self.clock_ns())
        self._pump()
        if self._busy_ns:
            self._be_busy(driver)

    def _be_busy(self, driver: MemoryDriver) -> None:
        """Read nothing for a moment; what comes meanwhile is read in one go."""
        duration_ns = int(self._busy_ns * self._numbers.random())
        self._busy_until_ns = self._agenda.now_ns + duration_ns
        self._agenda.after(duration_ns, self._read_sockets, driver)

    def _read_sockets(self, driver: MemoryDriver) -> None:
        """Read what has come, as a batch: of the socket for data first, or of that for tokens."""
        if driver is not self._driver or self.is_paused or not self._socket:
            return
        waiting, self._socket = self._socket, []
        first = int(self._numbers.random() * 2)
        for channel in (first, 1 - first):
            for on, source, data in waiting:
                if on == channel:
                    driver.receive_datagram(data, source, self.clock_ns())
        self._pump()
        if driver is self._driver:
            self._be_busy(driver)

    def unreachable(self, daemon: int) -> None:
        """The host of that daemon says that nobody listens there."""
        if self._driver is not None and not self.is_paused:
            self._driver.unreachable(daemon, self.clock_ns())
            self._pump()

    # -- Clients ----------------------------------------------------------------------------------

    def connect(self, listener: Listener) -> Connection:
        """Open a connection; the daemon must serve."""
        if self.parts is None:
            raise ConnectionRefusedError(f"daemon {self.number} does not run")
        slot = self.parts.node.open_session()
        self.parts.control.connected(slot, "10.1.0.1", Transport.TCP)
        connection = self.connections[slot] = Connection(self, slot, listener)
        return connection

    def input_waits(self, connection: Connection) -> None:
        """A connection has bytes for the daemon."""
        self._waiting[connection] = None
        self._is_stirred = True
        self._pump()

    def room_made(self, connection: Connection) -> None:
        """A client reads again."""
        if connection.is_full and not self.is_paused:
            self._write(connection)
            self._pump()

    def hang_up(self, connection: Connection) -> None:
        """A client broke its connection."""
        if self._driver is not None:
            self._driver.receive_end(connection.slot)
            self._pump()

    # -- Turns ------------------------------------------------------------------------------------

    def _pump(self) -> None:
        """Turn the node until it is idle, and plan the next time that it wants."""
        driver = self._driver
        if self._is_pumping or self.is_paused or driver is None:
            return
        self._is_pumping = True
        try:
            for _ in range(TURNS_MAX):
                if not self._turn(driver):
                    break
            else:
                raise HostFailureError(f"daemon {self.number} never becomes idle")
        finally:
            self._is_pumping = False
        membership = self.parts.membership if self.parts is not None else None
        if membership is not None and membership.ring != self._ring:
            self._ring = membership.ring
            self._world.ring_installed(self, membership.ring, tuple(membership.members))
        self._plan(driver)

    def _turn(self, driver: MemoryDriver) -> bool:
        """Read, turn, write; tell whether there may be more to do."""
        self._is_stirred = False
        if self._waiting:
            for connection in list(self._waiting):
                self._read(driver, connection)
        wants_write = driver.step(self.clock_ns())
        number, send = self.number, self._network.send
        for target, channel, data in driver.take_datagrams():
            send(number, target, channel, data)
        dirty = driver.take_dirty()
        for slot in dirty:
            written = self.connections.get(slot)
            if written is not None and not written.is_full:
                self._write(written)
        for slot in driver.take_ended():
            connection = self.connections.pop(slot)
            self._waiting.pop(connection, None)
            connection.end(Closure.DAEMON)
        return wants_write or bool(dirty) or self._is_stirred

    def _read(self, driver: MemoryDriver, connection: Connection) -> None:
        pending = connection.pending
        now_ns = self.clock_ns()
        while pending:
            part = bytes(pending[:READ_SIZE])
            if not driver.receive(connection.slot, part, now_ns):
                return
            del pending[: len(part)]
        self._waiting.pop(connection, None)

    def _write(self, connection: Connection) -> None:
        driver = self._driver
        if driver is None:
            return
        if connection.reads:
            connection.is_full = False
            data = driver.take_output(connection.slot, 1 << 40)
            if data:
                connection.listener.received(data)
        else:
            driver.take_output(connection.slot, 0)
            connection.is_full = True

    def _plan(self, driver: MemoryDriver) -> None:
        """Keep one wake-up at or before the node's deadline."""
        deadline_ns = driver.deadline()
        if deadline_ns == 0:
            return
        when_ns = max(deadline_ns - self._offset_ns, self._agenda.now_ns)
        if not self._agenda.now_ns <= self._wake_ns <= when_ns:
            self._wake_ns = when_ns
            self._agenda.at(when_ns, self._wake, driver, when_ns)

    def _wake(self, driver: MemoryDriver, when_ns: int) -> None:
        if driver is not self._driver or when_ns != self._wake_ns:
            return
        self._wake_ns = 0
        if self.is_paused:
            return
        if driver.deadline() - self._offset_ns > when_ns:
            self._plan(driver)  # It was put off since; each packet of a ring does so.
        else:
            self._pump()

    # -- Log --------------------------------------------------------------------------------------

    def event(
        self,
        types: EventType,  # noqa: ARG002
        priority: EventPriority,
        wording: str,
        /,
        *,
        lines: Sequence[str] = (),  # noqa: ARG002
        **fields: object,
    ) -> None:
        """Take an event of the daemon's log."""
        if self._world.log is not None:
            self._world.log(self.number, priority, wording, fields)

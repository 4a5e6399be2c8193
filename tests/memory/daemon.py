"""A whole daemon in memory: real node, control and handshake, driven as the reactor drives them.

    client.send(bytes)  ->  MemoryDriver.receive          turn()  ->  MemoryDriver.step
    client.room         ->  what its connection takes     client.received  <-  what it took

Time is a number that the test moves. A connection takes `room` bytes and is full then, until
`MemoryDaemon.make_room` gives it more: each write is offered at the moments at which the reactor
offers one, so that a test decides exactly what a receiver has taken when its queue is judged.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from spread._memory_driver import MemoryDriver
from spread._node import Node
from spread.config.model import EventPriority, EventType
from spread.daemon.access import Permit, Policy
from spread.daemon.access_files import AccessFiles
from spread.daemon.auth import Authentication, Transport
from spread.daemon.control import Control, ControlSettings, Witness
from spread.daemon.handshake import HandshakeSettings
from spread.daemon.views import RingId
from tests.daemon.harness import wire
from tests.daemon.harness.handshake import CHOICE_NULL, connect_request

__all__ = ["NOTHING_IN_USE", "RING", "SECOND_NS", "Client", "Event", "Limits", "MemoryDaemon"]

RING = RingId(0x7F000001, 0x6B02DC52)
SECOND_NS = 1_000_000_000
START_NS = 1_000 * SECOND_NS
ACCEPTED = rb"\x05NULL \x01..."  # Method list, code, and the daemon's version.
NOTHING_IN_USE = {
    "queued_messages": 0,
    "queued_bytes": 0,
    "inbound_bytes": 0,
    "buffer_bytes": 0,
}
TURNS_MAX = 10_000  # Of the node, for one event; more of them would be a loop without an end.


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the node and of control; the defaults are out of reach of a test that sets none."""

    messages: int = 1_000
    message_bytes: int = 16 << 20
    exact: bool = False  # MaxSessionMessages is set in the configuration.
    queued_bytes: int = 512 << 20
    inbound_bytes: int = 256 << 20
    message_size: int = 143_952
    memberships: int = 500_000
    handshake_ns: int = 10 * SECOND_NS


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the log."""

    type: EventType
    priority: EventPriority
    wording: str
    fields: dict[str, object]


@dataclass(eq=False)
class Client:
    """One connection. `room` is how many more bytes it takes, None for any number."""

    daemon: "MemoryDaemon" = field(repr=False)
    slot: int
    private_group: bytes = b""
    room: int | None = None
    is_full: bool = False
    has_ended: bool = False
    received: bytearray = field(default_factory=bytearray, repr=False)

    def send(self, *parts: bytes, turn: bool = True) -> bool:
        """Hand in bytes, one read for each part; False when the daemon does not read now."""
        was_read = True
        for part in parts:
            was_read = self.daemon.receive(self, part) and was_read
        if turn:
            self.daemon.turn()
        return was_read

    def multicast(
        self, group: bytes, data: bytes = b"", service: int = wire.AGREED, *, turn: bool = True
    ) -> bool:
        return self.send(wire.data_frame(self.private_group, service, (group,), data), turn=turn)

    def join(self, group: bytes, *, turn: bool = True) -> bool:
        return self.send(wire.request_frame(self.private_group, wire.JOIN, group), turn=turn)

    def leave(self, group: bytes, *, turn: bool = True) -> bool:
        return self.send(wire.request_frame(self.private_group, wire.LEAVE, group), turn=turn)

    def kill(self) -> None:
        self.send(wire.request_frame(self.private_group, wire.KILL, self.private_group))

    def is_closed(self) -> bool:
        """Tell whether the daemon has closed the connection."""
        return self.has_ended

    def close(self) -> None:
        """Break the connection, as the death of the client does."""
        self.daemon.driver.receive_end(self.slot)
        self.daemon.turn()

    def take(self) -> bytes:
        """Return what has been received since the last call."""
        taken = bytes(self.received)
        self.received.clear()
        return taken

    def take_frames(self) -> list[wire.Frame]:
        """Return the whole frames received since the last call; the rest is kept."""
        reader = wire.FrameReader()
        reader.feed(self.take())
        frames = list(iter(reader.next_frame, None))
        self.received += reader.waiting
        return frames

    def take_data(self) -> list[bytes]:
        """Return the bodies of the data messages received since the last call."""
        return [frame.data for frame in self.take_frames() if frame.is_data]

    @property
    def waiting(self) -> tuple[int, int]:
        """Messages and bytes that wait for this session in the daemon."""
        return self.daemon.node.session_statistics(self.slot)


class MemoryDaemon:
    """Daemon `d1`, alone in its ring."""

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        daemons: tuple[bytes, ...] = (b"d1",),
        policy: Policy | None = None,
        payload_max: int = 65472,
        route_seed: int = 1,
        witness: Witness | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.now_ns = START_NS
        self.log: list[Event] = []
        self.clients: dict[int, Client] = {}  # By slot, of connections that are not closed.
        self.control = Control(
            self._settings(daemons, policy or Permit()),
            log=self,
            clock_ns=lambda: self.now_ns,
            random_number=iter(range(9999)).__next__,
            witness=witness,
        )
        self.node = Node(
            self.control,
            route_seed=route_seed,
            session_messages_max=self.limits.messages,
            session_bytes_max=self.limits.message_bytes,
            session_messages_exact=self.limits.exact,
            queued_bytes_max=self.limits.queued_bytes,
            inbound_bytes_max=self.limits.inbound_bytes,
            payload_max=payload_max,
        )
        self.control.attach(self.node)
        self.driver = MemoryDriver(self.node)

    def _settings(self, daemons: tuple[bytes, ...], policy: Policy) -> ControlSettings:
        authentication = Authentication.load(("NULL",), (), AccessFiles())
        return ControlSettings(
            handshake=HandshakeSettings(b"d1", authentication, policy),
            ring=RING,
            daemons=daemons,
            handshake_timeout_ns=self.limits.handshake_ns,
            message_size_max=self.limits.message_size,
            memberships_max=self.limits.memberships,
        )

    # -- Connections ------------------------------------------------------------------------------

    def connect(self, address: str = "127.0.0.1", transport: Transport = Transport.TCP) -> Client:
        """Open a connection and say nothing yet."""
        slot = self.node.open_session()
        client = self.clients[slot] = Client(self, slot)
        self.control.connected(slot, address, transport)
        return client

    def open(self, name: bytes, *, membership: bool = True, flags: int = 0) -> Client:
        """Open a session and take the answers to its handshake."""
        client = self.connect()
        client.send(connect_request(name, membership=membership, flags=flags) + CHOICE_NULL)
        answer = client.take()
        client.private_group = b"#%s#d1" % name
        name_field = bytes((len(client.private_group),)) + client.private_group
        if not re.fullmatch(ACCEPTED + re.escape(name_field), answer, re.DOTALL):
            raise AssertionError(f"the handshake of {name!r} got {answer!r}")
        return client

    def receive(self, client: Client, data: bytes) -> bool:
        """Hand in bytes without a turn of the node."""
        return self.driver.receive(client.slot, data, self.now_ns)

    def make_room(self, client: Client, size: int | None) -> None:
        """Let the connection take so many more bytes, or any number, and take what waits."""
        client.room = None if size is None or client.room is None else client.room + size
        self.room_made(client)
        self.turn()

    def room_made(self, client: Client) -> None:
        """The connection takes bytes again: write what waits, as at a poll event."""
        if client.is_full and not client.is_closed():
            self._write(client)

    # -- Time -------------------------------------------------------------------------------------

    def turn(self) -> None:
        """Make one turn of the reactor: order, deliver and write, then close what has ended."""
        for _ in range(TURNS_MAX):
            if not self.step():
                break
        else:
            raise AssertionError(f"the node is not idle after {TURNS_MAX} turns")
        for slot in self.driver.take_ended():
            client = self.clients.pop(slot)
            client.has_ended = True

    def step(self) -> bool:
        """Run one turn of the node and write; tells whether the node must be called again."""
        wants_write = self.driver.step(self.now_ns)
        return self._write_dirty() or wants_write

    def advance(self, duration_ns: int) -> None:
        """Let time pass, with a turn at each deadline on the way."""
        end_ns = self.now_ns + duration_ns
        while 0 < self.driver.deadline() <= end_ns:
            self.now_ns = max(self.now_ns, self.driver.deadline())
            self.turn()
        self.now_ns = end_ns
        self.turn()

    # -- What can be seen --------------------------------------------------------------------------

    def statistics(self) -> dict[str, int]:
        return self.node.statistics()

    def in_use(self) -> dict[str, int]:
        """Return what waits and the memory it takes; NOTHING_IN_USE when nothing does."""
        statistics = self.statistics()
        return {name: statistics[name] for name in NOTHING_IN_USE}

    def logged(self, wording: str) -> Iterator[dict[str, object]]:
        """Yield the fields of the events with this wording."""
        return (event.fields for event in self.log if event.wording == wording)

    def event(
        self,
        types: EventType,
        priority: EventPriority,
        wording: str,
        /,
        *,
        lines: Sequence[str] = (),  # noqa: ARG002
        **fields: object,
    ) -> None:
        """Take one event of control, as an event log does."""
        self.log.append(Event(types, priority, wording, fields))

    # -- Writing ----------------------------------------------------------------------------------

    def _write_dirty(self) -> bool:
        """Offer a write wherever there is new output, as after each turn; tells whether it was."""
        dirty = [self.clients[slot] for slot in self.driver.take_dirty() if slot in self.clients]
        for client in dirty:
            if not client.is_full:
                self._write(client)
        return bool(dirty)

    def _write(self, client: Client) -> None:
        size = (1 << 40) if client.room is None else client.room
        taken = self.driver.take_output(client.slot, size)
        client.received += taken
        if client.room is not None:
            client.room -= len(taken)
        client.is_full = self.node.session_statistics(client.slot)[1] > 0

"""One daemon's core with the test as its membership, its network, its clients and its clock.

    station = Station.in_ring(0, 3)        daemon 0 of a ring of three, the token is elsewhere
    station.data(1, seq=1, payload=...)    a packet comes from daemon 1
    station.token(Token(5, seq=1, ...))    the token comes from the predecessor
    station.sent                           what it sent since the last look, decoded
    station.heard                          what its client got, configurations among it

Real code everywhere: `Node` with the `MemoryDriver`. The upcalls are noted in `upcalls`; the two
that are places in the order show in what the client hears, too.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

from spread import _packets
from spread._memory_driver import MemoryDriver
from spread._node import Node
from spread._packets import PacketHeader, make_packet, read_packet
from spread.daemon.membership.settings import NetworkSettings, RingSettings, RingTimeouts
from tests.daemon.harness import wire
from tests.ring.tokens import Recovery, Token

__all__ = [
    "AGREED",
    "CONTROL",
    "DATA",
    "DATA_CHANNEL",
    "FORWARDED",
    "GRANT",
    "KINDS",
    "MS",
    "NETWORK",
    "PING",
    "POST",
    "PROBING_NS",
    "RECOVERY",
    "REGULAR",
    "RESEND",
    "RETRANS",
    "SAFE",
    "SEGMENT",
    "START_NS",
    "TIMEOUTS",
    "TOKEN",
    "TOKEN_ACK",
    "TOKEN_CHANNEL",
    "TRANSITIONAL",
    "WANT",
    "Heard",
    "Sent",
    "Shape",
    "Station",
    "Upcalls",
    "frame_of",
    "settings_of",
]

MS = 1_000_000
START_NS = 1_000 * MS
PROBING_NS = 20 * MS  # As long as members of a lost ring are asked whether they listen.
NETWORK = 0x77
INCARNATION = 5
SEGMENT = 256
NO_FRAME = 0xFFFF
DATA_CHANNEL, TOKEN_CHANNEL = 0, 1
GROUP = b"g"
AGREED, SAFE = wire.AGREED, wire.SAFE

KINDS = {name: kind for kind, name in _packets.KINDS.items()}
DATA, TOKEN, TOKEN_ACK = KINDS["DATA"], KINDS["TOKEN"], KINDS["TOKEN_ACK"]
WANT, PING, CONTROL = KINDS["WANT"], KINDS["PING"], KINDS["ALIVE"]
FLAGS = {name: flag for flag, name in _packets.FLAGS.items()}
POST, RETRANS, RECOVERY = FLAGS["POST"], FLAGS["RETRANS"], FLAGS["RECOVERY"]
RESEND, GRANT, FORWARDED = FLAGS["RESEND"], FLAGS["GRANT"], FLAGS["FORWARDED"]

# Lower than any service, so that no data frame looks like one.
TRANSITIONAL, REGULAR = "transitional", "regular"

TIMEOUTS = RingTimeouts(
    token=1_250 * MS,
    hurry=500 * MS,
    alive=250 * MS,
    join=250 * MS,
    rep=625 * MS,
    seg=500 * MS,
    gather=1_250 * MS,
    form=1_250 * MS,
    lookup=30_000 * MS,
    token_retransmit=2 * MS,
    want_retry=5 * MS,
    form_retry=30 * MS,
    heartbeat=100 * MS,
)

Heard = bytes | str
Call = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """A network and the limits of its rings."""

    daemons: int = 3
    segments: tuple[int, ...] = ()  # None given: all in one.
    multicast: bool = True
    payload_max: int = 1_408
    window: int = 160
    personal_window: int = 20
    accelerated_window: int = 15
    accelerated: bool = True
    max_seq_gap: int = 1_600
    windows_max: tuple[int, int, int] | None = None  # None: the windows stay.
    timeouts: RingTimeouts = TIMEOUTS
    sizes: tuple[int, ...] = ()  # Of datagrams; none given: payload_max is certain.
    receive_buffer: int = 0

    def but(self, **changes: object) -> "Shape":
        return replace(self, **changes)  # type: ignore[arg-type]


def settings_of(me: int, shape: Shape) -> RingSettings:
    network = NetworkSettings(
        me=me,
        ids=tuple(range(100, 100 + shape.daemons)),
        names=tuple(b"d%d" % number for number in range(shape.daemons)),
        segments=shape.segments or (0,) * shape.daemons,
        network_hash=NETWORK,
        incarnation=INCARNATION,
    )
    return RingSettings(
        network=network,
        timeouts=shape.timeouts,
        ring_time=1,
        multicast=shape.multicast,
        payload_max=shape.sizes[0] - 64 if shape.sizes else shape.payload_max,
        window=shape.window,
        personal_window=shape.personal_window,
        accelerated_window=shape.accelerated_window,
        accelerated=shape.accelerated,
        max_seq_gap=shape.max_seq_gap,
        sizes=shape.sizes,
        receive_buffer=shape.receive_buffer,
        windows_max=shape.windows_max,
    )


def name_of(daemon: int) -> bytes:
    """Return the private group of the one client of a daemon."""
    return b"#c%d#d%d" % (daemon, daemon)


def frame_of(daemon: int, body: bytes, service: int = AGREED) -> bytes:
    """Return a message of a daemon's client to the group where all clients are."""
    return wire.data_frame(name_of(daemon), service, (GROUP,), body)


class Sent(NamedTuple):
    """A datagram that was sent."""

    target: int
    channel: int
    header: PacketHeader
    data: bytes

    @property
    def payload(self) -> bytes:
        return self.data[64:]


class Upcalls:
    """The control plane: notes what it is told, and lets the client know of configurations."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.slot = -1
        self.name = b""
        self.node: Node

    def take(self) -> list[Call]:
        """Return what came since the last call."""
        calls, self.calls = self.calls, []
        return calls

    def mark(self, place: str) -> None:
        """Put a word of our own into what the client gets, at this place of the order."""
        if self.slot >= 0:
            notice = wire.encode_frame(
                wire.Frame(wire.TRANSITION, b"", (), wire.hint_bytes(0), place.encode())
            )
            self.node.send([self.slot], notice)

    def handshake(self, slot: int, data: bytes) -> int:
        del data
        self.node.accept(slot, self.name, frame_size_max=16 << 20, asks_policy=False)
        return 0

    def request(self, slot: int, type_bits: int, groups: list[bytes], mess_type: int) -> bool:
        del slot, type_bits, groups, mess_type
        return True

    def ordered_join(self, sender: bytes, group: bytes) -> None:
        self.calls.append(("join", sender, group))

    def ordered_leave(self, sender: bytes, group: bytes) -> None:
        self.calls.append(("leave", sender, group))

    def ordered_end(self, sender: bytes) -> None:
        self.calls.append(("end", sender))

    def session_ended(self, slot: int, reason: int, fault: int, undelivered: int) -> None:
        self.calls.append(("session_ended", slot, reason, fault, undelivered))

    def deadline(self, now_ns: int) -> None:
        self.calls.append(("deadline", now_ns))

    def ordered_state(self, origin: int, body: bytes) -> None:
        self.calls.append(("state", origin, body))
        self.mark(f"state of {origin}: {body.decode(errors='replace')}")

    def ring_transitional(self) -> None:
        self.calls.append((TRANSITIONAL,))
        self.mark(TRANSITIONAL)

    def ring_regular(self) -> None:
        self.calls.append((REGULAR,))
        self.mark(REGULAR)

    def token_lost(self, reason: int) -> None:
        self.calls.append(("lost", reason))

    def control_packet(  # noqa: PLR0913, PLR0917 - the fields of a packet.
        self,
        kind: int,
        sender: int,
        source: int,
        incarnation: int,
        counter: int,
        ring: tuple[int, int],
        body: bytes,
    ) -> None:
        self.calls.append(("control", kind, sender, source, incarnation, counter, ring, body))

    def foreign_ring(self, sender: int, ring: tuple[int, int]) -> None:
        self.calls.append(("foreign", sender, ring))

    def unreachable(self, daemon: int) -> None:
        self.calls.append(("unreachable", daemon))

    def multicast_missed(self, daemon: int) -> None:
        self.calls.append(("multicast missed", daemon))

    def path_limited(self, daemon: int, size: int, passing: int) -> None:
        self.calls.append(("path limited", daemon, size, passing))

    def path_unanswered(self, daemon: int) -> None:
        self.calls.append(("path unanswered", daemon))

    def path_found(self, size: int) -> None:
        self.calls.append(("path found", size))

    def monitor_datagram(self, data: bytes, source: int, port: int) -> None:
        self.calls.append(("monitor", data, source, port))

    def stranger(self, cause: int, source: int) -> None:
        self.calls.append(("stranger", cause, source))


class Station:
    """Daemon number `me` of a network, alone in its ring of one until told otherwise."""

    RING = (100, 2)  # The first ring of several that a test makes.

    def __init__(self, me: int, shape: Shape | None = None, upcalls: Upcalls | None = None) -> None:
        self.me = me
        self.shape = shape or Shape()
        self.now_ns = START_NS
        self.ring = (100 + me, 1)
        self.members = [me]
        self.token_number = 0  # Of the token seen or sent last; the next one has a higher one.
        self.upcalls = upcalls or Upcalls()
        self.node = self.upcalls.node = Node(
            self.upcalls,
            route_seed=1,
            session_messages_max=1_000_000,
            session_bytes_max=1 << 30,
            session_messages_exact=False,
            queued_bytes_max=1 << 30,
            inbound_bytes_max=1 << 28,
            ring=settings_of(me, self.shape),
        )
        self.driver = MemoryDriver(self.node)
        self._reader = wire.FrameReader()
        self._heard: list[Heard] = []
        self._sent: list[Sent] = []
        self.open_client()

    @classmethod
    def in_ring(cls, me: int, daemons: int = 3, shape: Shape | None = None) -> "Station":
        """Return a station in a ring of all daemons, the token with number 1 not yet seen."""
        station = cls(me, (shape or Shape()).but(daemons=daemons))
        station.install(station.RING, list(range(daemons)))
        return station

    def open_client(self) -> None:
        """Let the one client connect; it is in the group from the beginning."""
        self.slot = self.node.open_session()
        self.upcalls.name = name_of(self.me)
        self.upcalls.slot = self.slot
        self.driver.receive(self.slot, b"hello", self.now_ns)
        self.node.add_route(GROUP, self.slot)

    # -- Membership -------------------------------------------------------------------------------

    @property
    def predecessor(self) -> int:
        return self.members[self.members.index(self.me) - 1]

    @property
    def successor(self) -> int:
        return self.members[(self.members.index(self.me) + 1) % len(self.members)]

    @property
    def is_leader(self) -> bool:
        return self.members[0] == self.me

    def commit(  # noqa: PLR0913 - the fields of a report.
        self,
        ring: tuple[int, int],
        members: list[int],
        *,
        have: bytes | None = None,
        high: int | None = None,
        stable: int | None = None,
        transitional: list[int] | None = None,
        obligations: list[int] | None = None,
    ) -> bool:
        """Go into recovery, by default with this daemon's own report as everybody's."""
        own_stable, own_high = self.node.ring_freeze()
        stable = own_stable if stable is None else stable
        high = own_high if high is None else high
        accepted = self.node.ring_commit(
            ring,
            members,
            stable=stable,
            high=high,
            have=self.node.ring_held(stable, high) if have is None else have,
            transitional=[self.me] if transitional is None else transitional,
            obligations=self.node.ring_obligations() if obligations is None else obligations,
        )
        if accepted:
            self.ring, self.members, self.token_number = ring, members, 0
        self.collect()
        return accepted

    def install(self, ring: tuple[int, int], members: list[int]) -> None:
        """Install a ring of several without its token's being visited by this daemon as normal."""
        self.node.ring_lost()
        self.advance(PROBING_NS)
        assert self.commit(ring, members)
        self.token_number = 1
        everybody = Recovery.of(*range(len(members)))
        self.token(Token(1, recovery=everybody))
        assert (REGULAR,) in self.upcalls.calls
        self.upcalls.take()
        self.take_sent()
        self.take_heard()

    # -- Datagrams in -----------------------------------------------------------------------------

    def receive(self, datagram: bytes, *, turn: bool = True) -> None:
        """Hand in any bytes."""
        self.driver.receive_datagram(datagram, 0x7F000001, self.now_ns)
        if turn:
            self.turn()

    def packet(self, header: PacketHeader, payload: bytes = b"", *, turn: bool = True) -> None:
        """Hand in a packet; the ring is the present one unless the header names another."""
        if (header.leader, header.time) == (0, 0):
            header = header._replace(leader=self.ring[0], time=self.ring[1])
        self.receive(make_packet(header, NETWORK, payload), turn=turn)

    def data(  # noqa: PLR0913 - the fields of a packet.
        self,
        origin: int,
        seq: int,
        payload: bytes | None = None,
        *,
        flags: int = 0,
        tenure: int = 0,
        ack: int = 0,
        first: int = 0,
        place: int = 0,
        transmitter: int | None = None,
        turn: bool = True,
    ) -> None:
        """Hand in a packet of the present ring; without payload it is a message of its number."""
        if payload is None:
            payload = frame_of(origin, b"%d" % seq)
        header = PacketHeader(
            DATA,
            flags=flags,
            origin=origin,
            transmitter=origin if transmitter is None else transmitter,
            number=seq,
            second=tenure,
            lag=seq - ack,
            tail=first,
            place=place,
        )
        self.packet(header, payload, turn=turn)

    def recovered(
        self, origin: int, seq: int, old_ring: tuple[int, int], payload: bytes | None = None
    ) -> None:
        """Hand in an old ring's packet, sent by the predecessor in the forming ring."""
        header = PacketHeader(
            DATA,
            flags=RECOVERY | RETRANS,
            origin=origin,
            transmitter=self.predecessor,
            number=seq,
            second=old_ring[0] | old_ring[1] << 32,
        )
        self.packet(header, frame_of(origin, b"%d" % seq) if payload is None else payload)

    def token(
        self, token: Token, *, flags: int = 0, transmitter: int | None = None, turn: bool = True
    ) -> None:
        """Hand in a token; without acks everybody has everything."""
        if not token.acks:
            token = replace(token, acks=(token.seq,) * len(self.members))
        header = PacketHeader(
            TOKEN,
            flags=flags,
            transmitter=self.predecessor if transmitter is None else transmitter,
            number=token.number,
            second=token.seq,
            lag=token.fcc,
            tail=token.round,
        )
        self.packet(header, token.encode(), turn=turn)

    def next_token(self, **fields: object) -> Token:
        """Hand in the token of the next rotation, with these fields, and return what is sent."""
        self.take_sent()
        self.token_number += len(self.members)
        self.token(Token(self.token_number, **fields))  # type: ignore[arg-type]
        return self.take_token()

    def simple(self, kind: int, sender: int, number: int = 0) -> None:
        """Hand in a TOKEN_ACK, a WANT or a PING."""
        self.packet(PacketHeader(kind, origin=sender, transmitter=sender, number=number))

    # -- What it sends ----------------------------------------------------------------------------

    def collect(self) -> None:
        for target, channel, data in self.driver.take_datagrams():
            header = read_packet(data, NETWORK, self.shape.daemons)
            self._sent.append(Sent(target, channel, header, data))

    def take_sent(self, *kinds: int) -> list[Sent]:
        """Return what was sent since the last look; of these kinds only, if any are given."""
        self.collect()
        sent, self._sent = self._sent, []
        return [each for each in sent if not kinds or each.header.kind in kinds]

    def take_token(self) -> Token:
        """Return the one token that was sent; everything else that was sent is forgotten."""
        (sent,) = self.take_sent(TOKEN)
        return Token.decode(sent.data)

    # -- Clients ----------------------------------------------------------------------------------

    def submit(self, body: bytes, service: int = AGREED, *, turn: bool = True) -> None:
        """Let the client send a message to everybody."""
        assert self.offer(body, service)
        if turn:
            self.turn()

    def offer(self, body: bytes, service: int = AGREED) -> bool:
        """The same without a turn; False when the client is not read now."""
        return self.driver.receive(self.slot, frame_of(self.me, body, service), self.now_ns)

    def take_heard(self) -> list[Heard]:
        """Return the bodies that the client got, and the words for the configurations."""
        heard, self._heard = self._heard, []
        return heard

    # -- Time -------------------------------------------------------------------------------------

    def turn(self) -> None:
        """Let the node do what it has to, and take what it has for its client."""
        while self.driver.step(self.now_ns):
            self._take_output()
        self._take_output()
        self.driver.take_ended()
        self.collect()

    def advance(self, duration_ns: int) -> None:
        """Let time pass, with a turn at each deadline on the way."""
        end_ns = self.now_ns + duration_ns
        while 0 < self.driver.deadline() <= end_ns:
            self.now_ns = max(self.now_ns, self.driver.deadline())
            self.turn()
        self.now_ns = end_ns
        self.turn()

    def sleep(self, duration_ns: int) -> None:
        """Let time pass without the node's being called."""
        self.now_ns += duration_ns

    def _take_output(self) -> None:
        for slot in self.driver.take_dirty():
            self._reader.feed(self.driver.take_output(slot, 1 << 30))
        while (frame := self._reader.next_frame()) is not None:
            self._heard.append(frame.data if frame.is_data else frame.data.decode())

    # -- Statistics -------------------------------------------------------------------------------

    @property
    def statistics(self) -> dict[str, int]:
        return self.node.statistics()

    @property
    def ring_statistics(self) -> dict[str, int]:
        return self.node.ring_statistics()

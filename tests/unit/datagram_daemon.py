"""A node whose datagrams go through real sockets, and no other part of a daemon."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from spread._datagrams import Datagrams
from spread._faults import Faults
from spread._node import Node
from spread._packets import PacketHeader, make_packet
from spread._reactor import Reactor
from spread.config.listens import Transport, listens
from spread.config.model import Configuration
from spread.daemon.listeners import Listeners, open_listeners
from spread.daemon.network import ring_settings
from spread.daemon.ring_sockets import RingSockets, ring_sockets

__all__ = ["ALIVE", "PACKET_HEADER_SIZE", "WAIT_NS", "WINDOW", "Daemon", "Upcalls", "body_of"]

ALIVE = 16  # A kind of packet that the node neither makes nor reads itself.
PACKET_HEADER_SIZE = 64
WAIT_NS = 20_000_000_000
TICK_NS = 1_000_000
WINDOW = 40


@dataclass
class Upcalls:
    """Keeps what the node tells; asks `is_over` every millisecond."""

    bodies: list[bytes] = field(default_factory=list)
    sources: list[tuple[int, int]] = field(default_factory=list)
    is_over: Callable[[], bool] = bool
    tick: Callable[[], None] = lambda: None

    def control_packet(self, _: int, sender: int, source: int, *rest: object) -> None:
        self.bodies.append(rest[-1] if isinstance(rest[-1], bytes) else b"")
        self.sources.append((sender, source))

    def token_lost(self, _: int) -> None:
        pass

    def stranger(self, cause: int, source: int) -> None:
        pass

    def deadline(self, _: int) -> None:
        self.tick()


class Daemon:
    """A node with its reactor, sockets and datagrams."""

    def __init__(
        self,
        configuration: Configuration,
        stack: ExitStack,
        upcalls: Upcalls | None = None,
        *,
        token_timeout_ns: int | None = None,
    ) -> None:
        wanted = [each for each in listens(configuration) if each.transport is Transport.UDP]
        self.listeners: Listeners = stack.enter_context(open_listeners(wanted))
        self.upcalls = upcalls or Upcalls()
        self.settings = ring_settings(configuration, incarnation=7, ring_time=1)
        if token_timeout_ns is not None:
            timeouts = replace(self.settings.timeouts, token=token_timeout_ns)
            self.settings = replace(self.settings, timeouts=timeouts)
        self.node = Node(
            self.upcalls,  # type: ignore[arg-type]  # The other upcalls belong to rings and sessions.
            route_seed=1,
            session_messages_max=1000,
            session_bytes_max=1 << 20,
            session_messages_exact=False,
            queued_bytes_max=1 << 26,
            inbound_bytes_max=1 << 24,
            ring=self.settings,
        )
        self.sockets: RingSockets = ring_sockets(configuration, self.listeners, multicast=False)
        self.reactor = Reactor(self.node)
        self.reports: list[tuple[str, int, int, int]] = []

    def attach(
        self,
        *,
        faults: str | None = None,
        window: int = WINDOW,
        offload: bool = True,
        **changes: object,
    ) -> Datagrams:
        self.sockets = replace(self.sockets, **changes)  # type: ignore[arg-type]
        self.datagrams = Datagrams(
            self.node,
            self.sockets,
            window=window,
            report=lambda *report: self.reports.append(report),
            faults=None if faults is None else Faults(faults),
            offload=offload,
        )
        self.reactor.attach_ring(self.datagrams)
        return self.datagrams

    def run_until(self, is_over: Callable[[], bool]) -> None:
        """Serve until something holds, or fail."""
        end_ns = self.reactor.now() + WAIT_NS

        def tick() -> None:
            if is_over() or self.reactor.now() > end_ns:
                self.reactor.stop()
            else:
                self.node.set_deadline(self.reactor.now() + TICK_NS)

        self.upcalls.tick = tick
        self.node.set_deadline(self.reactor.now())
        self.reactor.run()
        assert is_over()

    def statistics(self) -> dict[str, int]:
        return self.datagrams.statistics()

    def packet(self, sender: int, body: bytes) -> bytes:
        """Return the datagram of a control packet from another daemon."""
        header = PacketHeader(kind=ALIVE, origin=sender, transmitter=sender, second=9)
        return make_packet(header, self.settings.network.network_hash, body)


def body_of(datagram: bytes) -> bytes:
    """Return what stands behind the header."""
    return datagram[PACKET_HEADER_SIZE:]

"""A doctor that listens where no daemon runs: on the daemon's own ports, and no part of the ring.

It answers the doctor's questions as a daemon does, and ignores everything else.
"""

import select
import socket
import time
from collections.abc import Sequence
from threading import Thread
from typing import Final, Self

from spread.config import Configuration, HostView, Purpose, Transport, listens, main_address
from spread.config.model import EventPriority, EventType
from spread.daemon.doctor_host import facts_of
from spread.daemon.listeners import multicast_group, open_listeners
from spread.daemon.monitor_decisions import Answer, Ask
from spread.daemon.monitor_server import MonitorServer
from spread.daemon.responder import Clocks, Responder
from spread.daemon.ring_sockets import sending_socket
from spread.errors import PeerError, SpreadError
from spread.monitor.probes import is_probe
from spread.monitor.protocol import Command, decode_datagram
from spread.monitor.queries import Kind, encode_error, encode_reply
from spread.monitor.report import Report

__all__ = ["Listening", "StandIn"]

DATAGRAM_SIZE_MAX: Final = 65_535
BATCH_MAX: Final = 64


class _NoLog:
    """Nobody reads the log of a doctor."""

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
        """Forget it."""


class Listening:
    """The own daemon's UDP sockets, and what a doctor answers there; a context manager."""

    def __init__(self, configuration: Configuration, host: HostView) -> None:
        """Open the sockets; ConfigurationError says who has them, or why there are none."""
        self._address = configuration.me.address
        wanted = [each for each in listens(configuration) if each.transport is Transport.UDP]
        self._listeners = open_listeners(
            wanted,
            group=multicast_group(configuration.segment),
            home=main_address(configuration.me),
        )
        self._sockets = [each.socket for each in self._listeners.sockets]
        self._sender = sending_socket(configuration, self._listeners).socket
        clocks = Clocks(time.time_ns, time.monotonic_ns)
        facts = facts_of(self._listeners.least_buffers(), clocks, is_daemon=False)
        self._report = Report(configuration.me.name, configuration.me.address)
        self._responder = Responder(configuration, facts, self._sender.sendto, clocks)
        self._server = MonitorServer(
            configuration,
            log=_NoLog(),
            clock_ns=time.monotonic_ns,
            own_addresses=host.local_addresses(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the sockets."""
        self._listeners.close()

    @property
    def places(self) -> str:
        """Where it listens."""
        return ", ".join(
            str(each.listen)
            for each in self._listeners.sockets
            if each.listen.purpose is not Purpose.SEGMENT
        )

    def run(self, stop: int, seconds: float | None = None) -> None:
        """Answer until the descriptor `stop` can be read, or for so long."""
        end = None if seconds is None else time.monotonic() + seconds
        while True:
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                return
            sockets = {each.fileno(): each for each in self._sockets}
            ready, _, _ = select.select([stop, *sockets], [], [], left)
            if stop in ready:
                return
            for descriptor in ready:
                self._serve(sockets[descriptor])

    def _serve(self, sock: socket.socket) -> None:
        for _ in range(BATCH_MAX):
            try:
                data, (source, port) = sock.recvfrom(DATAGRAM_SIZE_MAX)
            except BlockingIOError:
                return
            except OSError:
                continue  # Of a datagram sent before: nobody had that port.
            self._take(data, source, port)

    def _take(self, data: bytes, source: str, port: int) -> None:
        if is_probe(data):
            self._responder.take(data, source)
            return
        if self._responder.take_reply(data, source) or not _is_query(data):
            return  # Of a ring that looks for the daemon of this place.
        decision = self._server.datagram(data, source, port, self._report)
        if isinstance(decision, Answer):
            self._send(decision.datagrams, source, port)
        elif isinstance(decision, Ask):
            datagrams = self._answer(decision)
            self._server.answered(source, len(datagrams))
            self._send(datagrams, source, port)

    def _send(self, datagrams: tuple[bytes, ...], address: str, port: int) -> None:
        for datagram in datagrams:
            try:
                self._sender.sendto(datagram, (address, port))
            except OSError:
                return  # It is asked again.

    def _answer(self, asked: Ask) -> tuple[bytes, ...]:
        query = asked.query
        try:
            if query.kind == Kind.PROBE:
                return encode_reply(query, self._responder.answer(query.arguments), self._address)
        except SpreadError as error:
            return encode_error(query, str(error), self._address)
        return encode_error(query, "a doctor listens here, no daemon runs", self._address)


def _is_query(data: bytes) -> bool:
    try:
        return decode_datagram(data).command is Command.QUERY
    except PeerError:
        return False


class StandIn:
    """A doctor that listens in a thread, while another one looks; a context manager."""

    def __init__(self, listening: Listening) -> None:
        self.listening = listening
        self._here, self._there = socket.socketpair()
        self._thread = Thread(target=listening.run, args=(self._there.fileno(),))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._here.send(b"x")
        self._thread.join()
        self._here.close()
        self._there.close()
        self.listening.close()

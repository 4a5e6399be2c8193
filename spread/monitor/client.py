"""Asking the daemons of a ring over UDP: the drivers of `RingWatch`.

    with RingClient(roster) as client:              async with AsyncRingClient(roster) as client:
        client.update()        # one round              await client.changed()    # after each reply
        client.watch.reports                            client.watch.reports
        client.query("a", Kind.GROUPS, {...})           await client.query("a", Kind.GROUPS, {...})

What is known of the ring stands in `client.watch`, see `spread.monitor.watch`. The asyncio face
asks every second by itself; the blocking one when told to.
"""

import asyncio
import secrets
import select
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from spread.errors import PeerError
from spread.monitor.protocol import MONITOR_PORT
from spread.monitor.queries import Kind
from spread.monitor.roster import Roster, Target
from spread.monitor.sender import Source
from spread.monitor.udp import MonitorSocket, open_socket
from spread.monitor.watch import INTERVAL_S, Answer, RingWatch

__all__ = ["MONITOR_PORT", "AsyncRingClient", "NoAnswerError", "RingClient"]

BATCH_MAX = 512
"""Datagrams taken in one go, so that a flood cannot keep questions from being asked."""


class NoAnswerError(PeerError):
    """A daemon did not answer a query, or answered that it cannot."""


class _Link:
    """The socket and the watch, and the moves that both faces make."""

    def __init__(self, roster: Roster, sock: MonitorSocket | None, *, interval_s: float) -> None:
        self.socket = sock or open_socket()
        self.watch = RingWatch(
            roster,
            reply_port=self.socket.port,
            random_number=lambda: secrets.randbits(32),
            wall_clock=time.time,
            interval_s=interval_s,
        )

    def send_due(self) -> None:
        """Send what is due.

        What has come in is taken before: if this program was kept from running for a while, no
        daemon is to be called silent for that.
        """
        self.take()
        for outgoing in self.watch.due(time.monotonic()):
            self.send(outgoing.data, outgoing.target)
        self.take_failures()

    def send(self, data: bytes, target: Target) -> None:
        """Send a datagram to a daemon."""
        failure = self.socket.send(data, target.address, target.port)
        if failure is not None:
            self.watch.failed(failure.address, failure.port, failure.reason)
            # What stays in the error queue keeps the socket readable, and a loop awake.
            self.take_failures()

    def take(self) -> int:
        """Take all that has come in; return how many datagrams."""
        self.take_failures()
        for count in range(BATCH_MAX):
            received = self.socket.receive()
            if received is None:
                return count
            self.watch.receive(*received, time.monotonic())
        return BATCH_MAX

    def take_failures(self) -> None:
        """Take what the system says of datagrams sent before."""
        for failure in self.socket.failures():
            self.watch.failed(failure.address, failure.port, failure.reason)


class RingClient:
    """Asks when it is told to, and waits for the answers."""

    def __init__(
        self,
        roster: Roster,
        *,
        sock: MonitorSocket | None = None,
        interval_s: float = INTERVAL_S,
    ) -> None:
        """Use `sock`, which the client closes, or a socket at any free port."""
        self._link = _Link(roster, sock, interval_s=interval_s)
        self.watch = self._link.watch

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def reply_port(self) -> int:
        """The port at which replies come in."""
        return self._link.socket.port

    def fileno(self) -> int:
        """Return the descriptor to wait at before `step`."""
        return self._link.socket.socket.fileno()

    def close(self) -> None:
        """Close the socket."""
        self._link.socket.close()

    def update(self) -> None:
        """Ask all daemons for their reports; return when each has answered or had its time."""
        begin_s = time.monotonic()
        self.watch.begin_round(begin_s)
        while self.watch.is_waiting(begin_s):
            self.step()
        self.watch.judge(time.monotonic())

    def run(self, seconds: float) -> None:
        """Ask in intervals for so long."""
        end_s = time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0:
            self.step(left_s)

    def step(self, seconds_max: float = INTERVAL_S) -> None:
        """Send what is due, wait for something to come in or to fall due, and take it."""
        self._link.send_due()
        wait_s = min(seconds_max, self.watch.next_deadline() - time.monotonic())
        ready, _, _ = select.select([self._link.socket.socket], [], [], max(0.0, wait_s))
        if ready:
            self._link.take()
        else:
            self._link.send_due()

    def query(self, daemon: str, kind: Kind, arguments: Mapping[str, Any] | None = None) -> bytes:
        """Ask one daemon something; return its answer, JSON.

        Raises `NoAnswerError` if it does not answer, or says that it cannot.
        """
        number = self.watch.ask(daemon, kind, arguments or {}, time.monotonic())
        while (answer := self.watch.take_answer(number)) is None:
            self.step()
        return _json_of(answer, daemon)

    def send(self, data: bytes, target: Target) -> None:
        """Send a datagram to a daemon."""
        self._link.send(data, target)


class AsyncRingClient:
    """Asks all daemons for their reports in intervals, for as long as it is open."""

    def __init__(
        self,
        roster: Roster,
        *,
        sock: MonitorSocket | None = None,
        interval_s: float = INTERVAL_S,
    ) -> None:
        """Use `sock`, which the client closes, or a socket at any free port."""
        self._link = _Link(roster, sock, interval_s=interval_s)
        self.watch = self._link.watch
        self._transport: asyncio.DatagramTransport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: _Protocol(self), sock=self._link.socket.socket
        )
        self._ask()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.close()
            await asyncio.sleep(0)  # The transport closes the socket in the next turn.
        self._link.socket.close()

    async def changed(self) -> None:
        """Wait until something came in, or a daemon had its time."""
        self._changed.clear()
        await self._changed.wait()

    async def query(
        self, daemon: str, kind: Kind, arguments: Mapping[str, Any] | None = None
    ) -> bytes:
        """Ask one daemon something; return its answer, JSON.

        Raises `NoAnswerError` if it does not answer, or says that it cannot.
        """
        number = self.watch.ask(daemon, kind, arguments or {}, time.monotonic())
        self._ask()
        try:
            while (answer := self.watch.take_answer(number)) is None:
                await self.changed()
        finally:
            self.watch.give_up(number)
        return _json_of(answer, daemon)

    def send(self, data: bytes, target: Target) -> None:
        """Send a datagram to a daemon."""
        self._link.send(data, target)

    def _ask(self) -> None:
        """Send what is due, and come again when something is."""
        self._link.send_due()
        if self._timer is not None:
            self._timer.cancel()
        wait_s = max(0.0, self.watch.next_deadline() - time.monotonic())
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._on_time)

    def _on_time(self) -> None:
        self._ask()
        self._changed.set()

    def _on_datagram(self, data: bytes, source: Source) -> None:
        self.watch.receive(data, source, time.monotonic())
        if self.watch.next_deadline() <= time.monotonic():
            self._ask()
        self._changed.set()

    def _on_error(self) -> None:
        self._link.take_failures()


class _Protocol(asyncio.DatagramProtocol):
    def __init__(self, client: AsyncRingClient) -> None:
        self._client = client

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self._client._on_datagram(data, (str(addr[0]), int(addr[1])))

    def error_received(self, exc: Exception) -> None:  # noqa: ARG002
        self._client._on_error()


def _json_of(answer: Answer, daemon: str) -> bytes:
    if answer.error:
        raise NoAnswerError(f"{daemon}: {answer.error}")
    return answer.json

"""What a daemon asks other daemons for a doctor; each is one query, sent by its own socket."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from spread.monitor.inquiries import Again, Inquiries, Reply
from spread.monitor.queries import Kind, Query

__all__ = ["BOTH_PORTS", "DATA_PORT", "OwnQuestions", "Send", "Target"]

ASKED_MAX: Final = 512
"""Questions whose answers are awaited; the oldest is given up for one more."""

DATA_PORT: Final = (0,)
BOTH_PORTS: Final = (0, 1)

NONCE: Final = slice(40, 44)
"""Where a query and its reply have their number."""

Send = Callable[[bytes, tuple[str, int]], object]
"""Sends a datagram without waiting; OSError if it cannot."""

Answered = Callable[[Reply], None]
"""Takes a whole reply, which may be of the kind ERROR."""


@dataclass(frozen=True, slots=True)
class Target:
    """A daemon to ask: its number in the configuration, and where it is."""

    number: int
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class _Asked:
    target: Target
    ports: tuple[int, ...]
    answered: Answered


class OwnQuestions:
    """The questions under way; used by one thread only."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._inquiries = Inquiries()
        self._asked: dict[int, _Asked] = {}  # By nonce, oldest first.

    def ask(
        self, target: Target, order: Mapping[str, Any], ports: tuple[int, ...], answered: Answered
    ) -> None:
        """Ask a daemon at these ports, told by their distance from the data port."""
        while len(self._asked) >= ASKED_MAX:
            oldest = next(iter(self._asked))
            del self._asked[oldest]
            self._inquiries.forget(oldest)
        query = Query(secrets.randbits(32), Kind.PROBE, order)
        asked = self._asked[query.nonce] = _Asked(target, ports, answered)
        self._send_to(asked, self._inquiries.ask(query, target.address))

    def take(self, data: bytes, source: str) -> bool:
        """Take a datagram if it is part of an awaited answer; tell whether it was."""
        nonce = int.from_bytes(data[NONCE], "little")
        asked = self._asked.get(nonce)
        if asked is None:
            return False
        reply = self._inquiries.add(data, source)
        if isinstance(reply, Again):
            self._send_to(asked, reply.datagram)
        elif reply is not None:
            del self._asked[nonce]
            asked.answered(reply)
        return True

    def _send_to(self, asked: _Asked, datagram: bytes) -> None:
        for step in asked.ports:
            try:
                self._send(datagram, (asked.target.address, asked.target.port + step))
            except OSError:
                continue  # Then it does not answer.

"""Queries to daemons from an address of one's own, asked again until there is an answer."""

import secrets
import socket
from typing import Any, Self

from spread.monitor.inquiries import Again, Inquiries, Reply
from spread.monitor.queries import Kind, Query

from .waiting import Deadline

__all__ = ["Questioner"]

ANSWER = 0.25  # Seconds after which a question is asked again.


class Questioner:
    """An asker at an address of this host; each source has a budget of its own."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 0))
        self.socket.settimeout(ANSWER)
        self._inquiries = Inquiries()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def ask(
        self, place: tuple[str, int], kind: Kind, arguments: dict[str, Any] | None = None
    ) -> Reply:
        """Return the reply of the daemon at this place."""
        deadline = Deadline()
        while not deadline.passed():
            query = Query(secrets.randbits(32), kind, arguments or {}, place[0])
            self.socket.sendto(self._inquiries.ask(query, place[0]), place)
            try:
                while True:
                    data, (source, _) = self.socket.recvfrom(65535)
                    reply = self._inquiries.add(data, source)
                    if isinstance(reply, Again):
                        self.socket.sendto(reply.datagram, place)
                    elif reply is not None:
                        return reply
            except (TimeoutError, ConnectionError):
                continue
        raise AssertionError(f"the daemon at {place} answers no query of kind {kind.name}")

"""Queries under way: their datagrams, the cookies of daemons, and replies put together.

    ask(query, daemon)     -> the datagram to send
    add(datagram, daemon)  -> Reply   it is complete
                           -> Again   the daemon wants to be asked again: send this
                           -> None    a part of it, or nothing that is awaited

A daemon answers who has shown with its cookie that he receives at his address. The first query of
all to a daemon costs one more way there and back; each reply brings the cookie for the next.
"""

from dataclasses import dataclass, field, replace
from typing import Final

from spread.errors import PeerError
from spread.monitor.queries import Kind, Part, Query, decode_part, encode_query, unfold

__all__ = ["PENDING_MAX", "Again", "Inquiries", "Reply"]

PENDING_MAX: Final = 1024
"""Queries whose replies are awaited at a time; the oldest is given up for one more."""

COOKIES_MAX: Final = 1024
"""Daemons whose cookies are kept; the one known for longest is forgotten for one more."""

AGAIN_MAX: Final = 3
"""So often one query is sent again for its cookie: secrets of daemons do not change faster."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply; `json` is what the daemon said, as UTF-8."""

    nonce: int
    kind: int
    daemon: str
    json: bytes


@dataclass(frozen=True, slots=True)
class Again:
    """The datagram with which a query is to be asked again."""

    nonce: int
    datagram: bytes


@dataclass(slots=True)
class _Pending:
    query: Query
    source: str
    again: int = 0
    key: tuple[int, int, str] | None = None
    slices: dict[int, bytes] = field(default_factory=dict)


class Inquiries:
    """Puts parts together, for the queries that are awaited, and takes nothing else.

    Invariant: at most `PENDING_MAX` queries are awaited, each holds at most `PARTS_MAX` slices.
    Of two different parts with the same number the first counts. If a whole reply does not
    unfold (its parts come from two answers, or from a forger), its parts are dropped, and it
    may come once more.
    """

    def __init__(self) -> None:
        self._pending: dict[int, _Pending] = {}  # By nonce, oldest first.
        self._cookies: dict[str, bytes] = {}  # By source, oldest first.
        self.refused = 0
        """Datagrams that were no part of an awaited reply, and replies that did not unfold."""

    def __len__(self) -> int:
        return len(self._pending)

    def ask(self, query: Query, source: str) -> bytes:
        """Await the reply to a query to this address; return its datagram, often as one likes."""
        if query.nonce not in self._pending:
            while len(self._pending) >= PENDING_MAX:
                del self._pending[next(iter(self._pending))]
            self._pending[query.nonce] = _Pending(query, source)
        return self._datagram(query, source)

    def forget(self, nonce: int) -> None:
        """Await it no longer; a nonce that is not awaited is none the worse for it."""
        self._pending.pop(nonce, None)

    def add(self, data: bytes, source: str) -> Reply | Again | None:
        """Take a datagram that came from this address; return what it completes or asks for."""
        try:
            return self._add(decode_part(data), source)
        except PeerError:
            self.refused += 1
            return None

    def _datagram(self, query: Query, source: str) -> bytes:
        return encode_query(replace(query, cookie=self._cookies.get(source, query.cookie)))

    def _add(self, part: Part, source: str) -> Reply | Again | None:
        pending = self._pending.get(part.nonce)
        if pending is None or pending.source != source:
            raise PeerError(f"{source} was not asked this")
        if part.kind == Kind.COOKIE:
            return self._ask_again(part, pending)
        if part.kind not in (pending.query.kind, Kind.ERROR):
            raise PeerError(f"a reply of kind {part.kind} to a query of {pending.query.kind}")
        key = (part.kind, part.parts, part.daemon)
        if pending.key != key:
            if pending.slices:
                raise PeerError("a part of another reply to the same query")
            pending.key = key
        pending.slices.setdefault(part.part, part.slice)
        if len(pending.slices) < part.parts:
            return None
        whole = b"".join(pending.slices[number] for number in range(part.parts))
        pending.slices.clear()
        text = unfold(whole)
        del self._pending[part.nonce]
        self._keep(source, part.cookie)
        return Reply(part.nonce, part.kind, part.daemon, text)

    def _ask_again(self, part: Part, pending: _Pending) -> Again:
        pending.again += 1
        if pending.again > AGAIN_MAX:
            raise PeerError(f"{pending.source} takes none of its cookies")
        self._keep(pending.source, part.cookie)
        return Again(part.nonce, self._datagram(pending.query, pending.source))

    def _keep(self, source: str, cookie: bytes) -> None:
        self._cookies.pop(source, None)
        while len(self._cookies) >= COOKIES_MAX:
            del self._cookies[next(iter(self._cookies))]
        self._cookies[source] = cookie

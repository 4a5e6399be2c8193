"""Asks other daemons in a doctor's name, where the doctor's own questions do not get through.

    doctor --pass--> this daemon --query--> that daemon
    doctor --passed--> this daemon <--reply--

Few questions are kept, each for few daemons, so that nobody fills this daemon's memory.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from spread.monitor.queries import Kind, Query, Reassembly, encode_query

__all__ = ["TARGETS_MAX", "Relay", "Target"]

TARGETS_MAX: Final = 16
QUESTIONS_MAX: Final = 8
AWAITED_MAX: Final = 64
ANSWER_SIZE_MAX: Final = 128 * 1024
NONCE: Final = slice(40, 44)
"""Where a query and its reply have their number."""

Send = Callable[[bytes, tuple[str, int]], object]


@dataclass(frozen=True, slots=True)
class Target:
    """A daemon to ask: its number in the configuration, and where it is."""

    number: int
    address: str
    port: int


@dataclass(slots=True)
class _Question:
    awaited: dict[int, int] = field(default_factory=dict)  # Numbers of daemons by nonce.
    answers: dict[int, Any] = field(default_factory=dict)


class Relay:
    """Questions passed on, and the answers that came; used by one thread only."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._reassembly = Reassembly()
        self._questions: dict[int, _Question] = {}  # By the doctor's number, oldest first.

    def pass_on(self, number: int, targets: list[Target], order: Mapping[str, Any]) -> None:
        """Ask daemons; a question that comes again is asked of those that have not answered."""
        question = self._questions.pop(number, None) or _Question()
        while len(self._questions) >= QUESTIONS_MAX:
            oldest = self._questions.pop(next(iter(self._questions)))
            for nonce in oldest.awaited:
                self._reassembly.forget(nonce)
        self._questions[number] = question
        while len(question.awaited) >= AWAITED_MAX:
            self._reassembly.forget(oldest_nonce := next(iter(question.awaited)))
            del question.awaited[oldest_nonce]
        for target in targets:
            if target.number in question.answers:
                continue
            query = Query(secrets.randbits(32), Kind.PROBE, order)
            question.awaited[query.nonce] = target.number
            self._reassembly.expect(query, target.address)
            for port in (target.port, target.port + 1):
                try:
                    self._send(encode_query(query), (target.address, port))
                except OSError:
                    continue  # Then it does not answer.

    def take(self, data: bytes, source: str) -> bool:
        """Take a datagram if it is part of an awaited answer; tell whether it was."""
        nonce = int.from_bytes(data[NONCE], "little")
        question = next((q for q in self._questions.values() if nonce in q.awaited), None)
        if question is None:
            return False
        reply = self._reassembly.add(data, source)
        if reply is not None and reply.kind == Kind.PROBE and len(reply.json) <= ANSWER_SIZE_MAX:
            question.answers[question.awaited[nonce]] = _decoded(reply.json)
        return True

    def passed(self, number: int) -> dict[int, Any]:
        """Return the answers that have come to a question, by daemon."""
        question = self._questions.get(number)
        return {} if question is None else dict(question.answers)


def _decoded(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None

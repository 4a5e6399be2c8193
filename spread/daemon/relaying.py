"""Asks other daemons in a doctor's name, where the doctor's own questions do not get through.

    doctor --pass--> this daemon --query--> that daemon
    doctor --passed--> this daemon <--reply--

Few questions are kept, each for few daemons, so that nobody fills this daemon's memory. What a
daemon has heard in a large ring fills a good part of a reply: `passed` tells as many answers as
have room in one, and who is left, so that the doctor asks again for those.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from spread.daemon.own_questions import BOTH_PORTS, DATA_PORT, OwnQuestions, Target
from spread.monitor.inquiries import Reply
from spread.monitor.queries import Kind, filling

__all__ = ["TARGETS_MAX", "Relay"]

TARGETS_MAX: Final = 16
QUESTIONS_MAX: Final = 8
ANSWER_SIZE_MAX: Final = 256 * 1024
"""What a daemon has heard at most, `spread.daemon.responder.KINDS_MAX` kinds of probe, is less."""

ROOM: Final = 0.75
"""Of a reply, for several answers: folded together they take a little more or less than alone."""

ALONE: Final = 0.99
"""Of a reply, for one answer; the rest is for what stands around it."""

NOTHING: Final = "null"
"""Stands for an answer that is no JSON, or too long to be passed on."""


@dataclass(frozen=True, slots=True)
class _Answer:
    text: str
    """JSON."""
    filling: float
    """How much of a reply it takes, 1 at most."""


Answers = dict[int, _Answer]
"""By the number of the daemon."""


class Relay:
    """Questions passed on, and the answers that came; used by one thread only."""

    def __init__(self, questions: OwnQuestions) -> None:
        self._questions = questions
        self._answers: dict[int, Answers] = {}  # By the doctor's number, oldest first.

    def pass_on(self, number: int, targets: list[Target], order: Mapping[str, Any]) -> None:
        """Ask daemons; a question that comes again is asked of those that have not answered."""
        is_new = number not in self._answers
        answers = self._answers.pop(number, {})
        while len(self._answers) >= QUESTIONS_MAX:
            del self._answers[next(iter(self._answers))]
        self._answers[number] = answers
        for target in targets:
            if target.number not in answers:
                ports = DATA_PORT if is_new else BOTH_PORTS
                take = partial(_take, answers, target.number)
                self._questions.ask(target, order, ports, take)

    def passed(self, number: int, known: Collection[int] = ()) -> bytes:
        """Return the answers that have come to a question, as JSON that has room in one reply.

        Without those of the daemons in `known`; `left` are those for which there is no room.
        """
        told: list[str] = []
        left: list[int] = []
        filled = 0.0
        for daemon, answer in self._answers.get(number, {}).items():
            if daemon in known:
                continue
            if told and filled + answer.filling > ROOM:
                left.append(daemon)
                continue
            filled += answer.filling
            told.append(f'"{daemon}":{answer.text}')
        return f'{{"answers":{{{",".join(told)}}},"left":{json.dumps(left)}}}'.encode()


def _take(answers: Answers, number: int, reply: Reply) -> None:
    if reply.kind == Kind.PROBE and len(reply.json) <= ANSWER_SIZE_MAX:
        answers[number] = _answer(reply.json)


def _answer(told: bytes) -> _Answer:
    try:
        text = json.dumps(json.loads(told), separators=(",", ":"))
    except (ValueError, RecursionError):
        text = NOTHING
    share = filling(text.encode())
    return _Answer(text, share) if share < ALONE else _Answer(NOTHING, 0.0)

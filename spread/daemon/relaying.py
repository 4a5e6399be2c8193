"""Asks other daemons in a doctor's name, where the doctor's own questions do not get through.

    doctor --pass--> this daemon --query--> that daemon
    doctor --passed--> this daemon <--reply--

Few questions are kept, each for few daemons, so that nobody fills this daemon's memory.
"""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from spread.daemon.own_questions import BOTH_PORTS, DATA_PORT, OwnQuestions, Target
from spread.monitor.inquiries import Reply
from spread.monitor.queries import Kind

__all__ = ["TARGETS_MAX", "Relay"]

TARGETS_MAX: Final = 16
QUESTIONS_MAX: Final = 8
ANSWER_SIZE_MAX: Final = 256 * 1024
"""What a daemon has heard at most, `spread.daemon.responder.KINDS_MAX` kinds of probe, is less."""

Answers = dict[int, Any]
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

    def passed(self, number: int) -> Answers:
        """Return the answers that have come to a question, by daemon."""
        return dict(self._answers.get(number, {}))


def _take(answers: Answers, number: int, reply: Reply) -> None:
    if reply.kind == Kind.PROBE and len(reply.json) <= ANSWER_SIZE_MAX:
        try:
            answers[number] = json.loads(reply.json)
        except (ValueError, RecursionError):
            answers[number] = None

"""Asks daemons how many bytes of probes they are willing to take, before large ones are sent.

    order to send --> this daemon --permit--> that daemon
                      probes      <--bytes---

Who orders probes has shown that he receives at his address; that of the target was never his. So
the target is asked, and says how much it takes from all who ask. A target that does not answer
gets no large probes: there is something else to mend first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Final

from spread.daemon.own_questions import BOTH_PORTS, DATA_PORT, OwnQuestions, Target
from spread.errors import PeerError
from spread.monitor.doctor_talk import Permit
from spread.monitor.inquiries import Reply
from spread.monitor.queries import Kind
from spread.monitor.report import from_json

__all__ = ["AGAIN_NS", "PATIENCE_NS", "Consent", "Verdict"]

AGAIN_NS: Final = 100_000_000
"""A target is asked no more often."""

PATIENCE_NS: Final = 1_000_000_000
"""Who is silent for so long does not agree,"""

REFUSED_NS: Final = 2_000_000_000
"""and is not asked again before this."""

PERMIT_NS: Final = 2_000_000_000
"""What was permitted and not sent by then is permitted no longer."""


class Verdict(Enum):
    """Whether a probe may go to a daemon."""

    YES = "yes"
    ASKED = "asked"
    """The daemon is being asked, or has no room at present."""
    NO = "no"


@dataclass(slots=True)
class _State:
    """How it stands with one daemon."""

    permitted: int = 0
    until_ns: int = 0
    sent_ns: int | None = None
    """When it was asked last."""
    silent_ns: int | None = None
    """Since when it owes an answer."""
    refused_ns: int | None = None
    """Until when it is not asked."""


class Consent:
    """What other daemons permit; used by one thread only."""

    def __init__(self, questions: OwnQuestions, clock_ns: Callable[[], int]) -> None:
        self._questions = questions
        self._clock_ns = clock_ns
        self._states: dict[int, _State] = {}  # By the number of the daemon.

    def forget(self) -> None:
        """Forget what was permitted: other daemons have these numbers."""
        self._states.clear()

    def is_to_ask(self, number: int, size: int) -> bool:
        """Tell whether a daemon is to be asked for so many bytes."""
        state, now_ns = self._state(number), self._clock_ns()
        is_soon = state.sent_ns is not None and now_ns - state.sent_ns < AGAIN_NS
        return state.permitted < size and state.refused_ns is None and not is_soon

    def ask(self, target: Target, size: int) -> None:
        """Ask a daemon for so many bytes."""
        state, now_ns = self._state(target.number), self._clock_ns()
        is_first = state.silent_ns is None
        if is_first:
            state.silent_ns = now_ns
        state.sent_ns = now_ns
        self._questions.ask(
            target,
            {"do": "permit", "bytes": size},
            DATA_PORT if is_first else BOTH_PORTS,
            partial(self._answered, state),
        )

    def spend(self, number: int, size: int) -> Verdict:
        """Tell whether a probe of so many bytes may go to a daemon; if so, it is to go."""
        state, now_ns = self._state(number), self._clock_ns()
        if state.permitted >= size:
            state.permitted -= size
            return Verdict.YES
        if state.silent_ns is not None and now_ns - state.silent_ns >= PATIENCE_NS:
            self._refused(state)
        return Verdict.ASKED if state.refused_ns is None else Verdict.NO

    def _state(self, number: int) -> _State:
        """Return the state of a daemon, without what is over by now."""
        state = self._states.setdefault(number, _State())
        now_ns = self._clock_ns()
        if now_ns >= state.until_ns:
            state.permitted = 0
        if state.refused_ns is not None and now_ns >= state.refused_ns:
            state.refused_ns = None
        if state.sent_ns is not None and now_ns - state.sent_ns >= REFUSED_NS:
            state.silent_ns = None  # A question of earlier orders, which nobody repeated.
        return state

    def _answered(self, state: _State, reply: Reply) -> None:
        state.silent_ns = None
        try:
            permit = from_json(Permit, reply.json) if reply.kind == Kind.PROBE else None
        except PeerError:
            permit = None
        if permit is None or permit.bytes < 0:
            self._refused(state)
            return
        state.permitted += permit.bytes
        state.until_ns = self._clock_ns() + PERMIT_NS

    def _refused(self, state: _State) -> None:
        state.silent_ns = None
        state.refused_ns = self._clock_ns() + REFUSED_NS

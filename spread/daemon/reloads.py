"""Orders to reload the configuration, and questions what that would change, in a thread of its own.

    any thread        reload(), preview()  ->  one of each waits; who asks for the same joins it
    reload's thread   Reloader: file, host names, access files; the ring's thread
                      -> `tell` of everybody who asked

Names of hosts are looked up for as long as the system takes, and nothing else waits for that. No
order is lost: what comes while a reload runs has the file read once more behind it, once for all.
Places are bounded for those to whom an answer is owed, who are told if there is none; an order
without an answer, of a signal or a classic monitor, takes none and is never refused.
"""

import threading
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final, Protocol

from spread.daemon.event_sink import EventSink
from spread.daemon.failures import Failures
from spread.errors import ConfigurationError
from spread.monitor.reload import ReloadOutcome

__all__ = ["Reader", "Reloads", "Tell"]

ASKERS_MAX: Final = 16
"""Who may wait for the same answer."""

NAMES_MAX: Final = 16
"""Who is named as having asked; all further ones are `OTHERS`."""

OTHERS: Final = "others"

ANSWERS_KEPT: Final = 16
"""Answers that are remembered, for when a question comes again because its answer was lost."""

STOP_S: Final = 1.0
"""How long an orderly end waits for the thread; it is a daemon thread, so nothing hangs on it."""

Tell = Callable[[ReloadOutcome], None]
"""Takes what came of it; called in the reload's thread, or at once if it is known."""


class Reader(Protocol):
    """Does it; a `Reloader` is one."""

    def preview(self) -> ReloadOutcome:
        """Return what a reload would change."""

    def reload(self, asked_by: str) -> ReloadOutcome:
        """Put the file in force, or say why that cannot be."""


@dataclass(slots=True)
class _Order:
    is_preview: bool
    askers: dict[Hashable, Tell] = field(default_factory=dict)
    """Whom to tell, by what tells questions apart."""
    names: dict[str, None] = field(default_factory=dict)
    """Who asked, in order."""

    def add(self, key: Hashable, tell: Tell) -> None:
        if key not in self.askers and len(self.askers) >= ASKERS_MAX:
            raise ConfigurationError("a reload is under way and too many wait for it; ask again")
        self.askers[key] = tell

    def name(self, asked_by: str) -> None:
        is_new = asked_by not in self.names
        self.names[OTHERS if is_new and len(self.names) >= NAMES_MAX else asked_by] = None


class Reloads:
    """Takes orders from any thread. `start` it when privileges are gone, `stop` it in the end."""

    def __init__(self, reader: Reader, log: EventSink) -> None:
        self._reader = reader
        self._failures = Failures(log, "the thread for reloads failed and goes on")
        self._condition = threading.Condition()
        self._waiting: deque[_Order] = deque()  # One of each kind at most.
        self._running: _Order | None = None
        self._answered: dict[Hashable, ReloadOutcome] = {}
        self._is_stopped = False
        self._done = 0
        self._refused = 0
        self._thread = threading.Thread(target=self._run, name="spread-reload", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more orders, and end the thread if it does not wait for the system."""
        with self._condition:
            self._is_stopped = True
            self._waiting.clear()
            self._condition.notify()
        if self._thread.is_alive():
            self._thread.join(STOP_S)

    def counters(self) -> dict[str, int]:
        """What came of reloads, by the names of `spread.counters`."""
        return {
            "reloads": self._done,
            "reloads_refused": self._refused,
            "reload_failures": self._failures.count,
        }

    def hang_up(self) -> None:
        """A signal asks for a reload; this is never refused."""
        self.reload("a signal")

    def reload(self, asked_by: str, tell: Tell | None = None, key: Hashable = None) -> None:
        """Have the file put in force; ConfigurationError if too many wait for what comes of it.

        A question with the key of an earlier one is the same question again. Without `tell` nobody
        waits, and nothing is raised.
        """
        known = None
        with self._condition:
            if key is not None:
                known = self._answered.get(key)
            if known is None:
                self._ask(asked_by, tell, key)
        if known is not None and tell is not None:
            tell(known)

    def preview(self, tell: Tell, key: Hashable) -> None:
        """Have the file read and compared; ConfigurationError if too many wait for that."""
        with self._condition:
            self._order(is_preview=True).add(key, tell)
            self._condition.notify()

    def _ask(self, asked_by: str, tell: Tell | None, key: Hashable) -> None:
        if self._is_running(key) and self._running is not None:
            order = self._running
        else:
            order = self._order(is_preview=False)
        if tell is not None:
            order.add(key or asked_by, tell)
        order.name(asked_by)
        self._condition.notify()

    def _is_running(self, key: Hashable) -> bool:
        running = self._running
        return key is not None and running is not None and key in running.askers

    def _order(self, *, is_preview: bool) -> _Order:
        """Return the order of a kind that waits, a new one if there is none."""
        for order in self._waiting:
            if order.is_preview == is_preview:
                return order
        order = _Order(is_preview)
        self._waiting.append(order)
        return order

    # -- The reload's thread ----------------------------------------------------------------------

    def _run(self) -> None:
        while (order := self._next()) is not None:
            try:
                self._carry_out(order)
            except Exception as error:
                # Whoever waits for an answer asks again.
                self._failures.note(error)

    def _carry_out(self, order: _Order) -> None:
        if order.is_preview:
            outcome = self._reader.preview()
        else:
            outcome = self._reader.reload(self._asked_by(order))
        for tell in self._answer(order, outcome):
            try:
                tell(outcome)
            except Exception as error:
                self._failures.note(error)

    def _next(self) -> _Order | None:
        with self._condition:
            self._running = None
            while not self._waiting and not self._is_stopped:
                self._condition.wait()
            if self._is_stopped:
                return None
            self._running = self._waiting.popleft()
            return self._running

    def _asked_by(self, order: _Order) -> str:
        with self._condition:
            return ", ".join(order.names)

    def _answer(self, order: _Order, outcome: ReloadOutcome) -> list[Tell]:
        """Note what came of it; return whom to tell."""
        with self._condition:
            self._running = None
            if not order.is_preview:
                self._done += outcome.done
                self._refused += not outcome.done
                for key in order.askers:
                    self._remember(key, outcome)
            return list(order.askers.values())

    def _remember(self, key: Hashable, outcome: ReloadOutcome) -> None:
        if isinstance(key, str):
            return  # Not a question: who asks by a signal asks for another reload each time.
        while len(self._answered) >= ANSWERS_KEPT:
            del self._answered[next(iter(self._answered))]
        self._answered[key] = outcome

"""A reload's thread waits until the ring's thread has put a plan in force, or cannot.

reload's thread                        ring's thread
Handover(plan)   --- call_soon --->    put_in_force(plan, told)
returns          <-------------------  told("")
raises           <-------------------  told("why not")
"""

import threading
from collections.abc import Callable
from functools import partial
from typing import Final

from spread.config.model import EventPriority, EventType
from spread.daemon.commands import CallSoon
from spread.daemon.event_sink import EventSink
from spread.daemon.reload import PartlyInForceError, Plan
from spread.errors import ConfigurationError

__all__ = ["Handover", "PutInForce", "ToldWhy"]

PATIENCE_S: Final = 10.0
"""Another network takes a fraction of a second; the log hears of it if it takes longer."""

ToldWhy = Callable[[str], None]
"""Takes the reason why a plan is not in force, or nothing."""

PutInForce = Callable[[Plan, ToldWhy], None]
"""Puts a plan in force; called in the ring's thread, where an exception would end the daemon."""


class Handover:
    """Hands plans over, one at a time."""

    def __init__(self, call_soon: CallSoon, put_in_force: PutInForce, log: EventSink) -> None:
        self._call_soon = call_soon
        self._put_in_force = put_in_force
        self._log = log
        self._told = threading.Event()
        self._reason = ""
        self._is_closed = False

    def __call__(self, plan: Plan) -> None:
        """Return when the plan is in force.

        Raises PartlyInForceError if something of it failed, ConfigurationError if nothing was done.
        """
        self._told.clear()
        self._reason = ""
        if not self._call_soon(partial(self._put_in_force, plan, self._tell)):
            raise ConfigurationError("the daemon has too many commands to do; ask again")
        while not self._is_closed and not self._told.wait(PATIENCE_S):
            self._log.event(
                EventType.PRINT | EventType.CONFIGURATION,
                EventPriority.WARNING,
                "configuration is read and not yet in force",
                reason="this daemon cannot leave its ring yet",
            )
        if self._is_closed:
            raise ConfigurationError("the daemon ends")
        if self._reason:
            raise PartlyInForceError(self._reason)

    def close(self) -> None:
        """The ring's thread has ended: nobody is told any more."""
        self._is_closed = True
        self._told.set()

    def _tell(self, reason: str) -> None:
        """Called in the ring's thread."""
        self._reason = reason
        self._told.set()

"""When an asyncio mailbox that lost its session tries again, and what it says afterwards."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from spread.errors import (
    AddressError,
    AuthenticationError,
    ConnectError,
    SessionClosedError,
    SessionRejectedError,
    SpreadError,
    VersionError,
)
from spread.service import Code

__all__ = ["Reconnected", "Reconnection", "is_worth_retrying"]


class Reconnection(NamedTuple):
    """How long to wait between two attempts, and when to give up; all in seconds."""

    delay_s: float = 0.1
    """Before the first attempt. A restarted daemon needs that long, and a lost name is free."""

    delay_s_max: float = 5.0
    """The delay doubles with each attempt up to here."""

    attempt_s_max: float = 10.0
    """Limit of one attempt."""

    give_up_s: float | None = None
    """After this time without a session the mailbox is closed; None never gives up."""

    def delays_s(self, random: Callable[[], float]) -> Iterator[float]:
        """Return the endless series of delays; `random` gives numbers from 0 to 1.

        Each delay is cut by up to a half at random, so that the clients of a daemon that comes
        back do not arrive all at once.
        """
        delay_s = self.delay_s
        while True:
            yield delay_s * (1.0 - random() / 2)
            delay_s = min(2 * delay_s, self.delay_s_max)


class Reconnected(NamedTuple):
    """Event in the stream of a mailbox: from here on everything belongs to a new session.

    What was sent to this client between the sessions is lost; the groups are joined again, and
    their membership messages follow.
    """

    private_group: str
    reason: SpreadError
    """Why the session before it ended."""

    attempts: int
    gap_s: float
    """Time without a session, in seconds."""

    groups: tuple[str, ...]
    """Groups that were asked for again, in the order in which they were first joined."""


def is_worth_retrying(error: SpreadError) -> bool:
    """Tell whether another attempt to connect may go better than the one that raised `error`."""
    if isinstance(error, AuthenticationError | VersionError):
        return False
    if isinstance(error, SessionRejectedError):
        # A name may still be taken by the session that was lost.
        return error.code in (Code.REJECT_NOT_UNIQUE, Code.REJECT_QUOTA)
    return isinstance(error, AddressError | ConnectError | SessionClosedError)

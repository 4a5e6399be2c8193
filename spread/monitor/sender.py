"""Who has sent an answer: known by the address it came from, or else what is odd about it.

An answer names a daemon. It counts only if it came from an address of that daemon; the port may
be any, since classic daemons answer from one of their own. Whatever else comes back is a hint why
a daemon seems not to answer.
"""

from dataclasses import dataclass
from enum import Enum, auto

from spread.errors import PeerError
from spread.monitor.roster import Roster, Target

__all__ = ["OddAnswerError", "Oddity", "Source", "Strange", "nonsense", "sender_of"]

Source = tuple[str, int]
"""Address and port that a datagram came from."""


class Oddity(Enum):
    """What is odd about an answer."""

    NO_SENSE = auto()
    """It is none of a daemon of Spread 4.4, nor of this package."""
    OTHER_DAEMON = auto()
    """It is that of another daemon of the configuration."""
    UNKNOWN_DAEMON = auto()
    """It is that of a daemon that is not in the configuration."""
    OTHER_ADDRESS = auto()
    """It names the daemon, and came from an address that is none of it."""
    LATE = auto()
    """Its question has been given up."""


@dataclass(frozen=True, slots=True)
class Strange:
    """An answer that does not count."""

    oddity: Oddity
    detail: str = ""
    """The other daemon, the address, or what makes no sense."""


class OddAnswerError(PeerError):
    """An answer that does not count, and why."""

    def __init__(self, oddity: Oddity, detail: str, message: str) -> None:
        super().__init__(message)
        self.strange = Strange(oddity, detail)


def nonsense(data: bytes, error: PeerError) -> Strange:
    """Return what is to be told of a datagram that is no answer at all, for `error`."""
    return Strange(Oddity.NO_SENSE, f"{len(data)} bytes that make no sense ({error})")


def sender_of(daemon: str, source: str, roster: Roster, asked: Target | None = None) -> Target:
    """Return the daemon that an answer names by its address, if it came from there.

    `asked` is the daemon that it answers, where that is known. Raises `OddAnswerError`.
    """
    target = roster.at(daemon)
    if target is None:
        raise OddAnswerError(
            Oddity.UNKNOWN_DAEMON, daemon, f"{daemon} is no daemon of this configuration"
        )
    if asked is not None and target.number != asked.number:
        raise OddAnswerError(
            Oddity.OTHER_DAEMON, target.name, f"{target.name} answers for {asked.name}"
        )
    if not target.has(source):
        raise OddAnswerError(
            Oddity.OTHER_ADDRESS, source, f"{source} is no address of {target.name}"
        )
    return target

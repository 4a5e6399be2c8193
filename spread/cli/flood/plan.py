"""What a run of `spflooder` is to do."""

from dataclasses import dataclass

from spread.service import Service

__all__ = ["WINDOW_MAX", "Plan", "default_window"]

WINDOW_MAX = 65_535
"""Half of a window, in messages, fits into the type number of a message; see `controls`."""

_WINDOW_DEFAULT = 200
# A classic daemon closes a session for which more than 1000 messages wait; some are control.
_WAITING_MAX = 800


@dataclass(frozen=True, slots=True)
class Plan:
    """One run; counts are messages, sizes are bytes."""

    group: str
    service: Service
    count: int
    """Messages to send; for a run that only reads, messages to expect from each, 0 if unknown."""

    size: int
    members: int
    """Who takes part: members with this one when it does both, else those on the other side."""

    window: int
    """Messages that may be on their way to any reader."""

    rate: float | None = None
    """Messages to send in a second at most."""

    reads: bool = True
    writes: bool = True

    @property
    def readers_awaited(self) -> int:
        """Other readers that must have answered before anything is sent."""
        return self.members - 1 if self.reads else self.members


def default_window(writers: int) -> int:
    """Return the window for `writers` flooders at a time, so that no reader is overrun."""
    return max(1, min(_WINDOW_DEFAULT, _WAITING_MAX // max(1, writers)))

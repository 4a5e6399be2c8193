"""Named deadlines: each is set or not, and the earliest is what the driver waits for."""

from enum import IntEnum, auto

__all__ = ["Timer", "Timers"]


class Timer(IntEnum):
    """What can be due; those due at once are handled in this order."""

    ALIVE = auto()  # Say ALIVE again.
    SEG = auto()  # The own segment has had its time.
    REP = auto()  # The representative is silent.
    JOIN = auto()  # Say JOIN again.
    PROMPT = auto()  # Somebody needs our ALIVE or JOIN before the next is due.
    GATHER = auto()  # Other representatives have had their time.
    FORM = auto()  # FORM2 has not come.
    HOP = auto()  # A FORM has not been acknowledged.
    LOOKUP = auto()  # Look for daemons that are not in the ring.


class Timers:
    """The deadlines of one machine, in nanoseconds of its monotonic clock."""

    def __init__(self) -> None:
        self._due: dict[Timer, int] = {}

    def set(self, timer: Timer, when_ns: int) -> None:
        """Let the timer be due at this time and no other."""
        self._due[timer] = when_ns

    def hasten(self, timer: Timer, when_ns: int) -> None:
        """Let the timer be due at this time unless it is due before."""
        self._due[timer] = min(when_ns, self._due.get(timer, when_ns))

    def cancel(self, *timers: Timer) -> None:
        """Let these not be due."""
        for timer in timers:
            self._due.pop(timer, None)

    def cancel_all(self) -> None:
        """Let nothing be due."""
        self._due.clear()

    def is_set(self, timer: Timer) -> bool:
        """Whether the timer will be due."""
        return timer in self._due

    @property
    def next_ns(self) -> int:
        """When the first is due; 0 if none is set."""
        return min(self._due.values(), default=0)

    def take_due(self, now_ns: int) -> Timer | None:
        """Return the first that is due and forget it; None when nothing is due."""
        when_ns, timer = min(((due, timer) for timer, due in self._due.items()), default=(0, None))
        if timer is None or when_ns > now_ns:
            return None
        del self._due[timer]
        return timer

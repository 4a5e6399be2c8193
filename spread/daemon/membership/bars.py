"""Daemons that made attempts fail are kept out for a while, longer each time.

A daemon may be heard and yet not be reached, behind a link of one way or a firewall. Whoever takes
it in loses its ring over it, so after each failure the ring stays without it for twice as long.
"""

from typing import Final

__all__ = ["Bars"]

DOUBLINGS_MAX: Final = 3
"""The longest time out is 8 times the first: 20 s with the default timeouts."""


class Bars:
    """Who is kept out, and until when."""

    def __init__(self, first_ns: int) -> None:
        """`first_ns` is how long the first failure keeps a daemon out."""
        self._first_ns = first_ns
        self._failures: dict[int, int] = {}
        self._until_ns: dict[int, int] = {}
        self._unanswered: set[int] = set()

    def fail(self, daemon: int, now_ns: int) -> int:
        """An attempt failed because this daemon did not answer; returns how many have by now."""
        self._unanswered.add(daemon)
        failures = self._failures.get(daemon, 0)
        self._failures[daemon] = failures + 1
        self._until_ns[daemon] = now_ns + (self._first_ns << min(failures, DOUBLINGS_MAX))
        return failures + 1

    def believe(self, daemon: int, now_ns: int) -> None:
        """Somebody else could not reach this daemon; the word that spreads counts once."""
        if not self.is_barred(daemon, now_ns):
            self.fail(daemon, now_ns)
            self._unanswered.discard(daemon)

    def clear(self, daemon: int) -> None:
        """It is in the ring, or has restarted: what was is forgotten."""
        self._failures.pop(daemon, None)
        self._until_ns.pop(daemon, None)
        self._unanswered.discard(daemon)

    def is_barred(self, daemon: int, now_ns: int) -> bool:
        """Whether the daemon is kept out at this time."""
        return now_ns < self._until_ns.get(daemon, now_ns)

    def next_end_ns(self, now_ns: int) -> int | None:
        """Return when the first may be tried again, None if nobody is kept out."""
        return min((each for each in self._until_ns.values() if each > now_ns), default=None)

    def unreached(self, now_ns: int) -> frozenset[int]:
        """Return who is kept out because this daemon itself got no answer."""
        return frozenset(each for each in self._unanswered if self.is_barred(each, now_ns))

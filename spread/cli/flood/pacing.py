"""When the next message of a flood is due, if its rate is bounded."""

__all__ = ["Pacing"]


class Pacing:
    """Message k, from 0, is due k / rate seconds after the first; what is late goes at once."""

    def __init__(self, rate: float | None) -> None:
        """`rate` is in messages a second; None: everything is due at any time."""
        self._rate = rate
        self._began_s: float | None = None

    def due(self, sent_count: int, now_s: float, count_max: int) -> int:
        """Return how many messages, at most `count_max`, are due by `now_s`."""
        if self._rate is None:
            return count_max
        if self._began_s is None:
            self._began_s = now_s
        so_far = int((now_s - self._began_s) * self._rate) + 1
        return max(0, min(count_max, so_far - sent_count))

    def wait_s(self, sent_count: int, now_s: float) -> float:
        """Return the seconds until the next message is due, 0 when it is due already."""
        if self._rate is None or self._began_s is None:
            return 0.0
        return max(0.0, self._began_s + sent_count / self._rate - now_s)

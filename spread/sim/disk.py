"""What a host remembers when its daemon is gone: the records of a StateDir."""

__all__ = ["Disk"]


class Disk:
    """The last time in a ring id, as a `Record` of ring times, and the last incarnation."""

    def __init__(self) -> None:
        self._ring_time = 0
        self._incarnation = 0

    def load(self) -> int:
        """Return the time kept, 0 if none."""
        return self._ring_time

    def save(self, time: int) -> None:
        """Keep a time."""
        self._ring_time = time

    def next_incarnation(self, wall_ns: int) -> int:
        """Return the incarnation of a daemon that starts: larger than every one before."""
        self._incarnation = max(wall_ns, self._incarnation + 1)
        return self._incarnation

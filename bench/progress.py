"""What a Python receiver has received: counted, sampled for order, timed."""

import time
from dataclasses import dataclass

SEQ_MASK = (1 << 48) - 1  # The stamp's second word: sender in the upper bits.


@dataclass(frozen=True, slots=True)
class Received:
    """The measured part of what one client received."""

    count: int
    seconds: float
    cpu_s: float


class Progress:
    """Counts messages, checks every n-th one's number, and takes the time."""

    def __init__(self, warm_up_count: int, count: int, every: int) -> None:
        """Count in steps of `every`; `warm_up_count` and `count` are multiples of it."""
        self._warm_up_count = warm_up_count
        self._last = warm_up_count + count
        self._every = every
        self._seen = 0
        self._begin = (0.0, 0.0)
        self.received: Received | None = None

    def step(self, message: bytes) -> bytes:
        """Note `every` messages more, of which `message` is the last; return the new count."""
        self._seen += self._every
        seq = int.from_bytes(message[8:16], "little") & SEQ_MASK
        if seq != self._seen - 1:
            raise SystemExit(f"message {seq} received where {self._seen - 1} was due")
        if self._seen == self._warm_up_count:
            self._begin = (time.perf_counter(), time.process_time())
        elif self._seen == self._last:
            seconds, cpu_s = time.perf_counter() - self._begin[0], time.process_time()
            self.received = Received(
                self._last - self._warm_up_count, seconds, cpu_s - self._begin[1]
            )
        return self._seen.to_bytes(8, "little")

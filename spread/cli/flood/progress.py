"""A line on standard error that shows how far a run has come; drawn only on a terminal."""

import time
from collections.abc import Callable
from typing import TextIO

from spread.cli.terminal import understands_sequences, width

__all__ = ["Progress", "bar", "is_wanted_on"]

_INTERVAL_S = 0.1
_BAR_WIDTH = 24


class Progress:
    """The line. Nothing is drawn on a stream that is None."""

    def __init__(self, stream: TextIO | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._drawn_s = float("-inf")
        self._began: tuple[float, int] | None = None
        self._is_drawn = False

    def show(self, text: str) -> None:
        """Show a text at once; what follows need not wait."""
        if self._stream is not None:
            self._draw(text)

    def advance(self, done: int, total: int | None) -> None:
        """Show that `done` messages of `total` are through, if the last time is long enough ago."""
        if self._stream is None:
            return
        now = self._clock()
        if self._began is None:
            self._began = now, done
        if now - self._drawn_s < _INTERVAL_S:
            return
        seconds = now - self._began[0]
        rate = (done - self._began[1]) / seconds if seconds > 0 else None
        self._draw(bar(done, total, rate))
        self._drawn_s = now

    def clear(self) -> None:
        """Remove the line, so that something else can be written."""
        if self._stream is not None and self._is_drawn:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._is_drawn = False

    def _draw(self, text: str) -> None:
        assert self._stream is not None
        # The last column stays free: some terminals wrap as soon as it is written.
        columns = width(self._stream) - 1
        self._stream.write(f"\r{text[:columns]}\x1b[K")
        self._stream.flush()
        self._is_drawn = True


def bar(done: int, total: int | None, rate: float | None) -> str:
    """Return the text of the line; `rate` is in messages a second.

    >>> bar(30, 120, 15.0)
    '[######..................]  25%  30 of 120  15/s'
    """
    speed = "" if rate is None else f"  {rate:,.0f}/s"
    if not total:
        return f"{done:,} messages{speed}"
    share = min(done, total) / total
    filled = int(share * _BAR_WIDTH)
    drawing = "#" * filled + "." * (_BAR_WIDTH - filled)
    return f"[{drawing}] {share:4.0%}  {done:,} of {total:,}{speed}"


def is_wanted_on(stream: TextIO) -> bool:
    """Tell whether somebody looks at `stream` on a terminal that can redraw a line."""
    return stream.isatty() and understands_sequences()

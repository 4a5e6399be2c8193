"""Where `spuser` shows what arrives: a stream of lines, or a terminal on which somebody types.

On a terminal, lines go above the one that is being typed, and that one is neither redrawn nor
looked at: the line editor keeps its idea of the screen. For each row, with the cursor anywhere in
the typed line,

    IND    one down, scrolls at the bottom    -> there is a row below
    DECSC  remember this place                   (where the cursor ends up)
    CUU    one up                             -> in the typed line
    IL     insert a row                       -> the typed line moves one down
    CR     write the row
    DECRC  back to the remembered place

These are sequences of the VT102, which every terminal has but a dumb one. A typed line that takes
more than one row is torn apart; the line editor is told to scroll sideways instead, see `lines`.
"""

import threading
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Protocol, TextIO

from spread.cli.terminal import understands_sequences, width

__all__ = ["Display", "StreamDisplay", "TerminalDisplay", "display_on", "rows"]

_BEGIN_ROW = "\x1bD\x1b7\x1b[A\x1b[L\r"
_END_ROW = "\x1b8"
# A character that is wider than thought must not wrap into the line below.
_WRAP_OFF, _WRAP_ON = "\x1b[?7l", "\x1b[?7h"


class Display(Protocol):
    """Shows lines; any thread may call it."""

    def show(self, lines: Sequence[str]) -> None:
        """Show `lines` together, at once."""


class StreamDisplay:
    """Lines into a stream, flushed after every event."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._turn = threading.Lock()

    def show(self, lines: Sequence[str]) -> None:
        """Write `lines`; raises BrokenPipeError when nobody reads any more."""
        with self._turn:
            self._stream.write("".join(f"{line}\n" for line in lines))
            self._stream.flush()


class TerminalDisplay:
    """Lines above the one that is being typed on a terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._turn = threading.Lock()

    def show(self, lines: Sequence[str]) -> None:
        """Insert `lines`, cut into rows of the terminal's present width."""
        columns = width(self._stream)
        text = "".join(
            f"{_BEGIN_ROW}{row}{_END_ROW}" for line in lines for row in rows(line, columns)
        )
        with self._turn:
            self._stream.write(f"{_WRAP_OFF}{text}{_WRAP_ON}")
            self._stream.flush()


def display_on(stream: TextIO, *, is_typed_on: bool) -> Display:
    """Return the display for `stream`, on which somebody types or not."""
    if is_typed_on and understands_sequences():
        return TerminalDisplay(stream)
    return StreamDisplay(stream)


def rows(line: str, columns_max: int) -> Iterator[str]:
    """Cut `line` into pieces that take at most `columns_max` columns of a terminal each."""
    begin, used = 0, 0
    for index, character in enumerate(line):
        columns = _columns(character)
        if used + columns > columns_max and index > begin:
            yield line[begin:index]
            begin, used = index, 0
        used += columns
    yield line[begin:]


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1

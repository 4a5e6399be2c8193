"""What a person sees: a terminal of rows and columns, fed with what a program writes.

It knows the control sequences that line editors and our programs use on `TERM=linux`, and refuses
any other, so that a test cannot pass by overlooking one.
"""

import re

__all__ = ["Screen"]

_SEQUENCE = re.compile(
    r"\x1b(?:\[(?P<mark>\??)(?P<numbers>[0-9;]*)(?P<final>[@-~])|(?P<plain>[^\[]))"
)
_MODES_IGNORED = frozenset({"2004", "1034"})  # Bracketed paste, eight-bit keys.


class Screen:
    """A grid of characters and a cursor."""

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        self.columns = columns
        self._grid = [[" "] * columns for _ in range(rows)]
        self._row = self._column = 0
        self._saved = (0, 0)
        self._wraps = True
        self._is_full = False  # The last column is written; the next character wraps.
        self._rest = ""

    @property
    def lines(self) -> list[str]:
        """Rows from the top, without blanks at their ends, up to the last one with text."""
        texts = ["".join(row).rstrip() for row in self._grid]
        while texts and not texts[-1]:
            texts.pop()
        return texts

    @property
    def cursor(self) -> tuple[int, int]:
        """Row and column of the cursor, from 0."""
        return self._row, self._column

    def feed(self, text: str) -> None:
        """Show what a program has written; an unfinished sequence waits for its rest."""
        text = self._rest + text
        self._rest = ""
        at = 0
        while at < len(text):
            if text[at] != "\x1b":
                self._character(text[at])
                at += 1
                continue
            match = _SEQUENCE.match(text, at)
            if match is None:
                self._rest = text[at:]
                return
            self._sequence(match)
            at = match.end()

    def _character(self, character: str) -> None:
        match character:
            case "\r":
                self._move(self._row, 0)
            case "\n":
                self._down()
            case "\b":
                self._move(self._row, self._column - 1)
            case "\a":
                pass
            case _:
                assert character.isprintable(), f"control character {character!r}"
                self._write(character)

    def _write(self, character: str) -> None:
        if self._is_full and self._wraps:
            self._down()
            self._move(self._row, 0)
        self._grid[self._row][self._column] = character
        self._is_full = self._column == self.columns - 1
        self._column = min(self._column + 1, self.columns - 1)

    def _down(self) -> None:
        self._is_full = False
        if self._row == len(self._grid) - 1:
            self._grid.append([" "] * self.columns)
            del self._grid[0]
        else:
            self._row += 1

    def _move(self, row: int, column: int) -> None:
        self._row = max(0, min(row, len(self._grid) - 1))
        self._column = max(0, min(column, self.columns - 1))
        self._is_full = False

    def _sequence(self, match: re.Match[str]) -> None:
        if match["plain"] is not None:
            self._plain_sequence(match["plain"])
        elif match["mark"]:
            self._mode(match["numbers"], match["final"])
        else:
            numbers = [int(number or 0) for number in match["numbers"].split(";")]
            self._control_sequence(match["final"], numbers)

    def _plain_sequence(self, final: str) -> None:
        match final:
            case "D":
                self._down()
            case "7":
                self._saved = self.cursor
            case "8":
                self._move(*self._saved)
            case _:
                raise AssertionError(f"sequence ESC {final!r}")

    def _mode(self, number: str, final: str) -> None:
        if number == "7":
            self._wraps = final == "h"
        else:
            assert number in _MODES_IGNORED, f"mode {number}"

    def _control_sequence(self, final: str, numbers: list[int]) -> None:
        count = max(1, numbers[0])
        row = self._grid[self._row]
        match final:
            case "A":
                self._move(self._row - count, self._column)
            case "C":
                self._move(self._row, self._column + count)
            case "D":
                self._move(self._row, self._column - count)
            case "G":
                self._move(self._row, count - 1)
            case "H":
                self._move(count - 1, (numbers[1] if len(numbers) > 1 else 1) - 1)
            case "J" | "K":
                self._erase(final, numbers[0])
            case "L":
                del self._grid[-count:]
                blank = [[" "] * self.columns for _ in range(count)]
                self._grid[self._row : self._row] = blank
                self._column = 0
            case "P":
                row[self._column :] = row[self._column + count :] + [" "] * count
            case "@":
                row[self._column :] = ([" "] * count + row[self._column :])[: -count or None]
            case "m":
                pass
            case _:
                raise AssertionError(f"sequence CSI {numbers} {final!r}")
        self._grid[self._row][self.columns :] = []

    def _erase(self, final: str, extent: int) -> None:
        row = self._grid[self._row]
        if extent == 2 and final == "J":
            self._grid[:] = [[" "] * self.columns for _ in self._grid]
            return
        assert extent == 0, f"erase {extent}"
        row[self._column :] = [" "] * (self.columns - self._column)
        if final == "J":
            for below in self._grid[self._row + 1 :]:
                below[:] = [" "] * self.columns

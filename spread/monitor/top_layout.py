"""What `spmonitor top` shows on a terminal of some size, and what it leaves out on a small one.

columns of the table   the most telling ones that fit, in their usual order
rows of the table      all daemons, as long as the pane keeps enough lines to be of use
line of keys           only where there is room; else the names of the panes show their keys
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["Layout", "columns_that_fit", "cut", "joined", "layout_for"]

GAP: Final = 2
"""Blanks around each cell."""

IMPORTANT: Final = (0, 1, 2, 3, 5, 7, 4, 6, 9, 8)
"""Columns by number, the most telling first; names and states are never left out."""

ALWAYS: Final = 2
KEYS_WIDTH_MIN: Final = 66
KEYS_HEIGHT_MIN: Final = 16
"""The line of keys needs so much, or would be cut, or cost a daemon its row."""

FRAME: Final = 3
"""Lines of summary, verdict and names of panes."""

PANE_LEAST: Final = 3
PANE_BEST: Final = 9
"""Lines with which a pane is of use, and with which all curves are seen."""

TEXT_MIN: Final = 6
"""A pane with fewer lines has the curves first."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How many lines each part has."""

    table: int
    """With its head."""
    pane: int
    has_keys: bool

    @property
    def is_short(self) -> bool:
        """Whether the pane has no room for sentences above the curves."""
        return self.pane < TEXT_MIN


def layout_for(width: int, height: int, daemons: int) -> Layout:
    """Return the layout for a terminal of so many columns and lines."""
    has_keys = width >= KEYS_WIDTH_MIN and height >= KEYS_HEIGHT_MIN
    left = max(0, height - FRAME - has_keys)
    kept = min(PANE_BEST, max(PANE_LEAST, left // 2))
    table = min(daemons + 1, max(2, left - kept))
    return Layout(table, max(0, left - table), has_keys)


def columns_that_fit(rows: Sequence[Sequence[str]], width: int) -> tuple[int, ...]:
    """Return the numbers of the columns to show, for the head and all rows of a table."""
    widths = [GAP + max(map(len, column)) for column in zip(*rows, strict=True)]
    shown: list[int] = []
    for number in IMPORTANT:
        room = width - sum(widths[each] for each in shown)
        if len(shown) >= ALWAYS and widths[number] > room:
            break
        shown.append(number)
    return tuple(sorted(shown))


def joined(parts: Sequence[str], separator: str, width: int) -> str:
    """Return the first parts that fit, whole: half a number would be another one."""
    text = parts[0]
    for part in parts[1:]:
        if len(text) + len(separator) + len(part) > width:
            break
        text += separator + part
    return cut(text, width)


def cut(text: str, width: int) -> str:
    """Return a text that is marked as cut if it does not fit."""
    return text if len(text) <= width else f"{text[: max(0, width - 1)]}…"

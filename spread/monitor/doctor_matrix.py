"""The matrix of `spread doctor`: who reaches whom; rows send, columns receive.

    +  everything tried arrives     !  works, and not as it should     x  does not work
    ?  cannot be told               .  itself

Every sign stands with a word where there is room, so nothing hangs on colours.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from spread.monitor.doctor_evidence import Evidence, Key
from spread.monitor.doctor_sizes import largest_seen, size_rule
from spread.monitor.doctor_ways import lost_ways
from spread.monitor.probes import SIZE_MIN, Way

__all__ = ["UP_TO", "Cell", "Sign", "cell", "matrix", "matrix_lines"]

CORNER: Final = "from \\ to"
COLUMN_MAX: Final = 16
UP_TO: Final = "up to "
"""Begins the word for a way on which larger datagrams were not tried."""

TROUBLED_MAX: Final = 40
"""Rows of the list that stands for a matrix too wide."""


class Sign(Enum):
    """How it stands between two daemons."""

    FINE = "+"
    PARTLY = "!"
    BROKEN = "x"
    UNKNOWN = "?"
    ITSELF = "."


@dataclass(frozen=True, slots=True)
class Cell:
    """One place of the matrix."""

    sign: Sign
    word: str = ""

    def __str__(self) -> str:
        """Return sign and word."""
        return f"{self.sign.value} {self.word}".rstrip()


def matrix(evidence: Evidence) -> list[list[Cell]]:
    """Return all cells, a list for each sender."""
    everybody = range(len(evidence.entries))
    return [[cell(evidence, sender, target) for target in everybody] for sender in everybody]


def cell(evidence: Evidence, sender: int, target: int) -> Cell:
    """Judge one way in one direction."""
    if sender == target:
        return Cell(Sign.ITSELF)
    for number in (target, sender):
        if not evidence.answers(number):
            word = "not running" if evidence.silence.get(number) == "refused" else "silent"
            return Cell(Sign.UNKNOWN, word)
    if not evidence.can_judge(sender, target):
        word = "silent" if target in evidence.unheard else "other file"
        return Cell(Sign.UNKNOWN, word)
    small = Key(sender, target, Way.DATA, SIZE_MIN)
    if small not in evidence.tried and small not in evidence.unsent:
        return Cell(Sign.UNKNOWN, "not tried")
    if (sender, target) in evidence.strays:
        return Cell(Sign.BROKEN, "address")
    lost = lost_ways(evidence, sender, target)
    if {Way.DATA, Way.TOKEN} <= lost:
        return Cell(Sign.BROKEN, "nothing")
    for way, word in ((Way.DATA, "no data"), (Way.TOKEN, "no token")):
        if way in lost:
            return Cell(Sign.BROKEN, word)
    if Way.SEGMENT in lost:
        return Cell(Sign.BROKEN, "no multicast")
    return _large(evidence, sender, target)


def _large(evidence: Evidence, sender: int, target: int) -> Cell:
    rule = size_rule(evidence, sender, target)
    if rule in ("mtu", "fragments"):
        return Cell(Sign.BROKEN, "small only" if rule == "mtu" else "no fragments")
    if rule == "cut-on-the-way":
        return Cell(Sign.PARTLY, "cut")
    ways = (Way.DATA, Way.TOKEN)
    keys = [Key(sender, target, way, SIZE_MIN) for way in ways]
    if sum(map(evidence.arrived, keys)) < sum(evidence.tried.get(key, 0) for key in keys):
        return Cell(Sign.PARTLY, "loss")
    seen = largest_seen(evidence, sender, target)
    if seen < evidence.facts[sender].size:
        return Cell(Sign.UNKNOWN, f"{UP_TO}{seen}")
    return Cell(Sign.FINE, "ok")


def matrix_lines(evidence: Evidence, columns: int) -> Iterator[str]:
    """Return the matrix in lines of at most `columns` characters.

    One that is too wide loses its words, then becomes a list of what is not fine.
    """
    cells = matrix(evidence)
    names = [entry.name for entry in evidence.entries]
    head = max(len(CORNER), *map(len, names))
    words = [[str(each) for each in row] for row in cells]
    wide = [
        min(max(len(name), *(len(row[number]) for row in words)), COLUMN_MAX)
        for number, name in enumerate(names)
    ]
    if head + sum(width + 2 for width in wide) <= columns:
        yield _line(CORNER, names, head, wide)
        for name, row in zip(names, words, strict=True):
            yield _line(name, row, head, wide)
        return
    width = len(str(len(names)))
    if head + width + 1 + len(names) * (width + 1) <= columns:
        yield from _narrow(names, cells, head, width)
        return
    yield from _list(evidence, cells)


def _line(name: str, texts: list[str], head: int, widths: list[int]) -> str:
    shown = "".join(f"  {text[:width]:<{width}}" for text, width in zip(texts, widths, strict=True))
    return f"{name:<{head}}{shown}".rstrip()


def _narrow(names: list[str], cells: list[list[Cell]], head: int, width: int) -> Iterator[str]:
    numbers = range(1, len(names) + 1)
    yield f"{CORNER:<{head + width + 1}}" + "".join(f" {each:>{width}}" for each in numbers)
    for number, name, row in zip(numbers, names, cells, strict=True):
        signs = "".join(f" {each.sign.value:>{width}}" for each in row)
        yield f"{number:>{width}} {name:<{head}}{signs}"


def _list(evidence: Evidence, cells: list[list[Cell]]) -> Iterator[str]:
    troubled = [
        (sender, target, each)
        for sender, row in enumerate(cells)
        for target, each in enumerate(row)
        if each.sign in (Sign.BROKEN, Sign.PARTLY)
    ]
    signs = [each.sign for row in cells for each in row]
    counted = ", ".join(
        f"{signs.count(sign)} {word}"
        for sign, word in (
            (Sign.FINE, "fine"),
            (Sign.PARTLY, "not as they should be"),
            (Sign.BROKEN, "broken"),
            (Sign.UNKNOWN, "unknown"),
        )
    )
    yield f"{len(cells)} daemons, too many for a matrix here; ways between two: {counted}"
    for sender, target, each in troubled[:TROUBLED_MAX]:
        yield f"  {evidence.name(sender)} -> {evidence.name(target)}  {each}"
    if len(troubled) > TROUBLED_MAX:
        yield f"  and {len(troubled) - TROUBLED_MAX} more; --json has all of them"

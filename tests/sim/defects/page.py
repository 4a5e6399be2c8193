"""The page about defects: which rule was taken away, and what reported it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from spread.sim.checkers import CHECKERS
from tests.sim.defects.defect import Defect
from tests.sim.defects.trial import Catch

__all__ = ["PAGE", "as_page", "rows_of"]

PAGE: Final = Path(__file__).resolve().parents[3] / "docs" / "defects.md"

Row = tuple[str, str, str]
"""Guarantee, rule taken away, where the rule lives."""

HEAD: Final = """\
# Defects

A checker that never reports anything proves nothing. So for each guarantee of [](semantics.md) at
least one rule that keeps it is taken away in a test, and the checker of the guarantee must report
it in a simulated run. This table is written by `make defects`, which builds the compiled core with
switches for its rules and tries all of them; `tests/sim/defects` has the rules.

A run is drawn from a seed, with a storm of faults, or played from a script where only a rare
sequence of events shows the difference. "Seed" is the first whose run was reported as it must be.
The last column has what other checkers reported in that run: most rules keep several guarantees,
and what follows a broken one is often broken, too.

| guarantee | rule taken away | where | seed | reported as well |
| --- | --- | --- | --- | --- |
"""


def as_page(catches: Iterable[tuple[Defect, Catch]]) -> str:
    """Return the page: guarantees in their order, each with the defects that it must report."""
    found = list(catches)
    lines = []
    for checker in CHECKERS:
        for defect, catch in found:
            if checker.number in defect.caught:
                also = sorted(catch.numbers - {checker.number}, key=_place)
                seed = f"{catch.seed}, script" if defect.script else str(catch.seed)
                lines.append(
                    f"| {checker.number} {checker.name} | {defect.rule} | {defect.part} | {seed} "
                    f"| {' '.join(also)} |"
                )
    return HEAD + "\n".join(lines) + "\n"


def rows_of(page: str) -> list[Row]:
    """Read the table of a page."""
    rows = []
    for line in page.removeprefix(HEAD).splitlines():
        guarantee, rule, part, *_ = (cell.strip() for cell in line.strip("|").split("|"))
        rows.append((guarantee, rule, part))
    return rows


def _place(number: str) -> int:
    return int(number[1:])

"""Where the daemons' processor time goes while a cell runs: what holds a rate that is missed.

`python -m bench.profile_cells CELL` prints it for any cell that is a load, `ring-safe-100` as well
as one of one daemon. Needs Linux's perf and the right to use it, which root has.
"""

import shutil
import sys
from dataclasses import asdict, dataclass
from typing import Any

from bench.cell import Cell, Effort, Figure, Sample, System, Topology
from bench.load_cell import LoadCell
from bench.report import profile_text
from bench.ring_cells import core_cells as ring_cells
from bench.sampling import sampled
from bench.tracing import TracingError
from bench.usage import Parser

HOTTEST = ("ring-agreed-100", "ring-agreed-1350", "ring-agreed-8000")


@dataclass(frozen=True, slots=True)
class ProfileCell:
    """A load that runs once more, with samples taken of its daemons."""

    load: LoadCell
    kind: str = "profile"
    has_limit: bool = False

    @property
    def name(self) -> str:
        """The load's name behind `profile`."""
        return f"profile-{self.load.name}"

    @property
    def title(self) -> str:
        """The load's title."""
        return self.load.title

    @property
    def topology(self) -> Topology:
        """That of the load."""
        return self.load.topology

    @property
    def figures(self) -> tuple[Figure, ...]:
        """None: sampling slows the daemons, so that rate and latency are not theirs."""
        return ()

    def run(self, system: System, effort: Effort) -> Sample:
        """Run the load; `extra` has the profile, or a note that says why there is none."""
        return Sample((), None, profile_of(self.load, system, effort))


def profile_of(load: LoadCell, system: System, effort: Effort) -> dict[str, Any]:
    """Return {"profile": ...} of a run, or {"note": why there is none}."""
    if shutil.which("perf") is None:
        return {"note": "no profile: perf is not installed"}
    try:
        with sampled(system.pids) as profile:
            load.run(system, effort)
        return {"profile": asdict(profile())}
    except TracingError as error:
        return {"note": f"no profile: {error}"}


def core_cells() -> list[Cell]:
    """Return the three loads that are most of what the ring is for."""
    return [
        ProfileCell(cell)
        for cell in ring_cells()
        if isinstance(cell, LoadCell) and cell.name in HOTTEST
    ]


def further_cells() -> list[Cell]:
    """Return none: any other load is profiled by its name."""
    return []


def main() -> int:
    """Profile one cell of our daemon and print the tables; 1 where that is impossible."""
    from bench.cells import all_cells, select  # They have the cells of this module.
    from bench.fleet import RunningSystem
    from bench.runs import FAILURES
    from bench.system import SPREAD

    parser = Parser("python -m bench.profile_cells", __doc__)
    parser.add_argument("cell", help="name of a load; `python -m bench --list` has them")
    parser.add_argument("--duration", type=float, default=1.5, help="seconds (1.5)")
    given = parser.parse_args()
    loads = [cell for cell in all_cells() if isinstance(cell, LoadCell)]
    try:
        [load] = select([cell for cell in loads if cell.name == given.cell] or loads, [given.cell])
    except ValueError as error:
        parser.error(str(error))
    if not given.duration > 0:
        parser.error(f"--duration {given.duration:g}: choose seconds above 0")
    assert isinstance(load, LoadCell)
    try:
        with RunningSystem(SPREAD, load.topology) as system:
            extra = profile_of(load, system, Effort(duration_s=given.duration))
    except FAILURES as error:
        print(f"bench.profile_cells: {error}", file=sys.stderr)
        return 1
    print(profile_text(load.title, extra))
    return 0 if "profile" in extra else 1


if __name__ == "__main__":
    sys.exit(main())

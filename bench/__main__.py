"""`python -m bench`: run cells, print the report, and leave it with every run under bench/results.

Without options the core cells are run; name some, or describe one of your own.
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from bench.cell import QUICK, Cell, Effort
from bench.cells import all_cells, core_cells, select
from bench.custom import add_options, custom_cells, is_custom
from bench.daemon import ROOT, check_template, raise_descriptor_limit
from bench.document import Document, collect
from bench.drive import drive
from bench.fleet import Fleet, RunningSystem
from bench.hosts import links_of
from bench.limits import measure_limits
from bench.load import Bounds
from bench.load_cell import LoadCell
from bench.machine import describe_machine
from bench.output import keep, leave
from bench.pace import Pace, clock
from bench.report import markdown
from bench.runs import FAILURES, CellResult, run_cell
from bench.system import LIMIT, LOOPBACK, SPREAD, DaemonError, Implementation, Topology
from bench.usage import Parser, UsageError

RESULTS = ROOT / "bench" / "results"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run measures, of what, and how long."""

    cells: Sequence[Cell]
    implementations: Sequence[Implementation]
    effort: Effort
    with_kernel: bool  # Its limits, too.
    core: int | None = None  # That the daemons are kept on.


def main() -> int:
    """Run the benchmark.

    Returns 0, or 1 when a cell was not measured or the result not written; exits with 64 for what
    cannot be measured as asked.
    """
    parser = _parser()
    given = parser.parse_args()
    try:
        cells = _cells(given)
        implementations = _implementations(given)
        effort = _effort(given)
    except (UsageError, DaemonError, ValueError) as error:
        parser.error(str(error))
    if given.list:
        core = {cell.name for cell in core_cells()}
        for cell in cells:
            mark = "core" if cell.name in core else ""
            print(f"{cell.name:25} {cell.kind:12} {mark:5} {cell.title}")
        return 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    raise_descriptor_limit()
    try:
        given.output.mkdir(parents=True, exist_ok=True)
        if is_custom(given) or given.against or given.daemon_command:
            _try_out(cells, implementations)
    except (OSError, UsageError) as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        _tell("stopped before anything was measured")
        return 1
    core = _pin() if given.pin else None
    document = _measure(Plan(cells, implementations, effort, not given.no_limit, core))
    is_left = _leave(document, given.output)
    has_faults = any(cell.faults for cell in document.cells)
    return 1 if document.stopped or has_faults or not is_left else 0


def _try_out(cells: Sequence[Cell], implementations: Sequence[Implementation]) -> None:
    """Start what the user has named or configured once, before anything is measured.

    The largest message is sent once. Raises UsageError with what went wrong.
    """
    topology = cells[0].topology
    loads = [cell.workload for cell in cells if isinstance(cell, LoadCell)]
    largest = max(loads, key=lambda workload: workload.payload_size, default=None)
    for implementation in implementations:
        what = f"{implementation.label} does not run on {topology}"
        try:
            with RunningSystem(implementation, topology) as system:
                if largest is not None:
                    what = f"{implementation.label} takes no {largest.payload_size:,} bytes"
                    drive(system, replace(largest, window=1, rates=()), Bounds(count=1))
        except FAILURES as error:
            raise UsageError(f"{what}: {error}") from error


def _leave(document: Document, directory: Path) -> bool:
    """Print the report and write all files; False, with the reason told, if that fails.

    A run that was stopped or measured nothing is kept under its time, and the latest stays what it
    was.
    """
    if not document.cells:
        return True
    print(markdown(document))
    is_whole = not document.stopped and any(cell.runs for cell in document.cells)
    try:
        paths = leave(document, directory) if is_whole else [keep(document, directory)]
    except OSError as error:
        _tell(f"bench: not all of the result could be written: {error}")
        return False
    _tell(f"written to {', '.join(str(path) for path in paths)}")
    return True


def _measure(plan: Plan) -> Document:
    """Return the document, which says so if the user or the system stopped the run."""
    machine = describe_machine()
    began_s = monotonic()
    results: list[CellResult] = []
    limits: dict[str, dict[str, object]] = {}
    stopped = ""
    pace = Pace(plan.cells, plan.effort, len(plan.implementations))
    with Fleet(plan.core) as fleet:
        try:
            if plan.with_kernel:
                limits = _limits(plan.cells, plan.effort)
            for number, cell in enumerate(plan.cells, 1):
                left = f"{clock(monotonic() - began_s)} so far, about {clock(pace.left_s)} left"
                _tell(f"[{number}/{len(plan.cells)}, {left}] {cell.name}: {cell.title}")
                result = run_cell(cell, plan.implementations, fleet, plan.effort, _tell)
                results.append(result)
                pace.note(result.seconds)
        except KeyboardInterrupt:
            time = datetime.now(UTC).isoformat(timespec="seconds")
            stopped = f"stopped at {time} after {len(results)} of {len(plan.cells)} cells"
            _tell(stopped)
        versions = fleet.versions
    found = collect(machine, plan.effort, plan.implementations, versions, limits, results)
    return replace(found, seconds=round(monotonic() - began_s, 1), stopped=stopped)


def _limits(cells: Sequence[Cell], effort: Effort) -> dict[str, dict[str, object]]:
    """Return what the kernel moves on the links that the cells use, each kind of link once."""
    limits: dict[str, dict[str, object]] = {}
    kinds: dict[tuple[str, int], Topology] = {}
    for cell in cells:
        if not cell.has_limit:
            continue
        try:
            links = links_of(cell.topology)
        except DaemonError:
            continue  # The cell itself will say why.
        size = 1 if links == LOOPBACK else 2
        kinds.setdefault(
            (links, cell.topology.mtu), Topology(size, mtu=cell.topology.mtu, links=links)
        )
    for (links, mtu), topology in kinds.items():
        place = links if links == LOOPBACK else f"{links}, MTU {mtu}"
        _tell(f"limits of the kernel: {place}")
        try:
            found = measure_limits(topology, effort)
        except FAILURES as error:
            _tell(f"limits of the kernel: {place}: {error}")
            continue
        for name, limit in found.items():
            limits[f"{links}-{mtu}-{name}"] = {**limit, "title": f"{place}: {limit['title']}"}
    return limits


def _parser() -> argparse.ArgumentParser:
    parser = Parser("python -m bench", __doc__)
    parser.add_argument(
        "cells", nargs="*", help="names or shell patterns (default: all core cells)"
    )
    parser.add_argument(
        "--list", action="store_true", help="list all cells, those of the core marked, and exit"
    )
    parser.add_argument("--all", action="store_true", help="run the further cells, too")
    parser.add_argument("--quick", action="store_true", help="one short run per cell")
    parser.add_argument("--runs", type=int, help="runs per cell (3; 1 of curves and scale)")
    parser.add_argument(
        "--duration", type=float, help="measured seconds per run (1.5; 3 at low rates)"
    )
    parser.add_argument(
        "--daemon-command",
        default="",
        metavar="COMMAND",
        help="daemon to measure, a template with {python}, {name}, {config}, {port}, {address}, "
        "{directory} (default: " + SPREAD.command + ")",
    )
    parser.add_argument(
        "--against",
        action="append",
        default=[],
        metavar="LABEL=COMMAND",
        help="another daemon with the same spread.conf, run by run in turn with the first; may be "
        "repeated",
    )
    parser.add_argument("--no-limit", action="store_true", help="leave the limits out")
    parser.add_argument(
        "--pin", action="store_true", help="daemons on the first core, generator on the last"
    )
    parser.add_argument("--output", type=Path, default=RESULTS, help="directory (bench/results)")
    add_options(parser)
    return parser


def _cells(given: argparse.Namespace) -> list[Cell]:
    if is_custom(given):
        if given.cells or given.all:
            raise UsageError("name cells, or describe one with --daemons and so on, not both")
        return custom_cells(given)
    cells = all_cells() if given.all or given.cells or given.list else core_cells()
    return select(cells, given.cells or ["*"])


def _implementations(given: argparse.Namespace) -> list[Implementation]:
    """Return the daemon under test, those beside it, and the limit."""
    subject = Implementation("daemon", given.daemon_command) if given.daemon_command else SPREAD
    implementations = [subject]
    for text in given.against:
        label, separator, command = text.partition("=")
        if not separator or not label or not command.strip():
            raise UsageError(f"--against {text!r}: write a label, '=', and a command")
        if label in (LIMIT.label, *(each.label for each in implementations)):
            raise UsageError(f"--against {text!r}: the label {label!r} is taken, choose another")
        implementations.append(Implementation(label, command))
    for each in implementations:
        check_template(each.command)
    return implementations if given.no_limit else [*implementations, LIMIT]


def _effort(given: argparse.Namespace) -> Effort:
    effort = QUICK if given.quick else Effort()
    if given.runs is not None:
        if given.runs < 1:
            raise UsageError(f"--runs {given.runs}: choose 1 or more")
        effort = replace(effort, runs=given.runs, long_runs=given.runs)
    if given.duration is not None:
        if not given.duration > 0:
            raise UsageError(f"--duration {given.duration:g}: choose seconds above 0")
        effort = replace(effort, duration_s=given.duration, latency_s=given.duration)
    return effort


def _pin() -> int:
    """Keep this process on the last core it may use, and return the first for the daemons."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})
    return cores[0]


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

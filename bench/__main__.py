"""`python -m bench`: run cells, print the report, and leave it with every run under bench/results.

Without options the core cells are run; name some, or describe one of your own.
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.cell import QUICK, Cell, Effort
from bench.cells import all_cells, core_cells, select
from bench.custom import UsageError, add_options, custom_cells, is_custom
from bench.daemon import ROOT, check_template, raise_descriptor_limit
from bench.document import Document, collect
from bench.fleet import Fleet
from bench.hosts import links_of
from bench.limits import measure_limits
from bench.machine import describe_machine
from bench.output import keep, leave
from bench.report import markdown
from bench.runs import FAILURES, CellResult, run_cell
from bench.system import LIMIT, LOOPBACK, SPREAD, DaemonError, Implementation, Topology

RESULTS = ROOT / "bench" / "results"


def main() -> int:
    """Run the benchmark; 1 when a cell was not measured or the result not written, else 0."""
    parser = _parser()
    given = parser.parse_args()
    try:
        cells = _cells(given)
        implementations = _implementations(given)
        effort = _effort(given)
    except (UsageError, DaemonError, ValueError) as error:
        parser.error(str(error))
    if given.list:
        print("\n".join(f"{cell.name:20} {cell.kind:12} {cell.title}" for cell in cells))
        return 0
    try:
        given.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"--output: {error}")
    document, was_stopped = _measure(given, cells, implementations, effort)
    is_left = _leave(document, given.output, is_whole=not was_stopped)
    has_faults = any(cell.faults for cell in document.cells)
    return 1 if was_stopped or has_faults or not is_left else 0


def _leave(document: Document, directory: Path, *, is_whole: bool) -> bool:
    """Print the report and write all files; False, with the reason told, if that fails.

    A run that was stopped is kept under its time, and the latest stays what it was.
    """
    if not document.cells:
        return True
    print(markdown(document))
    try:
        paths = leave(document, directory) if is_whole else [keep(document, directory)]
    except OSError as error:
        _tell(f"bench: not all of the result could be written: {error}")
        return False
    _tell(f"written to {', '.join(str(path) for path in paths)}")
    return True


def _measure(
    given: argparse.Namespace,
    cells: Sequence[Cell],
    implementations: Sequence[Implementation],
    effort: Effort,
) -> tuple[Document, bool]:
    """Return the document, and whether the user or the system stopped the run before its end."""
    machine = describe_machine()
    raise_descriptor_limit()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    results: list[CellResult] = []
    limits: dict[str, dict[str, object]] = {}
    was_stopped = False
    with Fleet(_pin() if given.pin else None) as fleet:
        try:
            if not given.no_limit:
                limits = _limits(cells, effort)
            for number, cell in enumerate(cells, 1):
                _tell(f"[{number}/{len(cells)}] {cell.title}")
                results.append(run_cell(cell, implementations, fleet, effort, _tell))
        except KeyboardInterrupt:
            was_stopped = True
            _tell(f"stopped after {len(results)} of {len(cells)} cells")
        versions = fleet.versions
    return collect(machine, effort, implementations, versions, limits, results), was_stopped


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
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "cells", nargs="*", help="names or shell patterns (default: all core cells)"
    )
    parser.add_argument("--list", action="store_true", help="list all cells and exit")
    parser.add_argument("--all", action="store_true", help="run the further cells, too")
    parser.add_argument("--quick", action="store_true", help="one short run per cell")
    parser.add_argument("--runs", type=int, help="runs per cell (3; 1 of curves and scale)")
    parser.add_argument("--duration", type=float, help="measured seconds per run (1.5)")
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
        effort = replace(effort, duration_s=given.duration)
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

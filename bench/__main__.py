"""`python -m bench`: run the cells, print the table, write it and all runs under bench/results."""

import argparse
import os
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from bench.cell import QUICK, Effort
from bench.cells import all_cells, core_cells, select
from bench.daemon import ROOT, raise_descriptor_limit
from bench.fleet import Fleet
from bench.machine import describe_machine
from bench.report import document, markdown
from bench.runs import run_cell
from bench.system import LIMIT, SPREAD, Implementation


def main() -> int:
    """Run the benchmark; 1 when a cell could not be measured, else 0, whatever the figures."""
    parser = _parser()
    given = parser.parse_args()
    cells = all_cells() if given.all or given.cells or given.list else core_cells()
    try:
        cells = select(cells, given.cells or ["*"])
    except ValueError as error:
        parser.error(str(error))
    if given.list:
        print("\n".join(f"{cell.name:16} {cell.figures[0].title}" for cell in cells))
        return 0
    machine = describe_machine()
    implementations = _implementations(given)
    effort = _effort(given)
    raise_descriptor_limit()
    daemon_core = _pin() if given.pin else None
    with Fleet(daemon_core) as fleet:
        results = [run_cell(cell, implementations, fleet, effort, _tell) for cell in cells]
    page = markdown(machine, effort, implementations, results)
    stem = datetime.now().strftime("%Y%m%d-%H%M%S")
    given.output.mkdir(parents=True, exist_ok=True)
    (given.output / f"{stem}.md").write_text(page)
    (given.output / f"{stem}.json").write_text(document(machine, effort, implementations, results))
    print(page)
    _tell(f"written to {given.output / stem}.md and .json")
    return 1 if any(result.faults for result in results) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "cells", nargs="*", help="names or shell patterns (default: all core cells)"
    )
    parser.add_argument("--list", action="store_true", help="list all cells and exit")
    parser.add_argument("--all", action="store_true", help="run the cells without target, too")
    parser.add_argument("--quick", action="store_true", help="one short run per cell")
    parser.add_argument("--runs", type=int, help="runs per cell (5)")
    parser.add_argument("--duration", type=float, help="measured seconds per run (3)")
    parser.add_argument(
        "--daemon-command",
        default=SPREAD.command,
        help="template with {python}, {port}, {directory}, {config} (default: %(default)s)",
    )
    parser.add_argument(
        "--against",
        action="append",
        default=[],
        metavar="LABEL=COMMAND",
        help="another daemon, run by run in turn with the first; may be repeated",
    )
    parser.add_argument("--no-limit", action="store_true", help="leave the bare forwarder out")
    parser.add_argument(
        "--pin", action="store_true", help="daemons on the first core, generator on the last"
    )
    parser.add_argument("--output", type=Path, default=ROOT / "bench" / "results")
    return parser


def _implementations(given: argparse.Namespace) -> list[Implementation]:
    """Return the daemon under test, those beside it, and the limit."""
    label = SPREAD.label if given.daemon_command == SPREAD.command else "daemon"
    implementations = [Implementation(label, given.daemon_command)]
    for text in given.against:
        other, separator, command = text.partition("=")
        if not separator or not other or other in (label, LIMIT.label):
            raise SystemExit(f"--against {text!r}: write a label of its own, '=', and a command")
        implementations.append(Implementation(other, command))
    return implementations if given.no_limit else [*implementations, LIMIT]


def _effort(given: argparse.Namespace) -> Effort:
    effort = QUICK if given.quick else Effort()
    if given.runs is not None:
        effort = replace(effort, runs=given.runs)
    if given.duration is not None:
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

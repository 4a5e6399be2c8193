"""Micro benchmarks against a stored baseline of the same kind of machine.

    python -m bench.micro                   run them, print ns per operation
    python -m bench.micro --save            and store them as this kind's baseline
    python -m bench.micro --compare         and print their ratios to it

An operation is what a benchmark calls so in its `extra_info`: a frame, a packet, a lookup. The
figure is that of the fastest round: what else the machine does can only make a round slower.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.machine import Machine, describe_machine

BENCH = Path(__file__).resolve().parent
BASELINES = BENCH / "baselines"
SLOW = 1.5  # Ratio that is told loudly: beyond what a shared machine does to the fastest round.
FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What the benchmarks took on one kind of machine."""

    kind: str
    processor: str
    core_count: int
    python: str
    commit: str
    time: str
    ns: dict[str, float]  # Per operation, by the name of the benchmark.


@dataclass(frozen=True, slots=True)
class Change:
    """One benchmark beside its baseline; None where it has not been run."""

    name: str
    before_ns: float | None
    after_ns: float | None

    @property
    def ratio(self) -> float | None:
        """Above 1 when it has become slower."""
        if not self.before_ns or self.after_ns is None:
            return None
        return self.after_ns / self.before_ns

    @property
    def is_slow(self) -> bool:
        """Whether it is to be told loudly."""
        return self.ratio is not None and self.ratio >= SLOW


def main() -> int:
    """Run, print, and save or compare as asked."""
    parser = argparse.ArgumentParser(prog="python -m bench.micro", description=__doc__)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--save", action="store_true", help="store as the baseline of this machine")
    mode.add_argument("--compare", action="store_true", help="print ratios to the baseline")
    parser.add_argument("--fail", action="store_true", help=f"exit code 1 when {SLOW} times slower")
    parser.add_argument("pytest", nargs="*", help="further arguments for pytest, after --")
    given = parser.parse_args()
    machine = describe_machine()
    path = BASELINES / f"{kind_of(machine.processor, machine.core_count)}.json"
    before = read(path) if given.compare and path.exists() else None
    after = _baseline(machine, run(given.pytest))
    changes = compare(before.ns if before else {}, after.ns)
    print(table(changes, before))
    if given.compare and before is None:
        print(f"no baseline of this kind of machine ({path.name}): make one with --save")
    if given.save:
        BASELINES.mkdir(exist_ok=True)
        path.write_text(dumps(after))
        print(f"written to {path}")
    return int(given.fail and any(change.is_slow for change in changes))


def run(arguments: list[str]) -> dict[str, float]:
    """Run the benchmarks with further arguments of pytest; returns ns per operation by name.

    Raises SystemExit with pytest's exit code when one of them fails.
    """
    with tempfile.TemporaryDirectory() as directory:
        result = Path(directory) / "result.json"
        options = ["-q", "--benchmark-quiet", "-c", str(BENCH / "pytest.ini")]
        command = [sys.executable, "-m", "pytest", *options]
        done = subprocess.run(
            [*command, f"--benchmark-json={result}", str(BENCH), *arguments],
            cwd=BENCH.parent,
            check=False,
        )
        if done.returncode:
            raise SystemExit(done.returncode)
        return ns_per_operation(json.loads(result.read_text()))


def ns_per_operation(report: Mapping[str, Any]) -> dict[str, float]:
    """Take the fastest rounds out of a report of pytest-benchmark."""
    return {
        name_of(entry["fullname"]): entry["stats"]["min"]
        * 1e9
        / entry["extra_info"].get("operations", 1)
        for entry in report["benchmarks"]
    }


def name_of(test: str) -> str:
    """Return the concept and the case: `bench_frames.py::test_walk[100]` is `frames walk[100]`."""
    path, _, case = test.partition("::")
    return f"{Path(path).stem.removeprefix('bench_')} {case.removeprefix('test_')}"


def kind_of(processor: str, core_count: int) -> str:
    """Return what machines have in common whose figures can be compared, as a file name."""
    model = re.sub(r"\(R\)|\(TM\)|CPU|Processor|@.*", " ", processor, flags=re.IGNORECASE)
    words = re.findall(r"[a-z0-9.]+", model.lower())
    return "-".join([*words, f"{core_count}-cores"])


def compare(before: Mapping[str, float], after: Mapping[str, float]) -> list[Change]:
    """Return all benchmarks of both in the order of `after`, those that are gone last."""
    names = [*after, *(name for name in before if name not in after)]
    return [Change(name, before.get(name), after.get(name)) for name in names]


def table(changes: list[Change], before: Baseline | None) -> str:
    """Return the lines to print: figures alone without a baseline, else with ratios."""
    width = max((len(change.name) for change in changes), default=0)
    lines = [_line(change, width, has_baseline=before is not None) for change in changes]
    if before is None:
        return "\n".join([f"{'ns per operation':{width}}", *lines])
    slow = [change.name for change in changes if change.is_slow]
    head = f"ns per operation; baseline {before.kind}, commit {before.commit}, {before.time}"
    end = f"SLOWER by {SLOW} or more: {', '.join(slow)}" if slow else f"none is {SLOW} times slower"
    return "\n".join([head, *lines, end])


def _line(change: Change, width: int, *, has_baseline: bool) -> str:
    after = "-" if change.after_ns is None else f"{change.after_ns:,.1f}"
    if not has_baseline:
        return f"{change.name:{width}} {after:>12}"
    before = "-" if change.before_ns is None else f"{change.before_ns:,.1f}"
    ratio = "-" if change.ratio is None else f"{change.ratio:.2f}"
    mark = "  <-- SLOWER" if change.is_slow else ""
    return f"{change.name:{width}} {before:>12} {after:>12} {ratio:>7}{mark}"


def read(path: Path) -> Baseline:
    """Read a stored baseline; raises ValueError for another format."""
    content = json.loads(path.read_text())
    if content.pop("format", None) != FORMAT:
        raise ValueError(f"{path} is no baseline of format {FORMAT}; make one with --save")
    return Baseline(**content)


def dumps(baseline: Baseline) -> str:
    """Return the text of a baseline's file."""
    ns = {name: round(value, 2) for name, value in baseline.ns.items()}
    return json.dumps({"format": FORMAT, **asdict(baseline), "ns": ns}, indent=1) + "\n"


def _baseline(machine: Machine, ns: dict[str, float]) -> Baseline:
    return Baseline(
        kind=kind_of(machine.processor, machine.core_count),
        processor=machine.processor,
        core_count=machine.core_count,
        python=machine.python,
        commit=machine.commit,
        time=machine.time,
        ns=ns,
    )


if __name__ == "__main__":
    sys.exit(main())

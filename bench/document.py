"""The result of a benchmark as a document: all that a report is made from, stored as JSON.

{"format": 1, "machine": {...}, "effort": {...},
 "implementations": [{"label", "command", "version"}],
 "limits": {name: {"title", "unit", "values"}},
 "cells": [{"name", "kind", "title", "topology", "workload", "has_limit",
            "figures": [{"title", "unit", "target", "more_is_better", "reference", ...}],
            "runs": {label: [{"values", "measurement", "extra"}]},
            "faults": {label: text}, "seconds": time it took}],
 "seconds": time of the whole, "stopped": why it has an early end, or empty}

The bare forwarder's runs have the label LIMIT_LABEL.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

from bench.cell import Effort, Figure
from bench.hosts import described
from bench.machine import Machine
from bench.runs import CellResult
from bench.system import LIMIT, Implementation

FORMAT = 1
LIMIT_LABEL = LIMIT.label


class DocumentError(Exception):
    """A file is no result of a benchmark, or of another format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """An implementation that was measured; `version` is what it says in its handshakes."""

    label: str
    command: str
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What the kernel moves by itself, a value per run."""

    title: str
    unit: str
    values: list[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a cell; `measurement` is that of a load, with its latencies."""

    values: list[float]
    measurement: dict[str, Any] | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRecord:
    """A cell and all its runs by the label of the implementation."""

    name: str
    kind: str
    title: str
    topology: str
    workload: dict[str, Any] | None
    has_limit: bool
    figures: list[Figure]
    runs: dict[str, list[Run]]
    faults: dict[str, str]
    seconds: float = 0.0

    def values(self, label: str, figure: int) -> list[float]:
        """Return the values of one figure in the order of the runs; empty after a fault."""
        return [run.values[figure] for run in self.runs.get(label, [])]

    def middle_run(self, label: str) -> Run | None:
        """Return the run with the median of the first figure."""
        runs = sorted(self.runs.get(label, []), key=lambda run: run.values[:1])
        return runs[len(runs) // 2] if runs else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A whole benchmark; the first of the implementations is the one under test."""

    machine: dict[str, Any]
    effort: dict[str, Any]
    implementations: list[Program]
    limits: dict[str, Limit]
    cells: list[CellRecord]
    seconds: float = 0.0
    stopped: str = ""

    @property
    def subject(self) -> str:
        """Label of the implementation under test."""
        return self.implementations[0].label

    @property
    def others(self) -> list[str]:
        """Labels of those beside it, without the bare forwarder."""
        labels = [program.label for program in self.implementations[1:]]
        return [label for label in labels if label != LIMIT_LABEL]


def collect(
    machine: Machine,
    effort: Effort,
    implementations: Sequence[Implementation],
    versions: Mapping[str, str],
    limits: Mapping[str, Mapping[str, Any]],
    results: Sequence[CellResult],
) -> Document:
    """Return the document of a benchmark that has run."""
    return Document(
        machine=asdict(machine),
        effort=asdict(effort),
        implementations=[
            Program(label=each.label, command=_command(each), version=versions.get(each.label, ""))
            for each in implementations
        ],
        limits={name: Limit(**limit) for name, limit in limits.items()},
        cells=[_record(result) for result in results],
    )


def _command(implementation: Implementation) -> str:
    commands = (implementation.command, implementation.ring_command)
    return "; several: ".join(command for command in commands if command)


def _record(result: CellResult) -> CellRecord:
    cell = result.cell
    workload = getattr(cell, "workload", None)
    return CellRecord(
        name=cell.name,
        kind=cell.kind,
        title=cell.title,
        topology=described(cell.topology),
        workload=None if workload is None else asdict(workload),
        has_limit=cell.has_limit,
        figures=list(cell.figures),
        runs={
            label: [
                Run(
                    values=list(sample.values),
                    measurement=(
                        None if sample.measurement is None else asdict(sample.measurement)
                    ),
                    extra=sample.extra,
                )
                for sample in samples
            ]
            for label, samples in result.samples.items()
        },
        faults=dict(result.faults),
        seconds=round(result.seconds, 1),
    )


def dumps(document: Document) -> str:
    """Return the document as JSON."""
    return json.dumps({"format": FORMAT, **asdict(document)}, indent=1) + "\n"


def read(path: Path) -> Document:
    """Return the document in a file; raises DocumentError and OSError."""
    try:
        stored = json.loads(path.read_text())
        if stored.pop("format") != FORMAT:
            raise DocumentError(f"{path}: not of format {FORMAT}; measure again")
        return Document(
            machine=stored["machine"],
            effort=stored["effort"],
            implementations=[Program(**each) for each in stored["implementations"]],
            limits={name: Limit(**each) for name, each in stored["limits"].items()},
            cells=[_stored_cell(each) for each in stored["cells"]],
            seconds=stored.get("seconds", 0.0),
            stopped=stored.get("stopped", ""),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DocumentError(f"{path}: no result of a benchmark ({error!r})") from error


def _stored_cell(stored: dict[str, Any]) -> CellRecord:
    figures = [Figure(**each) for each in stored.pop("figures")]
    runs = {
        label: [Run(**each) for each in several] for label, several in stored.pop("runs").items()
    }
    return CellRecord(figures=figures, runs=runs, **stored)


def together(documents: Sequence[Document]) -> Document:
    """Return one document of several that measured other cells of the same implementations.

    Machine and effort are those of the first. Raises DocumentError where they do not fit.
    """
    first = documents[0]
    cells: dict[str, CellRecord] = {}
    limits: dict[str, Limit] = {}
    for document in documents:
        if document.effort != first.effort or _labels(document) != _labels(first):
            raise DocumentError(
                "documents of other implementations or of another effort cannot be put together: "
                f"{_labels(first)}, {first.effort}; {_labels(document)}, {document.effort}"
            )
        cells |= {cell.name: cell for cell in document.cells}
        limits |= document.limits
    seconds = sum(document.seconds for document in documents)
    stopped = "; ".join(document.stopped for document in documents if document.stopped)
    return replace(
        first, cells=list(cells.values()), limits=limits, seconds=seconds, stopped=stopped
    )


def _labels(document: Document) -> list[str]:
    return [program.label for program in document.implementations]


def ratios(values: Sequence[float], others: Sequence[float]) -> list[float]:
    """Return the quotients of runs that stood beside each other."""
    return [value / other for value, other in zip(values, others, strict=False) if other]


def median_ratio(values: Sequence[float], others: Sequence[float]) -> float | None:
    """Return the median of these quotients, None without one."""
    quotients = ratios(values, others)
    return median(quotients) if quotients else None

"""Turn results into a Markdown page and a JSON document."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from statistics import median

from bench.cell import Effort, Figure
from bench.load import Measurement
from bench.machine import Machine
from bench.runs import CellResult
from bench.system import LIMIT, Implementation


def markdown(
    machine: Machine,
    effort: Effort,
    implementations: Sequence[Implementation],
    results: Sequence[CellResult],
) -> str:
    """Return the page: circumstances, figures beside targets, latency and cost, faults."""
    faults = [
        f"- {result.cell.name}, {label}: {fault.strip()}"
        for result in results
        for label, fault in result.faults.items()
    ]
    parts = [
        _circumstances(machine, effort),
        _table(*_figures(implementations, results)),
        "Latency in µs of the run with the median figure, and processor time.",
        _table(*_latencies(implementations, results)),
        *(["What went wrong:", "\n".join(faults)] if faults else []),
    ]
    return "\n\n".join(parts) + "\n"


def document(
    machine: Machine,
    effort: Effort,
    implementations: Sequence[Implementation],
    results: Sequence[CellResult],
) -> str:
    """Return everything as JSON, every run included."""
    cells = [
        {
            "name": result.cell.name,
            "figures": [asdict(figure) for figure in result.cell.figures],
            "runs": {
                label: [asdict(sample) for sample in samples]
                for label, samples in result.samples.items()
            },
            "faults": result.faults,
        }
        for result in results
    ]
    return json.dumps(
        {
            "machine": asdict(machine),
            "effort": asdict(effort),
            "implementations": [asdict(implementation) for implementation in implementations],
            "cells": cells,
        },
        indent=1,
    )


def quantity(value: float) -> str:
    """Return a number with three digits that count, k and M for large ones."""
    for size, suffix in ((1e6, " M"), (1e4, " k")):
        if abs(value) >= size:
            scaled = value / (1e3 if suffix == " k" else 1e6)
            return f"{scaled:.{2 if scaled < 10 else 1 if scaled < 100 else 0}f}{suffix}"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def ratios(values: Sequence[float], others: Sequence[float]) -> list[float]:
    """Return run by run quotients, of runs that stood beside each other."""
    return [value / other for value, other in zip(values, others, strict=False) if other]


def spread_of(values: Sequence[float]) -> str:
    """Return the median, with minimum and maximum when there are several runs."""
    if not values:
        return "-"
    text = quantity(median(values))
    if len(values) == 1:
        return text
    return f"{text} ({quantity(min(values))} to {quantity(max(values))})"


def _circumstances(machine: Machine, effort: Effort) -> str:
    return (
        f"{machine.processor}, {machine.core_count} cores, {machine.memory_gb} GB, "
        f"{machine.kernel}, load {machine.load_average} before the start; Python "
        f"{machine.python}, Cython {machine.cython}, numpy {machine.numpy}; commit "
        f"{machine.commit}, {machine.time}.\n\n"
        f"{effort.runs} runs of {effort.duration_s:g} s after {effort.warm_up_s:g} s of warm-up; "
        "median (minimum to maximum)."
    )


def _figures(
    implementations: Sequence[Implementation], results: Sequence[CellResult]
) -> tuple[list[str], list[list[str]]]:
    subject, *rest = implementations
    others = [implementation for implementation in rest if implementation is not LIMIT]
    header = ["cell", "unit", subject.label, "target", "met"]
    for other in others:
        header += [other.label, f"{subject.label} / {other.label}"]
    header += ["limit", "share of limit", "classic daemon", "its limit"]
    rows = []
    for result in results:
        for i, figure in enumerate(result.cell.figures):
            values = result.values(subject.label, i)
            row = [figure.title, figure.unit, spread_of(values), *_against_target(figure, values)]
            for other in others:
                row += _against(values, result.values(other.label, i))
            row += _against(values, result.values(LIMIT.label, i))
            rows.append([*row, figure.reference, figure.reference_limit])
    return header, rows


def _against_target(figure: Figure, values: Sequence[float]) -> list[str]:
    if figure.target is None:
        return ["-", "-"]
    target = f"{'≥' if figure.more_is_better else '≤'} {quantity(figure.target)}"
    if not values:
        return [target, "-"]
    return [target, "yes" if figure.is_met(median(values)) else "no"]


def _against(values: Sequence[float], others: Sequence[float]) -> list[str]:
    quotients = ratios(values, others)
    return [spread_of(others), f"{median(quotients):.2g}" if quotients else "-"]


def _latencies(
    implementations: Sequence[Implementation], results: Sequence[CellResult]
) -> tuple[list[str], list[list[str]]]:
    header = ["cell", "daemon", "p50", "p90", "p99", "p99.9", "max", "Mb/s"]
    header += ["daemon µs/message", "generator CPU"]
    rows = []
    for result in results:
        for implementation in implementations:
            measurement = _median_measurement(result, implementation.label)
            if measurement is not None:
                rows.append(
                    [result.cell.figures[0].title, implementation.label, *_costs(measurement)]
                )
    return header, rows


def _median_measurement(result: CellResult, label: str) -> Measurement | None:
    samples = sorted(result.samples.get(label, []), key=lambda sample: sample.values[0])
    return samples[len(samples) // 2].measurement if samples else None


def _costs(measurement: Measurement) -> list[str]:
    own, other = measurement.latency_own, measurement.latency_other
    latency = own if own.count else other
    values = (latency.us_p50, latency.us_p90, latency.us_p99, latency.us_p999, latency.us_max)
    cost = measurement.daemon_cpu_us_per_message
    return [
        *(quantity(value) for value in values),
        quantity(measurement.goodput_mbit_per_s),
        "-" if cost is None else f"{cost:.2f}",
        f"{measurement.generator_cpu_share:.0%}",
    ]


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)

"""The Markdown page of a benchmark, made from its document alone.

`python -m bench.report FILE.json` writes the reports of a stored result anew.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench.cell import KINDS, Figure
from bench.document import (
    LIMIT_LABEL,
    CellRecord,
    Document,
    DocumentError,
    dumps,
    median_ratio,
    read,
    together,
)

NONE = "-"
NUMBER = re.compile(r"[\d.]+")
FACTORS = {"k": 1e3, "M": 1e6}


def write(document: Document, stem: Path) -> list[Path]:
    """Write all reports of a document beside each other, with pictures where matplotlib is.

    Returns their paths.
    """
    from bench import html_report, plots  # They take their rows from here.

    note = ""
    try:
        pictures = plots.pictures(document)
    except ImportError:
        pictures, note = [], plots.MISSING
    stem.with_suffix(".md").write_text(markdown(document))
    stem.with_suffix(".html").write_text(html_report.page(document, pictures, note))
    for picture in pictures:
        stem.with_name(f"{stem.name}-{picture.name}.png").write_bytes(picture.png)
    return [
        stem.with_suffix(".md"),
        stem.with_suffix(".html"),
        *(stem.with_name(f"{stem.name}-{picture.name}.png") for picture in pictures),
    ]


def markdown(document: Document) -> str:
    """Return the page: circumstances, figures beside targets, latency and cost, faults."""
    parts = [circumstances(document)]
    for kind, heading in KINDS.items():
        cells = [cell for cell in document.cells if cell.kind == kind]
        if cells:
            parts += [f"### {heading}", table(*figure_rows(document, cells))]
            header, rows = latency_rows(document, cells)
            if rows:
                parts += [
                    "Latency in µs of the run with the median figure, and processor time.",
                    table(header, rows),
                ]
    if document.limits:
        parts += ["### Limits of the machine in the same run", table(*limit_rows(document))]
    faults = [
        f"- {cell.name}, {label}: {fault.strip()}"
        for cell in document.cells
        for label, fault in cell.faults.items()
    ]
    if faults:
        parts += ["### What went wrong", "\n".join(faults)]
    return "\n\n".join(parts) + "\n"


# -- Words and numbers ----------------------------------------------------------------------------


def quantity(value: float) -> str:
    """Return a number with three digits that count, k and M for large ones."""
    for size, suffix in ((1e6, " M"), (1e4, " k")):
        if abs(value) >= size:
            scaled = value / (1e3 if suffix == " k" else 1e6)
            return f"{scaled:.{2 if scaled < 10 else 1 if scaled < 100 else 0}f}{suffix}"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def two_digits(ratio: float) -> str:
    """Return a quotient with two digits that count, and all digits of a large one."""
    return f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.2g}"


def spread_of(values: Sequence[float]) -> str:
    """Return the median, with minimum and maximum when there are several runs."""
    if not values:
        return NONE
    text = quantity(median(values))
    if len(values) == 1:
        return text
    return f"{text} ({quantity(min(values))} to {quantity(max(values))})"


def times_better(figure: Figure, value: float) -> str:
    """Return by what factor a value is better than the reference, which may be a range."""
    numbers = [float(text) for text in NUMBER.findall(figure.reference)]
    factor = FACTORS.get(figure.reference[-1:], 1.0)
    if not value or not numbers or not all(numbers):
        return NONE
    quotients = sorted(
        value / (number * factor) if figure.more_is_better else number * factor / value
        for number in numbers
    )
    texts = dict.fromkeys(two_digits(quotient) for quotient in quotients)
    prefix = "> " if figure.reference.startswith(">") and not figure.more_is_better else ""
    return prefix + " to ".join(texts)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


# -- Parts of the page ----------------------------------------------------------------------------


def circumstances(document: Document) -> str:
    """Return where, with what and how often it was measured."""
    machine, effort = document.machine, document.effort
    programs = "; ".join(
        f"{program.label}: `{program.command}`"
        + (f" (tells clients {program.version})" if program.version else "")
        for program in document.implementations
    )
    caution = " Quotients of single runs say little: take --runs 3." if effort["runs"] == 1 else ""
    return (
        f"{machine['processor']}, {machine['core_count']} cores, {machine['memory_gb']} GB, "
        f"{machine['kernel']}, load {machine['load_average']} before the start; Python "
        f"{machine['python']}, Cython {machine['cython']}, numpy {machine['numpy']}; commit "
        f"{machine['commit'] or 'unknown'}, {machine['time']}.\n\n"
        f"{effort['runs']} runs of {effort['duration_s']:g} s after {effort['warm_up_s']:g} s of "
        f"warm-up; median (minimum to maximum).{caution}\n\n{programs}."
    )


def figure_rows(
    document: Document, cells: Sequence[CellRecord]
) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of the figures of some cells."""
    subject = document.subject
    header = ["cell", "unit", subject, "target", "met"]
    for other in document.others:
        header += [other, f"{subject} / {other}"]
    header += ["limit", "share of limit", "reference", "times better", "its limit"]
    rows = []
    for cell in cells:
        for i, figure in enumerate(cell.figures):
            values = cell.values(subject, i)
            row = [figure.title, figure.unit, spread_of(values), *_against_target(figure, values)]
            for label in (*document.others, LIMIT_LABEL):
                row += _against(values, cell.values(label, i))
            better = times_better(figure, median(values)) if values else NONE
            rows.append([*row, figure.reference, better, figure.reference_limit])
    return header, rows


def _against_target(figure: Figure, values: Sequence[float]) -> list[str]:
    if figure.target is None:
        return [NONE, NONE]
    target = f"{'≥' if figure.more_is_better else '≤'} {quantity(figure.target)}"
    if not values:
        return [target, NONE]
    return [target, "yes" if figure.is_met(median(values)) else "no"]


def _against(values: Sequence[float], others: Sequence[float]) -> list[str]:
    ratio = median_ratio(values, others)
    return [spread_of(others), NONE if ratio is None else two_digits(ratio)]


def latency_rows(
    document: Document, cells: Sequence[CellRecord]
) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of latencies, of the runs with the median figure."""
    header = ["cell", "daemon", "whose", "p50", "p90", "p99", "p99.9", "max", "Mb/s"]
    header += ["daemons µs/message", "generator CPU"]
    rows = []
    for cell in cells:
        for program in document.implementations:
            run = cell.middle_run(program.label)
            if run is not None and run.measurement is not None:
                rows += [
                    [cell.name, program.label, *row] for row in _measurement_rows(run.measurement)
                ]
    return header, rows


def _measurement_rows(measurement: dict[str, Any]) -> list[list[str]]:
    """Return a row of latencies for own messages and one for those of others, where there are."""
    cost = measurement["daemon_cpu_us_per_message"]
    costs = [
        quantity(measurement["goodput_mbit_per_s"]),
        NONE if cost is None else f"{cost:.2f}",
        f"{measurement['generator_cpu_share']:.0%}",
    ]
    rows = []
    for whose, latency in (
        ("own", measurement["latency_own"]),
        ("others", measurement["latency_other"]),
    ):
        if latency["count"]:
            values = [latency[f"us_{part}"] for part in ("p50", "p90", "p99", "p999", "max")]
            rows.append([whose, *(quantity(value) for value in values), *costs])
            costs = [""] * len(costs)
    return rows


def limit_rows(document: Document) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of what the kernel moves by itself."""
    rows = [
        [limit.title, limit.unit, spread_of(limit.values)] for limit in document.limits.values()
    ]
    return ["path", "unit", "kernel"], rows


def main() -> int:
    """Write the reports of stored results; 1 when a file is none."""
    parser = argparse.ArgumentParser(prog="python -m bench.report", description=__doc__)
    parser.add_argument(
        "files",
        type=Path,
        nargs="+",
        metavar="FILE.json",
        help="documents that `python -m bench` wrote; several are put together as one",
    )
    parser.add_argument("--output", type=Path, help="where to, without suffix (beside the first)")
    given = parser.parse_args()
    stem = given.output or given.files[0].with_suffix("")
    try:
        document = together([read(path) for path in given.files])
        paths = write(document, stem)
        if len(given.files) > 1:
            stored = stem.with_name(f"{stem.name}-together.json")
            stored.write_text(dumps(document))
            paths = [stored, *paths]
    except (DocumentError, OSError) as error:
        print(f"bench.report: {error}", file=sys.stderr)
        return 1
    for path in paths:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())

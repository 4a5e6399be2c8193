"""The Markdown page of a benchmark, made from its document alone.

`python -m bench.report FILE.json` writes the reports of a stored result anew; with `--readme` the
tables of the project's pages, too.
"""

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
from bench.usage import Parser

NONE = "-"
BUSY_LOAD = 0.5  # Load average from which other work is said to have disturbed.
NUMBER = re.compile(r"[\d.]+")
FACTORS = {"k": 1e3, "M": 1e6}

Table = tuple[list[str], list[list[str]]]  # Header and rows.


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
    """Return the page: circumstances, targets, figures, latency and cost, profiles, faults."""
    parts = [circumstances(document)]
    header, rows = target_rows(document, document.cells)
    if rows:
        parts += ["### Targets", verdict(document), table(header, rows)]
    for kind, heading in KINDS.items():
        cells = [cell for cell in document.cells if cell.kind == kind]
        if kind == "profile":
            parts += profiles(cells)
        elif cells:
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
    """Return where, with what and how often it was measured, and what to beware of."""
    parts = [place_text(document), effort_text(document)]
    parts += [f"**This run was {document.stopped}.**"] if document.stopped else []
    return "\n\n".join([*parts, *_programs(document)])


def place_text(document: Document) -> str:
    """Return machine, versions, commit and time."""
    machine = document.machine
    release = f"spread {machine['release']}, " if machine.get("release") else ""
    load = machine["load_average"]
    disturbed = (
        " Other work ran before, perhaps also meanwhile: absolute figures may be too low."
        if load >= BUSY_LOAD
        else ""
    )
    return (
        f"{machine['processor']}, {machine['core_count']} cores, {machine['memory_gb']} GB, "
        f"{machine['kernel']}; Python {machine['python']}, Cython {machine['cython']}, numpy "
        f"{machine['numpy']}; {release}commit {machine['commit'] or 'unknown'}, "
        f"{machine['time']}. Load average of the minute before the start: {load}.{disturbed}"
    )


def effort_text(document: Document) -> str:
    """Return how often and how long it was measured."""
    effort = document.effort
    latency_s = effort.get("latency_s", effort["duration_s"])
    low = f" ({latency_s:g} s at low rates)" if latency_s != effort["duration_s"] else ""
    minutes = f" All of it took {document.seconds / 60:.1f} minutes." if document.seconds else ""
    single = (
        " **Quotients of single runs say little: take --runs 3.**"
        if effort["runs"] == 1
        else " Curves, scale and profiles are single runs."
    )
    return (
        f"{effort['runs']} runs of {effort['duration_s']:g} s{low} after {effort['warm_up_s']:g} s "
        f"of warm-up; median (minimum to maximum).{single}{minutes}"
    )


def _programs(document: Document) -> list[str]:
    """Return what was measured; versions are no releases, so they are explained."""
    programs = [
        f"{program.label}: `{program.command}`"
        + (f", protocol version {program.version}" if program.version else "")
        for program in document.implementations
    ]
    note = "Protocol versions are what a program tells clients in the handshake, not releases."
    has_version = any(program.version for program in document.implementations)
    return [f"{'; '.join(programs)}.{' ' + note if has_version else ''}"]


def target_rows(
    document: Document, cells: Sequence[CellRecord]
) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of the figures that have a target, and of what is beside it."""
    subject = document.subject
    header = ["what", "measured", "target", "met", "share of limit", "reference", "times better"]
    rows = []
    for cell in cells:
        for i, figure in enumerate(cell.figures):
            if figure.target is None:
                continue
            values = cell.values(subject, i)
            better = times_better(figure, median(values)) if values else NONE
            target, met = _against_target(figure, values)
            share = _share(figure, values, cell.values(LIMIT_LABEL, i))
            measured = f"{quantity(median(values))} {figure.unit}".strip() if values else NONE
            rows.append([figure.title, measured, target, met, share, figure.reference, better])
    return header, rows


def verdict(document: Document) -> str:
    """Return how many of the targets are met, and which are not."""
    header, rows = target_rows(document, document.cells)
    met, share = header.index("met"), header.index("share of limit")
    missed = [row[0] for row in rows if row[met] == "no"]
    missed += [f"{row[0]}: share of limit" for row in rows if row[share].endswith("no)")]
    count = len(rows) + sum("≥" in row[share] for row in rows)
    absent = sum(row[met] == NONE for row in rows)
    text = f"{count - len(missed) - absent} of {count} targets are met."
    text += f" Not measured: {absent}." if absent else ""
    return text + (f" Missed: {'; '.join(missed)}." if missed else "")


def profiles(cells: Sequence[CellRecord]) -> list[str]:
    """Return heading and tables of the profiles, nothing without any."""
    texts = [
        profile_text(cell.title if len(cell.runs) == 1 else f"{cell.title}, {label}", run.extra)
        for cell in cells
        for label, runs in cell.runs.items()
        for run in runs
    ]
    return [f"### {KINDS['profile']}", *texts] if texts else []


def profile_text(title: str, extra: dict[str, Any]) -> str:
    """Return a profile as tables, or why there is none."""
    heading, tables = profile_tables(title, extra)
    return "\n\n".join([heading, *(table(header, rows) for header, rows in tables)])


def profile_tables(title: str, extra: dict[str, Any]) -> tuple[str, list[Table]]:
    """Return what a profile is of, and its tables: the parts, then the functions met most often."""
    if "profile" not in extra:
        return f"{title}: {extra.get('note', 'no profile')}.", []
    profile = extra["profile"]
    parts = [
        row
        for part, share in profile["parts"]
        for row in ([part, f"{share:.1%}"], *_within(part, profile))
    ]
    symbols = [[name, what, f"{share:.1%}"] for name, _, what, share in _symbols(profile)]
    return (
        f"{title}: processor time of all daemons, {profile['sample_count']:,} samples.",
        [
            (["part", "share"], parts),
            (["function", "in the kernel for, or of the module", "share"], symbols),
        ],
    )


def _within(part: str, profile: dict[str, Any]) -> list[list[str]]:
    """Return what a part consists of, down to a percent."""
    rows = profile["kernel"] if part == "kernel" else []
    rows = profile["modules"] if part == "modules of spread" else rows
    return [[f"- {name}", f"{share:.1%}"] for name, share in rows if share >= 0.01]


def _symbols(profile: dict[str, Any]) -> list[list[Any]]:
    """Return the functions grouped by what they are for, the weightiest group first."""
    weights: dict[str, float] = {}
    for _, _, what, share in profile["symbols"]:
        weights[what] = weights.get(what, 0.0) + share
    return sorted(profile["symbols"], key=lambda row: (-weights[row[2]], row[2], -row[3]))


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
            for label in document.others:
                row += _against(values, cell.values(label, i))
            limits = cell.values(LIMIT_LABEL, i)
            row += [spread_of(limits), _share(figure, values, limits)]
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


def _share(figure: Figure, values: Sequence[float], limits: Sequence[float]) -> str:
    """Return the share of the limit, with its target where it has one."""
    ratio = median_ratio(values, limits)
    if ratio is None:
        return NONE
    text = two_digits(ratio) if figure.more_is_better else f"{two_digits(ratio)} times"
    if figure.limit_share is None:
        return text
    return f"{text} (≥ {figure.limit_share:g}: {'yes' if ratio >= figure.limit_share else 'no'})"


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
    from bench.readme import renew  # It takes its rows from here.

    parser = Parser("python -m bench.report", __doc__)
    parser.add_argument(
        "files",
        type=Path,
        nargs="+",
        metavar="FILE.json",
        help="documents that `python -m bench` wrote; several are put together as one",
    )
    parser.add_argument("--output", type=Path, help="where to, without suffix (beside the first)")
    parser.add_argument(
        "--readme",
        action="store_true",
        help="write the tables into README.md and bench/README.md, too, between their marks",
    )
    given = parser.parse_args()
    stem = given.output or given.files[0].with_suffix("")
    try:
        document = together([read(path) for path in given.files])
        paths = write(document, stem)
        if len(given.files) > 1:
            stored = stem.with_name(f"{stem.name}-together.json")
            stored.write_text(dumps(document))
            paths = [stored, *paths]
        if given.readme:
            paths += renew(document)
    except (DocumentError, OSError) as error:
        print(f"bench.report: {error}", file=sys.stderr)
        return 1
    for path in paths:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())

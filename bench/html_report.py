"""The HTML page of a benchmark: one file that needs no other, made from the document alone."""

import base64
from collections.abc import Sequence
from html import escape

from bench.cell import KINDS
from bench.document import CellRecord, Document
from bench.plots import SHARES, Picture, traced_labels, traced_run
from bench.report import (
    circumstances,
    figure_rows,
    latency_rows,
    limit_rows,
    profile_tables,
    quantity,
    verdict,
)

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem;
       color: #1a1a1a; background: #fff; }
h1, h2, h3 { line-height: 1.2; } h2 { margin-top: 2.5rem; border-bottom: 1px solid #ccc; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid #ddd; text-align: left; }
th { background: #f4f4f4; } td.yes { color: #00694a; } td.no { color: #b03000; font-weight: bold; }
figure { margin: 1rem 0; } figure img { max-width: 100%; height: auto; }
figcaption, .note { color: #555; font-size: 13px; } code, pre { font-size: 13px; }
pre { background: #f4f4f4; padding: .6rem; overflow-x: auto; }
"""


def page(document: Document, pictures: Sequence[Picture], note: str = "") -> str:
    """Return the page with the pictures in it; `note` says why there are none."""
    machine = document.machine
    sections = [
        *(_section(document, kind, heading, pictures) for kind, heading in KINDS.items()),
        _limits(document, pictures),
        _faults(document),
        _repetition(document),
    ]
    title = f"Benchmark of {document.subject}, {machine['commit']}"
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>",
            f"<h1>{escape(title)}</h1>",
            *(f"<p>{escape(text)}</p>" for text in _paragraphs(document)),
            f"<p>{escape(verdict(document))}</p>",
            f'<p class="note">{escape(note)}</p>' if note else "",
            *(section for section in sections if section),
            "</body>\n</html>\n",
        ]
    )


def _paragraphs(document: Document) -> list[str]:
    """Return the circumstances without the marks that they have for Markdown."""
    return circumstances(document).replace("`", "").replace("**", "").split("\n\n")


def _section(
    document: Document, kind: str, heading: str, pictures: Sequence[Picture]
) -> str | None:
    cells = [cell for cell in document.cells if cell.kind == kind]
    if not cells:
        return None
    if kind == "profile":
        return _profiles(heading, cells)
    names = {cell.name for cell in cells}
    header, rows = latency_rows(document, cells)
    return "\n".join(
        [
            f"<h2>{escape(heading)}</h2>",
            _table(*figure_rows(document, cells)),
            *(_figure(picture) for picture in pictures if picture.name in names),
            _folded("Latency in µs of the run with the median figure, and cost", header, rows),
            *(_curve_points(document, cell) for cell in cells),
        ]
    )


def _profiles(heading: str, cells: Sequence[CellRecord]) -> str:
    profiles = [
        profile_tables(f"{cell.title}, {label}", run.extra)
        for cell in cells
        for label, runs in cell.runs.items()
        for run in runs
    ]
    texts = [
        "\n".join([f"<p>{escape(what)}</p>", *(_table(header, rows) for header, rows in tables)])
        for what, tables in profiles
    ]
    return "\n".join([f"<h2>{escape(heading)}</h2>", *texts])


def _curve_points(document: Document, cell: CellRecord) -> str:
    """Return every rate of a curve, also those at which a daemon ended the run."""
    header = ["daemon", "offered/s", "delivered/s", "p50", "p90", "p99", "p99.9", "max", "ended"]
    rows = []
    for label in traced_labels(document, cell):
        curve = traced_run(cell, label)
        for point in curve["points"] if curve else []:
            values = [point[f"us_{part}"] for part in ("p50", "p90", "p99", "p999", "max")]
            rows.append(
                [
                    label,
                    *(quantity(point[name]) for name in ("offered_per_s", "delivered_per_s")),
                    *(quantity(value) for value in values),
                    point["ended"],
                ]
            )
    return _folded(f"Points of the curve {cell.name}, latency in µs", header, rows)


def _limits(document: Document, pictures: Sequence[Picture]) -> str | None:
    drawn = [_figure(picture) for picture in pictures if picture.name == SHARES]
    measured = [_table(*limit_rows(document))] if document.limits else []
    if not drawn and not measured:
        return None
    return "\n".join(["<h2>Limits of the machine in the same run</h2>", *measured, *drawn])


def _faults(document: Document) -> str | None:
    faults = [
        f"<dt>{escape(cell.name)}, {escape(label)}</dt><dd><pre>{escape(fault.strip())}</pre></dd>"
        for cell in document.cells
        for label, fault in cell.faults.items()
    ]
    return "\n".join(["<h2>What went wrong</h2>", "<dl>", *faults, "</dl>"]) if faults else None


def _repetition(document: Document) -> str:
    machine, effort = document.machine, document.effort
    commands = "\n".join(
        [
            f"git checkout {machine['commit'].rstrip('+')}",
            "make bench",
            f"python -m bench --runs {effort['runs']} --duration {effort['duration_s']:g}",
        ]
    )
    programs = "\n".join(f"{each.label}: {each.command}" for each in document.implementations)
    changed = " (the working tree had changes)" if machine["commit"].endswith("+") else ""
    return (
        f"<h2>How to repeat it</h2>\n<p>In a clone of the project{changed}, as root where daemons "
        "are to have network namespaces; <code>bench/README.md</code> explains method and "
        f"columns.</p>\n<pre>{escape(commands)}</pre>\n<p>Daemons that were measured:</p>\n"
        f"<pre>{escape(programs)}</pre>"
    )


def _figure(picture: Picture) -> str:
    data = base64.b64encode(picture.png).decode()
    caption = escape(picture.caption)
    return (
        f'<figure><img src="data:image/png;base64,{data}" alt="{caption}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _folded(summary: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    return f"<details><summary>{escape(summary)}</summary>\n{_table(header, rows)}</details>"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in header)
    body = "\n".join(f"<tr>{''.join(_entry(text) for text in row)}</tr>" for row in rows)
    return f'<div class="wide"><table>\n<tr>{head}</tr>\n{body}\n</table></div>'


def _entry(text: str) -> str:
    mark = f' class="{text}"' if text in ("yes", "no") else ""
    return f"<td{mark}>{escape(text)}</td>"

"""The tables of a result in the project's pages, between marks, so that one command renews them."""

from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from bench.cells import core_cells
from bench.daemon import ROOT
from bench.document import CellRecord, Document, DocumentError
from bench.report import effort_text, markdown, place_text, table, target_rows, verdict

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
FRONT, WHOLE = ROOT / "README.md", ROOT / "bench" / "README.md"
# What the front page shows: heading and the cells, of which those figures that have a target.
TABLES = (
    (
        "Three daemons in network namespaces on one bridge, a client each that sends and receives",
        ("ring-[!w]*", "low-agreed-1350", "sparse-*", "half-100"),
    ),
    ("Faults and scale", ("crash", "part", "loss-50-1350", "slow-host-1350", "scale-groups-3")),
    ("One daemon and its clients", ("unix-100", "tcp-100", "unix-ping", "client-*", "idle")),
)


def renew(document: Document) -> list[Path]:
    """Write the tables into both pages, and return their paths.

    Raises DocumentError for a run that was stopped or lacks a core cell, and for a page without
    marks; OSError.
    """
    lacking = {cell.name for cell in core_cells()} - {cell.name for cell in document.cells}
    if document.stopped:
        raise DocumentError(f"the run was {document.stopped}: measure again")
    if lacking:
        raise DocumentError(f"not measured: {', '.join(sorted(lacking))}; run make bench")
    pages = [(FRONT, front(document)), (WHOLE, "\n" + markdown(document))]
    texts = [between_marks(path, text) for path, text in pages]
    for (path, _), text in zip(pages, texts, strict=True):
        path.write_text(text)
    return [path for path, _ in pages]


def front(document: Document) -> str:
    """Return what the front page quotes."""
    parts = [f"By `make bench`: {place_text(document)}", effort_text(document), verdict(document)]
    for heading, patterns in TABLES:
        cells = _chosen(document.cells, patterns)
        header, rows = target_rows(document, cells)
        if rows:
            parts += [f"{heading}:", table(header, rows)]
    return "\n" + "\n\n".join(parts) + "\n"


def between_marks(path: Path, text: str) -> str:
    """Return a page with a text in the place of what stands between its marks."""
    page = path.read_text()
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise DocumentError(f"{path}: no lines {BEGIN} and {END}; write them where tables belong")
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


def _chosen(cells: Sequence[CellRecord], patterns: Sequence[str]) -> list[CellRecord]:
    return [cell for cell in cells if any(fnmatch(cell.name, each) for each in patterns)]

"""What a run leaves in its directory: the document under its time, and the latest with reports."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from bench.cells import all_cells
from bench.document import Document, dumps
from bench.plots import SHARES
from bench.report import write

STEM = "latest"


def leave(document: Document, directory: Path) -> list[Path]:
    """Write the document, then its reports as the latest, and remove pictures that are not of it.

    Returns the paths. Raises OSError; the document under its time is written first, and stays.
    """
    kept = keep(document, directory)
    latest = directory / f"{STEM}.json"
    latest.write_text(dumps(document))
    paths = [kept, latest, *write(document, latest.with_suffix(""))]
    _remove_stale(directory, paths)
    return paths


def keep(document: Document, directory: Path) -> Path:
    """Write the document alone, under its time; returns its path. Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    kept = directory / f"{datetime.now():%Y%m%d-%H%M%S}.json"
    kept.write_text(dumps(document))
    return kept


def _remove_stale(directory: Path, paths: Sequence[Path]) -> None:
    """Remove the pictures of an earlier run; what no run can have drawn is not ours."""
    names = [cell.name for cell in all_cells() if cell.kind == "curve"]
    for name in (*names, SHARES):
        picture = directory / f"{STEM}-{name}.png"
        if picture not in paths and picture.is_file():
            picture.unlink()

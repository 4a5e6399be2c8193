"""What a run leaves in the directory that a user named, and what it leaves alone there."""

from pathlib import Path

import pytest

pytest.importorskip("bench._load", reason="build it with: python bench/setup_ext.py")

from bench.document import dumps, read
from bench.output import keep, leave
from tests.unit.bench.documents import document, rates


def test_document_stands_under_its_time_and_as_the_latest(tmp_path: Path) -> None:
    made = document(rates({"spread": [1000.0]}))

    kept, latest, *reports = leave(made, tmp_path / "new")

    assert read(kept) == read(latest) == made
    assert latest.name == "latest.json"
    assert {"latest.md", "latest.html"} <= {path.name for path in reports}


def test_picture_of_a_curve_that_was_not_traced_is_removed(tmp_path: Path) -> None:
    stale = tmp_path / "latest-curve-100.png"
    stale.write_bytes(b"of an earlier run")

    leave(document(rates({"spread": [1000.0]})), tmp_path)

    assert not stale.exists()


def test_what_no_run_makes_stays(tmp_path: Path) -> None:
    (tmp_path / "latest-news.txt").write_text("the user's")
    (tmp_path / "latest-holiday.png").write_text("the user's")
    (tmp_path / "latest-shares.png").mkdir()

    leave(document(rates({"spread": [1000.0]})), tmp_path)

    assert (tmp_path / "latest-news.txt").read_text() == "the user's"
    assert (tmp_path / "latest-holiday.png").read_text() == "the user's"
    assert (tmp_path / "latest-shares.png").is_dir()


def test_document_is_kept_when_a_report_cannot_be_written(tmp_path: Path) -> None:
    made = document(rates({"spread": [1000.0]}))
    (tmp_path / "latest.md").mkdir()

    with pytest.raises(OSError, match=r"latest\.md"):
        leave(made, tmp_path)

    [kept] = tmp_path.glob("2*.json")
    assert read(kept) == made


def test_stopped_run_is_kept_beside_the_latest(tmp_path: Path) -> None:
    before = document(rates({"spread": [1000.0]}))
    latest = tmp_path / "latest.json"
    latest.write_text(dumps(before))
    stopped = document(rates({"spread": [2000.0]}))

    kept = keep(stopped, tmp_path)

    assert read(kept) == stopped
    assert read(latest) == before

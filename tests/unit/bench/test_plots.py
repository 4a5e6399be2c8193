"""Pictures of documents: which there are, and what they would show."""

from pathlib import Path

import pytest

pytest.importorskip("bench._load", reason="build it with: python bench/setup_ext.py")
pytest.importorskip("matplotlib", reason="the extra `bench` is not installed")

from bench.plots import limit_shares, pictures, traced_labels, traced_run
from bench.report import write
from tests.unit.bench.documents import curve, curves, document, rates

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def test_curve_has_one_picture_for_all_implementations() -> None:
    cell = curves({"ours": [curve(100.0, 200.0, 900.0)], "other": [curve(300.0, ended="closed")]})

    (picture,) = pictures(document(cell))

    assert picture.name == "curve-100"
    assert picture.png.startswith(SIGNATURE)
    assert traced_labels(document(cell), cell) == ["ours", "other"]


def test_run_with_the_median_knee_is_the_line() -> None:
    few, middle, many = curve(1.0), curve(1.0, 2.0), curve(1.0, 2.0, 3.0)
    cell = curves({"ours": [many, few, middle]})

    assert traced_run(cell, "ours") == middle


def test_share_of_the_limit_is_the_quotient_of_neighbouring_runs() -> None:
    cell = rates({"ours": [40.0, 60.0], "limit": [100.0, 120.0], "other": [10.0]})

    shares = limit_shares(document(cell))

    assert [(share.label, share.values) for share in shares] == [
        ("ours", [0.4, 0.5]),
        ("other", [0.1]),
    ]


def test_bars_are_drawn_for_cells_that_have_a_limit() -> None:
    with_limit = rates({"ours": [40.0, 60.0], "other": [10.0, 20.0], "limit": [100.0, 120.0]})

    (picture,) = pictures(document(with_limit, rates({"ours": [1.0]})))

    assert picture.name == "shares"
    assert picture.png.startswith(SIGNATURE)


def test_document_without_curves_and_limits_has_no_pictures() -> None:
    assert pictures(document(rates({"ours": [1.0]}))) == []


def test_reports_are_written_beside_each_other(tmp_path: Path) -> None:
    cell = curves({"ours": [curve(100.0, 200.0)]})

    paths = write(document(cell), tmp_path / "result")

    assert [path.name for path in paths] == ["result.md", "result.html", "result-curve-100.png"]
    assert paths[2].read_bytes().startswith(SIGNATURE)


def test_without_matplotlib_the_page_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_document: object) -> None:
        raise ImportError("matplotlib")

    monkeypatch.setattr("bench.plots.pictures", missing)

    paths = write(document(curves({"ours": [curve(100.0)]})), tmp_path / "result")

    assert [path.name for path in paths] == ["result.md", "result.html"]
    assert "matplotlib is not installed" in paths[1].read_text()

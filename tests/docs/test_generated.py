"""The generated parts of the pages are what the code says."""

from pathlib import Path

import pytest

from docs import generate


@pytest.mark.parametrize("page", generate.PAGES)
def test_a_page_is_what_would_be_generated(page: str) -> None:
    text = (generate.DOCS / page).read_text(encoding="utf-8")

    assert text == generate.generated(page), "run python docs/generate.py"


def test_a_stale_part_is_told_and_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text("above\n<!-- generated: a -->\nold\n<!-- end of a -->\nbelow\n")
    monkeypatch.setattr(generate, "DOCS", tmp_path)
    monkeypatch.setattr(generate, "PAGES", {"page.md": lambda: {"a": "new"}})

    checked = generate.main(["--check"])
    written = generate.main([])

    assert (checked, written, generate.main(["--check"])) == (1, 0, 0)
    assert "docs/page.md is stale" in capsys.readouterr().err
    expected = "above\n<!-- generated: a -->\n\nnew\n\n<!-- end of a -->\nbelow\n"
    assert page.read_text() == expected


@pytest.mark.parametrize("parts", [{}, {"a": "x", "b": "y"}])
def test_a_page_has_a_place_for_each_part(
    parts: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "page.md").write_text("<!-- generated: a -->\n<!-- end of a -->\n")
    monkeypatch.setattr(generate, "DOCS", tmp_path)
    monkeypatch.setattr(generate, "PAGES", {"page.md": lambda: parts})

    with pytest.raises(ValueError, match="a place each"):
        generate.generated("page.md")

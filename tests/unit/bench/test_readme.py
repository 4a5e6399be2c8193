"""Tables in the project's pages."""

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("bench._load", reason="build it with: python bench/setup_ext.py")

from bench.document import DocumentError
from bench.readme import BEGIN, END, FRONT, WHOLE, between_marks, front, renew
from tests.unit.bench.documents import document, rates


def test_only_what_stands_between_the_marks_is_replaced(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nbehind\n")

    assert between_marks(page, "new") == f"before\n{BEGIN}\nnew\n{END}\nbehind\n"


@pytest.mark.parametrize("text", ["", BEGIN, END, f"{END}\n{BEGIN}"])
def test_page_without_marks_is_refused(tmp_path: Path, text: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)

    with pytest.raises(DocumentError, match=r"page\.md"):
        between_marks(page, "new")


@pytest.mark.parametrize("page", [FRONT, WHOLE])
def test_pages_of_the_project_have_marks(page: Path) -> None:
    assert "new" in between_marks(page, "new")


def test_front_page_has_targets_and_the_command() -> None:
    made = document(rates({"ours": [500_000.0], "limit": [1_000_000.0]}))

    text = front(made)

    assert "By `make bench`" in text
    assert "| 100 B | 500 k messages/s | ≥ 450 k | yes | 0.5 | - | - |" in text


def test_run_that_lacks_core_cells_is_not_put_into_pages() -> None:
    with pytest.raises(DocumentError, match=r"not measured: .*unix-100.*run make bench"):
        renew(document(rates({"ours": [1.0]})))


def test_stopped_run_is_not_put_into_pages() -> None:
    made = replace(document(rates({"ours": [1.0]})), stopped="stopped after 1 of 2 cells")

    with pytest.raises(DocumentError, match="stopped after 1 of 2"):
        renew(made)

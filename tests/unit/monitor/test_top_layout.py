"""What the full-screen view shows on terminals of all sizes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spread.monitor.top_layout import columns_that_fit, cut, joined, layout_for
from spread.monitor.top_text import COLUMNS

ROW = ("local1", "OP", "A 3", "11.2k", "110us", "12.2k", "36.1k", "2.0", "20/160", "3")


@pytest.mark.parametrize(
    ("size", "daemons", "rows"),
    [
        ((40, 10), 3, 3),
        ((40, 10), 9, 3),
        ((50, 12), 3, 3),
        ((50, 12), 9, 4),
        ((80, 24), 9, 9),
        ((132, 50), 9, 9),
        ((132, 50), 128, 36),
    ],
)
def test_as_many_daemons_are_seen_as_leave_the_pane_some_lines(
    size: tuple[int, int], daemons: int, rows: int
) -> None:
    assert layout_for(*size, daemons).table - 1 == rows


@given(st.integers(20, 300), st.integers(8, 100), st.integers(1, 128))
def test_the_parts_fill_the_terminal(width: int, height: int, daemons: int) -> None:
    layout = layout_for(width, height, daemons)

    assert 3 + layout.table + layout.pane + layout.has_keys == height
    assert layout.table >= 2
    assert layout.pane >= 3


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (40, "DAEMON STATE RING TOK/S SENT/S"),
        (50, "DAEMON STATE RING TOK/S SENT/S RSND/S"),
        (80, " ".join(COLUMNS)),
        (10, "DAEMON STATE"),
    ],
)
def test_the_most_telling_columns_are_shown(width: int, shown: str) -> None:
    found = columns_that_fit([COLUMNS, ROW], width)

    assert " ".join(COLUMNS[number] for number in found) == shown


def test_parts_are_left_out_whole() -> None:
    assert joined(["window 160", "own 20+15"], ", ", 20) == "window 160"
    assert joined(["window 160", "own 20+15"], ", ", 21) == "window 160, own 20+15"


@given(st.text(), st.integers(1, 40))
def test_what_is_cut_fits_and_says_so(text: str, width: int) -> None:
    found = cut(text, width)

    assert len(found) <= width
    assert found == text or found.endswith("…")

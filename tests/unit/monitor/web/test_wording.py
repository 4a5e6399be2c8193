"""Lists, counts, ages and causes in words."""

import pytest

from spread.daemon.membership.log import LOSS_TEXTS
from spread.monitor.web.wording import BLANK, age, cause, count_word, listed, times


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ("", ""),
        ("a", "a"),
        ("ab", "a and b"),
        ("abc", "a, b and c"),
        ("abcdefgh", "a, b, c, d, e, f, g and h"),
        ("abcdefghij", "a, b, c, d, e, f, g and 3 others"),
    ],
)
def test_names_become_a_list_that_does_not_grow_for_ever(names: str, text: str) -> None:
    assert listed(names) == text


@pytest.mark.parametrize(("count", "word"), [(0, "none"), (2, "two"), (12, "twelve"), (13, "13")])
def test_small_counts_are_words(count: int, word: str) -> None:
    assert count_word(count) == word


def test_a_count_agrees_with_its_noun() -> None:
    assert times(1, "finding", "findings") == "one finding"
    assert times(2, "finding", "findings") == "two findings"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(3.4, "3 s"), (89, "89 s"), (120, "2 min"), (7200, "2 h"), (4 * 86400, "4 days")],
)
def test_an_age_has_one_unit(seconds: float, text: str) -> None:
    assert age(seconds) == text.replace(" ", BLANK)


def test_the_cause_of_the_log_becomes_half_a_sentence() -> None:
    assert cause("token lost") == "the token was lost"
    assert cause("a member left: c") == "c left in order"
    assert cause("a member left: c", "c") == "it left in order"
    assert cause("a member cannot be reached") == "a daemon could no longer be reached"
    assert cause("something else: c") == "something else (c)"
    assert cause("something else") == "something else"
    assert cause("") == ""


@pytest.mark.parametrize("text", LOSS_TEXTS)
def test_every_loss_that_the_data_plane_knows_has_words(text: str) -> None:
    assert cause(text) != text

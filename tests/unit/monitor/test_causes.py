"""Which daemon knows why a ring ended."""

from spread.monitor.causes import ENDED, known_best, quoted
from spread.monitor.report import Report, RingName, View

LOST = "token lost"
FOLLOWED = "a member looks for a ring: b"


def told(daemon: str, *causes: str) -> Report:
    """Return a report with a ring for each cause."""
    views = tuple(
        View(10.0 * number, RingName("a", number), ("a", "b"), cause=cause)
        for number, cause in enumerate(causes)
    )
    return Report(daemon, "10.0.0.1", views=views)


def test_who_followed_is_not_quoted_beside_who_knows() -> None:
    assert known_best([FOLLOWED, LOST, "", LOST]) == [LOST]


def test_who_followed_is_quoted_where_nobody_knows_more() -> None:
    assert known_best([FOLLOWED, ""]) == [FOLLOWED]


def test_a_sentence_quotes_the_daemon_that_knows_why() -> None:
    follower, knower = told("a", FOLLOWED, FOLLOWED), told("b", LOST, "no FORM2 came")

    sentence = quoted(f"a: {ENDED}{FOLLOWED}", follower, [follower, knower])

    assert sentence == f"a: {ENDED}no FORM2 came; token lost"


def test_a_sentence_stays_where_nobody_knows_more() -> None:
    follower = told("a", FOLLOWED)

    for sentence in (f"a: {ENDED}{FOLLOWED}", "nothing of causes; none"):
        assert quoted(sentence, follower, [follower, told("b", FOLLOWED)]) == sentence

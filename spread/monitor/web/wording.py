"""Lists, counts, ages and causes in words."""

from collections.abc import Iterable, Mapping
from typing import Final

__all__ = ["BLANK", "age", "cause", "count_word", "listed", "times"]

_NUMBERS: Final = (
    "none",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)

BLANK: Final = "\N{NO-BREAK SPACE}"
"""Between a number and its unit, which stay together at the end of a line."""

_AGES: Final = (
    (90, 1, "s"),
    (90 * 60, 60, "min"),
    (48 * 3600, 3600, "h"),
    (float("inf"), 86400, "days"),
)

LISTED_MAX: Final = 8
"""More names than these do not help a reader; the table has them all."""

_CAUSES: Final[Mapping[str, str]] = {
    "token lost": "the token was lost",
    "recovery made no progress": "the recovery of messages made no progress",
    "this daemon was stopped for longer than TokenTimeout": "{who} stood still for longer than "
    "TokenTimeout",
    "this daemon leaves": "{who} was stopped in order",
    "asked for": "it was asked for",
    "start": "the daemon started",
    "a member left": "{who} left in order",
    "the configuration has another network": "it was reloaded with other daemons",
    "a member has restarted": "{who} was started again",
    "a member has another ring": "{who} was in another ring already",
    "a member looks for a ring": "{who} began to look for a ring",
    "a member cannot be reached": "{who} could no longer be reached",
    "another daemon has this name": "two daemons had the same name",
    "no FORM2 came": "the forming of a ring did not come to an end",
}
"""Causes of the event log as the second half of a sentence; `{who}` is the daemon they name."""


def count_word(count: int) -> str:
    """Return a small number as a word, a larger one in digits."""
    return _NUMBERS[count] if 0 <= count < len(_NUMBERS) else f"{count:,}"


def listed(names: Iterable[str]) -> str:
    """Return names as a list in words: `a, b and c`."""
    known = list(names)
    if len(known) > LISTED_MAX:
        rest = len(known) - LISTED_MAX + 1
        known = [*known[: LISTED_MAX - 1], f"{rest} others"]
    if len(known) < 2:
        return "".join(known)
    return f"{', '.join(known[:-1])} and {known[-1]}"


def age(seconds: float) -> str:
    """Return a time that has passed: `3 s`, `5 min`, `2 h`, `4 days`, without a line end in it."""
    unit_s, unit = next(each[1:] for each in _AGES if seconds < each[0])
    return f"{seconds / unit_s:.0f}{BLANK}{unit}"


def cause(text: str, subject: str = "") -> str:
    """Return the cause of a ring's end as `the token was lost`; empty for none.

    A cause may name a daemon behind a colon, as the event log does; if that is the `subject` of the
    sentence, it is called "it".
    """
    known, _, about = text.partition(": ")
    who = "it" if about and about == subject else about or "a daemon"
    words = _CAUSES.get(known, known)
    return words.replace("{who}", who) if "{who}" in words or not about else f"{words} ({about})"


def times(count: int, one: str, many: str) -> str:
    """Return a count with its noun: `one daemon`, `12 daemons`."""
    return f"{count_word(count)} {one if count == 1 else many}"

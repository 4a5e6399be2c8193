import platform
import re
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spread.config.conversions import expand, unknown_conversions

# Sunday, 2 January 2022, 15:04:09 in Newfoundland: the last week of 2021 by ISO 8601.
SECOND = 1641151800 + 9 - 60
LOCAL = time.struct_time((2022, 1, 2, 15, 4, 9, 6, 2, 0, "NST", -12600))

has_glibc = sys.platform == "linux" and platform.libc_ver()[0] == "glibc"


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("", ""),
        ("no conversion", "no conversion"),
        ("[%a %d %b %Y %H:%M:%S]", "[Sun 02 Jan 2022 15:04:09]"),
        ("%A %B %h", "Sunday January Jan"),
        ("%k|%l|%I|%P|%p|%e", "15| 3|03|pm|PM| 2"),
        ("%-d %-m %-I %_m %0e", "2 1 3  1 02"),
        ("%5S|%-5S|%_5S|%05k|%8a", "00009|    9|    9|00015|     Sun"),
        ("%^a %#B %#p %^b", "SUN JANUARY pm JAN"),
        ("%c", "Sun Jan  2 15:04:09 2022"),
        ("%D %F %x", "01/02/22 2022-01-02 01/02/22"),
        ("%r %R %T %X", "03:04:09 PM 15:04 15:04:09 15:04:09"),
        ("%C %y %g %G", "20 22 21 2021"),
        ("%j %u %w %U %V %W", "002 7 0 01 52 00"),
        ("%Ec %EY %Od %OH", "Sun Jan  2 15:04:09 2022 2022 02 15"),
        ("%s %z %Z", f"{SECOND} -0330 NST"),
        ("%n%t%%", "\n\t%"),
        ("100%% %%s %S", "100% %s 09"),
        ("Zürich %H \udce9", "Zürich 15 \udce9"),
    ],
)
def test_conversions_follow_the_time(pattern: str, text: str) -> None:
    assert expand(pattern, LOCAL, SECOND) == text


@pytest.mark.parametrize(
    "text", ["%", "100%", "%N", "%+", "%Q", "%5", "%E", "%Ed", "%-", "% ", "%ü"]
)
def test_what_is_no_conversion_is_named_and_stays(text: str) -> None:
    assert expand(f"%H {text}", LOCAL, SECOND) == f"15 {text}"
    assert unknown_conversions(f"%H {text}") == (text.removeprefix("100"),)


def test_conversion_without_meaning_is_named_once() -> None:
    assert unknown_conversions("%N %Q %N %H") == ("%N", "%Q")


def test_time_zone_that_is_not_known_is_left_out() -> None:
    local = time.struct_time(tuple(LOCAL)[:9])

    assert expand("%H%Z %z", local, SECOND) == "15 +0000"


@pytest.mark.parametrize(
    ("year", "month", "day", "weekday", "day_of_year", "text"),
    [
        (2021, 1, 3, 6, 3, "2020-53"),
        (2021, 1, 4, 0, 4, "2021-01"),
        (2024, 12, 30, 0, 365, "2025-01"),
        (2026, 12, 31, 3, 365, "2026-53"),
    ],
)
def test_week_belongs_to_the_year_of_its_thursday(
    year: int, month: int, day: int, weekday: int, day_of_year: int, text: str
) -> None:
    local = time.struct_time((year, month, day, 0, 0, 0, weekday, day_of_year, 0))

    assert expand("%G-%V", local, 0) == text


def test_width_of_a_thousand_digits_is_bounded() -> None:
    assert len(expand("%" + "9" * 10_000 + "d", LOCAL, SECOND)) == 254


@given(st.text(st.characters() | st.sampled_from("%-_0^#EO5")), st.integers(0, 2**32))
def test_no_format_fails(pattern: str, second: int) -> None:
    expand(pattern, time.localtime(second), second)
    unknown_conversions(pattern)


_FLAGS = st.text("-_0^#", max_size=2)
_WIDTHS = st.sampled_from(["", "1", "3", "12", "012"])
_LETTERS = st.sampled_from("abcdeghjklmnprstuwxyABCDFGHIMPRSTUVWXYZ%")


@pytest.mark.skipif(not has_glibc, reason="strftime of glibc is the model")
@given(_FLAGS, _WIDTHS, st.sampled_from(["", "E", "O"]), _LETTERS, st.integers(0, 2**32))
def test_conversions_are_those_of_linux(
    flags: str, width: str, modifier: str, letter: str, second: int
) -> None:
    pattern = f"%{flags}{width}{modifier}{letter}"
    if unknown_conversions(pattern):
        pattern = f"%{letter}"
    local = time.localtime(second)

    assert expand(pattern, local, second) == time.strftime(pattern, local)


@pytest.mark.skipif(not has_glibc, reason="strftime of glibc is the model")
@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=39))
def test_text_without_flags_is_as_on_linux(text: str) -> None:
    pattern = re.sub("%[-_0-9^#]+", "%", text)
    local = time.localtime(SECOND)

    assert expand(pattern, local, SECOND) == time.strftime(pattern, local)

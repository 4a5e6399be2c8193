"""The conversions of a time format, `%H` and the like: rendered here, the same on every system.

The format of a stamp comes from a file that hosts of different systems share, while `strftime` of
these systems knows different conversions and fails in different ways with the others. So it is
not asked: every conversion that it has on Linux is made from the parts of the local time, with
the same flags, widths and modifiers; names are English, as in the locale "C", in which daemons
run. What is no conversion stays as it is written, as on Linux. No format can fail.

    %  [_-0^#]*  width  E or O  letter
       padding,         alternative form, which the locale "C" does not have
       letter case
"""

import re
import time
from calendar import isleap
from collections.abc import Callable, Mapping
from typing import NamedTuple

__all__ = ["expand", "unknown_conversions"]

WIDTH_MAX = 254  # Characters; a stamp is cut to as many, so wider ones do not differ.

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_NAME_SIZE = 3  # Letters of a short name.

_CONVERSION = re.compile("%([-_0^#]*)([0-9]*)([EO]?)(.?)", re.DOTALL)


class _Moment(NamedTuple):
    local: time.struct_time
    second: int  # Since 1970.


class _Number(NamedTuple):
    value: Callable[[_Moment], int]
    digits: int
    padding: str = "0"


def expand(pattern: str, local: time.struct_time, second: int) -> str:
    """Return `pattern` with its conversions replaced: by `local`, and `second` since 1970."""
    moment = _Moment(local, second)
    return _CONVERSION.sub(lambda found: _convert(found, moment), pattern)


def unknown_conversions(pattern: str) -> tuple[str, ...]:
    """Return what looks like a conversion of `pattern` and is none, in order, each once."""
    found = (each for each in _CONVERSION.finditer(pattern) if not _is_known(each))
    return tuple(dict.fromkeys(each[0] for each in found))


def _is_known(found: re.Match[str]) -> bool:
    modifier, letter = found[3], found[4]
    return letter in _LETTERS[modifier] if letter else False


def _convert(found: re.Match[str], moment: _Moment) -> str:
    if not _is_known(found):
        return found[0]
    flags, letter = found[1], found[4]
    # As many digits as matter, for int() refuses thousands of them.
    width = min(int(found[2][-9:] or 0), WIDTH_MAX)
    padding = next((flag for flag in reversed(flags) if flag in "-_0"), "")
    if letter in _NUMBERS:
        return _number(_NUMBERS[letter], moment, padding, width)
    if letter in _FORMATS:
        text = expand(_FORMATS[letter], moment.local, moment.second)
    elif letter == "z":
        return _offset(moment.local.tm_gmtoff, padding, width)
    else:
        text = _TEXTS[letter](moment)
    return _in_case(text, letter, flags).rjust(width, "0" if padding == "0" else " ")


def _number(number: _Number, moment: _Moment, padding: str, width: int) -> str:
    value = number.value(moment)
    if padding == "-":
        return str(value).rjust(width)
    filling = {"_": " ", "0": "0"}.get(padding, number.padding)
    return str(value).rjust(max(width, number.digits), filling)


def _offset(east_s: int | None, padding: str, width: int) -> str:
    minutes = abs(east_s or 0) // 60
    sign = "-" if (east_s or 0) < 0 else "+"
    digits = str(minutes // 60 * 100 + minutes % 60)
    if padding == "-":
        return (sign + digits).rjust(width)
    size = max(width, len("+0000"))
    return (sign + digits).rjust(size) if padding == "_" else sign + digits.rjust(size - 1, "0")


def _in_case(text: str, letter: str, flags: str) -> str:
    if "#" in flags and letter in "pZ":
        return text.lower()
    if letter != "P" and ("^" in flags or ("#" in flags and letter in "aAbBh")):
        return text.upper()
    return text


def _hour_of_twelve(moment: _Moment) -> int:
    return (moment.local.tm_hour + 11) % 12 + 1


def _half_of_day(moment: _Moment) -> str:
    return "AM" if moment.local.tm_hour < 12 else "PM"


def _week_of_year(moment: _Moment, first_day: int) -> int:
    """Return the week, from 0, if weeks begin with `first_day`, 0 being Monday."""
    days_since_first = (moment.local.tm_wday - first_day) % 7
    return (moment.local.tm_yday - 1 + 7 - days_since_first) // 7


def _iso_week(moment: _Moment) -> tuple[int, int]:
    """Return year and week of ISO 8601: those of the week's Thursday."""
    year, day = moment.local.tm_year, moment.local.tm_yday + 3 - moment.local.tm_wday
    if day < 1:
        year -= 1
        day += _day_count(year)
    elif day > _day_count(year):
        day -= _day_count(year)
        year += 1
    return year, (day - 1) // 7 + 1


def _day_count(year: int) -> int:
    return 366 if isleap(year) else 365


_NUMBERS: Mapping[str, _Number] = {
    "C": _Number(lambda moment: moment.local.tm_year // 100, 2),
    "d": _Number(lambda moment: moment.local.tm_mday, 2),
    "e": _Number(lambda moment: moment.local.tm_mday, 2, " "),
    "g": _Number(lambda moment: _iso_week(moment)[0] % 100, 2),
    "G": _Number(lambda moment: _iso_week(moment)[0], 4),
    "H": _Number(lambda moment: moment.local.tm_hour, 2),
    "I": _Number(_hour_of_twelve, 2),
    "j": _Number(lambda moment: moment.local.tm_yday, 3),
    "k": _Number(lambda moment: moment.local.tm_hour, 2, " "),
    "l": _Number(_hour_of_twelve, 2, " "),
    "m": _Number(lambda moment: moment.local.tm_mon, 2),
    "M": _Number(lambda moment: moment.local.tm_min, 2),
    "s": _Number(lambda moment: moment.second, 1, " "),
    "S": _Number(lambda moment: moment.local.tm_sec, 2),
    "u": _Number(lambda moment: moment.local.tm_wday + 1, 1),
    "U": _Number(lambda moment: _week_of_year(moment, 6), 2),
    "V": _Number(lambda moment: _iso_week(moment)[1], 2),
    "w": _Number(lambda moment: (moment.local.tm_wday + 1) % 7, 1),
    "W": _Number(lambda moment: _week_of_year(moment, 0), 2),
    "y": _Number(lambda moment: moment.local.tm_year % 100, 2),
    "Y": _Number(lambda moment: moment.local.tm_year, 4),
}

_TEXTS: Mapping[str, Callable[[_Moment], str]] = {
    "a": lambda moment: _DAYS[moment.local.tm_wday][:_NAME_SIZE],
    "A": lambda moment: _DAYS[moment.local.tm_wday],
    "b": lambda moment: _MONTHS[moment.local.tm_mon - 1][:_NAME_SIZE],
    "B": lambda moment: _MONTHS[moment.local.tm_mon - 1],
    "h": lambda moment: _MONTHS[moment.local.tm_mon - 1][:_NAME_SIZE],
    "p": _half_of_day,
    "P": lambda moment: _half_of_day(moment).lower(),
    "Z": lambda moment: moment.local.tm_zone or "",
}

# Made of other conversions, or of none.
_FORMATS: Mapping[str, str] = {
    "c": "%a %b %e %H:%M:%S %Y",
    "D": "%m/%d/%y",
    "F": "%Y-%m-%d",
    "r": "%I:%M:%S %p",
    "R": "%H:%M",
    "T": "%H:%M:%S",
    "x": "%m/%d/%y",
    "X": "%H:%M:%S",
    "n": "\n",
    "t": "\t",
    "%": "%",
}

# By modifier; with one, those are taken that Linux takes, which are more than the standard has.
_LETTERS: Mapping[str, frozenset[str]] = {
    "": frozenset((*_NUMBERS, *_TEXTS, *_FORMATS, "z")),
    "E": frozenset("cnprstuxyzCPRTXYZ%"),
    "O": frozenset("bdeghjklmnprstuwyzBCGHIMPRSTUVWZ%"),
}

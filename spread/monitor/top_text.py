"""What `spmonitor top` shows, as text: rows of the table, curves, lists. No terminal here."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from spread.monitor.agreement import RELOAD, disagreements, rings_of
from spread.monitor.overview import (
    duration,
    findings_of,
    members_of,
    microseconds,
    number,
    rate,
    ring_letters,
    troubles,
)
from spread.monitor.rates import HISTORY_S, History
from spread.monitor.report import GroupPage, Report, View
from spread.monitor.sparkline import sparkline
from spread.monitor.top_layout import cut, joined
from spread.monitor.watch import RingWatch, Watched

__all__ = [
    "COLUMNS",
    "curves",
    "details",
    "group_lines",
    "health_lines",
    "rows",
    "session_lines",
    "summary",
    "verdict",
    "view_lines",
]

COLUMNS: Final = (
    "DAEMON",
    "STATE",
    "RING",
    "TOK/S",
    "ROUND",
    "SENT/S",
    "DLV/S",
    "RSND/S",
    "WINDOW",
    "SESS",
)
"""Together at most 80 columns of a terminal, for names of up to ten characters."""

_STATES_SHORT: Final = {"REPRESENTED": "REPR"}

_LABEL_WIDTH: Final = 12
_VALUE_WIDTH: Final = 7
_MAX_WIDTH: Final = 10
_MAX_FROM: Final = 60
"""Columns of a terminal from which on the largest value stands behind the present one."""

_NUMBERS_WIDTH: Final = 24
_HOST_WIDTH: Final = 17
_SESSION_WIDTH: Final = 34
MEMBERS_SHOWN: Final = 8
CURVE_WIDTH_MIN: Final = 10


@dataclass(frozen=True, slots=True)
class _Curve:
    """A curve of the selected daemon."""

    label: str
    points: Callable[[History], list[tuple[float, float | None]]]
    shown: Callable[[float], str]


def _counter(label: str, name: str) -> _Curve:
    return _Curve(label, lambda history: history.rate_series(name), number)


_CURVES: Final = (
    _counter("tokens/s", "tokens"),
    _Curve("round", lambda history: _known(history.gauge_series("rotation_us")), microseconds),
    _counter("sent/s", "packets_sent"),
    _counter("delivered/s", "messages_delivered"),
    _counter("resent/s", "retransmitted"),
    _counter("missed/s", "requested"),
    _Curve("queued bytes", lambda history: history.gauge_series("queued_bytes"), number),
)

_MOST_TELLING: Final = (0, 2, 4, 3, 1, 5, 6)
"""The curves by number: tokens, what is sent, what is sent again, and the others."""


def summary(watch: RingWatch, width: int) -> str:
    """Return one line about the whole ring, as much as fits."""
    reports = watch.reports
    rings = rings_of(reports)
    sessions = sum(report.sessions for report in reports)
    groups = max((report.groups for report in reports), default=0)
    of_all = f"{len(reports)} of {len(watch.daemons)}"
    parts = [
        f"{of_all} daemons answer" if width >= _MAX_FROM else f"{of_all} answer",
        f"{len(rings)} ring{'' if len(rings) == 1 else 's'}",
        f"{number(sessions)} sessions",
        f"{number(groups)} groups",
    ]
    return joined(parts, ", ", width)


def verdict(watch: RingWatch) -> tuple[str, str]:
    """Return a class (well, warning, critical) and the gravest thing to say."""
    silent = watch.silent
    if silent:
        names = ", ".join(each.target.name for each in silent[:4])
        more = f" and {len(silent) - 4} more" if len(silent) > 4 else ""
        return "critical", f"no answer from {names}{more}"
    if len(watch.reports) < len(watch.daemons):
        return "warning", "waiting for answers"
    findings = findings_of(watch)
    if findings and findings[0].severity == "critical":
        return "critical", findings[0].sentence
    differences = disagreements(watch.reports)
    if differences:
        is_ordinary = differences[0].rule == RELOAD
        return "warning" if is_ordinary else "critical", differences[0].sentence
    if findings:
        return "warning", findings[0].sentence
    return "well", "all is well"


def rows(watch: RingWatch) -> list[tuple[str, ...]]:
    """Return the cells of every daemon, in the order of the file."""
    letters = ring_letters(watch.reports)
    return [_row(each, letters) for each in watch.daemons.values()]


def details(watched: Watched, width: int, now_s: float, *, is_short: bool = False) -> list[str]:
    """Return what there is to say about one daemon in words, then its curves.

    In a short pane the curves come first, the most telling ones at the top.
    """
    report = watched.report
    if report is None:
        return [f"{watched.target.name} has not answered yet"]
    windows = report.windows
    kind = "accelerated" if windows.is_accelerated else "regular"
    ring = report.ring.leader or "no daemon"
    age = "" if watched.is_answering else "  (before it fell silent)"
    named = [report.daemon, f"{report.address}:{report.port}", report.release]
    lines = [
        joined([*named, f"up {duration(report.uptime_s)}{age}"], ", ", width),
        joined([f"ring of {ring}", f"{members_of(report)} daemons", kind], ", ", width),
    ]
    flow = [
        f"window {windows.window}",
        f"own {windows.personal}+{windows.accelerated}",
        f"open {windows.scale_percent}%",
    ]
    shown = ", ".join(flow)
    if len(lines[-1]) + 2 + len(shown) <= width:
        lines[-1] += f"; {shown}"
    else:
        lines.append(joined(flow, ", ", width))
    drawn = curves(watched.history, width, now_s)
    if is_short:
        return [*(drawn[number] for number in _MOST_TELLING), *lines]
    return [*lines, *drawn]


def curves(history: History, width: int, now_s: float) -> list[str]:
    """Return one line for each curve: label, the last minute, value now and largest value."""
    has_max = width >= _MAX_FROM
    columns = width - _LABEL_WIDTH - _VALUE_WIDTH - (_MAX_WIDTH if has_max else 0)
    columns = max(CURVE_WIDTH_MIN, columns)
    return [_curve_line(each, history, columns, now_s, has_max=has_max) for each in _CURVES]


def session_lines(watch: RingWatch, width: int) -> list[str]:
    """Return the sessions for which something waits, of all daemons, the most bytes first."""
    found = [(report, each) for report in watch.reports for each in report.slowest]
    if not found:
        return ["no session has anything waiting for it"]
    found.sort(key=lambda pair: -pair[1].queued_bytes)
    left = width - _NUMBERS_WIDTH
    host = _HOST_WIDTH if left >= _SESSION_WIDTH + _HOST_WIDTH else 0
    name = max(1, min(_SESSION_WIDTH, left - host))
    lines = [f"{'SESSION':<{name}}{'HOST'[:host]:<{host}}{'MESSAGES':>9}{'BYTES':>8}{'AGE':>7}"]
    lines += [
        f"{cut(each.name, name - 1):<{name}}{(each.host or '-')[:host]:<{host}}"
        f"{number(each.queued_messages):>9}{number(each.queued_bytes):>8}{duration(each.age_s):>7}"
        for _, each in found
    ]
    return lines


def group_lines(page: GroupPage) -> list[str]:
    """Return the groups of a page with their first members."""
    if not page.groups:
        return ["no groups"]
    width = min(32, max(len(each.name) for each in page.groups))
    lines = [f"{'GROUP':<{width}} {'SIZE':>6}  MEMBERS"]
    lines += [
        f"{each.name:<{width}} {each.size:>6}  {' '.join(each.members[:MEMBERS_SHOWN])}"
        for each in page.groups
    ]
    if page.total > len(page.groups):
        lines.append(f"the first {len(page.groups)} of {page.total}; all with spmonitor groups")
    return lines


def view_lines(report: Report | None, width: int) -> list[str]:
    """Return the last views of a daemon, the latest first."""
    if report is None or not report.views:
        return ["no views are known"]
    return [cut(line, width) for view in reversed(report.views) for line in _view_lines(view)]


def health_lines(watch: RingWatch, now_s: float) -> list[str]:
    """Return all that is wrong, with what to do about it."""
    return list(troubles(watch, now_s)) or ["all is well: every daemon answers, and all agree"]


def _row(watched: Watched, letters: Mapping[str, str]) -> tuple[str, ...]:
    """Return the cells of a daemon; those of a silent one are dashes."""
    report = watched.report
    if report is None or not watched.is_answering:
        state = "silent" if watched.is_silent else "..."
        return (watched.target.name, state, *["-"] * (len(COLUMNS) - 2))
    history = watched.history
    state = _STATES_SHORT.get(report.state, report.state)
    return (
        watched.target.name,
        state if report.group_state == "GOP" else report.group_state,
        f"{letters.get(report.daemon, '?')} {members_of(report)}",
        rate(history.rate("tokens")),
        _round(report),
        rate(history.rate("packets_sent")),
        rate(history.rate("messages_delivered")),
        rate(history.rate("retransmitted")),
        f"{report.windows.personal}/{report.windows.window}",
        number(report.sessions),
    )


def _view_lines(view: View) -> Iterator[str]:
    stamp = time.strftime("%H:%M:%S", time.localtime(view.time_s))
    changes = [f"+{name}" for name in view.joined] + [f"-{name}" for name in view.left]
    formed = f", formed in {view.formed_ms:.0f} ms" if view.formed_ms else ""
    yield (
        f"{stamp}  {len(view.members)} daemons, ring of {view.ring.leader}{formed}"
        f"  {' '.join(changes)}"
    ).rstrip()
    if view.cause:
        yield f"          because {view.cause}"


def _curve_line(
    curve: _Curve, history: History, columns: int, now_s: float, *, has_max: bool
) -> str:
    points = curve.points(history)
    values = [value for _, value in points if value is not None]
    line = sparkline(points, width=columns, end_s=now_s, span_s=HISTORY_S)
    if not values:
        return f"{curve.label:<{_LABEL_WIDTH}}{line}"
    latest = points[-1][1]
    shown = "-" if latest is None else curve.shown(latest)
    text = f"{curve.label:<{_LABEL_WIDTH}}{line} {shown:>6}"
    return f"{text} max {curve.shown(max(values)):>5}" if has_max else text


def _known(points: list[tuple[float, float | None]]) -> list[tuple[float, float | None]]:
    """Return points in which a time of 0, of a token that has not gone round yet, is none."""
    return [(at_s, value or None) for at_s, value in points]


def _round(report: Report) -> str:
    rotation_us = report.gauges.get("rotation_us")
    if report.gauges.get("is_parked"):
        return "rests"
    return microseconds(rotation_us) if rotation_us else "-"

"""The ring as lines of text and as JSON, for `spmonitor status` and `watch`.

DAEMON  STATE  RING    MEMBERS  UP  SESSIONS  GROUPS  TOKENS/S  SENT/S  RETR
one line for each daemon of the file; then what is wrong: silent daemons with what to check,
what the daemons do not agree on, and what they themselves find.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, Final

from spread.config.diagnostics import printable
from spread.monitor.agreement import disagreements, listed, rings_of
from spread.monitor.report import Finding, Report
from spread.monitor.silence import Silence, explain
from spread.monitor.watch import RingWatch, Watched

__all__ = [
    "as_record",
    "duration",
    "findings_of",
    "is_well",
    "members_of",
    "microseconds",
    "number",
    "rate",
    "ring_letters",
    "table",
    "text_lines",
    "troubles",
]

_HEAD: Final = (
    "DAEMON",
    "STATE",
    "RING OF",
    "MEMBERS",
    "UP",
    "SESSIONS",
    "GROUPS",
    "TOKENS/S",
    "SENT/S",
    "RESENT",
)
LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

SINCE_S: Final = 2.0
"""A silence that is no longer than a question has time is not worth a number."""

_LEFT: Final = 3
"""Columns from the left that are text; the others are numbers."""


def is_well(watch: RingWatch) -> bool:
    """Tell whether every daemon answers, all agree, and nothing critical is found."""
    is_critical = any(each.severity == "critical" for each in findings_of(watch))
    does_answer = len(watch.reports) == len(watch.daemons)
    return does_answer and not is_critical and not disagreements(watch.reports)


def text_lines(watch: RingWatch, now_s: float) -> list[str]:
    """Return the table, and what is wrong below it."""
    lines = table([_HEAD, *(_row(each) for each in watch.daemons.values())])
    found = [printable(line) for line in troubles(watch, now_s)]
    return [*lines, "", *found] if found else lines


def troubles(watch: RingWatch, now_s: float) -> Iterator[str]:
    """Yield lines about all that is wrong, the details indented."""
    yield from _silences(watch, now_s)
    findings = findings_of(watch)
    said = {finding.rule for finding in findings}
    for disagreement in disagreements(watch.reports):
        if disagreement.rule not in said:
            yield disagreement.sentence
    for finding in findings:
        yield f"{finding.severity}: {finding.sentence}"
        if finding.remedy:
            yield f"    {finding.remedy}"


def _silences(watch: RingWatch, now_s: float) -> Iterator[str]:
    """Yield what to check for the first daemon of each kind of silence; the others are named."""
    kinds: dict[str, list[Silence]] = {}
    for watched in watch.silent:
        silence = explain(watched, watch, now_s)
        target = watched.target
        kind = silence.sentence.replace(target.address, "").replace(target.name, "")
        kinds.setdefault(kind, []).append(silence)
    for silence, *others in kinds.values():
        since = f" for {duration(silence.since_s)}" if silence.since_s >= SINCE_S else ""
        yield f"{silence.daemon} does not answer{since}: {silence.sentence}"
        yield from (f"    check: {each}" for each in silence.checks)
        if others:
            yield f"    so it is with {listed([each.daemon for each in others])}"


def findings_of(watch: RingWatch) -> list[Finding]:
    """Return what health finds wrong, the worst first, each once; silence is told better above."""
    found = {
        (finding.rule, finding.subject): finding
        for finding in reversed(watch.findings)
        if finding.rule != "no-answer"
    }
    return sorted(found.values(), key=lambda each: each.severity != "critical")


def as_record(watch: RingWatch, now_s: float) -> dict[str, Any]:
    """Return all that is known, for JSON."""
    return {
        "is_well": is_well(watch),
        "daemons": [_daemon_record(each, watch, now_s) for each in watch.daemons.values()],
        "disagreements": [asdict(each) for each in disagreements(watch.reports)],
        "findings": [asdict(each) for each in findings_of(watch)],
    }


def table(rows: Sequence[Sequence[str]], left: int = _LEFT) -> list[str]:
    """Return rows with their columns aligned, the first `left` ones to the left.

    Texts come from the network: what a terminal would obey is shown instead.
    """
    rows = [[printable(text) for text in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            text.ljust(width) if index < left else text.rjust(width)
            for index, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def duration(seconds: float) -> str:
    """Return a time in at most five characters, such as 42s, 7m10, 3h05, 12d."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}"
    if whole < 100 * 3600:
        return f"{whole // 3600}h{whole % 3600 // 60:02}"
    return f"{whole // 86400}d"


def microseconds(time_us: float) -> str:
    """Return a time in at most five characters."""
    if time_us < 999.5:
        return f"{time_us:.0f}us"
    if time_us < 99_950:
        shown = time_us / 1000
        return f"{shown:.1f}ms" if shown < 9.95 else f"{shown:.0f}ms"
    return f"{time_us / 1e6:.1f}s"


def number(value: float) -> str:
    """Return a number in at most five characters, such as 0, 7.5, 999, 12.3k, 4.5M."""
    for limit, divisor, unit in ((1e3, 1, ""), (1e6, 1e3, "k"), (1e9, 1e6, "M"), (1e12, 1e9, "G")):
        if abs(value) < limit * 0.9995:
            scaled = value / divisor
            is_short = scaled != round(scaled) and abs(scaled) < 99.95
            return f"{scaled:.1f}{unit}" if is_short else f"{scaled:.0f}{unit}"
    return f"{value:.0e}"


def rate(value: float | None) -> str:
    """Return a rate, or a dash for none."""
    return "-" if value is None else number(value)


def members_of(report: Report) -> int:
    """Return how many daemons are in the installed ring; a classic daemon gives no names."""
    return len(report.members) or int(report.gauges.get("ring_daemons", 0))


def ring_letters(reports: Sequence[Report]) -> dict[str, str]:
    """Return a letter for the ring of each daemon, A for that of the first."""
    return {
        name: LETTERS[min(index, len(LETTERS) - 1)]
        for index, ring in enumerate(rings_of(reports))
        for name in ring
    }


def _row(watched: Watched) -> tuple[str, ...]:
    report = watched.report
    if report is None or not watched.is_answering:
        state = "silent" if watched.is_silent else "asked"
        return (watched.target.name, state, *["-"] * (len(_HEAD) - 2))
    return (
        watched.target.name,
        report.state if report.group_state == "GOP" else f"{report.state}/{report.group_state}",
        report.ring.leader or "-",
        str(members_of(report)),
        duration(report.uptime_s),
        number(report.sessions),
        number(report.groups),
        rate(watched.history.rate("tokens")),
        rate(watched.history.rate("packets_sent")),
        number(report.counters.get("retransmitted", 0)),
    )


def _daemon_record(watched: Watched, watch: RingWatch, now_s: float) -> dict[str, Any]:
    record: dict[str, Any] = {
        "name": watched.target.name,
        "address": watched.target.address,
        "port": watched.target.port,
        "answers": watched.is_answering,
        "is_classic": bool(watched.is_classic),
    }
    if watched.is_answering and watched.report is not None:
        record["report"] = asdict(watched.report)
        record["rates"] = watched.history.rates()
    elif watched.is_silent:
        silence = explain(watched, watch, now_s)
        record |= {
            "silent_for_s": round(silence.since_s, 1),
            "reason": silence.sentence,
            "checks": list(silence.checks),
        }
    return record

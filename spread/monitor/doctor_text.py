"""What `spread doctor` found, for people and for programs."""

import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from spread.monitor.doctor_evidence import Evidence, Problem, Severity
from spread.monitor.doctor_hosts import clock_offsets
from spread.monitor.doctor_matrix import UP_TO, Sign, matrix, matrix_lines

__all__ = ["as_record", "text_lines"]

MIB: Final = 1 << 20
FORMAT: Final = 1
UNSEEN: Final = (
    f"{UP_TO}N: datagrams of N bytes arrive, larger ones that the ring may use were not tried"
)
WITHHELD: Final = "the receiver was asked and did not agree"

_SIGNS: Final = {
    Severity.OK: Sign.FINE.value,
    Severity.NOTE: "-",
    Severity.WARNING: Sign.PARTLY.value,
    Severity.FAILURE: Sign.BROKEN.value,
}


def text_lines(evidence: Evidence, problems: tuple[Problem, ...], columns: int) -> Iterator[str]:
    """Return the whole report in lines."""
    yield "This host"
    width = max((len(each.subject) for each in evidence.checks), default=0)
    for check in evidence.checks:
        yield from _wrapped(
            f"  {_SIGNS[check.severity]} {check.subject:<{width}}  ", check.sentence, columns
        )
    yield ""
    yield "Daemons"
    yield from _daemon_lines(evidence, columns)
    yield ""
    yield "Who reaches whom (rows send, columns receive)"
    yield ""
    yield from (f"  {line}" for line in matrix_lines(evidence, columns - 2))
    yield ""
    yield "  + fine   ! not as it should be   x does not work   ? cannot be told   . itself"
    if any(each.word.startswith(UP_TO) for row in matrix(evidence) for each in row):
        yield from _wrapped("  ", UNSEEN, columns)
    yield ""
    yield from _problem_lines(problems, columns)


def as_record(evidence: Evidence, problems: tuple[Problem, ...], status: int) -> dict[str, Any]:
    """Return everything as values for JSON."""
    offsets = clock_offsets(evidence)
    return {
        "format": FORMAT,
        "status": status,
        "seconds": round(evidence.seconds, 3),
        "own": None if evidence.own is None else evidence.name(evidence.own),
        "checks": [asdict(each) for each in evidence.checks],
        "daemons": [
            {
                **asdict(entry),
                "state": _state(evidence, number),
                "facts": asdict(evidence.facts[number]) if number in evidence.facts else None,
                "clock_ahead_s": offsets.get(number),
            }
            for number, entry in enumerate(evidence.entries)
        ],
        "matrix": [
            [{"sign": each.sign.name.lower(), "word": each.word} for each in row]
            for row in matrix(evidence)
        ],
        "probes": [
            {
                "from": evidence.name(key.sender),
                "to": evidence.name(key.target),
                "way": key.way.name.lower(),
                "bytes": key.size,
                "whole": key.is_whole,
                "sent": evidence.tried.get(key, 0),
                "arrived": evidence.arrived(key),
                "not_sent": WITHHELD if key in evidence.withheld else evidence.unsent.get(key, ""),
            }
            for key in sorted(
                {*evidence.tried, *evidence.unsent, *evidence.withheld, *evidence.heard}
            )
        ],
        "problems": [asdict(each) for each in problems],
    }


def _daemon_lines(evidence: Evidence, columns: int) -> Iterator[str]:
    names = max(len(entry.name) for entry in evidence.entries)
    addresses = max(len(entry.address) for entry in evidence.entries)
    for number, entry in enumerate(evidence.entries):
        facts = evidence.facts.get(number)
        sign = Sign.BROKEN if facts is None else Sign.FINE
        text = _state(evidence, number)
        if facts is not None:
            mtu = f"MTU {facts.mtu}, " if facts.mtu else ""
            buffer = f"buffer {round(facts.receive_bytes / MIB, 1):g} MiB"
            text += f", release {facts.release}, {mtu}datagrams {facts.size}, {buffer}"
        start = f"  {sign.value} {entry.name:<{names}}  {entry.address:<{addresses}}  "
        yield from _wrapped(start, text, columns)


def _state(evidence: Evidence, number: int) -> str:
    facts = evidence.facts.get(number)
    if facts is None:
        reason = evidence.silence.get(number, "")
        return "no daemon runs" if reason == "refused" else reason or "silent"
    kind = "daemon" if facts.is_daemon else "doctor in its place"
    return f"{kind}, answers others only" if number in evidence.relayed else kind


def _problem_lines(problems: tuple[Problem, ...], columns: int) -> Iterator[str]:
    if not problems:
        yield "Nothing is wrong."
        return
    counted = [
        f"{count} {each.value}{'s' if count > 1 else ''}"
        for each in (Severity.FAILURE, Severity.WARNING, Severity.NOTE)
        if (count := sum(1 for problem in problems if problem.severity is each))
    ]
    is_fine = all(problem.severity is Severity.NOTE for problem in problems)
    yield f"{'Nothing is wrong; ' if is_fine else ''}{', '.join(counted)}"
    for number, problem in enumerate(problems, 1):
        yield ""
        start = f"  {number}. {problem.severity.value}: {problem.subject}: "
        yield from _wrapped(start, problem.sentence, columns, 5)
        if problem.remedy:
            yield from _wrapped("     remedy: ", problem.remedy, columns, 5)


def _wrapped(start: str, text: str, columns: int, indent: int | None = None) -> list[str]:
    below = " " * (len(start) if indent is None else indent)
    return textwrap.wrap(
        text,
        max(columns, 40),
        initial_indent=start,
        subsequent_indent=below,
        break_long_words=False,
        break_on_hyphens=False,
    )

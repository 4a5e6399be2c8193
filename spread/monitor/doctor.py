"""Judges what `spread doctor` has seen: problems with a remedy each, the worst first.

    Evidence  ->  judge()  ->  Problem, Problem, ...

What hits all senders of a daemon, or all receivers, is one problem of that daemon, not many of
pairs. What follows from another problem is not told: no multicast where nothing arrives at all.
"""

from collections.abc import Iterator
from typing import Final

from spread.monitor.doctor_evidence import Check, Evidence, Problem, Severity
from spread.monitor.doctor_hosts import host_problems
from spread.monitor.doctor_sizes import size_problems
from spread.monitor.doctor_ways import way_problems

__all__ = ["exit_status", "judge"]

_ORDER: Final = (Severity.FAILURE, Severity.WARNING, Severity.NOTE)


def judge(evidence: Evidence) -> tuple[Problem, ...]:
    """Return what is wrong, failures first."""
    found = [
        *map(_of_check, _bad_checks(evidence)),
        *host_problems(evidence),
        *way_problems(evidence),
        *size_problems(evidence),
    ]
    return tuple(sorted(found, key=lambda each: _ORDER.index(each.severity)))


def exit_status(problems: tuple[Problem, ...]) -> int:
    """Return 1 if something fails; what merely could be better is no failure."""
    return int(any(each.severity is Severity.FAILURE for each in problems))


def _bad_checks(evidence: Evidence) -> Iterator[Check]:
    return (each for each in evidence.checks if each.severity in _ORDER[:2])


def _of_check(check: Check) -> Problem:
    return Problem("this-host", check.severity, check.subject, check.sentence, check.remedy)

"""Metrics and health of the whole ring, for machines that ask the page's server.

    /metrics   what `spread.counters` names, of every daemon, and counts of this server
    /healthz   200 unless a daemon is silent, the ring is split, or a finding is critical; else 503
    /readyz    200 while all daemons are members of one ring and their groups are stable; else 503

Both say in their text what is wrong.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from spread.counters import FIGURES
from spread.monitor.prometheus import Answers, ReportCollector, counter_family, exposition
from spread.monitor.web.condition import Level, Sentence
from spread.monitor.web.sight import Sight
from spread.monitor.web.streams import Counts
from spread.monitor.web.wording import listed

if TYPE_CHECKING:
    from prometheus_client.core import Metric

__all__ = ["health", "metrics", "readiness"]


def metrics(sight: Sight | None, counts: Counts, accept: str) -> tuple[bytes, str]:
    """Return the metrics as text with its content type; needs prometheus-client."""
    seen = sight.seen if sight is not None else ()
    answers = {each.name: each.report if each.is_answering else None for each in seen}
    own = {f"web_{name}": count for name, count in asdict(counts).items()}
    own["web_unexpected"] = sight.unexpected if sight is not None else 0
    return exposition(_Collector(answers, own), accept)


class _Collector(ReportCollector):
    """The metrics of all daemons, and those of this server."""

    def __init__(self, answers: Answers, own: Mapping[str, int]) -> None:
        super().__init__(lambda: answers, time.time)
        self._own = own

    def collect(self) -> Iterator["Metric"]:
        yield from super().collect()
        for name, count in self._own.items():
            yield counter_family(FIGURES[name], count)


def health(told: Sequence[Sentence], critical: Sequence[str]) -> tuple[bool, str]:
    """Return whether the whole is healthy, and why not."""
    wrong = [_plain(each) for each in told if each.level is Level.BAD]
    wrong += critical
    return not wrong, "\n".join(wrong) if wrong else "healthy"


def readiness(sight: Sight | None) -> tuple[bool, str]:
    """Return whether all daemons are in one stable ring, and why not."""
    if sight is None:
        return False, "no daemon has been asked yet"
    missing = [each.name for each in sight.seen if not each.is_answering]
    if missing:
        return False, f"no answer from {listed(missing)}"
    reports = [each.report for each in sight.seen if each.report is not None]
    everybody = {each.name for each in sight.seen}
    outside = [each.daemon for each in reports if set(each.members) != everybody]
    if outside or len({each.ring for each in reports}) > 1:
        return False, f"not in one ring with all others: {listed(outside) or 'some'}"
    busy = [each.daemon for each in reports if each.is_forming or each.group_state != "GOP"]
    if busy:
        return False, f"not stable: {listed(busy)}"
    return True, "ready"


def _plain(sentence: Sentence) -> str:
    if sentence.time_s is None:
        return sentence.text
    moment = time.strftime("%H:%M:%S", time.localtime(sentence.time_s))
    return sentence.text.replace("{time}", moment)

"""Page data: what the page shows, made of a `Sight` once a second.

    Sight -> Feed.take -> Page: tick    the present, for every open page
                                story   the history of views, when it has changed
             Feed.past ->              the plots so far, for a page that opens

All of it is JSON as the page's modules read it: objects with short names, rates per second, times
in seconds since 1970, latencies in microseconds, None where nothing is known.
"""

import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from spread.monitor.health import RingHealth
from spread.monitor.report import Finding, Report
from spread.monitor.web.condition import condition, overall, sentences
from spread.monitor.web.figures import LATENCY_SPAN_S, Figures, figures, percentile_us, times_since
from spread.monitor.web.pairs import pairs
from spread.monitor.web.rings import Ring, rings
from spread.monitor.web.sight import Seen, Sight
from spread.monitor.web.story import Story

__all__ = ["PAST_SIZE", "SERIES", "Feed", "Page", "to_text"]

PAST_SIZE: Final = 180
"""Points of each plot: three minutes at one a second."""

STEP_MIN_S: Final = 0.5
"""A point that follows sooner takes the place of the one before: something happened meanwhile."""

SLOW_MAX: Final = 20

SERIES: Final = (
    "messages",
    "deliveries",
    "again",
    "visits",
    "agreed50",
    "agreed99",
    "safe50",
    "safe99",
)
"""What is plotted, of the whole and of each daemon."""

TOLD: Final = frozenset({"no-answer", "split-ring"})
"""Rules whose findings the sentences about the whole tell, with more about them."""

TOTAL: Final = ""
"""Name of the whole among the names of daemons."""

Value = float | None
Point = dict[str, list[Value]]
Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Page:
    """What there is to send after a look at the ring."""

    tick: Json
    story: Json | None = None
    """Only if it has changed."""


class Feed:
    """Page data of one look after the other."""

    def __init__(self) -> None:
        self._story = Story()
        self._past: deque[tuple[float, Point]] = deque(maxlen=PAST_SIZE)
        self._names: tuple[str, ...] = ()
        self._health = RingHealth()

    def take(self, sight: Sight) -> Page:
        """Return the page data of a look."""
        self._names = tuple(seen.name for seen in sight.seen)
        found = rings(sight)
        numbers = {seen.name: figures(seen.history) for seen in sight.seen}
        point = {name: _series(each) for name, each in numbers.items()}
        point[TOTAL] = _total(sight, found, numbers)
        if self._past and sight.time_s - self._past[-1][0] < STEP_MIN_S:
            self._past.pop()
        self._past.append((sight.time_s, point))
        reports = [seen.report for seen in sight.seen if seen.report is not None]
        has_changed = self._story.take(reports)
        tick = _tick(sight, found, point, self._judge(sight))
        return Page(tick=tick, story=self.story() if has_changed else None)

    def _judge(self, sight: Sight) -> list[Finding]:
        """Return what the daemons find and what only all of them together show, each once."""
        answers = {seen.name: seen.report if seen.is_answering else None for seen in sight.seen}
        found = self._health.update(answers, sight.now_s, sight.time_s)
        once = {(each.rule, each.subject): each for each in reversed(found)}
        return [each for each in reversed(once.values()) if each.rule not in TOLD]

    def story(self) -> Json:
        """Return the history of views."""
        steps = self._story.steps(self._names)
        return {"daemons": self._names, "steps": [asdict(step) for step in steps]}

    def past(self) -> Json:
        """Return the plots so far: for each daemon and the whole the points of each series."""
        times = [_time(time_s) for time_s, _ in self._past]
        plots = {
            name: {
                series: [point[name][index] if name in point else None for _, point in self._past]
                for index, series in enumerate(SERIES)
            }
            for name in (TOTAL, *self._names)
        }
        return {"series": SERIES, "size": PAST_SIZE, "times": times, "plots": plots}


def to_text(data: Json) -> str:
    """Return page data as compact JSON."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False)


def _tick(sight: Sight, found: Sequence[Ring], point: Point, findings: Sequence[Finding]) -> Json:
    """Return the present as the page reads it."""
    told = sentences(sight, found, findings)
    ring_of = {name: index for index, ring in enumerate(found) for name in ring.members}
    return {
        "time": _time(sight.time_s),
        "level": overall(told, findings).value,
        "sentences": [{**asdict(each), "level": each.level.value} for each in told],
        "findings": [asdict(each) for each in findings],
        "rings": [_ring(ring, sight) for ring in found],
        "daemons": [
            _daemon(seen, found, ring_of.get(seen.name), findings, point[seen.name])
            for seen in sight.seen
        ],
        "total": point[TOTAL],
        "pairs": [asdict(each) for each in pairs(sight)],
        "slow": _slow(sight),
    }


def _daemon(
    seen: Seen,
    found: Sequence[Ring],
    ring: int | None,
    findings: Sequence[Finding],
    point: Sequence[Value],
) -> Json:
    report = seen.report or Report(daemon=seen.name, address=seen.address)
    about = [each for each in findings if each.subject == seen.name]
    state = condition(seen, found[ring] if ring is not None else None, about)
    windows = report.windows
    return {
        "name": seen.name,
        "address": f"{seen.address}:{seen.port}",
        "segment": seen.segment,
        "level": state.level.value,
        "word": state.word,
        "silent": None if seen.silent_s is None else round(seen.silent_s, 1),
        "answering": seen.is_answering,
        "ring": ring,
        "classic": seen.is_classic,
        "release": report.release,
        "uptime": round(report.uptime_s),
        "state": report.state,
        "sessions": report.sessions,
        "groups": report.groups,
        "window": [windows.window, windows.personal, windows.accelerated],
        "accelerated": windows.is_accelerated,
        "scale": windows.scale_percent,
        "point": point,
    }


def _time(time_s: float) -> float:
    """Return a time as exact as a page needs it."""
    return round(time_s, 2)


def _ring(ring: Ring, sight: Sight) -> Json:
    name = f"{ring.name.leader} {ring.name.time}"
    rate = [seen.history.rate("tokens") for seen in sight.seen if seen.name in ring.answering]
    known = [each for each in rate if each is not None]
    return {
        "id": name,
        "leader": ring.name.leader,
        "members": ring.members,
        "answering": ring.answering,
        "since": ring.since_s,
        "forming": ring.is_forming,
        "rounds": _short(max(known, default=None)),
    }


def _slow(sight: Sight) -> list[Json]:
    lines = [
        (line.queued_bytes, seen.name, line)
        for seen in sight.seen
        if seen.report is not None and seen.is_answering
        for line in seen.report.slowest
    ]
    lines.sort(key=lambda each: (-each[0], each[1], each[2].name))
    return [{"daemon": daemon, **asdict(line)} for _, daemon, line in lines[:SLOW_MAX]]


def _series(each: Figures) -> list[Value]:
    """Return the values of a daemon in the order of SERIES."""
    return [
        _short(value)
        for value in (
            each.messages_in,
            each.deliveries,
            each.sent_again,
            each.visits,
            *each.agreed_us,
            *each.safe_us,
        )
    ]


def _total(sight: Sight, found: Sequence[Ring], numbers: Mapping[str, Figures]) -> list[Value]:
    """Return the values of the whole in the order of SERIES.

    Every member of a ring orders the same messages, so a ring counts by its fastest report.
    """
    here = [numbers[seen.name] for seen in sight.seen if seen.is_answering]
    ordered = [_largest([numbers[name].ordered for name in ring.answering]) for ring in found]
    both = [
        times_since(list(seen.history), LATENCY_SPAN_S) for seen in sight.seen if seen.is_answering
    ]
    agreed, safe = ([*map(sum, _columns([each[kind] for each in both]))] for kind in (0, 1))
    return [
        _short(value)
        for value in (
            _sum(ordered),
            _sum([each.deliveries for each in here]),
            _sum([each.sent_again for each in here]),
            _largest([each.visits for each in here]),
            percentile_us(agreed, 0.5),
            percentile_us(agreed, 0.99),
            percentile_us(safe, 0.5),
            percentile_us(safe, 0.99),
        )
    ]


def _columns(rows: Sequence[Sequence[int]]) -> list[list[int]]:
    width = max(map(len, rows), default=0)
    return [[row[index] for row in rows if index < len(row)] for index in range(width)]


def _sum(values: Sequence[Value]) -> Value:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _largest(values: Sequence[Value]) -> Value:
    return max((value for value in values if value is not None), default=None)


def _short(value: Value) -> Value:
    """Return a number with four significant digits, as the page shows no more."""
    if value is None:
        return None
    rounded = float(f"{value:.4g}")
    return int(rounded) if rounded.is_integer() else rounded

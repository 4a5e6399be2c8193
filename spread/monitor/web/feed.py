"""Page data: what the page shows, made of a `Sight` once a second.

    Sight -> Feed.take -> Page: picture the present, for every open page
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
from spread.monitor.report import Finding
from spread.monitor.web.condition import sentences
from spread.monitor.web.figures import LATENCY_SPAN_S, Figures, figures, percentile_us, times_since
from spread.monitor.web.picture import TOTAL, Json, Picture, Point, Value, moment, short
from spread.monitor.web.rings import Ring, rings
from spread.monitor.web.sight import Sight
from spread.monitor.web.story import Story

__all__ = ["PAST_SIZE", "SERIES", "Feed", "Page", "to_text"]

PAST_SIZE: Final = 180
"""Points of each plot: three minutes at one a second."""

STEP_MIN_S: Final = 0.5
"""A point that follows sooner takes the place of the one before: something happened meanwhile."""

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


@dataclass(frozen=True, slots=True)
class Page:
    """What there is to send after a look at the ring."""

    picture: Picture
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
        has_changed = self._story.take(reports, self._names)
        findings = self._judge(sight)
        picture = Picture(sight, found, findings, sentences(sight, found, findings), point)
        return Page(picture, self.story() if has_changed else None)

    def _judge(self, sight: Sight) -> list[Finding]:
        """Return what the daemons find and what only all of them together show, each once."""
        answers = {seen.name: seen.report if seen.is_answering else None for seen in sight.seen}
        found = self._health.update(answers, sight.now_s, sight.time_s)
        once = {(each.rule, each.subject): each for each in reversed(found)}
        return list(reversed(once.values()))

    def story(self) -> Json:
        """Return the history of views."""
        steps = self._story.steps(self._names)
        return {"daemons": self._names, "steps": [asdict(step) for step in steps]}

    def past(self) -> Json:
        """Return the plots so far: for each daemon and the whole the points of each series."""
        times = [moment(time_s) for time_s, _ in self._past]
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


def _series(each: Figures) -> list[Value]:
    """Return the values of a daemon in the order of SERIES."""
    return [
        short(value)
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
        short(value)
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

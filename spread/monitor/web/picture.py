"""The present of the whole as the page reads it, once a second."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from spread.monitor.report import Finding, Report
from spread.monitor.web.condition import Sentence, condition, overall
from spread.monitor.web.pairs import pairs
from spread.monitor.web.rings import Ring
from spread.monitor.web.sight import Seen, Sight

__all__ = ["TOTAL", "Json", "Picture", "Point", "Value", "moment", "short"]

SLOW_MAX: Final = 20

TOTAL: Final = ""
"""Name of the whole among the names of daemons."""

Value = float | None
Point = Mapping[str, Sequence[Value]]
"""The values of all series, of each daemon and of the whole."""

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Picture:
    """What is known and judged at one moment."""

    sight: Sight
    rings: Sequence[Ring]
    findings: Sequence[Finding]
    told: Sequence[Sentence]
    point: Point

    def tick(self) -> Json:
        """Return it as JSON for the page."""
        ring_of = {name: index for index, ring in enumerate(self.rings) for name in ring.members}
        return {
            "time": moment(self.sight.time_s),
            "level": overall(self.told, self.findings).value,
            "sentences": [{**asdict(each), "level": each.level.value} for each in self.told],
            "findings": [asdict(each) for each in self.findings],
            "rings": [_ring(ring, self.sight) for ring in self.rings],
            "daemons": [self._daemon(seen, ring_of.get(seen.name)) for seen in self.sight.seen],
            "total": self.point[TOTAL],
            "pairs": [asdict(each) for each in pairs(self.sight)],
            "slow": _slow(self.sight),
        }

    def _daemon(self, seen: Seen, ring: int | None) -> Json:
        report = seen.report or Report(daemon=seen.name, address=seen.address)
        about = [each for each in self.findings if each.subject == seen.name]
        state = condition(seen, self.rings[ring] if ring is not None else None, about)
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
            "state": report.state if report.is_forming else "OP",
            "sessions": report.sessions,
            "groups": report.groups,
            "window": [windows.window, windows.personal, windows.accelerated],
            "accelerated": windows.is_accelerated,
            "scale": windows.scale_percent,
            "point": self.point[seen.name],
        }


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
        "rounds": short(max(known, default=None)),
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


def moment(time_s: float) -> float:
    """Return a time as exact as a page needs it."""
    return round(time_s, 2)


def short(value: Value) -> Value:
    """Return a number with four significant digits, as the page shows no more."""
    if value is None:
        return None
    rounded = float(f"{value:.4g}")
    return int(rounded) if rounded.is_integer() else rounded

"""Tables of the page on counters, made from `spread.counters`."""

from collections.abc import Iterable

from spread import counters
from spread.counters import Figure
from spread.monitor.prometheus import metric_name

__all__ = ["counter_sections"]

_SECTIONS = {
    "clients and the ring": (*counters.NODE, *counters.RING),
    "datagrams in": counters.ARRIVALS,
    "datagrams out": counters.DEPARTURES,
    "membership": counters.MEMBERSHIP,
    "watching": counters.OBSERVING,
    "web": counters.WEB,
    "process": counters.PROCESS,
    "gauges": counters.GAUGES,
    "report": counters.REPORTED,
}


def counter_sections() -> dict[str, str]:
    """Return the parts of counters.md by their names."""
    return {name: _table(figures) for name, figures in _SECTIONS.items()}


def _table(figures: Iterable[Figure]) -> str:
    rows = ["| name | meaning | kind | metric |", "| --- | --- | --- | --- |"]
    rows += [
        f"| `{each.name}` | {each.meaning}{_unit(each)} | {each.kind.value} | `{_metric(each)}` |"
        for each in figures
    ]
    return "\n".join(rows)


def _unit(figure: Figure) -> str:
    units = {"ms": ", milliseconds", "us": ", microseconds", "kb": ", KiB", "s": ", seconds"}
    return units.get(figure.unit, "")


def _metric(figure: Figure) -> str:
    labels = "{" + ",".join(figure.labels) + "}" if figure.labels else ""
    return metric_name(figure) + labels

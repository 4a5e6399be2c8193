"""Reports as metrics: each figure of `spread.counters` by its name in Prometheus.

    Reports  ->  `ReportCollector`  ->  prometheus-client's own exposition  ->  text

A name gets the base unit that Prometheus wants: `stall_ms` is `spread_stall_seconds_total`. Each
metric has the label `daemon`, so one daemon's page and that of a whole ring look alike. A daemon
that does not answer has `spread_up 0` and nothing else: old figures would look like a ring at rest.

The package prometheus-client (extra `metrics`) is needed to make text, not to import this module.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from spread.counters import FIGURES, Figure, Kind
from spread.errors import ConfigurationError
from spread.monitor.report import Report

if TYPE_CHECKING:
    from prometheus_client.core import (
        CounterMetricFamily,
        GaugeMetricFamily,
        HistogramMetricFamily,
        Metric,
    )

    Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily

__all__ = [
    "GROUP_STATES",
    "STATES",
    "Answers",
    "ReportCollector",
    "counter_family",
    "exposition",
    "metric_name",
    "require_client",
]

STATES: Final = ("OP", "SEG", "REPRESENTED", "GATHER", "FORM", "EVS")
GROUP_STATES: Final = ("GOP", "GTRANS", "GGATHER", "GGT")

PREFIX: Final = "spread_"

# What a unit is called in Prometheus, and how many of that are one of ours.
_BASE_UNITS: Final = {
    "bytes": ("bytes", 1.0),
    "kb": ("bytes", 1024.0),
    "s": ("seconds", 1.0),
    "ms": ("seconds", 1e-3),
    "us": ("seconds", 1e-6),
    "percent": ("ratio", 1e-2),
}

Answers = Mapping[str, Report | None]
"""The last report of each daemon by its name; None for one that does not answer."""

Sample = tuple[tuple[str, ...], float]
"""Values of a figure's own labels, and the value in the figure's unit."""


def require_client() -> None:
    """Make sure that prometheus-client is there; raises ConfigurationError with the remedy."""
    try:
        import prometheus_client  # noqa: F401 - whether it can be imported is the question.
    except ImportError as error:
        raise ConfigurationError(
            "metrics need the package prometheus-client, which is not installed; "
            'install it with: pip install "spreadring[metrics]"'
        ) from error


def metric_name(figure: Figure) -> str:
    """Return the name of a figure's metric, as it stands in a query."""
    ending = {Kind.COUNTER: "_total", Kind.HISTOGRAM: "_bucket"}.get(figure.kind, "")
    return _family_name(figure) + ending


def _family_name(figure: Figure) -> str:
    base, _ = _BASE_UNITS.get(figure.unit, ("", 1.0))
    name = figure.name.removesuffix(f"_{figure.unit}") if figure.unit != "bytes" else figure.name
    if not base or base in name.split("_"):
        return PREFIX + name
    return f"{PREFIX}{name}_{base}"


def counter_family(figure: Figure, value: float) -> "CounterMetricFamily":
    """Return a counter of a program that watches, which is none of a daemon and has no labels."""
    from prometheus_client.core import CounterMetricFamily

    _, factor = _BASE_UNITS.get(figure.unit, ("", 1.0))
    return CounterMetricFamily(_family_name(figure), figure.meaning, value=value * factor)


def exposition(collector: "ReportCollector", accept: str = "") -> tuple[bytes, str]:
    """Return the metrics as text, and its content type, in the form that `accept` asks for."""
    from prometheus_client import CollectorRegistry
    from prometheus_client.exposition import choose_encoder

    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


class ReportCollector:
    """The metrics of all reports that `answers` gives; `clock` tells seconds since 1970."""

    def __init__(self, answers: Callable[[], Answers], clock: Callable[[], float]) -> None:
        self._answers = answers
        self._clock = clock

    def describe(self) -> Iterable["Metric"]:
        """Return nothing: names need no check against other collectors."""
        return ()

    def collect(self) -> Iterator["Metric"]:
        """Make each figure that some daemon tells into a metric of all daemons."""
        now_s = self._clock()
        families: dict[str, Family] = {}
        for daemon, report in sorted(self._answers().items()):
            values = _figures_of(report, now_s)
            for name, samples in values.items():
                figure = FIGURES.get(name)
                if figure is None:
                    continue  # Of a newer daemon: what it means is not known here.
                if name not in families:
                    families[name] = _family(figure)
                _add(families[name], figure, daemon, samples)
            if report is not None:
                _add_histograms(families, daemon, report)
        yield from families.values()


def _figures_of(report: Report | None, now_s: float) -> dict[str, list[Sample]]:
    if report is None:
        return {"up": [((), 0)]}
    plain: dict[str, float] = {"up": 1} | dict(report.gauges) | _plain(report, now_s)
    values: dict[str, list[Sample]] = {name: [((), value)] for name, value in plain.items()}
    values |= {name: [((), count)] for name, count in report.counters.items()}
    return values | _labelled(report)


def _plain(report: Report, now_s: float) -> dict[str, float]:
    windows = report.windows
    return {
        "uptime_s": report.uptime_s,
        "report_age_s": max(0.0, now_s - report.time_s),
        "sessions": report.sessions,
        "groups": report.groups,
        "members": len(report.members),
        "window": windows.window,
        "personal_window": windows.personal,
        "accelerated_window": windows.accelerated if windows.is_accelerated else 0,
        "window_scale_percent": windows.scale_percent,
        "monitor_is_dangerous": report.dangerous_monitor,
        "is_partitioned": bool(report.partition),
    }


def _labelled(report: Report) -> dict[str, list[Sample]]:
    runs = (
        report.release,
        f"{report.ring.leader}/{report.ring.time}",
        f"{report.ring_hash:016x}",  # A number of 64 bits is more than a sample can hold.
        f"{report.configuration_hash:08x}",
    )
    peers = report.peers
    return {
        "info": [(runs, 1)],
        "state": [((each,), each == report.state) for each in STATES],
        "group_state": [((each,), each == report.group_state) for each in GROUP_STATES],
        "peer_is_member": [((each.name,), each.is_member) for each in peers],
        "peer_heard_s": [
            ((each.name,), each.heard_ms / 1000) for each in peers if each.heard_ms is not None
        ],
        "peer_received": [((each.name,), each.received) for each in peers],
        "peer_missed": [((each.name,), each.missed) for each in peers],
        "finding": [((each.rule, each.severity, each.subject), 1) for each in report.findings],
    }


def _family(figure: Figure) -> "Family":
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    make = CounterMetricFamily if figure.kind is Kind.COUNTER else GaugeMetricFamily
    return make(_family_name(figure), figure.meaning, labels=["daemon", *figure.labels])


def _add(family: "Family", figure: Figure, daemon: str, samples: Iterable[Sample]) -> None:
    _, factor = _BASE_UNITS.get(figure.unit, ("", 1.0))
    for labels, value in samples:
        family.add_metric([daemon, *labels], value * factor)  # type: ignore[call-arg,arg-type]


def _add_histograms(families: dict[str, "Family"], daemon: str, report: Report) -> None:
    from prometheus_client.core import HistogramMetricFamily

    for name, labels, counts in (
        ("latency_s", ["agreed"], report.latency.agreed),
        ("latency_s", ["safe"], report.latency.safe),
        ("round_s", [], report.rotation),
        ("lateness_s", [], report.lateness),
    ):
        if not counts:
            continue
        figure = FIGURES[name]
        family = families.get(name)
        if family is None:
            family = HistogramMetricFamily(
                _family_name(figure), figure.meaning, labels=["daemon", *figure.labels]
            )
            families[name] = family
        family.add_metric([daemon, *labels], _buckets(counts), None)  # type: ignore[arg-type]


def _buckets(counts: tuple[int, ...]) -> list[tuple[str, float]]:
    """Return upper bounds in seconds with the number of times at or below each."""
    total = 0
    buckets: list[tuple[str, float]] = []
    for number, count in enumerate(counts):
        total += count
        is_last = number == len(counts) - 1
        buckets.append(("+Inf" if is_last else repr(2**number / 1e6), total))
    return buckets

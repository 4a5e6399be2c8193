"""Reports as metrics: each figure of `spread.counters` by its name in Prometheus.

    Reports  ->  samples of each figure  ->  text, in the classic form or in that of OpenMetrics

A name gets the base unit that Prometheus wants: `stall_ms` is `spread_stall_seconds_total`. Each
metric has the label `daemon`, so one daemon's page and that of a whole ring look alike. A daemon
that does not answer has `spread_up 0` and nothing else: old figures would look like a ring at rest.

A page has several hundred samples and is made once a second in each daemon, so all that stays the
same of it is made once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from spread.counters import FIGURES, Figure, Kind
from spread.monitor.report import Report

__all__ = ["GROUP_STATES", "OPENMETRICS", "STATES", "Answers", "exposition", "metric_name"]

STATES: Final = ("OP", "SEG", "REPRESENTED", "GATHER", "FORM", "EVS")
GROUP_STATES: Final = ("GOP", "GTRANS", "GGATHER", "GGT")

PREFIX: Final = "spread_"

CLASSIC: Final = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"

# What a unit is called in Prometheus, and how many of that are one of ours.
_BASE_UNITS: Final = {
    "bytes": ("bytes", 1.0),
    "kb": ("bytes", 1024.0),
    "s": ("seconds", 1.0),
    "ms": ("seconds", 1e-3),
    "us": ("seconds", 1e-6),
    "percent": ("ratio", 1e-2),
}

_ENDINGS: Final = {Kind.COUNTER: "_total", Kind.HISTOGRAM: "_bucket"}

Answers = Mapping[str, Report | None]
"""The last report of each daemon by its name; None for one that does not answer."""

Sample = tuple[tuple[str, ...], float]
"""Values of a figure's own labels, and the value in the figure's unit."""


def metric_name(figure: Figure) -> str:
    """Return the name of a figure's metric, as it stands in a query."""
    return _family_name(figure) + _ENDINGS.get(figure.kind, "")


def _family_name(figure: Figure) -> str:
    base, _ = _BASE_UNITS.get(figure.unit, ("", 1.0))
    name = figure.name.removesuffix(f"_{figure.unit}") if figure.unit != "bytes" else figure.name
    if not base or base in name.split("_"):
        return PREFIX + name
    return f"{PREFIX}{name}_{base}"


def exposition(
    answers: Answers, now_s: float, *, accept: str = "", own: Mapping[str, float] | None = None
) -> tuple[bytes, str]:
    """Return the metrics as text, and its content type, in the form that `accept` asks for.

    `now_s` are seconds since 1970. `own` are figures of the program that watches, by their names:
    they are of no daemon.
    """
    is_open = "application/openmetrics-text" in accept
    lines: dict[str, list[str]] = {}
    for daemon, report in sorted(answers.items()):
        label = f'daemon="{_escaped(daemon)}"'
        for name, samples in _figures_of(report, now_s).items():
            metric = _METRICS.get(name)
            if metric is not None:  # Else of a newer daemon: what it means is not known here.
                lines.setdefault(name, []).extend(metric.lines(label, samples))
    for name, value in (own or {}).items():
        metric = _METRICS[name]
        lines[name] = [f"{metric.name} {value * metric.factor!r}"]
    parts = []
    for name, samples_of_it in lines.items():
        parts.append(_METRICS[name].open_head if is_open else _METRICS[name].head)
        parts += samples_of_it
    parts.append("# EOF\n" if is_open else "")
    return "\n".join(parts).encode(), OPENMETRICS if is_open else CLASSIC


@dataclass(frozen=True, slots=True)
class _Metric:
    """What is the same in every text about a figure."""

    name: str
    factor: float
    """Base units in a unit of the figure."""
    labels: tuple[str, ...]
    head: str
    open_head: str

    def lines(self, daemon: str, samples: list[Sample]) -> list[str]:
        """Return a line for each sample; `daemon` is the first label as it is to stand there."""
        if not self.labels:
            return [f"{self.name}{{{daemon}}} {value * self.factor!r}" for _, value in samples]
        return [
            f"{self.name}{{{daemon}{_labels(self.labels, values)}}} {value * self.factor!r}"
            for values, value in samples
        ]


def _labels(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    pairs = zip(names, values, strict=True)
    return "".join([f',{name}="{_escaped(value)}"' for name, value in pairs])


def _escaped(text: str) -> str:
    if "\\" not in text and '"' not in text and "\n" not in text:
        return text
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _metric_of(figure: Figure) -> _Metric:
    _, factor = _BASE_UNITS.get(figure.unit, ("", 1.0))
    family, name, kind = _family_name(figure), metric_name(figure), figure.kind.value
    is_histogram = figure.kind is Kind.HISTOGRAM
    classic = family if is_histogram else name
    return _Metric(
        name,
        # Bounds of buckets are in seconds, and what is counted has no unit.
        1.0 if is_histogram else factor,
        (*figure.labels, "le") if is_histogram else figure.labels,
        f"# HELP {classic} {figure.meaning}\n# TYPE {classic} {kind}",
        f"# HELP {family} {figure.meaning}\n# TYPE {family} {kind}",
    )


_METRICS: Final = {name: _metric_of(figure) for name, figure in FIGURES.items()}


def _figures_of(report: Report | None, now_s: float) -> dict[str, list[Sample]]:
    if report is None:
        return {"up": [((), 0)]}
    plain: dict[str, float] = {"up": 1} | dict(report.gauges) | _plain(report, now_s)
    values: dict[str, list[Sample]] = {name: [((), value)] for name, value in plain.items()}
    values |= {name: [((), count)] for name, count in report.counters.items()}
    values |= _labelled(report) | _histograms(report)
    return {name: samples for name, samples in values.items() if samples}


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


def _histograms(report: Report) -> dict[str, list[Sample]]:
    agreed, safe = report.latency.agreed, report.latency.safe
    return {
        "latency_s": [*_buckets(agreed, "agreed"), *_buckets(safe, "safe")],
        "round_s": _buckets(report.rotation),
        "lateness_s": _buckets(report.lateness),
    }


def _buckets(counts: tuple[int, ...], *labels: str) -> list[Sample]:
    """Return for each upper bound in seconds the number of times at or below it."""
    total = 0
    buckets: list[Sample] = []
    for number, count in enumerate(counts):
        total += count
        is_last = number == len(counts) - 1
        buckets.append(((*labels, "+Inf" if is_last else repr(2**number / 1e6)), total))
    return buckets

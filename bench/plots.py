"""Pictures of a benchmark as PNG, made from its document alone; needs matplotlib.

A curve has a picture per payload with all implementations: median and p99 over the rate that was
offered. The other picture shows cells as shares of what the bare forwarder reaches.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from bench.curve import DELIVERED_SHARE
from bench.document import LIMIT_LABEL, CellRecord, Document, Run, ratios

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MISSING = 'no pictures: matplotlib is not installed (pip install "spreadring[bench]")'
# Okabe and Ito's colours, which colour-blind people tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
WIDTH_IN, HEIGHT_IN, DPI = 7.5, 4.5, 110
BAR_HEIGHT_IN = 0.3
SHARES = "shares"  # The picture of all cells; the others have the name of theirs.


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG with its file name's part and a sentence about it."""

    name: str
    caption: str
    png: bytes


@dataclass(frozen=True, slots=True)
class Share:
    """What part of the limit a cell reaches, a value per run."""

    title: str
    label: str
    values: list[float]


def pictures(document: Document) -> list[Picture]:
    """Return all pictures that the document has values for; raises ImportError."""
    import matplotlib.figure  # noqa: F401  # Asked for here, so that its absence is told once.

    curves = [_curve(document, cell) for cell in document.cells if traced_labels(document, cell)]
    shares = limit_shares(document)
    return [*curves, *([_bars(shares)] if shares else [])]


# -- What is drawn --------------------------------------------------------------------------------


def traced_labels(document: Document, cell: CellRecord) -> list[str]:
    """Return the implementations that have a curve in a cell, in their order."""
    labels = [program.label for program in document.implementations]
    return [label for label in labels if traced_run(cell, label) is not None]


def traced_run(cell: CellRecord, label: str) -> dict[str, Any] | None:
    """Return the curve with the median knee of an implementation's runs."""
    curves = _curves(cell.runs.get(label, []))
    curves.sort(key=lambda curve: float(curve["knee_per_s"]))
    return curves[len(curves) // 2] if curves else None


def limit_shares(document: Document) -> list[Share]:
    """Return rates as shares of the bare forwarder's, by cell and implementation.

    Latencies are left out: less is better there, and their quotient is no share.
    """
    return [
        Share(cell.title, label, quotients)
        for cell in document.cells
        for label in (document.subject, *document.others)
        if cell.figures and cell.figures[0].more_is_better
        if (quotients := ratios(cell.values(label, 0), cell.values(LIMIT_LABEL, 0)))
    ]


def _curves(runs: Sequence[Run]) -> list[dict[str, Any]]:
    return [run.extra["curve"] for run in runs if "curve" in run.extra]


# -- How it is drawn ------------------------------------------------------------------------------


def _curve(document: Document, cell: CellRecord) -> Picture:
    figure, axes = _canvas(HEIGHT_IN)
    for colour, label in zip(COLOURS, traced_labels(document, cell), strict=False):
        chosen = traced_run(cell, label)
        assert chosen is not None
        _draw_curve(axes, label, chosen, colour)
        for curve in _curves(cell.runs[label]):
            if curve is not chosen:
                _draw_dots(axes, curve, colour)
    axes.set_yscale("log")
    axes.set_xlim(left=0)
    axes.set_xlabel("messages/s offered by all senders together")
    axes.set_ylabel("latency from the due time, µs")
    axes.set_title(cell.title)
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend(fontsize="small")
    return Picture(
        cell.name,
        f"{cell.title}: latency at clients of other daemons against rate, Poisson senders. "
        "Vertical lines are knees; hollow marks: rates that were not delivered in full; dots: "
        "p99 of further runs; a cross: a rate at which the daemon ended a session.",
        _png(figure),
    )


def _draw_curve(axes: "Axes", label: str, curve: dict[str, Any], colour: str) -> None:
    points = [point for point in curve["points"] if not point["ended"]]
    ended = [point["offered_per_s"] for point in curve["points"] if point["ended"]]
    points.sort(key=_offered)
    rates = [_offered(point) for point in points]
    late = [_offered(p) > p["delivered_per_s"] / DELIVERED_SHARE for p in points]
    for part, style in (("p99", "-"), ("p50", "--")):
        values = [point[f"us_{part}"] for point in points]
        axes.plot(rates, values, f"o{style}", color=colour, markersize=4, label=f"{label} {part}")
        axes.plot(
            [rate for rate, is_late in zip(rates, late, strict=True) if is_late],
            [value for value, is_late in zip(values, late, strict=True) if is_late],
            "o",
            color=colour,
            markerfacecolor="white",
            markersize=4,
        )
    if curve["knee_per_s"]:
        axes.axvline(curve["knee_per_s"], color=colour, linewidth=0.8, alpha=0.6)
    if ended and points:
        top = max(point["us_p99"] for point in points)
        axes.plot(ended, [top] * len(ended), "x", color=colour, markersize=7)


def _draw_dots(axes: "Axes", curve: dict[str, Any], colour: str) -> None:
    points = [point for point in curve["points"] if not point["ended"]]
    rates = [_offered(point) for point in points]
    axes.plot(rates, [p["us_p99"] for p in points], ".", color=colour, markersize=3, alpha=0.35)


def _offered(point: dict[str, Any]) -> float:
    return float(point["offered_per_s"])


def _bars(shares: Sequence[Share]) -> Picture:
    titles = list(dict.fromkeys(share.title for share in shares))
    labels = list(dict.fromkeys(share.label for share in shares))
    figure, axes = _canvas(1.2 + BAR_HEIGHT_IN * len(titles) * max(1.0, 0.6 * len(labels)))
    thickness = 0.8 / len(labels)
    for number, label in enumerate(labels):
        own = [share for share in shares if share.label == label]
        medians = [median(share.values) for share in own]
        axes.barh(
            [titles.index(share.title) + number * thickness for share in own],
            medians,
            height=thickness,
            color=COLOURS[number % len(COLOURS)],
            label=label,
            xerr=[
                [middle - min(s.values) for middle, s in zip(medians, own, strict=True)],
                [max(s.values) - middle for middle, s in zip(medians, own, strict=True)],
            ],
            error_kw={"linewidth": 0.8},
        )
    axes.set_yticks(
        [i + thickness * (len(labels) - 1) / 2 for i in range(len(titles))],
        titles,
        fontsize="x-small",
    )
    axes.margins(y=0.01)
    axes.invert_yaxis()
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.set_xlabel("share of the bare forwarder's rate")
    if len(labels) > 1:
        axes.legend(
            fontsize="small", loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=len(labels)
        )
    caption = (
        "Rates as shares of what a bare forwarder reaches in the daemon's place: median, smallest "
        "and largest run."
    )
    return Picture(SHARES, caption, _png(figure))


def _canvas(height_in: float) -> tuple["Figure", "Axes"]:
    """Return an empty picture; it is drawn in memory, without a display."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
    return figure, figure.add_subplot()


def _png(figure: "Figure") -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=DPI)
    return stream.getvalue()

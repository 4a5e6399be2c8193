"""Numbers of one daemon for the page, out of its reports of the last minute."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from spread.monitor.rates import History, Sample
from spread.monitor.report import Latency

__all__ = ["LATENCY_SPAN_S", "Figures", "figures", "percentile_us", "times_since"]

LATENCY_SPAN_S: Final = 5.0
"""Times of so many seconds make a median: a daemon may send few messages."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Rates are per second, over the last seconds; None where nothing is known."""

    messages_in: float | None = None
    """Messages that its clients submit."""
    ordered: float | None = None
    """Messages that reached their place in the order: those of the whole ring."""
    deliveries: float | None = None
    """Copies queued for its clients."""
    sent_again: float | None = None
    asked_again: float | None = None
    visits: float | None = None
    """Visits of the token: rounds of it per second."""
    agreed_us: tuple[float | None, float | None] = (None, None)
    """Median and 99th percentile of agreed messages."""
    safe_us: tuple[float | None, float | None] = (None, None)


def figures(history: History) -> Figures:
    """Return the present figures of a daemon."""
    agreed, safe = times_since(list(history), LATENCY_SPAN_S)
    return Figures(
        messages_in=history.rate("frames_in"),
        ordered=history.rate("messages_delivered"),
        deliveries=history.rate("deliveries"),
        sent_again=history.rate("retransmitted"),
        asked_again=history.rate("requested"),
        visits=history.rate("tokens"),
        agreed_us=(percentile_us(agreed, 0.5), percentile_us(agreed, 0.99)),
        safe_us=(percentile_us(safe, 0.5), percentile_us(safe, 0.99)),
    )


def times_since(samples: Sequence[Sample], span_s: float) -> tuple[list[int], list[int]]:
    """Return how often each bucket of agreed and of safe times was counted in the last `span_s`."""
    if not samples:
        return [], []
    last = samples[-1]
    recent = [sample for sample in samples if sample.at_s >= last.at_s - span_s]
    first = recent[0].report.latency if len(recent) > 1 else Latency()
    now = last.report.latency
    return _grown(first.agreed, now.agreed), _grown(first.safe, now.safe)


def percentile_us(counts: Sequence[int], share: float) -> float | None:
    """Return the time in microseconds that `share` of the counted ones stay below.

    Bucket i holds times from 2 ** (i - 1) to 2 ** i; within it they count as spread evenly.
    """
    total = sum(counts)
    if total == 0:
        return None
    wanted = share * total
    passed = 0.0
    for bucket, count in enumerate(counts):
        if count and passed + count >= wanted:
            low = 0.0 if bucket == 0 else 2.0 ** (bucket - 1)
            return low + (2.0**bucket - low) * (wanted - passed) / count
        passed += count
    return 2.0 ** len(counts)


def _grown(first: Sequence[int], last: Sequence[int]) -> list[int]:
    """Return what was added to counts; the first ones may be fewer."""
    before = [*first, *([0] * (len(last) - len(first)))]
    return [max(0, now - then) for now, then in zip(last, before, strict=False)]

"""What a run of `spflooder` says at its end: a text for people, an object for programs."""

import json
from dataclasses import asdict
from enum import Enum

from spread.cli.flood.measurement import Measurement, Span
from spread.cli.flood.percentiles import Summary, summarize
from spread.cli.flood.plan import Plan

__all__ = ["Outcome", "as_json", "as_text"]


class Outcome(Enum):
    """How a run ended."""

    COMPLETE = "complete"
    INTERRUPTED = "interrupted"
    SESSION_LOST = "session lost"


def as_text(
    plan: Plan, daemon: str, private_group: str, measurement: Measurement, outcome: Outcome
) -> str:
    """Return the report as lines for people."""
    lines = [
        f"{private_group} at {daemon}, group {plan.group}",
        f"plan      {_mode(plan)}, {_service(plan)}, {plan.size} bytes, window {plan.window}",
    ]
    if outcome is not Outcome.COMPLETE:
        lines.append(f"{outcome.value}: what follows is what there was until then")
    if plan.writes:
        lines.append(_span_line("sent", measurement.sent))
    if plan.reads:
        lines.append(_span_line("received", measurement.received_in_all()))
    if plan.reads and set(measurement.received) - {private_group}:
        for sender, span in sorted(measurement.received.items()):
            lines.append(_sender_line(sender, span, measurement.announced.get(sender)))
    if plan.writes:
        lines.extend(_latency_lines(summarize(measurement.latencies_ns)))
    return "\n".join(lines)


def as_json(
    plan: Plan, daemon: str, private_group: str, measurement: Measurement, outcome: Outcome
) -> str:
    """Return the report as one line of JSON; the units are in the names."""
    document = {
        "outcome": outcome.value,
        "daemon": daemon,
        "private_group": private_group,
        "group": plan.group,
        "mode": _mode(plan),
        "service": _service(plan),
        "size_bytes": plan.size,
        "members": plan.members,
        "window": plan.window,
        "rate_per_s": plan.rate,
        "sent": _span_object(measurement.sent) if plan.writes else None,
        "received": _span_object(measurement.received_in_all()) if plan.reads else None,
        "senders": {
            sender: {
                "received": span.count,
                "sent": measurement.announced.get(sender),
            }
            for sender, span in sorted(measurement.received.items())
        },
        "latency_us": _summary_object(summarize(measurement.latencies_ns)),
    }
    return json.dumps(document)


def _mode(plan: Plan) -> str:
    if plan.reads and plan.writes:
        return "read and write"
    return "write only" if plan.writes else "read only"


def _service(plan: Plan) -> str:
    return (plan.service.name or "").lower()


def _rates(span: Span) -> tuple[float, float] | None:
    """Return messages and megabits of payload a second; None when there was no time."""
    if span.seconds <= 0:
        return None
    return span.count / span.seconds, span.size * 8 / 1e6 / span.seconds


def _span_line(what: str, span: Span) -> str:
    text = (
        f"{what:9} {span.count:,} message{'' if span.count == 1 else 's'} in {span.seconds:.3f} s"
    )
    rates = _rates(span)
    if rates is None:
        return text
    return f"{text}: {rates[0]:,.0f} messages/s, {rates[1]:,.1f} Mb/s"


def _sender_line(sender: str, span: Span, announced: int | None) -> str:
    of = "" if announced is None or announced == span.count else f" of {announced:,}"
    return f"  from {sender} {span.count:,}{of}"


def _latency_lines(summary: Summary) -> list[str]:
    if summary.count == 0:
        return ["latency   unknown: no own message has come back"]
    values = [
        f"{name.replace('_', '.')} {value / 1000:,.0f}"
        for name, value in asdict(summary).items()
        if name != "count" and value is not None
    ]
    plural = "" if summary.count == 1 else "s"
    return [
        f"latency   of {summary.count:,} own message{plural} that came back, in us",
        f"          {', '.join(values)}",
    ]


def _span_object(span: Span) -> dict[str, int | float | None]:
    rates = _rates(span) or (None, None)
    return {
        "messages": span.count,
        "payload_bytes": span.size,
        "seconds": round(span.seconds, 6),
        "messages_per_s": None if rates[0] is None else round(rates[0], 1),
        "megabits_per_s": None if rates[1] is None else round(rates[1], 3),
    }


def _summary_object(summary: Summary) -> dict[str, int | float | None]:
    values: dict[str, int | float | None] = {"count": summary.count}
    for name, value in asdict(summary).items():
        if name != "count":
            values[name] = None if value is None else round(value / 1000, 3)
    return values

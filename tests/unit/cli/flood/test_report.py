"""The report of a run, for people and for programs."""

import json
from dataclasses import replace

import pytest

from spread.cli.flood.measurement import Measurement
from spread.cli.flood.plan import Plan
from spread.cli.flood.report import Outcome, as_json, as_text
from spread.service import Service

ME = "#me#d1"
PLAN = Plan(
    group="flooder", service=Service.SAFE, count=2, size=1000, members=2, window=200, rate=None
)


@pytest.fixture
def measurement() -> Measurement:
    """Two messages of each of two senders within two seconds."""
    result = Measurement()
    for second in (1, 2):
        result.send(1000, second * 1_000_000_000, comes_back=True)
        result.come_back(second * 1_000_000_000 + 250_000)
        for sender in (ME, "#peer#d1"):
            result.receive(sender, 1000, second * 1_000_000_000 + 250_000)
    return result


def text(plan: Plan, measurement: Measurement, outcome: Outcome = Outcome.COMPLETE) -> list[str]:
    return as_text(plan, "4803", ME, measurement, outcome).splitlines()


def test_text_of_a_run_that_reads_and_writes(measurement: Measurement) -> None:
    assert text(PLAN, measurement) == [
        "#me#d1 at 4803, group flooder",
        "plan      read and write, safe, 1000 bytes, window 200",
        "sent      2 messages in 1.000 s: 2 messages/s, 0.0 Mb/s",
        "received  4 messages in 1.000 s: 4 messages/s, 0.0 Mb/s",
        "  from #me#d1 2",
        "  from #peer#d1 2",
        "latency   of 2 own messages that came back, in us",
        "          min 250, mean 250, p50 250, p90 250, p99 250, p99.9 250, max 250",
    ]


def test_text_says_how_many_messages_of_a_sender_are_missing(measurement: Measurement) -> None:
    measurement.announced["#peer#d1"] = 3

    assert "  from #peer#d1 2 of 3" in text(PLAN, measurement)


def test_text_of_a_run_that_was_cut_short_says_so(measurement: Measurement) -> None:
    _, _, third, *_ = text(PLAN, measurement, Outcome.INTERRUPTED)

    assert third == "interrupted: what follows is what there was until then"


def test_text_of_a_writer_is_silent_about_receiving(measurement: Measurement) -> None:
    lines = text(replace(PLAN, reads=False), measurement)

    assert [line.split()[0] for line in lines[2:]] == ["sent", "latency", "min"]


def test_text_of_a_reader_is_silent_about_sending() -> None:
    measurement = Measurement()
    measurement.receive("#peer#d1", 1000, 1)

    lines = text(replace(PLAN, writes=False), measurement)

    assert lines[2:] == ["received  1 message in 0.000 s", "  from #peer#d1 1"]


def test_text_without_own_deliveries_has_no_latency() -> None:
    measurement = Measurement()
    measurement.send(1000, 1, comes_back=True)

    assert text(PLAN, measurement)[-1] == "latency   unknown: no own message has come back"


def test_json_has_rates_and_percentiles_with_their_units(measurement: Measurement) -> None:
    measurement.announced["#peer#d1"] = 2

    document = json.loads(as_json(PLAN, "4803", ME, measurement, Outcome.COMPLETE))

    assert document == {
        "outcome": "complete",
        "daemon": "4803",
        "private_group": "#me#d1",
        "group": "flooder",
        "mode": "read and write",
        "service": "safe",
        "size_bytes": 1000,
        "members": 2,
        "window": 200,
        "rate_per_s": None,
        "sent": {
            "messages": 2,
            "payload_bytes": 2000,
            "seconds": 1.00025,
            "messages_per_s": 2.0,
            "megabits_per_s": 0.016,
        },
        "received": {
            "messages": 4,
            "payload_bytes": 4000,
            "seconds": 1.0,
            "messages_per_s": 4.0,
            "megabits_per_s": 0.032,
        },
        "senders": {
            "#me#d1": {"received": 2, "sent": None},
            "#peer#d1": {"received": 2, "sent": 2},
        },
        "latency_us": {
            "count": 2,
            "min": 250.0,
            "mean": 250.0,
            "p50": 250.0,
            "p90": 250.0,
            "p99": 250.0,
            "p99_9": 250.0,
            "max": 250.0,
        },
    }


def test_json_of_a_direction_that_was_not_asked_for_is_null(measurement: Measurement) -> None:
    plan = replace(PLAN, reads=False)

    document = json.loads(as_json(plan, "4803", ME, measurement, Outcome.SESSION_LOST))

    assert document["received"] is None
    assert document["mode"] == "write only"
    assert document["outcome"] == "session lost"


def test_json_of_one_message_has_no_rate() -> None:
    measurement = Measurement()
    measurement.receive("#peer#d1", 1000, 1)

    document = json.loads(
        as_json(replace(PLAN, writes=False), "4803", ME, measurement, Outcome.COMPLETE)
    )

    assert document["received"]["messages_per_s"] is None
    assert document["latency_us"]["p50"] is None

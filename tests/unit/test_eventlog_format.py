"""Stamps, fields and lines of the event log."""

import json
import logging
import re
import time
from collections.abc import Iterator
from enum import Enum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spread.config.model import EventPriority, EventStamp, EventType
from spread.eventlog_format import (
    DEFAULT_STAMP_FORMAT,
    ClassicFormatter,
    JsonFormatter,
    field_text,
    priority_of,
    stamp_text,
    types_of,
)

pytestmark = pytest.mark.skipif(not hasattr(time, "tzset"), reason="the time zone cannot be set")

# 2026-11-22 12:01:09.934011 UTC.
NOW = 1795348869.934011


@pytest.fixture(autouse=True)
def _local_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


class Colour(Enum):
    RED = "r"


class Unprintable:
    def __str__(self) -> str:
        raise LookupError


def event_record(**attributes: object) -> logging.LogRecord:
    record = logging.LogRecord("spread.event.SESSION", 20, "", 0, "session opened", None, None)
    record.created = NOW
    record.__dict__.update(attributes)
    return record


@pytest.mark.parametrize(
    ("stamp", "text"),
    [
        (None, ""),
        (EventStamp(""), ""),
        (EventStamp("", microseconds=True), ""),
        (EventStamp(DEFAULT_STAMP_FORMAT), "11/22/26 12:01:09 "),
        (EventStamp("[%a %d %b %Y %H:%M:%S]"), "[Sun 22 Nov 2026 12:01:09] "),
        (EventStamp(DEFAULT_STAMP_FORMAT, microseconds=True), "11/22/26 12:01:09.934011 "),
        (EventStamp("%H:%M:%S", microseconds=True), "12:01:09.934011 "),
        (EventStamp("[%H:%M:%S]", microseconds=True), "[12:01:09] 1795348869.934011 "),
        (EventStamp("%H:%M", microseconds=True), "12:01 1795348869.934011 "),
        (EventStamp("%s", microseconds=True), "1795348869.934011 "),
        (EventStamp("100%% %%s %S"), "100% %s 09 "),
        (EventStamp("%H:%M\n%S"), "12:01\n09 "),
        (EventStamp("it's %H"), "it's 12 "),
        (EventStamp("no conversion"), "no conversion "),
        (EventStamp("Zürich %H"), "Zürich 12 "),
    ],
)
def test_stamp_follows_its_format(stamp: EventStamp | None, text: str) -> None:
    assert stamp_text(stamp, NOW) == text


def test_stamp_format_is_cut_to_39_bytes() -> None:
    stamp = EventStamp("0123456789012345678901234567890123456%H:%M")

    assert stamp_text(stamp, NOW) == "012345678901234567890123456789012345612 "


def test_cut_in_the_middle_of_a_character_keeps_its_first_byte() -> None:
    stamp = EventStamp("x" * 38 + "ü")

    assert stamp_text(stamp, NOW).encode("utf-8", "surrogateescape") == b"x" * 38 + b"\xc3 "


@pytest.mark.parametrize(
    ("length", "has_microseconds"), [(35, True), (36, True), (37, False), (39, False)]
)
def test_precision_is_dropped_when_the_format_leaves_no_room(
    length: int, has_microseconds: bool
) -> None:
    text = stamp_text(EventStamp("x" * length, microseconds=True), NOW)

    assert text == "x" * length + (" 1795348869.934011 " if has_microseconds else " ")


def test_long_format_that_ends_in_seconds_keeps_its_precision() -> None:
    text = stamp_text(EventStamp("x" * 37 + "%S", microseconds=True), NOW)

    assert text == "x" * 37 + "09.934011 "


def test_expanded_stamp_is_cut_to_254_bytes() -> None:
    text = stamp_text(EventStamp("%c" * 19), NOW)

    assert len(text) == 254 + len(" ")


def test_rounding_up_microseconds_carries_into_the_second() -> None:
    text = stamp_text(EventStamp("%S", microseconds=True), 1795348869.9999999)

    assert text == "10.000000 "


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("#alpha#machine", "#alpha#machine"),
        ("", '""'),
        ("two words", '"two words"'),
        ('a"b', '"a\\"b"'),
        ("back\\slash", '"back\\\\slash"'),
        ("line\nend", '"line\\nend"'),
        ("\x1b[31m", '"\\x1b[31m"'),
        ("caf\udce9", '"caf\\xe9"'),
        ("\ud800", '"\\ud800"'),
        (b"caf\xe9", '"caf\\xe9"'),
        ("Zürich", "Zürich"),
        (17, "17"),
        (0.5, "0.5"),
        (True, "true"),
        (None, "none"),
        (Colour.RED, "RED"),
        (EventType.SESSION | EventType.ACM, "SESSION|ACM"),
        ((1, "a", None), "1,a,none"),
        ((), '""'),
        (Unprintable(), '"<unprintable Unprintable: LookupError>"'),
    ],
)
def test_field_is_one_word_or_a_quoted_string(value: object, text: str) -> None:
    assert field_text(value) == text


@given(st.text(st.characters()))
def test_text_from_outside_cannot_end_a_field_or_a_line(text: str) -> None:
    shown = field_text(text)

    assert shown.isprintable()
    assert re.fullmatch(r'[^ "\\]+|"([^"\\]|\\.)*"', shown)


def test_classic_line_is_stamp_wording_and_fields_in_their_order() -> None:
    record = event_record(event_fields={"private_group": "#a#b", "address": "127.0.0.1"})

    line = ClassicFormatter(EventStamp("%H:%M:%S")).format(record)

    assert line == "12:01:09 session opened private_group=#a#b address=127.0.0.1"


def test_further_lines_of_a_listing_have_no_stamp() -> None:
    record = event_record(event_lines=("  alpha 10.0.0.1", "  be\x07ta"))

    text = ClassicFormatter(EventStamp("%H:%M:%S")).format(record)

    assert text == "12:01:09 session opened\n  alpha 10.0.0.1\n  be\\x07ta"


def test_json_line_has_time_with_zone_types_priority_message_and_fields() -> None:
    record = event_record(
        event_types=EventType.SESSION | EventType.ACM,
        event_priority=EventPriority.WARNING,
        event_fields={"count": 3, "name": "ü\n", "raw": b"\xff", "hosts": ("a", None)},
    )

    line = JsonFormatter().format(record)

    assert line.isascii()
    assert json.loads(line) == {
        "time": "2026-11-22T12:01:09.934011+00:00",
        "types": ["SESSION", "ACM"],
        "priority": "WARNING",
        "message": "session opened",
        "fields": {"count": 3, "name": "ü\n", "raw": "\\xff", "hosts": ["a", None]},
    }


def test_json_keeps_a_listing_in_one_line() -> None:
    line = JsonFormatter().format(event_record(event_lines=("one", "two")))

    assert "\n" not in line
    assert json.loads(line)["lines"] == ["one", "two"]


@given(st.text())
def test_json_gives_the_text_of_a_field_back(text: str) -> None:
    line = JsonFormatter().format(event_record(event_fields={"value": text}))

    assert json.loads(line)["fields"]["value"] == text


@given(st.text(st.characters(categories=["Cs"]), min_size=1))
def test_json_holds_no_lone_surrogates(text: str) -> None:
    line = JsonFormatter().format(event_record(event_fields={"value": text}))

    assert json.loads(line)["fields"]["value"].isprintable()


def test_exception_is_part_of_the_event() -> None:
    try:
        raise LookupError("gone")
    except LookupError as error:
        record = event_record(exc_info=(LookupError, error, error.__traceback__))

    assert "LookupError: gone" in ClassicFormatter().format(record)
    assert "LookupError: gone" in json.loads(JsonFormatter().format(record))["exception"]


@pytest.mark.parametrize(
    ("name", "types"),
    [
        ("spread.event.GROUPS", EventType.GROUPS),
        ("spread.event", EventType.PRINT),
        ("spread.client.mailbox", EventType.PRINT),
    ],
)
def test_foreign_record_has_the_type_its_logger_is_named_after(name: str, types: EventType) -> None:
    record = logging.LogRecord(name, logging.INFO, "", 0, "text", None, None)

    assert types_of(record) is types


@pytest.mark.parametrize(
    ("level", "priority"),
    [
        (5, EventPriority.DEBUG),
        (10, EventPriority.DEBUG),
        (25, EventPriority.INFO),
        (30, EventPriority.WARNING),
        (40, EventPriority.ERROR),
        (99, EventPriority.CRITICAL),
    ],
)
def test_foreign_record_has_the_priority_of_its_level(level: int, priority: EventPriority) -> None:
    record = logging.LogRecord("spread.event.GROUPS", level, "", 0, "text", None, None)

    assert priority_of(record) is priority

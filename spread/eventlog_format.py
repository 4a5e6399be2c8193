"""How an event of the log looks: time stamps, `name=value` text, JSON lines.

A log record of the event log carries, besides what `logging` gives it, the attributes
`event_types`, `event_priority`, `event_fields` and `event_lines`; `record.msg` holds the fixed
wording alone. Records that come from elsewhere are given types and priority by their logger's
name and level. Text from outside (names, addresses, files) cannot break a line: whatever is not
printable is escaped. The format of the stamp is the operator's own and stays as it is.
"""

import json
import logging
import re
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import Enum
from typing import Any

from spread.config.conversions import expand
from spread.config.model import EventPriority, EventStamp, EventType

__all__ = [
    "DEFAULT_STAMP_FORMAT",
    "ClassicFormatter",
    "JsonFormatter",
    "field_text",
    "priority_of",
    "stamp_text",
    "types_of",
]

DEFAULT_STAMP_FORMAT = "%m/%d/%y %H:%M:%S"

STAMP_FORMAT_SIZE_MAX = 39  # Bytes; the rest of a longer format does not count.
PRECISE_FORMAT_SIZE_MAX = STAMP_FORMAT_SIZE_MAX - len(" %s")  # Room that " %s" still fits in.
STAMP_SIZE_MAX = 254  # Bytes of the expanded stamp, without the blank after it.

_PRIORITY_BY_LEVEL = {
    logging.DEBUG: EventPriority.DEBUG,
    logging.INFO: EventPriority.INFO,
    logging.WARNING: EventPriority.WARNING,
    logging.ERROR: EventPriority.ERROR,
    logging.CRITICAL: EventPriority.CRITICAL,
}


def stamp_text(stamp: EventStamp | None, now: float) -> str:
    """Return what stands before the message at time `now`, its final blank included.

    `now` is in seconds since 1970; the result is in local time. Without a stamp, or with an empty
    format, it is the empty string. Microseconds follow the seconds if the format ends in them;
    otherwise seconds since 1970 are appended to carry them, if the format leaves room for that.

    No format raises; a time that the system has no calendar for does: OverflowError or OSError.
    """
    if stamp is None or not stamp.format:
        return ""
    pattern = _cut(stamp.format, STAMP_FORMAT_SIZE_MAX)
    fraction = ""
    if stamp.microseconds:
        ends_in_seconds = pattern.endswith(("%S", "%s"))
        if ends_in_seconds or _size(pattern) <= PRECISE_FORMAT_SIZE_MAX:
            pattern += "" if ends_in_seconds else " %s"
            fraction = f".{_microseconds(now) % 1_000_000:06d}"
    second = _microseconds(now) // 1_000_000
    expanded = _cut(expand(pattern, time.localtime(second), second), STAMP_SIZE_MAX)
    return f"{expanded}{fraction} "


def field_text(value: object) -> str:
    """Return `value` as it stands after `name=`: one word, or a quoted string with escapes."""
    text = _plain_text(value)
    if text and text.isprintable() and not any(c in text for c in ' "\\'):
        return text
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_printable(quoted)}"'


def types_of(record: logging.LogRecord) -> EventType:
    """Return the event types of `record`; PRINT for a logger that is not named after a type."""
    types = getattr(record, "event_types", None)
    if isinstance(types, EventType):
        return types
    return EventType.__members__.get(record.name.rpartition(".")[2], EventType.PRINT)


def priority_of(record: logging.LogRecord) -> EventPriority:
    """Return the priority of `record`, of the next lower level if its own has none."""
    priority = getattr(record, "event_priority", None)
    if isinstance(priority, EventPriority):
        return priority
    lower = (level for level in _PRIORITY_BY_LEVEL if level <= record.levelno)
    return _PRIORITY_BY_LEVEL[max(lower, default=logging.DEBUG)]


class ClassicFormatter(logging.Formatter):
    """Lines as Spread writes them: a stamp if one is asked for, a blank, the message."""

    def __init__(self, stamp: EventStamp | None = None) -> None:
        super().__init__()
        self._stamp = stamp

    def format(self, record: logging.LogRecord) -> str:
        """Return the event as text; only the first line is stamped, the last has no line end."""
        first = stamp_text(self._stamp, record.created) + _printable(record.getMessage())
        fields = "".join(f" {name}={field_text(value)}" for name, value in _fields(record).items())
        return "\n".join([first + fields, *map(_printable, self._further_lines(record))])

    def _further_lines(self, record: logging.LogRecord) -> Iterable[str]:
        yield from getattr(record, "event_lines", ())
        if record.exc_info:
            yield from self.formatException(record.exc_info).splitlines()


class JsonFormatter(logging.Formatter):
    """One JSON object a line, whatever stamp is configured."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the event as one line of ASCII: time, types, priority, message, fields."""
        moment = datetime.fromtimestamp(record.created).astimezone()
        event: dict[str, Any] = {
            "time": moment.isoformat(timespec="microseconds"),
            "types": [member.name for member in types_of(record)],
            "priority": priority_of(record).name,
            "message": _printable(record.getMessage()),
            "fields": {name: _json_value(value) for name, value in _fields(record).items()},
        }
        lines = [_printable(line) for line in getattr(record, "event_lines", ())]
        if lines:
            event["lines"] = lines
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return json.dumps(event, separators=(",", ":"))


def _fields(record: logging.LogRecord) -> Mapping[str, object]:
    fields: Mapping[str, object] = getattr(record, "event_fields", {})
    return fields


def _microseconds(now: float) -> int:
    # Rounded once for seconds and fraction alike, so that 1.9999999 cannot show as 1.000000.
    return round(now * 1_000_000)


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))


def _cut(text: str, size: int) -> str:
    return text.encode("utf-8", "surrogateescape")[:size].decode("utf-8", "surrogateescape")


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(map(_escape, text))


def _escape(character: str) -> str:
    if character.isprintable():
        return character
    if "\udc80" <= character <= "\udcff":  # A byte that was not UTF-8, by `surrogateescape`.
        return f"\\x{ord(character) - 0xDC00:02x}"
    # A codec would be looked up when it is needed first, and not be found by a daemon that has
    # changed its root.
    return ascii(character)[1:-1]


def _plain_text(value: object) -> str:
    try:
        match value:
            case None | True | False:
                return str(value).lower()
            case Enum():
                return str(value.name)
            case bytes():
                return value.decode("utf-8", "surrogateescape")
            case tuple() | list():
                return ",".join(_plain_text(item) for item in value)
            case _:
                return str(value)
    except Exception as error:
        # A value that cannot be shown must not cost the event that reports it.
        return f"<unprintable {type(value).__name__}: {type(error).__name__}>"


def _json_value(value: object) -> object:
    match value:
        case Enum():
            return _plain_text(value)
        case None | bool() | int() | float():
            return value
        case tuple() | list():
            return [_json_value(item) for item in value]
        case _:
            # JSON may escape line ends, but a lone surrogate makes strict readers refuse it.
            return re.sub("[\ud800-\udfff]", lambda m: _escape(m[0]), _plain_text(value))

"""What the two time stamp options mean together."""

from dataclasses import dataclass

from spread.config.model import EventStamp

__all__ = ["DEFAULT_FORMAT", "StampOptions"]

DEFAULT_FORMAT = "%m/%d/%y %H:%M:%S"

# Bytes kept of a format, and the longest one that still has room for the seconds which
# microseconds are written behind.
FORMAT_SIZE_MAX = 39
PRECISE_SIZE_MAX = 36


@dataclass(slots=True)
class StampOptions:
    """`EventTimeStamp` and `EventPreciseTimeStamp` as they come, in any order.

    A bare `EventTimeStamp` goes back to the default format; `EventPreciseTimeStamp` behind it
    brings the last given format back.
    """

    current: str | None = None
    last_given: str = DEFAULT_FORMAT
    is_precise: bool = False

    def use_default(self) -> None:
        """Apply a bare `EventTimeStamp`."""
        self.current = DEFAULT_FORMAT

    def use_format(self, text: str) -> bool:
        """Apply `EventTimeStamp = text`; tell whether the text was kept whole."""
        written = text.encode("utf-8", "surrogateescape")
        self.current = written[:FORMAT_SIZE_MAX].decode("utf-8", "surrogateescape")
        self.last_given = self.current
        return len(written) <= FORMAT_SIZE_MAX

    def use_microseconds(self) -> None:
        """Apply `EventPreciseTimeStamp`."""
        self.current = self.last_given
        self.is_precise = True

    def result(self) -> EventStamp | None:
        """Return the stamp in force, None if events have none."""
        text = self.current
        if text is None or (not text and not self.is_precise):
            return None
        if not self.is_precise:
            return EventStamp(text)
        if text.endswith(("%S", "%s")):
            return EventStamp(text, microseconds=True)
        if len(text.encode("utf-8", "surrogateescape")) > PRECISE_SIZE_MAX:
            return EventStamp(text)
        return EventStamp(text + " %s", microseconds=True)

"""The event log: what the daemon tells its operator, filtered and written as the options say.

    log.event(types, priority, wording, name=value, ...)
        |  an enabled type, enough priority?
        v
    logger spread.event.<TYPE>  -->  any handler that the embedding program has added
        |  formatted: stamp and text, or JSON
        v
    Writer: bounded queue and thread  -->  EventLogFile, standard output, or standard error

An event has one or more types and a priority. It is written if one of its types is enabled and
its priority is at least the threshold; FATAL is always written, PRINT passes any threshold. One
logger of Python's `logging` stands for each type; an event with several types goes through the
first enabled one. Nothing here ends the process, but an event that announces its end (type EXIT
or priority FATAL) returns only when it is written, or after a second.

Nothing that happens to the destination reaches the caller: see `spread.eventlog_writer`.
"""

import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from typing import Literal

from spread.config.model import EventPriority, EventType, Options
from spread.eventlog_destinations import Destinations, LogFile
from spread.eventlog_format import ClassicFormatter, JsonFormatter, priority_of, types_of
from spread.eventlog_queue import LOST
from spread.eventlog_writer import Limits, Writer, WriterStatistics

__all__ = ["EventLog", "LogFormat"]

LogFormat = Literal["classic", "json"]

FLUSH_S = 1.0  # Longest wait for the destination when the process is about to end.

_LEVELS = {
    EventPriority.DEBUG: logging.DEBUG,
    EventPriority.INFO: logging.INFO,
    EventPriority.WARNING: logging.WARNING,
    EventPriority.ERROR: logging.ERROR,
    EventPriority.CRITICAL: logging.CRITICAL,
    EventPriority.FATAL: logging.CRITICAL + 10,
    EventPriority.PRINT: logging.CRITICAL + 20,
}


class EventLog:
    """The log of one daemon, as its options say, until `close`.

    >>> log = EventLog(Options())
    >>> log.event(EventType.PRINT, EventPriority.PRINT, "ready", port=4803)
    >>> log.close()

    That wrote `ready port=4803` to standard output.
    """

    def __init__(
        self,
        options: Options,
        *,
        log_format: LogFormat = "classic",
        logger: str = "spread.event",
        clock: Callable[[], float] = time.time,
        destinations: Destinations | None = None,
        limits: Limits | None = None,
    ) -> None:
        """Open the log; if its file cannot be opened, warn, and write to standard error.

        `logger` is the parent of the types' loggers; logs with the same parent share their events.
        `clock` gives seconds since 1970. `destinations` is owned from here on.
        """
        self._log_format: LogFormat = log_format
        self._clock = clock
        self._destinations = Destinations() if destinations is None else destinations
        self._limits = Limits() if limits is None else limits
        self._parent = logging.getLogger(logger)
        self._loggers = {int(kind): self._parent.getChild(str(kind.name)) for kind in EventType}
        self._is_failure_told = False
        self._filter_by(options)
        self._file_name: str | None = None
        self._file: LogFile | None = None
        self._writer = self._make_writer(self._destinations.output())
        self._detach = self._attach()
        self._is_closed = False
        self._choose(options.event_log_file)

    def event(
        self,
        types: EventType,
        priority: EventPriority,
        wording: str,
        /,
        *,
        lines: Sequence[str] = (),
        **fields: object,
    ) -> None:
        """Write one event if the filters let it pass: the same wording every time, then fields.

        `lines` follow on lines of their own without a stamp, for listings. Never fails.
        """
        if self._is_closed or not self.is_enabled(types, priority):
            return
        logger = self._logger_for(types)
        logger.handle(self._record(logger.name, types, priority, wording, fields, tuple(lines)))
        if priority is EventPriority.FATAL or int(types) & EventType.EXIT.value:
            self.flush()

    def is_enabled(self, types: EventType, priority: EventPriority) -> bool:
        """Return whether such an event would be written; asks before costly fields are made."""
        if priority is EventPriority.FATAL:
            return True
        return priority >= self._threshold and int(types) & self._mask != 0

    def passes(self, record: logging.LogRecord) -> bool:
        """Return whether the filters let `record` pass, made here or by plain `logging`."""
        return self.is_enabled(types_of(record), priority_of(record))

    def write(self, record: logging.LogRecord) -> None:
        """Write a record without asking the filters."""
        self._writer.submit(self._line(record))

    def reconfigure(self, options: Options) -> None:
        """Follow new options from the next event on."""
        self._filter_by(options)
        if options.event_log_file != self._file_name or self._has_lost_its_file():
            self._choose(options.event_log_file)

    def reopen(self) -> None:
        """Open the log file again by name, after it was moved away; keep the old one if that fails.

        Works after a change of root directory and user, as far as the user may write there.
        """
        if self._file is None:
            if self._has_lost_its_file():
                self._choose(self._file_name)
            return
        try:
            self._switch(self._file.open())
        except OSError as error:
            wording = "cannot open the event log file again, going on with the old one"
            self.write(self._warning(wording, file=self._file.path, error=error.strerror))
        else:
            self._destinations.redirect(self._writer.descriptor)

    def give_to(self, user_id: int, group_id: int) -> None:
        """Make a log file created here belong to the user that the daemon is going to be."""
        if self._file is not None:
            # Without it the next `reopen` says what is wrong, so failing is no reason to stop.
            with contextlib.suppress(OSError):
                self._file.give(self._writer.descriptor, user_id, group_id)

    def flush(self, timeout_s: float = FLUSH_S) -> bool:
        """Wait until everything is written, `timeout_s` at most; return whether it is."""
        return self._writer.flush(timeout_s)

    def close(self) -> None:
        """Write what is queued, for a second or so at most, and close. Later events are dropped."""
        if self._is_closed:
            return
        self._is_closed = True
        self._detach()
        self._writer.close(FLUSH_S)
        if self._file is not None:
            self._file.close()
        self._destinations.close()

    def statistics(self) -> WriterStatistics:
        """Return how many lines were written and lost, and whether the destination works."""
        return self._writer.statistics()

    # Filters and loggers.

    def _filter_by(self, options: Options) -> None:
        self._mask = int(options.debug_flags)
        self._threshold = options.event_priority
        self._formatter: logging.Formatter = (
            JsonFormatter() if self._log_format == "json" else ClassicFormatter(options.event_stamp)
        )

    def _attach(self) -> Callable[[], None]:
        handler = _WriterHandler(self)
        before = self._parent.level, self._parent.propagate
        self._parent.addHandler(handler)
        self._parent.setLevel(logging.DEBUG)  # Our own filter decides, in the handler.
        self._parent.propagate = False

        def detach() -> None:
            self._parent.removeHandler(handler)
            self._parent.level, self._parent.propagate = before
            handler.close()

        return detach

    def _logger_for(self, types: EventType) -> logging.Logger:
        enabled = int(types) & self._mask or int(types)
        lowest_bit = enabled & -enabled
        return self._loggers.get(lowest_bit, self._parent)

    # Records and lines.

    def _record(
        self,
        logger: str,
        types: EventType,
        priority: EventPriority,
        wording: str,
        fields: dict[str, object],
        lines: tuple[str, ...] = (),
    ) -> logging.LogRecord:
        record = logging.LogRecord(logger, _LEVELS[priority], "", 0, wording, None, None)
        record.created = self._clock()
        record.event_types = types
        record.event_priority = priority
        record.event_fields = fields
        record.event_lines = lines
        return record

    def _warning(self, wording: str, **fields: object) -> logging.LogRecord:
        # About the log itself, so it is written whatever the filters say.
        types = EventType.PRINT | EventType.CONFIGURATION
        return self._record(self._parent.name, types, EventPriority.WARNING, wording, fields)

    def _losses(self, count: int) -> bytes:
        return self._line(self._warning(LOST, count=count))

    def _line(self, record: logging.LogRecord) -> bytes:
        try:
            text = self._formatter.format(record)
        except Exception as error:
            # Whatever cannot be formatted, time or text, must not cost the daemon that tells it.
            text = self._plain_text(record, error)
        # Only the operator's own stamp can still hold bytes that are not UTF-8: back they go.
        return (text + "\n").encode("utf-8", "surrogateescape")

    def _plain_text(self, record: logging.LogRecord, error: Exception) -> str:
        fields = getattr(record, "event_fields", {})
        types, priority = types_of(record), priority_of(record)
        records = [self._record(record.name, types, priority, str(record.msg), fields)]
        if not self._is_failure_told:
            self._is_failure_told = True
            wording = "cannot format events as configured, writing them as plain text"
            reason = f"{type(error).__name__}: {error}"
            records.insert(0, self._warning(wording, error=reason))
        return "\n".join(map(ClassicFormatter().format, records))

    # Destinations.

    def _has_lost_its_file(self) -> bool:
        return self._file_name is not None and self._file is None

    def _choose(self, file_name: str | None) -> None:
        old_file, self._file, self._file_name = self._file, None, file_name
        if file_name is not None:
            self._open(file_name)
        elif old_file is not None:
            self._switch(self._destinations.output())
            self._destinations.restore()
        if old_file is not None:
            old_file.close()

    def _open(self, file_name: str) -> None:
        try:
            file = self._destinations.file(file_name)
            try:
                self._switch(file.open())
            except (OSError, ValueError):
                file.close()
                raise
        except (OSError, ValueError) as error:
            self._switch(self._destinations.error())
            self._destinations.restore()
            reason = getattr(error, "strerror", None) or error
            wording = "cannot open the event log file, logging to standard error"
            self.write(self._warning(wording, file=file_name, error=reason))
        else:
            self._file = file
            self._destinations.redirect(self._writer.descriptor)

    def _switch(self, descriptor: int) -> None:
        self._writer.retire()
        self._writer = self._make_writer(descriptor, self._writer)

    def _make_writer(self, descriptor: int, predecessor: Writer | None = None) -> Writer:
        return Writer(descriptor, self._losses, self._limits, predecessor)


class _WriterHandler(logging.Handler):
    """What `logging` sees of an event log: a handler with the filters of the options."""

    def __init__(self, log: EventLog) -> None:
        super().__init__()
        self._log = log
        self.addFilter(log.passes)

    def emit(self, record: logging.LogRecord) -> None:
        self._log.write(record)

    def flush(self) -> None:
        self._log.flush()

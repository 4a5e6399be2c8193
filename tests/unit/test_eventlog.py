"""The event log as the daemon uses it, with real files and pipes."""

import contextlib
import errno
import json
import logging
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import spread
from spread.config.model import EventPriority, EventStamp, EventType, Options
from spread.eventlog import EventLog, LogFormat
from spread.eventlog_destinations import Destinations
from spread.eventlog_writer import Limits

ALL_TYPES = EventType(sum(EventType))
NOW = 1795348869.934011
DEADLINE_S = 20.0

needs_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can change root and user"
)
unix_only = pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices of Unix systems")

OpenLog = Callable[..., EventLog]


class Streams:
    """Standard output and error of the log under test: two files."""

    def __init__(self, directory: Path) -> None:
        self._paths = (directory / "stdout", directory / "stderr")
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
        self.output, self.error = (os.open(path, flags) for path in self._paths)

    def output_lines(self) -> list[str]:
        return self._paths[0].read_text().splitlines()

    def error_lines(self) -> list[str]:
        return self._paths[1].read_text().splitlines()


@pytest.fixture
def streams(tmp_path: Path) -> Iterator[Streams]:
    (tmp_path / "streams").mkdir()
    streams = Streams(tmp_path / "streams")
    yield streams
    os.close(streams.output)
    os.close(streams.error)


@pytest.fixture
def open_log(streams: Streams) -> Iterator[OpenLog]:
    with contextlib.ExitStack() as stack:

        def open_log(options: Options | None = None, **arguments: object) -> EventLog:
            arguments.setdefault(
                "destinations",
                Destinations(output=streams.output, error=streams.error, hostname="host1"),
            )
            arguments.setdefault("limits", Limits(retry_s=0.01))
            log = EventLog(
                Options() if options is None else options,
                clock=lambda: NOW,
                **arguments,  # type: ignore[arg-type]
            )
            stack.callback(log.close)
            return log

        yield open_log


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines()


def say(log: EventLog, wording: str, **fields: object) -> None:
    log.event(EventType.PRINT, EventPriority.PRINT, wording, **fields)


def open_descriptor_count() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


# Filters.


@pytest.mark.parametrize(
    ("types", "priority", "is_written"),
    [
        (EventType.SESSION, EventPriority.WARNING, True),
        (EventType.SESSION, EventPriority.CRITICAL, True),
        (EventType.SESSION, EventPriority.INFO, False),
        (EventType.SESSION, EventPriority.PRINT, True),
        (EventType.GROUPS, EventPriority.CRITICAL, False),
        (EventType.GROUPS, EventPriority.PRINT, False),
        (EventType.GROUPS, EventPriority.FATAL, True),
        (EventType.GROUPS | EventType.ACM, EventPriority.ERROR, True),
        (EventType.GROUPS | EventType.ACM, EventPriority.INFO, False),
        (EventType(0), EventPriority.PRINT, False),
    ],
)
def test_event_is_written_if_a_type_and_the_priority_pass(
    open_log: OpenLog,
    streams: Streams,
    types: EventType,
    priority: EventPriority,
    is_written: bool,
) -> None:
    log = open_log(
        Options(debug_flags=EventType.SESSION | EventType.ACM, event_priority=EventPriority.WARNING)
    )

    log.event(types, priority, "something happened")
    log.close()

    assert log.is_enabled(types, priority) is is_written
    assert streams.output_lines() == ["something happened"] * is_written


def test_print_passes_the_highest_threshold(open_log: OpenLog, streams: Streams) -> None:
    log = open_log(Options(event_priority=EventPriority.FATAL))

    log.event(EventType.PRINT, EventPriority.PRINT, "shown")
    log.event(EventType.PRINT, EventPriority.CRITICAL, "hidden")
    log.close()

    assert streams.output_lines() == ["shown"]


def test_new_options_hold_from_the_next_event_on(open_log: OpenLog, streams: Streams) -> None:
    log = open_log(Options(debug_flags=ALL_TYPES))

    log.event(EventType.GROUPS, EventPriority.INFO, "first")
    log.reconfigure(Options(debug_flags=EventType.SESSION, event_stamp=EventStamp("stamp")))
    log.event(EventType.GROUPS, EventPriority.INFO, "second")
    log.event(EventType.SESSION, EventPriority.INFO, "third")
    log.close()

    assert streams.output_lines() == ["first", "stamp third"]


# Python's logging.


def test_event_goes_through_the_logger_of_its_first_enabled_type(open_log: OpenLog) -> None:
    log = open_log(Options(debug_flags=EventType.ACM | EventType.SECURITY))
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    logging.getLogger("spread.event").addHandler(handler)

    log.event(
        EventType.SESSION | EventType.ACM | EventType.SECURITY,
        EventPriority.ERROR,
        "refused",
        method="IP",
    )

    logging.getLogger("spread.event").removeHandler(handler)
    [record] = records
    assert record.name == "spread.event.ACM"
    assert record.levelno == logging.ERROR
    assert record.getMessage() == "refused"


def test_filters_hold_for_plain_logging_too(open_log: OpenLog, streams: Streams) -> None:
    log = open_log(Options(debug_flags=EventType.SESSION, event_priority=EventPriority.WARNING))

    logging.getLogger("spread.event.SESSION").warning("shown %d", 1)
    logging.getLogger("spread.event.SESSION").info("too low")
    logging.getLogger("spread.event.GROUPS").critical("not enabled")
    log.close()

    assert streams.output_lines() == ["shown 1"]


def test_logs_with_different_loggers_do_not_mix(
    open_log: OpenLog, streams: Streams, tmp_path: Path
) -> None:
    one = open_log(logger="test.one")
    two = open_log(Options(event_log_file=str(tmp_path / "two")), logger="test.two")

    say(one, "first")
    say(two, "second")
    one.close()
    two.close()

    assert streams.output_lines() == ["first"]
    assert lines_of(tmp_path / "two") == ["second"]


def test_close_leaves_the_loggers_as_they_were(open_log: OpenLog, streams: Streams) -> None:
    parent = logging.getLogger("spread.event")
    before = (parent.level, parent.propagate, list(parent.handlers))

    log = open_log()
    log.close()
    say(log, "too late")
    log.close()

    assert (parent.level, parent.propagate, parent.handlers) == before
    assert streams.output_lines() == []


# Form.


def test_event_has_stamp_wording_fields_and_further_lines(
    open_log: OpenLog, streams: Streams
) -> None:
    log = open_log(Options(event_stamp=EventStamp("%s", microseconds=True)))

    log.event(
        EventType.PRINT,
        EventPriority.INFO,
        "membership",
        lines=["  alpha 10.0.0.1", "  beta 10.0.0.2"],
        types="a field may bear any name",
    )
    log.close()

    assert streams.output_lines() == [
        '1795348869.934011 membership types="a field may bear any name"',
        "  alpha 10.0.0.1",
        "  beta 10.0.0.2",
    ]


def test_bytes_in_a_stamp_are_written_as_the_operator_wrote_them(
    open_log: OpenLog, tmp_path: Path
) -> None:
    stamp = EventStamp(b"\xe9".decode("utf-8", "surrogateescape"))
    log = open_log(Options(event_stamp=stamp, event_log_file=str(tmp_path / "log")))

    say(log, "hello")
    log.close()

    assert (tmp_path / "log").read_bytes() == b"\xe9 hello\n"


def test_json_format_writes_one_object_a_line(open_log: OpenLog, streams: Streams) -> None:
    log = open_log(Options(event_stamp=EventStamp("ignored")), log_format="json")

    log.event(EventType.PRINT, EventPriority.INFO, "session opened", address="127.0.0.1")
    log.close()

    [line] = streams.output_lines()
    event = json.loads(line)
    assert event["message"] == "session opened"
    assert event["fields"] == {"address": "127.0.0.1"}


# Destinations.


def test_file_name_holds_the_host_name(open_log: OpenLog, tmp_path: Path) -> None:
    log = open_log(Options(event_log_file=str(tmp_path / "log_%h_%H_%%h_%z.txt")))

    say(log, "hello")
    log.close()

    assert lines_of(tmp_path / "log_host1_host1_%host1_%z.txt") == ["hello"]


def test_file_moved_away_is_opened_anew_by_name(open_log: OpenLog, tmp_path: Path) -> None:
    log = open_log(Options(event_log_file=str(tmp_path / "log")))

    say(log, "first")
    (tmp_path / "log").rename(tmp_path / "log.1")
    say(log, "second")
    log.reopen()
    say(log, "third")
    log.close()

    assert lines_of(tmp_path / "log.1") == ["first", "second"]
    assert lines_of(tmp_path / "log") == ["third"]
    assert log.statistics().written == 3


def test_reopen_without_a_file_changes_nothing(open_log: OpenLog, streams: Streams) -> None:
    log = open_log()

    say(log, "first")
    log.reopen()
    say(log, "second")
    log.close()

    assert streams.output_lines() == ["first", "second"]


@pytest.mark.parametrize("name", ["missing/log", "nul\0byte", ""])
def test_file_that_cannot_be_opened_is_a_warning_on_standard_error(
    open_log: OpenLog, streams: Streams, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    log = open_log(Options(event_log_file=name, debug_flags=EventType.SESSION))

    log.event(EventType.SESSION, EventPriority.INFO, "session opened")
    log.close()

    warning, event = streams.error_lines()
    assert warning.startswith("cannot open the event log file, logging to standard error file=")
    assert event == "session opened"
    assert streams.output_lines() == []


def test_file_that_can_be_opened_later_is_used_from_the_next_reopen_on(
    open_log: OpenLog, streams: Streams, tmp_path: Path
) -> None:
    log = open_log(Options(event_log_file=str(tmp_path / "later" / "log")))

    say(log, "first")
    (tmp_path / "later").mkdir()
    log.reopen()
    say(log, "second")
    log.close()

    assert streams.error_lines()[1:] == ["first"]
    assert lines_of(tmp_path / "later" / "log") == ["second"]


def test_reload_moves_the_log_to_another_file_and_back(
    open_log: OpenLog, streams: Streams, tmp_path: Path
) -> None:
    log = open_log(Options())

    for number, name in enumerate(["one", "two", "two", None]):
        path = None if name is None else str(tmp_path / name)
        log.reconfigure(Options(event_log_file=path))
        say(log, f"event {number}")
    log.close()

    assert lines_of(tmp_path / "one") == ["event 0"]
    assert lines_of(tmp_path / "two") == ["event 1", "event 2"]
    assert streams.output_lines() == ["event 3"]


def test_output_of_others_follows_into_the_file(streams: Streams, tmp_path: Path) -> None:
    destinations = Destinations(output=streams.output, error=streams.error, redirects=True)
    path = tmp_path / "log"
    log = EventLog(Options(event_log_file=str(path)), destinations=destinations)

    os.write(streams.error, b"first traceback\n")
    path.rename(tmp_path / "log.1")
    log.reopen()
    os.write(streams.error, b"second traceback\n")
    log.reconfigure(Options())
    os.write(streams.error, b"third traceback\n")
    log.close()

    assert lines_of(tmp_path / "log.1") == ["first traceback"]
    assert lines_of(path) == ["second traceback"]
    assert streams.error_lines() == ["third traceback"]


@unix_only
def test_no_descriptor_is_left_behind(streams: Streams, tmp_path: Path) -> None:
    before = open_descriptor_count()
    destinations = Destinations(output=streams.output, error=streams.error)
    log = EventLog(Options(event_log_file=str(tmp_path / "log")), destinations=destinations)

    for name in ("log", "missing/log", "other", None):
        path = None if name is None else str(tmp_path / name)
        log.reconfigure(Options(event_log_file=path))
        say(log, "hello")
        log.reopen()
    log.close()

    assert open_descriptor_count() == before


# Destinations that fail.


def log_to(descriptor: int, open_log: OpenLog, **arguments: object) -> EventLog:
    destinations = Destinations(output=descriptor, error=descriptor)
    os.close(descriptor)
    return open_log(destinations=destinations, **arguments)


@unix_only
def test_full_disk_does_not_disturb_and_is_reported_when_there_is_room(
    open_log: OpenLog, tmp_path: Path
) -> None:
    log = open_log(Options(event_log_file="/dev/full"), limits=Limits(100, retry_s=0.01))
    for number in range(1000):
        say(log, "event", number=number)
    assert not log.flush(DEADLINE_S)

    log.reconfigure(Options(event_log_file=str(tmp_path / "log")))
    assert log.flush(DEADLINE_S)

    *events, report = lines_of(tmp_path / "log")
    assert events == [f"event number={number}" for number in range(len(events))]
    assert report == f"events lost, the log could not be written count={1000 - len(events)}"
    assert log.statistics().lost == 1000 - len(events)


@unix_only
def test_fatal_event_on_a_full_disk_returns(open_log: OpenLog) -> None:
    log = open_log(Options(event_log_file="/dev/full"))

    log.event(EventType.EXIT, EventPriority.FATAL, "cannot go on")

    failure = log.statistics().failure
    assert failure is not None
    assert failure.errno == errno.ENOSPC


def test_fatal_event_is_written_when_the_call_returns(open_log: OpenLog, streams: Streams) -> None:
    log = open_log(Options(debug_flags=EventType(0)))

    log.event(EventType.EXIT, EventPriority.FATAL, "cannot go on")

    assert streams.output_lines() == ["cannot go on"]


@unix_only
def test_closed_pipe_does_not_disturb(open_log: OpenLog) -> None:
    reading, writing = os.pipe()
    log = log_to(writing, open_log)
    os.close(reading)

    say(log, "event")

    assert not log.flush(DEADLINE_S)
    assert isinstance(log.statistics().failure, BrokenPipeError)
    log.close()
    assert log.statistics().lost == 1


@unix_only
def test_pipe_that_nobody_reads_does_not_disturb(open_log: OpenLog) -> None:
    reading, writing = os.pipe()
    log = log_to(writing, open_log, limits=Limits(1 << 16))
    count = 10_000

    for number in range(count):
        say(log, "event", number=number)

    assert log.statistics().lost > 0
    received = b""
    while b"events lost" not in received:
        received += os.read(reading, 1 << 16)
    *events, report = received.decode().splitlines()
    assert events == [f"event number={number}" for number in range(len(events))]
    assert report == f"events lost, the log could not be written count={count - len(events)}"
    os.close(reading)


@unix_only
@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root writes anywhere")
def test_file_in_a_directory_turned_read_only_stays_in_use(
    open_log: OpenLog, tmp_path: Path
) -> None:
    (tmp_path / "logs").mkdir()
    log = open_log(Options(event_log_file=str(tmp_path / "logs" / "log")))
    (tmp_path / "logs" / "log").rename(tmp_path / "logs" / "log.1")
    (tmp_path / "logs").chmod(0o500)

    log.reopen()
    say(log, "second")
    log.close()

    warning, second = lines_of(tmp_path / "logs" / "log.1")
    assert warning.startswith("cannot open the event log file again, going on with the old one")
    assert second == "second"


def run_script(script: str, **arguments: str) -> subprocess.CompletedProcess[bytes]:
    prelude = """
        import os, sys
        from spread.config.model import *
        from spread.eventlog import EventLog, LogFormat
    """
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(prelude) + textwrap.dedent(script)],
        check=False,
        timeout=DEADLINE_S,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(Path(spread.__file__).parents[1]), **arguments},
    )


def run_with_other_root_and_user(directory: Path) -> subprocess.CompletedProcess[bytes]:
    return run_script(
        """
        log = EventLog(Options(event_log_file=os.environ["LOG"]))
        log.event(EventType.PRINT, EventPriority.PRINT, "first")
        log.flush()
        os.rename(os.environ["LOG"], os.environ["LOG"] + ".1")
        os.chroot(os.environ["ROOT"])
        os.chdir("/")
        os.setgroups([])
        os.setgid(12345)
        os.setuid(12345)
        log.reopen()
        log.event(EventType.PRINT, EventPriority.PRINT, "second")
        log.close()
        """,
        LOG=str(directory / "logs" / "log"),
        ROOT=str(directory / "root"),
    )


@pytest.fixture
def jail(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir(mode=0o755)
    (tmp_path / "root").mkdir(mode=0o755)
    return tmp_path


@needs_root
def test_log_is_opened_again_after_a_change_of_root_and_user(jail: Path) -> None:
    os.chown(jail / "logs", 12345, 12345)

    result = run_with_other_root_and_user(jail)

    assert (result.returncode, result.stderr) == (0, b"")
    assert lines_of(jail / "logs" / "log.1") == ["first"]
    assert lines_of(jail / "logs" / "log") == ["second"]


@needs_root
def test_old_file_stays_in_use_where_the_new_user_may_not_write(jail: Path) -> None:
    result = run_with_other_root_and_user(jail)

    assert (result.returncode, result.stderr) == (0, b"")
    first, warning, second = lines_of(jail / "logs" / "log.1")
    assert (first, second) == ("first", "second")
    assert warning.startswith("cannot open the event log file again, going on with the old one")
    assert warning.endswith('error="Permission denied"')


@needs_root
def test_file_given_to_the_new_user_can_be_opened_again(jail: Path) -> None:
    result = run_script(
        """
        log = EventLog(Options(event_log_file=os.environ["LOG"]))
        log.give_to(12345, 12345)
        os.setgroups([])
        os.setgid(12345)
        os.setuid(12345)
        log.reopen()
        log.event(EventType.PRINT, EventPriority.PRINT, "still here")
        log.close()
        """,
        LOG=str(jail / "logs" / "log"),
    )

    assert (result.returncode, result.stderr) == (0, b"")
    assert lines_of(jail / "logs" / "log") == ["still here"]


def test_events_are_written_when_the_process_ends_without_closing(tmp_path: Path) -> None:
    result = run_script(
        """
        log = EventLog(Options(event_log_file=os.environ["LOG"]))
        for number in range(1000):
            log.event(EventType.PRINT, EventPriority.PRINT, "event", number=number)
        sys.exit(3)
        """,
        LOG=str(tmp_path / "log"),
    )

    assert (result.returncode, result.stderr) == (3, b"")
    assert lines_of(tmp_path / "log") == [f"event number={number}" for number in range(1000)]


def test_closed_standard_streams_do_not_disturb() -> None:
    result = run_script(
        """
        os.close(1)
        os.close(2)
        log = EventLog(Options(event_log_file="/missing/log"))
        log.event(EventType.PRINT, EventPriority.PRINT, "event")
        log.close()
        os._exit(0)
        """
    )

    assert result.returncode == 0


@unix_only
def test_log_may_be_used_from_a_signal_handler(open_log: OpenLog, tmp_path: Path) -> None:
    log = open_log(Options(event_log_file=str(tmp_path / "log")))
    before = signal.signal(signal.SIGHUP, lambda *_: log.reopen())

    try:
        for number in range(50):
            say(log, "event", number=number)
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
    log.close()

    assert lines_of(tmp_path / "log") == [f"event number={number}" for number in range(50)]


@pytest.mark.parametrize("log_format", ["classic", "json"])
def test_events_of_a_time_without_a_calendar_are_plain_text(
    streams: Streams, log_format: LogFormat
) -> None:
    stamped = Options(event_stamp=EventStamp("%H:%M:%S"))
    destinations = Destinations(output=streams.output, error=streams.error, hostname="host1")
    log = EventLog(stamped, log_format=log_format, clock=lambda: 1e300, destinations=destinations)

    log.event(EventType.PRINT, EventPriority.PRINT, "first", port=4803)
    log.event(EventType.PRINT, EventPriority.PRINT, "second")
    log.close()

    told, first, second = streams.output_lines()
    assert told.startswith("cannot format events as configured, writing them as plain text error=")
    assert (first, second) == ("first port=4803", "second")


def test_record_that_does_not_fit_its_arguments_is_written_without_them(
    open_log: OpenLog, streams: Streams
) -> None:
    log = open_log()

    logging.getLogger("spread.event.PRINT").error("%d packets", "many")
    log.close()

    assert streams.output_lines()[1:] == ["%d packets"]

"""`spread --check [--json] FILE`: what a file means on this host, for people and for programs."""

import json
from collections.abc import Callable, Iterable, Iterator

from spread.config.diagnostics import ConfigurationMissing, Diagnostic, printable
from spread.config.effective import (
    Record,
    diagnostic_record,
    effective_record,
    given_record,
    is_accelerated,
    network_record,
    own_record,
    priority_name,
    use_letters,
    window_sizes,
)
from spread.config.host import HostView
from spread.config.listens import listens
from spread.config.load import Examination, Loaded, examine, read_bytes
from spread.config.model import Configuration, Daemon, EventType, Segment
from spread.config.options import TIMEOUTS
from spread.config.pitfalls import is_multicast
from spread.config.settings import WINDOWS_GROW, Known
from spread.config.system_host import SystemHost
from spread.system import MEANINGLESS_OPTIONS

__all__ = ["Look", "check", "json_report", "text_report"]

Look = Callable[[Configuration], Iterable[tuple[str, Record]]]
"""What finds out about this host what the own daemon's speed hangs on: wordings and values."""

EXIT_USABLE = 0
EXIT_WRONG = 1
EXIT_MISSING = 2


def check(
    path: str,
    name: str | None = None,
    as_json: bool = False,
    host: HostView | None = None,
    known: Known | None = None,
    look: Look | None = None,
) -> tuple[int, str]:
    """Examine the file at `path`; return the exit status and the report, without a final line end.

    The status is 0 for a usable file, 1 for a wrong one (or one without an entry for this host),
    2 for a missing or unreadable one. `look` adds what this host gives to the own daemon.
    """
    try:
        data = read_bytes(path)
    except ConfigurationMissing as error:
        if as_json:
            return EXIT_MISSING, _dump({"path": path, "status": "missing", "reason": error.reason})
        return EXIT_MISSING, str(error)
    found = examine(data, path, name=name, host=host or SystemHost(), known=known)
    report = json_report(path, found, look) if as_json else text_report(path, found, look)
    return EXIT_WRONG if found.errors else EXIT_USABLE, report


def json_report(path: str, found: Examination, look: Look | None = None) -> str:
    """Return a JSON object: errors and warnings, and the configuration if there is one."""
    record: Record = {
        "path": path,
        "status": "wrong" if found.errors else "usable",
        "errors": [diagnostic_record(each) for each in found.errors],
        "warnings": [diagnostic_record(each) for each in found.warnings],
    }
    if found.loaded is not None:
        configuration = found.loaded.configuration
        record |= network_record(configuration)
        record["options"] = given_record(found.loaded.given)
        record["effective"] = effective_record(configuration)
        record["own_options"] = [each.word for each in found.loaded.given if each.is_own]
        record |= {"me": None, "listens": []} if found.errors else own_record(configuration)
        if look is not None and not found.errors:
            record["host"] = [{"finding": each, **values} for each, values in look(configuration)]
    return _dump(record)


def text_report(path: str, found: Examination, look: Look | None = None) -> str:
    """Return the verdict, errors, the configuration if there is one, and warnings."""
    verdict = "wrong" if found.errors else "usable"
    counts = [_count(found.errors, "error"), _count(found.warnings, "warning")]
    lines = [", ".join([f"{path}: {verdict}", *filter(None, counts)])]
    lines += map(str, found.errors)
    if found.loaded is not None:
        configuration = found.loaded.configuration
        me = None if found.errors else configuration.me
        lines += _section("Network", _network_lines(configuration, me))
        if me is not None:
            lines += _section(f"Sockets of {me.name}", _socket_lines(configuration))
            if look is not None and (seen := list(look(configuration))):
                lines += _section("This host", _host_lines(seen))
        lines += _section("Options (* set in the file)", _option_lines(found.loaded))
    if found.warnings:
        lines += _section("Warnings", map(str, found.warnings))
    return "\n".join(map(printable, lines))


def _network_lines(configuration: Configuration, me: Daemon | None) -> Iterator[str]:
    for segment in configuration.segments:
        kind = "multicast" if is_multicast(segment.address) else "broadcast"
        yield f"  Segment {segment.address}:{segment.port} ({kind})"
        yield from (_daemon_line(segment, daemon, me) for daemon in segment.daemons)
    extent = "wide area" if configuration.wide_area else "local area"
    ring = "accelerated" if is_accelerated(configuration) else "regular"
    yield f"  {extent}, {ring} ring, hash {configuration.hash}"


def _daemon_line(segment: Segment, daemon: Daemon, me: Daemon | None) -> str:
    width = max(len(each.name) for each in segment.daemons)
    if all(each.any for each in daemon.interfaces):
        interfaces = "all addresses"
    else:
        interfaces = ", ".join(
            f"{' '.join(use_letters(each.uses))} {each.address}" for each in daemon.interfaces
        )
    mark = "  <- this daemon" if daemon is me else ""
    return f"    {daemon.name:<{width}}  {daemon.address:<15}  {interfaces}{mark}"


def _socket_lines(configuration: Configuration) -> Iterator[str]:
    for each in listens(configuration):
        yield f"  {each!s:<27} {each.purpose.value}"


def _host_lines(seen: Iterable[tuple[str, Record]]) -> Iterator[str]:
    for wording, values in seen:
        shown = (f"{name.replace('_', ' ')} {value}" for name, value in values.items())
        yield f"  {wording}: {', '.join(shown)}"


def _option_lines(loaded: Loaded) -> Iterator[str]:
    given = {setting.word for setting in loaded.given}
    shown = _shown_values(loaded.configuration)
    for word, value in shown.items():
        yield f"{'*' if word in given else ' '} {word:<22} {value}".rstrip()
    for setting in loaded.given:
        if setting.word not in shown:
            yield f"* {setting.word:<22} has no effect"


def _shown_values(configuration: Configuration) -> dict[str, str]:
    """Return each option's value in force in words, with its unit."""
    values = _values(configuration)
    return values | dict.fromkeys(MEANINGLESS_OPTIONS, "does nothing on this system")


def _values(configuration: Configuration) -> dict[str, str]:
    options = configuration.options
    windows = window_sizes(options)
    stamp = options.event_stamp
    limit = options.max_session_messages
    ring = "yes" if is_accelerated(configuration) else "no"
    extent = "wide area" if configuration.wide_area else "local area"
    return {
        "DebugFlags": _flag_names(options.debug_flags),
        "EventPriority": priority_name(options.event_priority),
        "EventLogFile": options.event_log_file or "standard output",
        "EventTimeStamp": stamp.format if stamp else "none",
        "EventPreciseTimeStamp": "microseconds" if stamp and stamp.microseconds else "no",
        "DangerousMonitor": _yes_no(options.dangerous_monitor),
        "SocketPortReuse": options.socket_port_reuse.value,
        "RuntimeDir": options.runtime_dir or "none: no change of root",
        "DaemonUser": options.daemon_user or "spread if it exists, else nobody; for root only",
        "DaemonGroup": options.daemon_group or "spread if it exists, else nobody; for root only",
        "AllowedAuthMethods": " ".join(options.auth_allowed) or "none: no client can connect",
        "RequiredAuthMethods": " ".join(options.auth_required) or "none",
        "AccessControlPolicy": options.access_policy,
        "MaxSessionMessages": "1000 messages and 16 MiB" if limit is None else f"{limit} messages",
        "Window": _window(windows["window"], options.window),
        "PersonalWindow": _window(windows["personal_window"], options.personal_window),
        "AcceleratedRing": _yes_no(options.accelerated_ring)
        if options.accelerated_ring is not None
        else f"{ring}, for a {extent}",
        "AcceleratedWindow": _window(windows["accelerated_window"], options.accelerated_window),
        **{each.word: f"{getattr(options.timeouts, each.field)} ms" for each in TIMEOUTS},
        "MaxMessageSize": f"{options.max_message_size} bytes",
        "PacketSize": f"{options.packet_size} bytes" if options.packet_size else "automatic",
        "Multicast": "automatic" if options.multicast is None else _yes_no(options.multicast),
        "StateDir": options.state_dir or "none",
        "HandshakeTimeout": f"{options.handshake_timeout} ms",
        "MaxQueuedBytes": f"{options.max_queued_bytes} bytes",
        "MaxMemberships": f"{options.max_memberships}",
        "BusyPoll": _busy_poll(options.busy_poll),
        "FlightRecorder": _flight_recorder(options.flight_recorder),
        "FlightRecorderOnView": _yes_no(options.flight_recorder_on_view),
        "MonitorAllow": " ".join(options.monitor_allow) or "daemons of this file and their hosts",
        "MetricsPort": "off" if options.metrics_port is None else f"{options.metrics_port}",
        "MetricsAddress": options.metrics_address,
    }


def _busy_poll(time_us: int) -> str:
    return f"{time_us} us, a core while messages come" if time_us else "off"


def _flight_recorder(size_kib: int) -> str:
    return f"{size_kib} KiB" if size_kib else "off"


def _flag_names(flags: EventType) -> str:
    return " ".join(kind.name or "" for kind in EventType if kind in flags) or "none"


def _window(size: int, given: int | None) -> str:
    if given is not None:
        return f"{size} packets at most"
    return f"{size} packets at first, up to {WINDOWS_GROW * size} as the ring allows"


def _yes_no(value: bool) -> str:
    return "yes" if value else "no"


def _count(diagnostics: tuple[Diagnostic, ...], noun: str) -> str:
    count = len(diagnostics)
    return f"{count} {noun}{'s' if count > 1 else ''}" if count else ""


def _section(title: str, lines: Iterable[str]) -> list[str]:
    return ["", title, *lines]


def _dump(record: Record) -> str:
    return json.dumps(record, indent=2)

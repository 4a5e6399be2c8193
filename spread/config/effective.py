"""The configuration in force as plain records of names, numbers and lists, ready for JSON.

The field names are part of the output of `spread --check --json` and do not change.
"""

from spread.config.diagnostics import Diagnostic
from spread.config.listens import listens, main_address
from spread.config.model import (
    Configuration,
    Daemon,
    EventPriority,
    EventType,
    Interface,
    Options,
    Use,
)
from spread.config.options import TIMEOUTS
from spread.config.pitfalls import is_multicast
from spread.config.settings import WINDOW_DEFAULTS, Setting

__all__ = [
    "Record",
    "diagnostic_record",
    "effective_record",
    "given_record",
    "is_accelerated",
    "network_record",
    "own_record",
    "priority_name",
    "use_letters",
    "window_sizes",
]

Record = dict[str, object]

# Messages for one client, where the file does not set the option.
MAX_SESSION_MESSAGES_DEFAULT = 1000

USE_LETTERS = ((Use.DAEMON, "D"), (Use.CLIENT, "C"), (Use.MONITOR, "M"))


def network_record(configuration: Configuration) -> Record:
    """Return the segments and the hash that daemons and monitors compare."""
    segments = [
        {
            "address": segment.address,
            "port": segment.port,
            "multicast": is_multicast(segment.address),
            "daemons": [_daemon_record(daemon) for daemon in segment.daemons],
        }
        for segment in configuration.segments
    ]
    return {
        "segments": segments,
        "hash_string": configuration.hash_text.decode("utf-8", "surrogateescape"),
        "hash": configuration.hash,
    }


def own_record(configuration: Configuration) -> Record:
    """Return which entry the own daemon is and which sockets it opens."""
    return {
        "me": configuration.me.name,
        "main_address": main_address(configuration.me),
        "listens": [str(each) for each in listens(configuration)],
    }


def given_record(given: tuple[Setting, ...]) -> Record:
    """Return the options that the file sets, with values as written."""
    return {setting.word: _given_value(setting) for setting in given}


def effective_record(configuration: Configuration) -> Record:
    """Return every option with its value in force; null is "not set", with no fixed default."""
    options = configuration.options
    windows = window_sizes(options)
    stamp = options.event_stamp
    limit = options.max_session_messages
    return {
        "debug_mask": options.debug_flags.value,
        "event_priority": priority_name(options.event_priority),
        "event_log_file": options.event_log_file,
        "timestamp": stamp and {"format": stamp.format, "microseconds": stamp.microseconds},
        "dangerous_monitor": options.dangerous_monitor,
        "socket_port_reuse": options.socket_port_reuse.value,
        "runtime_dir": options.runtime_dir,
        "daemon_user": options.daemon_user,
        "daemon_group": options.daemon_group,
        "auth_allowed": list(options.auth_allowed),
        "auth_required": list(options.auth_required),
        "access_policy": options.access_policy,
        "max_session_messages": MAX_SESSION_MESSAGES_DEFAULT if limit is None else limit,
        **windows,
        "accelerated_ring": options.accelerated_ring,
        "ring": "accelerated" if is_accelerated(configuration) else "regular",
        "wide_area": configuration.wide_area,
        "timeouts_ms": {each.word: getattr(options.timeouts, each.field) for each in TIMEOUTS},
        "max_message_size": options.max_message_size,
        "packet_size": options.packet_size,
        "multicast": options.multicast,
        "state_dir": options.state_dir,
        "handshake_timeout_ms": options.handshake_timeout,
        "max_queued_bytes": options.max_queued_bytes,
        "max_memberships": options.max_memberships,
        "busy_poll": options.busy_poll,
        "flight_recorder": options.flight_recorder,
        "flight_recorder_on_view": options.flight_recorder_on_view,
        "monitor_allow": list(options.monitor_allow),
        "metrics_port": options.metrics_port,
        "metrics_address": options.metrics_address,
    }


def diagnostic_record(diagnostic: Diagnostic) -> Record:
    """Return an error or a warning, taken apart and as the line that people read."""
    return {
        "path": diagnostic.path,
        "line": diagnostic.line,
        "column": diagnostic.column,
        "stage": diagnostic.stage.value,
        "found": diagnostic.found,
        "message": diagnostic.message,
        "remedy": diagnostic.remedy,
        "text": str(diagnostic),
    }


def is_accelerated(configuration: Configuration) -> bool:
    """Tell which ring runs: as set, else the accelerated one on a LAN."""
    accelerated = configuration.options.accelerated_ring
    return not configuration.wide_area if accelerated is None else accelerated


def window_sizes(options: Options) -> dict[str, int]:
    """Return the three windows in packets, defaults filled in.

    The default of the accelerated window gives way to a smaller personal window.
    """
    sizes = {
        name: default if getattr(options, name) is None else getattr(options, name)
        for name, default in WINDOW_DEFAULTS.items()
    }
    if options.accelerated_window is None and options.accelerated_ring is not False:
        sizes["accelerated_window"] = min(sizes["accelerated_window"], sizes["personal_window"])
    return sizes


def priority_name(priority: EventPriority) -> str:
    """Return a priority as the file writes it."""
    return "pDEBUG" if priority is EventPriority.DEBUG else priority.name


def use_letters(uses: Use) -> list[str]:
    """Return the letters of an interface in the order of Spread's own listings."""
    return [letter for use, letter in USE_LETTERS if use in uses]


def _daemon_record(daemon: Daemon) -> Record:
    interfaces = [_interface_record(each) for each in daemon.interfaces]
    return {"name": daemon.name, "address": daemon.address, "interfaces": interfaces}


def _interface_record(interface: Interface) -> Record:
    return {
        "address": interface.address,
        "port": interface.port,
        "types": use_letters(interface.uses),
        "any": interface.any,
    }


def _given_value(setting: Setting) -> object:
    value = setting.value
    if isinstance(value, EventType):
        names = [kind.name for kind in EventType if kind in value]
        return {"mask": value.value, "hex": f"0x{value.value:08x}", "types": names}
    return list(value) if isinstance(value, tuple) else value

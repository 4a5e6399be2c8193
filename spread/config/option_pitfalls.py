"""Warn of options that are allowed and bite: lost logs, locked doors, windows that do nothing."""

from spread.config.conversions import unknown_conversions
from spread.config.diagnostics import Findings
from spread.config.host import HostView
from spread.config.model import EventPriority, EventType
from spread.config.options import TIMEOUTS
from spread.config.settings import Settings

__all__ = ["warn_of_options"]

# The first timeout of a pair does its work before the second ends what it works for.
_TIMEOUT_PAIRS = (
    ("HurryTimeout", "TokenTimeout"),
    ("AliveTimeout", "SegTimeout"),
    ("JoinTimeout", "GatherTimeout"),
)

_CONVERSIONS = "%% for a percent sign, %H, %M, %S and so on for the time"


def warn_of_options(settings: Settings, findings: Findings, host: HostView) -> None:
    """Look at the options in force and at those that the file sets."""
    _warn_of_meaningless(settings, findings, host)
    _warn_of_log(settings, findings, host)
    _warn_of_stamp(settings, findings)
    _warn_of_access(settings, findings)
    _warn_of_sessions(settings, findings)
    _warn_of_timeouts(settings, findings)
    _warn_of_classic_tools(settings, findings)


def _warn_of_meaningless(settings: Settings, findings: Findings, host: HostView) -> None:
    """Options of other systems; the daemon starts all the same, so that hosts can share a file."""
    for word, reason in host.meaningless_options().items():
        node = settings.nodes.get(word)
        if node is not None:
            message = (
                f"{word} does nothing on this system: {reason}; others that share the file may"
            )
            findings.warn(node.word, f"{message} need the line")


def _warn_of_log(settings: Settings, findings: Findings, host: HostView) -> None:
    options = settings.options
    if options.event_log_file is not None:
        problem = host.log_problem(options.event_log_file)
        if problem is not None:
            token = settings.nodes["EventLogFile"].values[0]
            message = f"the log cannot be written there: {problem}; it goes to standard error"
            findings.warn(token, message, "a file in an existing, writable directory")
    if options.event_priority >= EventPriority.ERROR:
        token = settings.nodes["EventPriority"].values[0]
        message = (
            "most events have priority WARNING or less, memberships too: nearly no log is left"
        )
        findings.warn(token, message, "EventPriority = INFO")
    flags = settings.nodes.get("DebugFlags")
    if flags is not None and EventType.PRINT not in options.debug_flags:
        message = "without PRINT the log shows neither the start nor memberships"
        findings.warn(flags.word, message, "PRINT among the types")


def _warn_of_stamp(settings: Settings, findings: Findings) -> None:
    stamp = settings.options.event_stamp
    precise = settings.nodes.get("EventPreciseTimeStamp")
    if precise is not None and stamp is not None and not stamp.microseconds:
        message = "the time format is too long for microseconds, there are none"
        findings.warn(precise.word, message, "a format of at most 36 bytes, or ending in %S")
    for conversion in unknown_conversions(stamp.format)[:1] if stamp is not None else ():
        given = settings.nodes["EventTimeStamp"]  # Our own formats have known ones only.
        message = f"there is no conversion {conversion!r} in time formats, it stays as it is"
        findings.warn(given.values[0] if given.values else given.word, message, _CONVERSIONS)


def _warn_of_access(settings: Settings, findings: Findings) -> None:
    options = settings.options
    node = settings.nodes.get("AllowedAuthMethods") or settings.nodes.get("RequiredAuthMethods")
    if node is not None and not options.auth_allowed:
        message = "no method is allowed, so no client can connect"
        findings.warn(node.word, message, 'AllowedAuthMethods = "NULL"')
    if options.dangerous_monitor:
        message = (
            "monitor commands are not authenticated:"
            " whoever can send from a daemon's address may partition, tune and stop the ring"
        )
        token = settings.nodes["DangerousMonitor"].values[0]
        findings.warn(token, message, "DangerousMonitor = false where this is not a test")


def _warn_of_sessions(settings: Settings, findings: Findings) -> None:
    if settings.options.max_session_messages == 0:
        token = settings.nodes["MaxSessionMessages"].values[0]
        message = "every client is dropped at its first message"
        findings.warn(token, message, "MaxSessionMessages = 1000")


def _warn_of_timeouts(settings: Settings, findings: Findings) -> None:
    if not any(option.word in settings.nodes for option in TIMEOUTS):
        return
    values = {option.word: getattr(settings.options.timeouts, option.field) for option in TIMEOUTS}
    for short, long in _TIMEOUT_PAIRS:
        if values[short] >= values[long]:
            token = settings.nodes[short].values[0]
            message = f"{short} is not below {long} ({values[long]} ms): it comes too late"
            findings.warn(token, message, f"{short} well below {long}")


def _warn_of_classic_tools(settings: Settings, findings: Findings) -> None:
    for node in settings.nodes.values():
        word = node.option.word
        if node.option.own:
            message = f"the classic programs do not know {word} and refuse a file with it"
            findings.warn(node.word, message, "a second file without it for them")
        elif word == "AccessControlPolicy":
            message = "the classic spmonitor ends without a word when a file sets this"
            findings.warn(node.word, message, "a second file without it for that program")

"""What another configuration would change for a running daemon, in sentences and for programs.

    network     daemons or segments: a new ring, so a membership change
    options     applied at once
    later       read, but in force only from the next start on
    refusals    why this daemon cannot take the configuration without a restart

Sockets are opened at the start and stay, so whatever names them cannot change: the own entry with
its address and interfaces, and port and address of the own segment.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Final

from spread.config.hashes import hash_text, network_text, spread_hash
from spread.config.model import Configuration, Daemon, EventType, Options, Segment

__all__ = ["APPLIED", "Change", "Changes", "compare", "effective"]

APPLIED: Final[dict[str, str]] = {
    "debug_flags": "DebugFlags",
    "event_priority": "EventPriority",
    "event_log_file": "EventLogFile",
    "event_stamp": "EventTimeStamp",
    "dangerous_monitor": "DangerousMonitor",
    "monitor_allow": "MonitorAllow",
    "flight_recorder_on_view": "FlightRecorderOnView",
    "auth_allowed": "AllowedAuthMethods",
    "auth_required": "RequiredAuthMethods",
    "access_policy": "AccessControlPolicy",
    "max_session_messages": "MaxSessionMessages",
    "max_memberships": "MaxMemberships",
    "handshake_timeout": "HandshakeTimeout",
    "busy_poll": "BusyPoll",
    "window": "Window",
    "personal_window": "PersonalWindow",
    "accelerated_ring": "AcceleratedRing",
    "accelerated_window": "AcceleratedWindow",
}
"""Fields of `Options` that a reload puts in force, and their words in the file."""

_BOUNDS: Final = frozenset({"window", "personal_window", "accelerated_window"})
"""What the file bounds from above only: the ring begins with less and adapts."""

_LATER: Final[dict[str, str]] = {
    "socket_port_reuse": "SocketPortReuse",
    "runtime_dir": "RuntimeDir",
    "daemon_user": "DaemonUser",
    "daemon_group": "DaemonGroup",
    "timeouts": "the membership timeouts",
    "max_message_size": "MaxMessageSize",
    "packet_size": "PacketSize",
    "multicast": "Multicast",
    "state_dir": "StateDir",
    "max_queued_bytes": "MaxQueuedBytes",
    "metrics_port": "MetricsPort",
    "metrics_address": "MetricsAddress",
    "flight_recorder": "FlightRecorder",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference."""

    kind: str
    """network, option, later or refused."""
    subject: str
    """What it is about: a daemon, a segment, the word of an option."""
    sentence: str
    """For people, without a full stop."""
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """All differences of two configurations."""

    refusals: tuple[Change, ...] = ()
    network: tuple[Change, ...] = ()
    options: tuple[Change, ...] = ()
    later: tuple[Change, ...] = ()

    @property
    def all(self) -> tuple[Change, ...]:
        """All of them, the gravest first."""
        return self.refusals + self.network + self.options + self.later


def compare(
    old: Configuration, new: Configuration, started: Configuration | None = None
) -> Changes:
    """Return what `new` would change for the daemon that runs with `old`.

    `started` is the configuration that its sockets were opened for, if that is another one.
    """
    refusals = tuple(_refusals(started or old, new))
    network: tuple[Change, ...] = ()
    if network_text(old.segments) != network_text(new.segments):
        network = tuple(_network(old, new)) or (_order_change(),)
    return Changes(
        refusals,
        network,
        tuple(_options(old.options, new.options, APPLIED, "option")),
        tuple(_options(old.options, new.options, _LATER, "later")),
    )


def effective(old: Configuration, new: Configuration) -> Configuration:
    """Return `new` as it is in force after a reload: what waits for a restart is still `old`'s."""
    kept = {each.name: getattr(old.options, each.name) for each in fields(Options)}
    kept |= {name: getattr(new.options, name) for name in APPLIED}
    text = hash_text(new.segments, new.options.accelerated_ring)
    return replace(
        new, options=Options(**kept), hash_text=text, hash=spread_hash(text), path=old.path
    )


# -- What cannot be -------------------------------------------------------------------------------


def _refusals(old: Configuration, new: Configuration) -> Iterator[Change]:
    name = old.me.name
    own, there = old.segment, new.segment
    if new.me.name != name:
        yield _refused(name, f"the entry of this daemon, {name}, is called {new.me.name}")
    if new.me.address != old.me.address:
        addresses = f"{old.me.address} to {new.me.address}"
        yield _refused(name, f"the address of {name} would change from {addresses}")
    elif new.me.interfaces != old.me.interfaces:
        yield _refused(name, f"the interfaces of {name} would change, and with them its sockets")
    if there.port != own.port:
        yield _refused("port", f"the port of {name} would change from {own.port} to {there.port}")
    if there.address != own.address:
        yield _refused(
            "segment",
            f"the segment address of {name} would change from {own.address} to {there.address}",
        )
    if _size(old) == 1 and _size(new) > 1:
        yield _refused(
            name, f"{name} was started as the only daemon, and has no sockets for others"
        )
    elif len(own.daemons) == 1 and len(there.daemons) > 1:
        yield _refused(
            "segment",
            f"{name} was started alone in its segment, and has no socket for others in it",
        )


def _size(configuration: Configuration) -> int:
    return sum(len(segment.daemons) for segment in configuration.segments)


def _refused(subject: str, fault: str) -> Change:
    return Change("refused", subject, f"{fault}: restart this daemon for that")


# -- The network ----------------------------------------------------------------------------------


def _network(old: Configuration, new: Configuration) -> Iterator[Change]:
    before, after = _places(old.segments), _places(new.segments)
    for name in [*before, *(each for each in after if each not in before)]:
        if name not in after:
            yield Change("network", name, f"daemon {name} is removed", before[name].shown)
        elif name not in before:
            shown = after[name].shown
            yield Change("network", name, f"daemon {name} is added: {shown}", "", shown)
        elif before[name] != after[name]:
            yield _moved(before[name], after[name])


@dataclass(frozen=True, slots=True)
class _Place:
    daemon: Daemon
    segment: str

    @property
    def shown(self) -> str:
        return f"{self.daemon.address} in segment {self.segment}"


def _places(segments: Iterable[Segment]) -> dict[str, _Place]:
    return {
        daemon.name: _Place(daemon, f"{segment.address}:{segment.port}")
        for segment in segments
        for daemon in segment.daemons
    }


def _moved(before: _Place, after: _Place) -> Change:
    name = before.daemon.name
    if before.shown != after.shown:
        sentence = f"daemon {name} moves from {before.shown} to {after.shown}"
    else:
        sentence = f"daemon {name} has other interfaces"
    return Change("network", name, sentence, before.shown, after.shown)


def _order_change() -> Change:
    return Change("network", "order", "the order of daemons or segments changes")


# -- Options --------------------------------------------------------------------------------------


def _options(old: Options, new: Options, words: dict[str, str], kind: str) -> Iterator[Change]:
    for name, word in words.items():
        before, after = getattr(old, name), getattr(new, name)
        if before == after:
            continue
        sentence = f"{word} changes from {_shown(before)} to {_shown(after)}"
        if name in _BOUNDS and after is not None:
            sentence += ", the most that it may grow to"
        if kind == "later":
            sentence = f"{word} changes, which takes effect at the next start"
        yield Change(kind, word, sentence, _shown(before), _shown(after))


def _shown(value: object) -> str:
    if value is None:
        return "its default"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, EventType):
        return " ".join(each.name or "" for each in EventType if each in value) or "NONE"
    if isinstance(value, tuple):
        return " ".join(map(str, value)) or "none"
    name = getattr(value, "name", None) or getattr(value, "format", None)
    return str(value) if name is None else str(name)

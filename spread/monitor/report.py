"""What one daemon tells about itself at one moment, and its JSON form.

The daemon's ring publishes a `Report` once a second; everything that shows a ring (`spmonitor`,
the web page, metrics, health) reads reports and nothing else. A report never changes, so threads
may share it.

    ring thread -> Report -> watching thread -> JSON in datagrams -> spmonitor, page, metrics

Times are seconds since 1970 (`time_s`), ages are seconds. Counters only grow while the daemon
lives; gauges say how something is. Names and meanings of both stand in `spread.counters`.
Unknown keys of a newer daemon are skipped, missing ones take their default.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from types import UnionType
from typing import Any, Final, TypeVar, get_args, get_origin, get_type_hints

from spread.errors import PeerError

__all__ = [
    "REPORT_FORMAT",
    "EventLine",
    "EventPage",
    "Finding",
    "GroupLine",
    "GroupPage",
    "Latency",
    "Peer",
    "Report",
    "RingName",
    "SessionLine",
    "Stranger",
    "View",
    "Windows",
    "from_json",
    "to_json",
    "to_json_list",
]

REPORT_FORMAT: Final = 1

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class RingName:
    """Id of an installed ring."""

    leader: str = ""
    """Name of the daemon whose address the id bears; the address if nobody here has it."""
    time: int = 0


@dataclass(frozen=True, slots=True)
class View:
    """A membership of daemons that was installed."""

    time_s: float
    ring: RingName
    members: tuple[str, ...]
    joined: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    cause: str = ""
    """Why the ring before it ended, in the words of the event log; empty for the first."""
    formed_ms: float = 0.0
    """From the end of the ring before to this view."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Another daemon of the configuration, as seen from here."""

    name: str
    address: str
    segment: int = 0
    is_member: bool = False
    heard_ms: int | None = None
    """How long ago a packet of it came; None if never."""
    missed: int = 0
    """Packets of it that had to be asked for again here: losses on the way from it to here."""
    received: int = 0
    """Packets of it that came in."""
    trouble: str = ""
    """What the membership says of it, such as a way that carries in one direction only."""
    trouble_name: str = ""
    """The same by the name of the counter of `spread.counters.MEMBERSHIP`, such as deaf."""


@dataclass(frozen=True, slots=True)
class SessionLine:
    """A client's session, by how much waits for it."""

    name: str
    host: str = ""
    queued_messages: int = 0
    queued_bytes: int = 0
    age_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Stranger:
    """Who sends datagrams that a daemon drops."""

    address: str
    counter: str
    """Name of the counter of such datagrams, such as dropped_network."""
    told_s: float = 0.0
    """How long ago the log told of it; it does so once a minute while they come."""


@dataclass(frozen=True, slots=True)
class Windows:
    """Flow control in force, in packets."""

    window: int = 0
    personal: int = 0
    accelerated: int = 0
    is_accelerated: bool = False
    scale_percent: int = 100
    """How far adaptive windows are open now, of the values above."""
    window_max: int = 0
    """The most to which it may grow; 0 if the daemon does not tell."""
    personal_max: int = 0
    accelerated_max: int = 0


@dataclass(frozen=True, slots=True)
class Latency:
    """Own messages from their submission to their delivery here: counts since the start.

    Bucket i counts times below 2 ** i microseconds and not below half of that; the last one has
    no upper bound.
    """

    agreed: tuple[int, ...] = ()
    safe: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """A judgement of health."""

    rule: str
    """Name of the rule, such as lossy-link."""
    severity: str
    """warning or critical."""
    subject: str
    """What it is about: a daemon, a pair "a -> b", a session."""
    sentence: str
    remedy: str
    since_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Report:
    """One daemon at one moment."""

    daemon: str
    address: str
    port: int = 4803
    segment: int = 0
    format: int = REPORT_FORMAT
    release: str = ""
    process: int = 0
    time_s: float = 0.0
    uptime_s: float = 0.0
    state: str = "OP"
    """OP, SEG, REPRESENTED, GATHER, FORM or EVS."""
    is_looking: bool = False
    """Whether GATHER means that its ring works, and its leader looks for those who are missing."""
    group_state: str = "GOP"
    """GOP, GTRANS, GGATHER or GGT."""
    ring: RingName = field(default_factory=RingName)
    members: tuple[str, ...] = ()
    """Names of the daemons in the installed ring, in ring order."""
    views: tuple[View, ...] = ()
    """The last 32, oldest first."""
    peers: tuple[Peer, ...] = ()
    strangers: tuple[Stranger, ...] = ()
    """The last eight."""
    sessions: int = 0
    slowest: tuple[SessionLine, ...] = ()
    """At most eight sessions for which something waits, the most bytes first."""
    groups: int = 0
    windows: Windows = field(default_factory=Windows)
    latency: Latency = field(default_factory=Latency)
    rotation: tuple[int, ...] = ()
    """Times between two visits of a token that did not rest; buckets as those of `Latency`."""
    lateness: tuple[int, ...] = ()
    """How much later than its deadline a turn of the event loop came; buckets likewise."""
    counters: Mapping[str, int] = field(default_factory=dict)
    gauges: Mapping[str, float] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    configuration_file: str = ""
    configuration_hash: int = 0
    """Spread's hash, that of monitors and of the log."""
    ring_hash: int = 0
    """The hash that daemons must share to form a ring."""
    network_changed_s: float = 0.0
    """When it got other daemons or segments while it ran; 0 if it has those of its start."""
    dangerous_monitor: bool = False
    partition: tuple[int, ...] = ()
    """Component of each daemon while a partition command is in force, else empty."""

    @property
    def is_forming(self) -> bool:
        """Whether the daemon is between two rings, so that messages wait."""
        return self.state != "OP" and not self.is_looking


@dataclass(frozen=True, slots=True)
class GroupLine:
    """A group and its members."""

    name: str
    size: int
    members: tuple[str, ...] = ()
    """Private groups, such as #name#daemon: the first hundred, or as many as fit into the page."""


@dataclass(frozen=True, slots=True)
class GroupPage:
    """A slice of the groups in the order of their names."""

    total: int
    """Groups that match."""
    offset: int = 0
    groups: tuple[GroupLine, ...] = ()


@dataclass(frozen=True, slots=True)
class EventLine:
    """Something that happened to a daemon, as its log tells it."""

    number: int
    """Grows with each event; numbers that are missing were of events pushed out by others."""
    time_s: float
    types: tuple[str, ...] = ()
    priority: str = "INFO"
    wording: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events of a daemon, oldest first."""

    last: int
    """Number of the newest event that is kept, on this page or not."""
    events: tuple[EventLine, ...] = ()


def to_json(record: object) -> bytes:
    """Return a record of this module as compact UTF-8 JSON."""
    return json.dumps(asdict(record), separators=(",", ":"), default=str).encode()  # type: ignore[call-overload]


def to_json_list(records: Sequence[object]) -> bytes:
    """Return several records of this module as a JSON list."""
    return b"[" + b",".join(map(to_json, records)) + b"]"


def from_json(kind: type[Record], data: bytes) -> Record:
    """Return the record that JSON describes; PeerError if it does not describe one."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise PeerError(f"a {kind.__name__} is not JSON: {error}") from error
    return _record(kind, value, kind.__name__)


def _record(kind: type[Record], value: object, where: str) -> Record:
    if not isinstance(value, dict):
        raise PeerError(f"{where}: {value!r:.40} instead of an object")
    hints = get_type_hints(kind)
    names = [each.name for each in fields(kind)]  # type: ignore[arg-type]
    given = {
        name: _value(hints[name], value[name], f"{where}.{name}") for name in names if name in value
    }
    try:
        return kind(**given)
    except TypeError as error:
        raise PeerError(f"{where}: {error}") from error


def _value(hint: Any, value: object, where: str) -> object:
    origin = get_origin(hint)
    if origin is UnionType:
        if value is None:
            return None
        return _value(get_args(hint)[0], value, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise PeerError(f"{where}: {value!r:.40} instead of a list")
        return tuple(_value(get_args(hint)[0], each, where) for each in value)
    if origin is Mapping:
        return _mapping(get_args(hint)[1], value, where)
    if isinstance(hint, type) and hasattr(hint, "__dataclass_fields__"):
        return _record(hint, value, where)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise PeerError(f"{where}: {value!r:.40} instead of {hint.__name__}")
    return value


def _mapping(kind: type, value: object, where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise PeerError(f"{where}: {value!r:.40} instead of an object")
    return {name: _value(kind, each, f"{where}.{name}") for name, each in value.items()}

"""The configuration as values: what a `spread.conf` means once it has been read and checked.

Everything here is frozen. Addresses are dotted IPv4 text without leading zeros, ports are
1..65535, times are milliseconds, windows are packets, sizes are bytes.
"""

from dataclasses import dataclass, field
from enum import Enum, IntEnum, IntFlag

__all__ = [
    "Configuration",
    "Daemon",
    "EventPriority",
    "EventStamp",
    "EventType",
    "Interface",
    "Options",
    "PortReuse",
    "Segment",
    "Timeouts",
    "Use",
]


class Use(IntFlag):
    """What an interface address is for; a listed address without letters serves all three."""

    DAEMON = 1
    CLIENT = 2
    MONITOR = 4


class EventType(IntFlag):
    """Event classes of the log, with the mask bits that the configuration page lists."""

    DEBUG = 0x1
    EXIT = 0x2
    PRINT = 0x4
    DATA_LINK = 0x10
    NETWORK = 0x20
    PROTOCOL = 0x40
    SESSION = 0x80
    CONFIGURATION = 0x100
    MEMBERSHIP = 0x200
    FLOW_CONTROL = 0x400
    STATUS = 0x800
    EVENTS = 0x1000
    GROUPS = 0x2000
    MEMORY = 0x10000
    SKIPLIST = 0x200000
    ACM = 0x400000
    SECURITY = 0x800000


class EventPriority(IntEnum):
    """Least priority that is logged; `PRINT` passes any threshold."""

    DEBUG = 1
    INFO = 2
    WARNING = 3
    ERROR = 4
    CRITICAL = 5
    FATAL = 6
    PRINT = 7


class PortReuse(Enum):
    """`SocketPortReuse`: AUTO reuses a specific address always, any address if nobody has it."""

    ON = "ON"
    OFF = "OFF"
    AUTO = "AUTO"


@dataclass(frozen=True, slots=True)
class Interface:
    """One address of a daemon. `any` marks the implied interface, bound to all local addresses."""

    address: str
    uses: Use
    any: bool = False
    port: int = 0  # As written; never used.


@dataclass(frozen=True, slots=True)
class Daemon:
    """One entry of a segment; `address` is its identity and the address peers send to."""

    name: str
    address: str
    interfaces: tuple[Interface, ...]


@dataclass(frozen=True, slots=True)
class Segment:
    """Daemons that one broadcast or multicast datagram reaches."""

    address: str
    port: int
    daemons: tuple[Daemon, ...]


@dataclass(frozen=True, slots=True)
class EventStamp:
    """A strftime format, with or without microseconds behind the stamp."""

    format: str
    microseconds: bool = False


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Membership timeouts in milliseconds."""

    token: int = 1250
    hurry: int = 500
    alive: int = 250
    join: int = 250
    rep: int = 625
    seg: int = 500
    gather: int = 1250
    form: int = 1250
    lookup: int = 30000


@dataclass(frozen=True, slots=True)
class Options:
    """Every option with its value in force. `None` means that the file does not set it."""

    debug_flags: EventType = EventType.EXIT | EventType.PRINT | EventType.CONFIGURATION
    event_priority: EventPriority = EventPriority.INFO
    event_log_file: str | None = None
    event_stamp: EventStamp | None = None
    dangerous_monitor: bool = False
    socket_port_reuse: PortReuse = PortReuse.AUTO
    runtime_dir: str | None = None
    daemon_user: str | None = None
    daemon_group: str | None = None
    auth_allowed: tuple[str, ...] = ("NULL",)
    auth_required: tuple[str, ...] = ()
    access_policy: str = "PERMIT"
    max_session_messages: int | None = None
    window: int | None = None
    personal_window: int | None = None
    accelerated_ring: bool | None = None
    accelerated_window: int | None = None
    timeouts: Timeouts = field(default_factory=Timeouts)
    # Options of our own, unknown to the classic programs.
    max_message_size: int = 143_952
    packet_size: int | None = None
    multicast: bool | None = None
    state_dir: str | None = None
    handshake_timeout: int = 10_000
    max_queued_bytes: int = 512 * 1024 * 1024
    max_memberships: int = 500_000
    busy_poll: int = 0  # Microseconds.
    flight_recorder: int = 8192  # KiB; 0 for none.
    flight_recorder_on_view: bool = False
    monitor_allow: tuple[str, ...] = ()  # Networks such as 10.0.0.0/8.
    metrics_port: int | None = None
    metrics_address: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Configuration:
    """A checked configuration as one daemon sees it."""

    segments: tuple[Segment, ...]
    options: Options
    me: Daemon
    segment: Segment  # The segment of `me`.
    hash_text: bytes  # The network as text, which Spread's hash is taken of.
    hash: int  # Spread's unsigned 32-bit hash of it.
    wide_area: bool = False
    path: str | None = None  # The file that was read; None for `spread --local`.

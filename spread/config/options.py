"""The option table: every option word, the form of its value, its bounds, where it is kept.

Words above the line belong to Spread and are reserved everywhere in a file. Our own words below
it are options only at the start of a statement and before an equals sign, so that daemons and
hosts may bear these names; the classic programs refuse them.
"""

from dataclasses import dataclass
from enum import Enum

__all__ = ["OPTIONS", "OWN_OPTIONS", "TIMEOUTS", "Form", "Option"]

KIB = 1024
MIB = 1024 * KIB


class Form(Enum):
    """What stands behind an option word; the text is what a message asks for."""

    FLAGS = "a list of event types in braces"
    PRIORITY = "pDEBUG, INFO, WARNING, ERROR, CRITICAL or FATAL"
    TEXT = "a word or a quoted text"
    STAMP = "a time format, quoted if it holds blanks"
    MARK = "nothing"
    BOOLEAN = "true, yes, false or no"
    TRISTATE = "ON, OFF or AUTO"
    METHODS = "names of authentication methods in quotes"
    POLICY = "the name of an access control policy"
    NETWORKS = "networks such as 10.0.0.0/8, several of them in quotes"
    ADDRESS = "an address such as 127.0.0.1"
    NUMBER = "a number"
    WINDOW = "a number of packets"
    TIMEOUT = "a number of milliseconds"
    LINK = "Hop or TcpHop"


@dataclass(frozen=True, slots=True)
class Option:
    """One row. `field` names the attribute of `Options`, or of `Timeouts` for a timeout.

    `low` and `high` bound a number, or the bytes of a text. `example` is a value that messages
    offer. Words of ours (`own`) may have numbers of more than six digits.
    """

    word: str
    form: Form
    field: str
    low: int = 0
    high: int = 999_999
    example: str = ""
    own: bool = False


_SPREAD = (
    Option("DebugFlags", Form.FLAGS, "debug_flags", example="{ PRINT EXIT CONFIGURATION }"),
    Option("EventPriority", Form.PRIORITY, "event_priority", example="INFO"),
    Option("EventLogFile", Form.TEXT, "event_log_file", example="spread.log"),
    Option("EventTimeStamp", Form.STAMP, "event_stamp", example='"%H:%M:%S"'),
    Option("EventPreciseTimeStamp", Form.MARK, "event_stamp"),
    Option("DangerousMonitor", Form.BOOLEAN, "dangerous_monitor", example="false"),
    Option("SocketPortReuse", Form.TRISTATE, "socket_port_reuse", example="AUTO"),
    Option("DebugInitialSequence", Form.MARK, ""),
    Option("RuntimeDir", Form.TEXT, "runtime_dir", high=4096, example="/var/run/spread"),
    Option("DaemonUser", Form.TEXT, "daemon_user", high=32, example="spread"),
    Option("DaemonGroup", Form.TEXT, "daemon_group", high=32, example="spread"),
    Option("AllowedAuthMethods", Form.METHODS, "auth_allowed", example='"NULL"'),
    Option("RequiredAuthMethods", Form.METHODS, "auth_required", example='"IP"'),
    Option("AccessControlPolicy", Form.POLICY, "access_policy", example="PERMIT"),
    Option("MaxSessionMessages", Form.NUMBER, "max_session_messages", example="1000"),
    Option("LinkProtocol", Form.LINK, "", example="Hop"),
    Option("Window", Form.WINDOW, "window", low=1, example="160"),
    Option("PersonalWindow", Form.WINDOW, "personal_window", low=1, example="20"),
    Option("AcceleratedRing", Form.BOOLEAN, "accelerated_ring", example="true"),
    Option("AcceleratedWindow", Form.WINDOW, "accelerated_window", example="15"),
    Option("TokenTimeout", Form.TIMEOUT, "token", low=1, example="1250"),
    Option("HurryTimeout", Form.TIMEOUT, "hurry", low=1, example="500"),
    Option("AliveTimeout", Form.TIMEOUT, "alive", low=1, example="250"),
    Option("JoinTimeout", Form.TIMEOUT, "join", low=1, example="250"),
    Option("RepTimeout", Form.TIMEOUT, "rep", low=1, example="625"),
    Option("SegTimeout", Form.TIMEOUT, "seg", low=1, example="500"),
    Option("GatherTimeout", Form.TIMEOUT, "gather", low=1, example="1250"),
    Option("FormTimeout", Form.TIMEOUT, "form", low=1, example="1250"),
    Option("LookupTimeout", Form.TIMEOUT, "lookup", low=1, example="30000"),
)

# fmt: off
_OWN = (
    # From the largest frame of the classic clients to the largest that the buffer pool serves.
    Option("MaxMessageSize", Form.NUMBER, "max_message_size",
           low=143_952, high=16 * MIB, example="143952", own=True),
    # From the datagram that every IPv4 host must take to the largest payload of UDP over IPv4.
    Option("PacketSize", Form.NUMBER, "packet_size",
           low=548, high=65_507, example="1472", own=True),
    Option("Multicast", Form.BOOLEAN, "multicast", example="yes", own=True),
    Option("StateDir", Form.TEXT, "state_dir",
           low=1, high=4096, example="/var/lib/spread", own=True),
    # Milliseconds; an hour is as good as no deadline.
    Option("HandshakeTimeout", Form.NUMBER, "handshake_timeout",
           low=100, high=3_600_000, example="10000", own=True),
    # Two of the largest messages up to a TiB.
    Option("MaxQueuedBytes", Form.NUMBER, "max_queued_bytes",
           low=32 * MIB, high=MIB * MIB, example="536870912", own=True),
    Option("MaxMemberships", Form.NUMBER, "max_memberships",
           low=1, high=100_000_000, example="500000", own=True),
    # Microseconds; who wants more than a second wants it for ever.
    Option("BusyPoll", Form.NUMBER, "busy_poll",
           low=0, high=1_000_000, example="50", own=True),
    # KiB; a GiB holds 16 million packets.
    Option("FlightRecorder", Form.NUMBER, "flight_recorder",
           low=0, high=1_048_576, example="8192", own=True),
    Option("FlightRecorderOnView", Form.BOOLEAN, "flight_recorder_on_view",
           example="no", own=True),
    Option("MonitorAllow", Form.NETWORKS, "monitor_allow", example="10.0.0.0/8", own=True),
    Option("MetricsPort", Form.NUMBER, "metrics_port",
           low=1, high=65_535, example="9480", own=True),
    Option("MetricsAddress", Form.ADDRESS, "metrics_address", example="127.0.0.1", own=True),
)
# fmt: on

OPTIONS = {option.word: option for option in _SPREAD}
OWN_OPTIONS = {option.word: option for option in _OWN}
TIMEOUTS = tuple(option for option in _SPREAD if option.form is Form.TIMEOUT)

"""A configuration written as text, in whatever layout, is read back as itself."""

from dataclasses import dataclass, fields

from hypothesis import given, settings
from hypothesis import strategies as st

from spread.config import Loaded, parse
from spread.config.model import (
    Daemon,
    EventPriority,
    EventType,
    Interface,
    Options,
    PortReuse,
    Segment,
    Timeouts,
    Use,
)
from spread.config.options import TIMEOUTS
from spread.config.tokens import Kind, scan
from tests.unit.config.hosts import ScriptedHost

# A busy machine is no failure.
unhurried = settings(deadline=None, max_examples=60)

EVERY_USE = Use.DAEMON | Use.CLIENT | Use.MONITOR
LETTERS = ((Use.DAEMON, "D"), (Use.CLIENT, "C"), (Use.MONITOR, "M"))

octets = st.integers(0, 255)
addresses = st.tuples(st.just(10), octets, octets, octets).map(
    lambda four: ".".join(map(str, four))
)
ports = st.integers(1, 65534)

names = st.text(st.sampled_from("abXM09 _-.#={}!:\\\t\n\x0cé\ufeff"), max_size=12).filter(
    lambda name: len(name.encode()) <= 19 and name != "Monitor"
)

blanks = st.sampled_from([" ", "\t", "\n", "\r\n", "  # a comment }\n", "\n\n# { other = \n"])


@dataclass(frozen=True)
class Written:
    """A network and options, and the text that says so."""

    segments: tuple[Segment, ...]
    options: Options
    text: str


@st.composite
def daemons(draw: st.DrawFn, name: str, address: str) -> Daemon:
    if draw(st.booleans()):
        return Daemon(name, address, (Interface(address, EVERY_USE, any=True),))
    uses = st.integers(1, 7).map(Use)
    others = draw(
        st.lists(st.builds(Interface, addresses, uses, st.just(False), ports), max_size=9)
    )
    own = Interface(address, Use.DAEMON | draw(uses))
    return Daemon(name, address, tuple(draw(st.permutations([own, *others]))))


@st.composite
def networks(draw: st.DrawFn) -> tuple[Segment, ...]:
    count = draw(st.integers(1, 6))
    own_names = draw(st.lists(names, min_size=count, max_size=count, unique=True))
    own_addresses = draw(st.lists(addresses, min_size=count, max_size=count, unique=True))
    entries = [
        draw(daemons(name, address)) for name, address in zip(own_names, own_addresses, strict=True)
    ]
    cuts = sorted(draw(st.sets(st.integers(1, count - 1)))) if count > 1 else []
    groups = [entries[a:b] for a, b in zip([0, *cuts], [*cuts, count], strict=True)]
    return tuple(Segment(draw(addresses), draw(ports), tuple(group)) for group in groups)


option_values = st.fixed_dictionaries(
    {},
    optional={
        "debug_flags": st.sets(st.sampled_from(list(EventType))).map(
            lambda kinds: EventType(sum(kind.value for kind in kinds))
        ),
        "event_priority": st.sampled_from(EventPriority).filter(lambda each: each.name != "PRINT"),
        "event_log_file": names,
        "dangerous_monitor": st.booleans(),
        "socket_port_reuse": st.sampled_from(PortReuse),
        "runtime_dir": names.filter(bool),
        "daemon_user": names.filter(bool),
        "max_session_messages": st.integers(0, 999_999),
        "window": st.integers(200, 32_767),
        "personal_window": st.integers(30, 200 - 50),
        "accelerated_ring": st.booleans(),
        "accelerated_window": st.integers(0, 20),
        "timeouts": st.builds(
            Timeouts, **{each.name: st.integers(1, 999_999) for each in fields(Timeouts)}
        ),
        "max_message_size": st.integers(143_952, 16_777_216),
        "packet_size": st.integers(548, 65_507),
        "multicast": st.booleans(),
        "handshake_timeout": st.integers(100, 3_600_000),
    },
)

WORDS = {
    "debug_flags": "DebugFlags",
    "event_priority": "EventPriority",
    "event_log_file": "EventLogFile",
    "dangerous_monitor": "DangerousMonitor",
    "socket_port_reuse": "SocketPortReuse",
    "runtime_dir": "RuntimeDir",
    "daemon_user": "DaemonUser",
    "max_session_messages": "MaxSessionMessages",
    "window": "Window",
    "personal_window": "PersonalWindow",
    "accelerated_ring": "AcceleratedRing",
    "accelerated_window": "AcceleratedWindow",
    "max_message_size": "MaxMessageSize",
    "packet_size": "PacketSize",
    "multicast": "Multicast",
    "handshake_timeout": "HandshakeTimeout",
}


@st.composite
def configurations(draw: st.DrawFn) -> Written:
    segments = draw(networks())
    values = draw(option_values)
    statements = [segment_tokens(draw, segment) for segment in segments]
    for field, value in values.items():
        place = draw(st.integers(0, len(statements)))
        statements.insert(place, option_tokens(draw, field, value))
    tokens = [token for statement in statements for token in statement]
    text = "".join(token + draw(blanks) for token in tokens)
    return Written(segments, Options(**values), text)


def segment_tokens(draw: st.DrawFn, segment: Segment) -> list[str]:
    tokens = ["Spread_Segment", f"{segment.address}:{segment.port}", "{"]
    for daemon in segment.daemons:
        tokens += [written_text(draw, daemon.name), daemon.address]
        if not daemon.interfaces[0].any:
            tokens.append("{")
            for interface in daemon.interfaces:
                letters = [letter for use, letter in LETTERS if use in interface.uses]
                bare = interface.uses == EVERY_USE and draw(st.booleans())
                tokens += [] if bare else draw(st.permutations(letters))
                tokens.append(f"{interface.address}:{interface.port}")
            tokens.append("}")
    return [*tokens, "}"]


def option_tokens(draw: st.DrawFn, field: str, value: object) -> list[str]:
    if isinstance(value, Timeouts):
        numbers = [(each.word, getattr(value, each.field)) for each in TIMEOUTS]
        return [token for word, number in numbers for token in (word, "=", str(number))]
    word = WORDS[field]
    if isinstance(value, EventType):
        names = [kind.name or "" for kind in EventType if kind in value]
        return [word, "=", "{", *names, "}"]
    if isinstance(value, EventPriority):
        return [word, "=", "pDEBUG" if value is EventPriority.DEBUG else value.name]
    if isinstance(value, PortReuse):
        return [word, "=", value.value.lower()]
    if isinstance(value, bool):
        return [word, "=", draw(st.sampled_from(["yes", "TRUE"] if value else ["no", "False"]))]
    return [word, "=", written_text(draw, value) if isinstance(value, str) else str(value)]


def written_text(draw: st.DrawFn, text: str) -> str:
    """Write a text bare where that can be read back, and in either kind of quotes else."""
    is_bare = scan(text.encode())[0] == (Kind.WORD, text.encode(), 0)
    if is_bare and not text.startswith(("=", "!")) and draw(st.booleans()):
        return text
    quote = draw(st.sampled_from("\"'"))
    return f"{quote}{text}{quote}"


def read_back(written: Written) -> Loaded:
    name = written.segments[0].daemons[0].name
    return parse(written.text.encode(), "spread.conf", name=name, host=ScriptedHost())


@unhurried
@given(configurations())
def test_written_configuration_is_read_back_as_itself(written: Written) -> None:
    configuration = read_back(written).configuration

    assert configuration.segments == written.segments
    assert configuration.me == written.segments[0].daemons[0]


@unhurried
@given(configurations())
def test_written_options_are_read_back_as_themselves(written: Written) -> None:
    configuration = read_back(written).configuration

    for field in fields(Options):
        if field.name != "timeouts" or written.options.timeouts != Timeouts():
            given_value = getattr(written.options, field.name)
            assert getattr(configuration.options, field.name) == given_value

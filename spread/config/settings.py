"""Turn option statements into the values in force.

Statements apply in the order of the file and the last one wins, except for the two lists of
authentication methods, which grow. Each value is checked alone while it is read; what concerns
two options is checked at the end, and only between values that are themselves right.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from spread.config.diagnostics import Findings, Stage
from spread.config.model import EventPriority, EventType, Options, PortReuse, Timeouts
from spread.config.options import OWN_OPTIONS, TIMEOUTS, Form
from spread.config.stamps import StampOptions
from spread.config.syntax import OptionNode
from spread.config.tokens import Kind, Token

__all__ = ["WINDOW_DEFAULTS", "Evaluation", "Known", "Setting", "Settings", "Value", "evaluate"]

# Packets, for windows that the file does not set.
WINDOW_DEFAULTS = {"window": 160, "personal_window": 20, "accelerated_window": 15}

# So many times as large such windows may become while a ring works.
WINDOWS_GROW = 8

# Spread keeps windows in signed 16 bits.
WINDOW_MODULUS = 0x1_0000
WINDOW_MAX = 0x7FFF

# `ALL` stands for every bit, also for those without a name.
EVERY_EVENT = 0xFFFF_FFFF

# Bytes of a list of methods that are looked at.
METHODS_SIZE_MAX = 90

WIDE_AREA_TIMEOUTS = Timeouts(
    token=5000,
    hurry=1500,
    alive=250,
    join=250,
    rep=1250,
    seg=500,
    gather=2500,
    form=2500,
    lookup=45000,
)

Value = bool | int | str | EventType | tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Known:
    """Names that the file may use: authentication methods in their order, and policies."""

    methods: tuple[str, ...] = ("NULL", "IP")
    policies: tuple[str, ...] = ("PERMIT",)


@dataclass(frozen=True, slots=True)
class Setting:
    """An option as the file sets it, with the place of its last statement."""

    word: str
    value: Value
    line: int
    column: int
    is_own: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """All options in force, those that the file sets in its order, and where by their words."""

    options: Options
    given: tuple[Setting, ...]
    nodes: Mapping[str, OptionNode]


class Evaluation:
    """Options so far; `apply` each statement, then `finish`."""

    def __init__(self, findings: Findings, known: Known) -> None:
        self._findings = findings
        self._known = known
        self._fields: dict[str, Any] = {}
        self._timeouts: dict[str, int] = {}
        self._stamp = StampOptions()
        self._nodes: dict[str, OptionNode] = {}
        self._given: dict[str, tuple[Token, Value]] = {}
        self._wrong: set[str] = set()

    def apply(self, node: OptionNode) -> None:
        """Apply one statement."""
        if node.is_damaged:
            self._wrong.add(node.option.word)
            return
        appliers = {
            Form.FLAGS: self._apply_flags,
            Form.PRIORITY: self._apply_priority,
            Form.TEXT: self._apply_text,
            Form.STAMP: self._apply_stamp,
            Form.MARK: self._apply_mark,
            Form.BOOLEAN: self._apply_boolean,
            Form.TRISTATE: self._apply_tristate,
            Form.METHODS: self._apply_methods,
            Form.POLICY: self._apply_policy,
            Form.NETWORKS: self._apply_networks,
            Form.ADDRESS: self._apply_address,
            Form.NUMBER: self._apply_number,
            Form.WINDOW: self._apply_window,
            Form.TIMEOUT: self._apply_timeout,
            Form.LINK: self._apply_link,
        }
        appliers[node.option.form](node)

    def give_routes(self, keyword: Token, rows: int) -> None:
        """Record a cost matrix, which has no effect, among the settings."""
        self._given["RouteMatrix"] = (keyword, rows)

    def finish(self, *, wide_area: bool) -> Settings:
        """Check what concerns several options and return the result."""
        self._check_windows()
        self._check_timeouts()
        timeouts = WIDE_AREA_TIMEOUTS if wide_area else Timeouts()
        self._fields["timeouts"] = replace(timeouts, **self._timeouts)
        self._fields["event_stamp"] = self._stamp.result()
        return Settings(Options(**self._fields), self._settings_in_order(), self._nodes)

    # Values one by one.

    def _apply_flags(self, node: OptionNode) -> None:
        mask = 0
        is_negated = False
        for token in node.values:
            if token.kind is Kind.BANG:
                is_negated = True
                continue
            bits = _event_bits(token.value)
            mask = mask & ~bits if is_negated else mask | bits
            is_negated = False
        self._set(node, EventType(mask))

    def _apply_priority(self, node: OptionNode) -> None:
        name = node.values[0].value
        priority = EventPriority.DEBUG if name == "pDEBUG" else EventPriority[name]
        self._set(node, priority, given=name)

    def _apply_text(self, node: OptionNode) -> None:
        token = node.values[0]
        text = token.value
        option = node.option
        size = len(text.encode("utf-8", "surrogateescape"))
        # No bound is meant for a log file; the others are those of the system calls behind them.
        is_bounded = option.word != "EventLogFile"
        if not text and not option.own and is_bounded:
            return  # Spread ignores empty texts here.
        if is_bounded and not option.low <= size <= option.high:
            message = f"{option.word} takes {option.low or 1} to {option.high} bytes, not {size}"
            self._refuse(node, message, f"{option.word} = {option.example}")
            return
        self._warn_of_quotes(node, token)
        self._set(node, text)

    def _apply_stamp(self, node: OptionNode) -> None:
        if not node.values:
            self._stamp.use_default()
            self._give(node, None)
            return
        token = node.values[0]
        if not self._stamp.use_format(token.value):
            self._findings.warn(token, "a time format is cut after 39 bytes", "a shorter format")
        if not token.value:
            message = "an empty time format means no time stamp"
            self._findings.warn(token, message, "the file without EventTimeStamp")
        self._warn_of_quotes(node, token)
        self._give(node, token.value)

    def _apply_mark(self, node: OptionNode) -> None:
        if node.option.word == "EventPreciseTimeStamp":
            self._stamp.use_microseconds()
        else:
            message = "a testing aid of Spread, which this daemon ignores"
            self._findings.warn(node.word, message, "the file without it")
        self._give(node, True)

    def _apply_boolean(self, node: OptionNode) -> None:
        value = node.values[0].text.lower() in (b"true", b"yes")
        self._set(node, value)

    def _apply_tristate(self, node: OptionNode) -> None:
        name = node.values[0].value.upper()
        self._set(node, PortReuse(name), given=name)

    def _apply_methods(self, node: OptionNode) -> None:
        token = node.values[0]
        text = token.value.encode("utf-8", "surrogateescape")[:METHODS_SIZE_MAX]
        names = text.decode("utf-8", "surrogateescape").split(" ")
        unknown = [each for each in names if each and each not in self._known.methods]
        if unknown and node.option.field == "auth_required":
            # To skip it would let in who was to be checked.
            message = f"there is no authentication method {unknown[0]!r} that could be required"
            self._refuse(node, message, f"some of {', '.join(self._known.methods)}")
            return
        for name in unknown:
            message = f"there is no authentication method {name!r}, the name is skipped"
            self._findings.warn(token, message, f"some of {', '.join(self._known.methods)}")
        # The first list of either kind takes away the default of both.
        self._fields.setdefault("auth_allowed", ())
        before = self._fields.get(node.option.field, ())
        chosen = tuple(each for each in self._known.methods if each in names or each in before)
        self._set(node, chosen)

    def _apply_policy(self, node: OptionNode) -> None:
        name = node.values[0].value
        if name in self._known.policies:
            self._set(node, name)
            return
        remedy = f"AccessControlPolicy = {' or '.join(self._known.policies)}"
        self._refuse(node, "there is no such access control policy", remedy, Stage.PARSE)

    def _apply_networks(self, node: OptionNode) -> None:
        networks = []
        for text in node.values[0].value.split():
            try:
                networks.append(str(IPv4Network(text)))
            except ValueError:
                # Host bits are as likely a slip as any other.
                message = f"{text!r} is no network"
                remedy = f"{node.option.word} = {_network_meant(text) or node.option.example}"
                self._refuse(node, message, remedy)
                return
        # Statements add up, so that each may say in its comment whose network it names.
        before = self._fields.get(node.option.field, ())
        self._set(node, tuple(dict.fromkeys((*before, *networks))))

    def _apply_address(self, node: OptionNode) -> None:
        text = node.values[0].value
        try:
            self._set(node, str(IPv4Address(text)))
        except ValueError:
            remedy = f"{node.option.word} = {node.option.example}, or 0.0.0.0 for all"
            self._refuse(node, f"{text!r} is no address", remedy)

    def _apply_number(self, node: OptionNode) -> None:
        number = self._number(node)
        if number is not None:
            self._set(node, number)

    def _apply_window(self, node: OptionNode) -> None:
        number = self._number(node)
        if number is None:
            return
        kept = number % WINDOW_MODULUS
        if kept > WINDOW_MAX or (kept == 0 and number):
            message = f"Spread keeps {node.option.word} in 16 bits and would not send with this"
            self._refuse(node, message, f"{node.option.low} to {WINDOW_MAX}", Stage.LOAD)
            return
        if kept != number:
            message = f"Spread keeps {node.option.word} in 16 bits: {kept} is in force"
            self._findings.warn(node.values[0], message, f"{node.option.word} = {kept}")
        self._set(node, kept, given=number)

    def _apply_timeout(self, node: OptionNode) -> None:
        number = self._number(node)
        # A wrong timeout is not missing.
        self._nodes[node.option.word] = node
        if number is not None:
            self._timeouts[node.option.field] = number
            self._give(node, number)

    def _apply_link(self, node: OptionNode) -> None:
        self._give(node, node.values[0].value)

    def _number(self, node: OptionNode) -> int | None:
        """Return the number of a statement, None if it is out of bounds."""
        option = node.option
        number = int(node.values[0].text)
        if option.low <= number <= option.high:
            return number
        message = f"{option.word} must be {option.low} to {option.high}"
        self._refuse(node, message, f"{option.word} = {option.example}")
        return None

    # What concerns several options.

    def _check_windows(self) -> None:
        if self._wrong & {"Window", "PersonalWindow", "AcceleratedWindow"}:
            return
        window, personal, accelerated = (
            self._fields.get(name, default) for name, default in WINDOW_DEFAULTS.items()
        )
        if personal > window:
            self._refuse_pair("PersonalWindow", personal, "Window", window)
        is_accelerated = self._fields.get("accelerated_ring")
        if accelerated <= personal:
            return
        if is_accelerated:
            self._refuse_pair("AcceleratedWindow", accelerated, "PersonalWindow", personal)
        elif is_accelerated is None and "AcceleratedWindow" in self._nodes:
            message = f"AcceleratedWindow is cut to PersonalWindow, {personal}"
            token = self._nodes["AcceleratedWindow"].values[0]
            self._findings.warn(token, message, f"AcceleratedWindow = {personal}")
            self._fields["accelerated_window"] = personal

    def _refuse_pair(self, small: str, small_value: int, large: str, large_value: int) -> None:
        """Refuse `small` above `large`, at the one that the file sets."""
        node = self._nodes.get(small) or self._nodes.get(large) or self._nodes["AcceleratedRing"]
        token = node.values[0]
        values = ", ".join(
            f"{word} is {value}{'' if word in self._nodes else ' by default'}"
            for word, value in ((small, small_value), (large, large_value))
        )
        message = f"{small} must not exceed {large}: {values}"
        self._findings.error(
            token, message, f"{small} = {large_value}, or a larger {large}", Stage.LOAD
        )

    def _check_timeouts(self) -> None:
        given = [option.word for option in TIMEOUTS if option.word in self._nodes]
        missing = [option.word for option in TIMEOUTS if option.word not in self._nodes]
        # A timeout that could not be read at all is not missing either, but then this check
        # would only repeat that error in other words.
        if given and missing and not self._wrong & set(missing):
            first = min((self._nodes[word].word for word in given), key=lambda each: each.offset)
            message = "the nine membership timeouts come together or not at all"
            self._findings.error(
                first,
                message,
                f"also {', '.join(missing)}",
                Stage.STARTUP,
                found=f"{len(given)} of nine timeouts",
            )

    def _settings_in_order(self) -> tuple[Setting, ...]:
        settings = []
        for token, value in sorted(self._given.values(), key=lambda each: each[0].offset):
            line, column = self._findings.source.position(token.offset)
            settings.append(Setting(token.value, value, line, column, token.value in OWN_OPTIONS))
        return tuple(settings)

    # Book-keeping.

    def _set(self, node: OptionNode, value: Any, given: Value = None) -> None:
        self._fields[node.option.field] = value
        self._give(node, value if given is None else given)

    def _give(self, node: OptionNode, value: Value) -> None:
        self._nodes[node.option.word] = node
        self._given[node.option.word] = (node.word, value)

    def _refuse(
        self, node: OptionNode, message: str, remedy: str, stage: Stage = Stage.VALUE
    ) -> None:
        self._wrong.add(node.option.word)
        self._findings.error(node.values[0], message, remedy, stage)

    def _warn_of_quotes(self, node: OptionNode, token: Token) -> None:
        if token.kind is Kind.WORD and token.text.startswith((b'"', b"'")):
            message = "the quote character is a part of this value, since its text is not quoted"
            self._findings.warn(token, message, "quotes at both ends, and nothing glued to them")
        elif token.kind is Kind.QUOTED and b"\n" in token.text:
            line = self._findings.source.line(token.offset)
            message = f"the quote opened in line {line} runs over the end of its line"
            self._findings.warn(token, message, f"{node.option.word} on one line")


def evaluate(nodes: Iterable[OptionNode], findings: Findings, known: Known) -> Evaluation:
    """Apply option statements; errors and warnings go into `findings`."""
    evaluation = Evaluation(findings, known)
    for node in nodes:
        evaluation.apply(node)
    return evaluation


def _network_meant(text: str) -> str:
    try:
        return str(IPv4Network(text, strict=False))
    except ValueError:
        return ""


def _event_bits(name: str) -> int:
    if name == "ALL":
        return EVERY_EVENT
    return 0 if name == "NONE" else EventType[name].value

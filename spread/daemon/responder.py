"""Sends and notes probes of the network, for `spread doctor`; the watching thread's, or a doctor's.

    query   -> facts of this host
            -> probes to configured daemons and to the own segment, from the daemon's own socket
            -> what arrived
    probe   -> noted if it came from a configured address, never answered

What anybody can bring about is bounded: so many probes and bytes a second leave, all askers
together, so few to a daemon that has not agreed, and so many arrivals are looked at; records are
kept of the last runs only.
"""

import errno
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from spread.config.listens import main_address, uses_segment_address
from spread.config.model import Configuration, Use
from spread.daemon.consent import Consent, Verdict
from spread.daemon.monitor_limits import Budgets
from spread.daemon.own_questions import OwnQuestions, Send, Target
from spread.daemon.relaying import TARGETS_MAX, Relay
from spread.errors import ArgumentError, PeerError
from spread.monitor.doctor_talk import (
    PROBES_MAX,
    Facts,
    Heard,
    Hearing,
    Outcome,
    Permit,
    Sending,
    Stray,
)
from spread.monitor.probes import EVERYBODY, SIZE_MIN, Probe, Way, decode_probe, encode_probe
from spread.monitor.queries import REQUEST_SIZE_MIN
from spread.monitor.report import to_json
from spread.system import error_text, forbid_cutting

__all__ = ["Clocks", "Responder"]

PROBES_A_SECOND: Final = 400
PROBES_AT_ONCE: Final = 400
KBYTE: Final = 1024
KBYTES_A_SECOND: Final = 1024
KBYTES_AT_ONCE: Final = 2048
"""What leaves, and what of large probes is let in, from all senders together."""

UNASKED_A_SECOND: Final = 8 * 1024
UNASKED_AT_ONCE: Final = 32 * 1024
"""Bytes to one daemon that it has not agreed to: small probes, and questions to it."""

WITHHELD: Final = "the receiver has not agreed"

ARRIVALS_A_SECOND: Final = 800
RUNS_MAX: Final = 4
KINDS_MAX: Final = 2048
"""Kinds of probe noted in one run: 127 daemons, eight sizes and ways of each, and as many again.

All of them fit one reply, whatever their figures are.
"""

STRAYS_MAX: Final = 16


@dataclass(frozen=True, slots=True)
class Clocks:
    """The two clocks of a host, in nanoseconds."""

    wall_ns: Callable[[], int]
    steady_ns: Callable[[], int]


@dataclass(frozen=True, slots=True)
class _Place:
    """A configured daemon."""

    address: str
    port: int
    sources: frozenset[str]


@dataclass(slots=True)
class _Noted:
    count: int = 0
    delay_ns: int = 0


@dataclass(slots=True)
class _Run:
    noted: dict[tuple[int, int, int, bool], _Noted] = field(default_factory=dict)
    strays: dict[tuple[int, str], None] = field(default_factory=dict)
    order: int = -1
    """Number of the last order; one that comes again is not carried out again."""
    outcome: Sending = field(default_factory=Sending)


class Responder:
    """What a daemon does for the doctor; used by one thread only."""

    def __init__(
        self,
        configuration: Configuration,
        facts: Callable[[Configuration], Facts],
        send: Send,
        clocks: Clocks,
    ) -> None:
        """`send` sends from the daemon's own socket without waiting."""
        self._facts = facts
        self._send = send
        self._clocks = clocks
        self._sent = Budgets(clocks.steady_ns, PROBES_A_SECOND, PROBES_AT_ONCE)
        self._kbytes = Budgets(clocks.steady_ns, KBYTES_A_SECOND, KBYTES_AT_ONCE)
        self._arrived = Budgets(clocks.steady_ns, ARRIVALS_A_SECOND, ARRIVALS_A_SECOND)
        self._runs: dict[int, _Run] = {}  # Oldest first.
        self._unasked = Budgets(clocks.steady_ns, UNASKED_A_SECOND, UNASKED_AT_ONCE)
        self._let_in = Budgets(clocks.steady_ns, KBYTES_A_SECOND, KBYTES_AT_ONCE)
        self._questions = OwnQuestions(send)
        self._relay = Relay(self._questions)
        self._consent = Consent(self._questions, clocks.steady_ns)
        self.noted = 0
        """Probes that arrived as they should."""
        self.refused = 0
        """Probes that were wrong, from elsewhere, or too many."""
        self.reconfigure(configuration)

    def reconfigure(self, configuration: Configuration) -> None:
        """Go by another configuration from now on."""
        self._configuration = configuration
        self._places = [
            _Place(
                main_address(daemon),
                segment.port,
                frozenset(each.address for each in daemon.interfaces if Use.DAEMON in each.uses),
            )
            for segment in configuration.segments
            for daemon in segment.daemons
        ]
        daemons = [each for segment in configuration.segments for each in segment.daemons]
        self._me = daemons.index(configuration.me)
        own = configuration.segment
        is_used = uses_segment_address(own, configuration.options.multicast)
        self._segment = (own.address, own.port) if is_used else None
        self._consent.forget()

    # -- Arrivals ---------------------------------------------------------------------------------

    def take(self, data: bytes, source: str) -> None:
        """Note a probe that came from this address."""
        try:
            if not self._arrived.take(""):
                raise PeerError("too many probes")
            self._note(decode_probe(data), source)
        except PeerError:
            self.refused += 1

    def _note(self, probe: Probe, source: str) -> None:
        if probe.sender == self._me:
            return  # An own multicast that came back.
        if probe.sender >= len(self._places):
            raise PeerError(f"a probe of daemon {probe.sender}")
        if probe.target not in (self._me, EVERYBODY):
            raise PeerError(f"a probe for daemon {probe.target}")
        is_stray = source not in self._places[probe.sender].sources
        if is_stray and probe.run not in self._runs:
            raise PeerError(f"a run begun by {source}")
        run = self._run(probe.run)
        if is_stray:
            if len(run.strays) < STRAYS_MAX:
                run.strays[probe.sender, source] = None
            return
        key = (probe.sender, int(probe.way), probe.size, probe.is_whole)
        if key not in run.noted and len(run.noted) >= KINDS_MAX:
            raise PeerError("too many kinds of probe")
        delay_ns = self._clocks.wall_ns() - probe.sent_ns
        noted = run.noted.setdefault(key, _Noted(0, delay_ns))
        noted.count += 1
        self.noted += 1
        noted.delay_ns = min(noted.delay_ns, delay_ns)

    def _run(self, number: int) -> _Run:
        run = self._runs.get(number)
        if run is not None:
            return run
        while len(self._runs) >= RUNS_MAX:
            del self._runs[next(iter(self._runs))]
        run = self._runs[number] = _Run()
        return run

    # -- Orders -----------------------------------------------------------------------------------

    def answer(self, arguments: Mapping[str, Any]) -> bytes:
        """Return the JSON of an answer; ArgumentError for an order that is none."""
        order = arguments.get("do")
        if order == "facts":
            return to_json(self._facts(self._configuration))
        if order == "send":
            return to_json(self._carry_out(arguments))
        if order == "heard":
            return to_json(self._hearing(_number(arguments, "run")))
        if order == "permit":
            return to_json(self._permit(_number(arguments, "bytes")))
        if order == "pass":
            return self._pass_on(arguments)
        if order == "passed":
            return self._relay.passed(_number(arguments, "nonce"), _known(arguments))
        raise ArgumentError(f"{order!r:.40} is nothing that a daemon does for a doctor")

    def take_reply(self, data: bytes, source: str) -> bool:
        """Take a datagram if it answers what this daemon has asked; tell whether it does."""
        return self._questions.take(data, source)

    def _permit(self, size: int) -> Permit:
        return Permit(KBYTE * self._let_in.take_some("", 1 + size // KBYTE))

    def _pass_on(self, arguments: Mapping[str, Any]) -> bytes:
        numbers, order = arguments.get("to"), arguments.get("order")
        if not isinstance(order, dict) or order.get("do") not in ("facts", "send", "heard"):
            raise ArgumentError("this order is not passed on")
        if not isinstance(numbers, list) or len(numbers) > TARGETS_MAX:
            raise ArgumentError(f"to must be a list of at most {TARGETS_MAX} daemons")
        for number in numbers:
            if not _is_number(number) or number >= len(self._places) or number == self._me:
                raise ArgumentError(f"{number!r:.40} is no other daemon")
        allowed = [self._target(each) for each in numbers if self._may_ask(each)]
        self._relay.pass_on(_number(arguments, "nonce"), allowed, order)
        return b"{}"

    def _target(self, number: int) -> Target:
        place = self._places[number]
        return Target(number, place.address, place.port)

    def _may_ask(self, number: int) -> bool:
        """Tell whether a daemon may be asked something, and count that it is."""
        if not self._unasked.has(str(number)):
            return False
        # To both ports, or once more with a cookie.
        self._unasked.charge(str(number), 2 * REQUEST_SIZE_MIN)
        return True

    def _hearing(self, number: int) -> Hearing:
        run = self._runs.get(number)
        if run is None:
            return Hearing()
        return Hearing(
            tuple(Heard(*key, each.count, each.delay_ns) for key, each in run.noted.items()),
            tuple(Stray(*key) for key in run.strays),
        )

    def _carry_out(self, arguments: Mapping[str, Any]) -> Sending:
        number, order = _number(arguments, "run"), _number(arguments, "order")
        run = self._run(number)
        if run.order != order:
            outcome = self._send_probes(number, arguments.get("probes"))
            run.order, run.outcome = order, outcome
        return run.outcome

    def _send_probes(self, run: int, probes: object) -> Sending:
        if not isinstance(probes, list) or len(probes) > PROBES_MAX:
            raise ArgumentError(f"probes must be a list of at most {PROBES_MAX}")
        wanted = [self._probe(run, each) for each in probes]
        self._ask_consent([probe for probe, _ in wanted])
        left: list[int] = []
        failed: list[Outcome] = []
        with _WholeSocket(main_address(self._configuration.me)) as whole:
            for index, (probe, place) in enumerate(wanted):
                verdict = self._verdict(probe)
                if verdict is Verdict.ASKED:
                    left.append(index)
                elif verdict is Verdict.NO:
                    failed.append(Outcome(index, WITHHELD, is_withheld=True))
                elif (outcome := self._send_one(index, probe, place, whole)) is not None:
                    failed.append(outcome)
        return Sending(tuple(left), tuple(failed))

    def _ask_consent(self, probes: list[Probe]) -> None:
        """Ask the receivers of large probes for all that they are to get by this order."""
        sizes: dict[int, int] = {}
        for probe in probes:
            if probe.size > SIZE_MIN:
                sizes[probe.target] = sizes.get(probe.target, 0) + probe.size
        for number, size in sizes.items():
            if self._consent.is_to_ask(number, size) and self._may_ask(number):
                self._consent.ask(self._target(number), size)

    def _verdict(self, probe: Probe) -> Verdict:
        """Tell whether a probe may leave, and count it if so."""
        if not (self._sent.has("") and self._kbytes.has("")):
            return Verdict.ASKED
        if probe.size > SIZE_MIN:
            verdict = self._consent.spend(probe.target, probe.size)
        elif self._unasked.has(str(probe.target)):
            self._unasked.charge(str(probe.target), probe.size)
            verdict = Verdict.YES
        else:
            verdict = Verdict.ASKED
        if verdict is Verdict.YES:
            self._sent.charge("", 1)
            self._kbytes.charge("", 1 + probe.size // KBYTE)
        return verdict

    def _probe(self, run: int, given: object) -> tuple[Probe, tuple[str, int]]:
        """Return what is ordered, and where it goes to."""
        if not isinstance(given, list) or len(given) != 4 or not all(map(_is_number, given)):
            raise ArgumentError(f"{given!r:.40} is no probe")
        target, way, size, whole = given
        if way == Way.SEGMENT:
            if self._segment is None:
                raise ArgumentError("this segment has no address that its daemons use")
            if size != SIZE_MIN:
                raise ArgumentError(f"probes to a segment have {SIZE_MIN} bytes, for all to agree")
            place, target = self._segment, EVERYBODY
        elif way in (Way.DATA, Way.TOKEN) and target < len(self._places):
            known = self._places[target]
            place = (known.address, known.port + (way == Way.TOKEN))
        else:
            raise ArgumentError(f"{given!r:.40} names no way to a configured daemon")
        probe = Probe(run, self._me, target, Way(way), size, bool(whole))
        encode_probe(probe)
        return probe, place

    def _send_one(
        self, index: int, probe: Probe, place: tuple[str, int], whole: "_WholeSocket"
    ) -> Outcome | None:
        stamped = Probe(
            probe.run,
            probe.sender,
            probe.target,
            probe.way,
            probe.size,
            probe.is_whole,
            self._clocks.wall_ns(),
        )
        try:
            send = whole.send if probe.is_whole else self._send
            send(encode_probe(stamped), place)
        except OSError as error:
            reason = error_text(error.errno) if error.errno else str(error)
            return Outcome(index, reason, error.errno == errno.EMSGSIZE)
        return None


class _WholeSocket:
    """A socket whose datagrams the network must not cut; opened when it is first needed."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._socket: socket.socket | None = None

    def __enter__(self) -> "_WholeSocket":
        return self

    def __exit__(self, *_: object) -> None:
        if self._socket is not None:
            self._socket.close()

    def send(self, data: bytes, place: tuple[str, int]) -> None:
        """Send a datagram; OSError if it does not leave, EMSGSIZE if it is too large for that."""
        if self._socket is None:
            self._socket = self._opened()
        self._socket.sendto(data, place)

    def _opened(self) -> socket.socket:
        found = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        if not forbid_cutting(found):
            found.close()
            raise OSError(errno.EOPNOTSUPP, "this system cuts datagrams")
        found.setblocking(False)
        with suppress(OSError):  # A router may translate it; then the system chooses.
            found.bind((self._address, 0))
        return found


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= EVERYBODY


def _number(arguments: Mapping[str, Any], name: str) -> int:
    value = arguments.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 32:
        raise ArgumentError(f"{name} must be a number of 32 bits, not {value!r:.40}")
    return value


def _known(arguments: Mapping[str, Any]) -> list[int]:
    """Return whose answers a doctor has already."""
    numbers = arguments.get("known", [])
    if not isinstance(numbers, list) or len(numbers) > TARGETS_MAX:
        raise ArgumentError(f"known must be a list of at most {TARGETS_MAX} daemons")
    if not all(map(_is_number, numbers)):
        raise ArgumentError(f"{numbers!r:.40} are no numbers of daemons")
    return numbers

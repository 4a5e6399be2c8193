"""The interactive monitor without I/O: lines typed and datagrams in, text and datagrams out.

    take(line)            a line that was typed -> text
    receive(data, now)    a datagram            -> text
    due(now)              what falls due        -> text
    outgoing()            datagrams to send
    next_deadline()       when `due` has something again

One line is one command, of which the first character counts, as in Spread's monitor:

    state         line                 next state
    ------------------------------------------------------------------------
    command       0 8                  names      (until an empty line)
    command       1                    component  (one line for each daemon)
    command       5                    window     (one line for each number)
    command       others               command
    any other     the last answer      command

Commands that a daemon may refuse are looked at afterwards: a report of it says whether they took
effect. Classic daemons have no reports; of these nothing is said.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Final

from spread.errors import ArgumentError, ConfigurationError, PeerError
from spread.monitor import commands
from spread.monitor.commands import Flow
from spread.monitor.protocol import KEEP, Command, StatusRecord, decode_datagram, decode_status
from spread.monitor.queries import Kind, Query, Reassembly, encode_query
from spread.monitor.report import Report, from_json
from spread.monitor.roster import Roster, Target
from spread.monitor.screen import block, record_of
from spread.monitor.silence import silence_of
from spread.monitor.watch import Outgoing, Watched

__all__ = ["MENU", "Menu"]

PARTITION_AGAIN_S: Final = 25.0
"""A daemon forgets a partition after 60 s: two repetitions, and one may be lost."""

PATIENCE_S: Final = 1.0
"""A daemon without a status reply for so long is named."""

VERIFY_S: Final = 2.0
"""A command takes effect in the next turn of the daemon, and in its report within a second."""

COMPONENT_MAX: Final = 0x7FFF
COMMAND_PROMPT: Final = "Monitor> "
NEVER: Final = float("inf")

MENU: Final = (
    "Monitor menu",
    "    0  choose the daemons whose status is shown",
    "    1  define a partition             2  send it         3  show what was sent",
    "                                      4  cancel it",
    "    5  define flow control            6  send it         7  show what was sent",
    "    8  stop daemons",
    "    r  reload the configuration",
    "    9  leave (also q)",
)


Dialogue = Generator[str, str, None]
"""Questions that follow a command: yields prompts, is sent the lines."""


@dataclass(slots=True)
class _Verification:
    """A look at daemons after a command: whether their reports say that it is in force."""

    at_s: float
    what: str
    fault: Callable[[Report], str]
    """Returns what is not as it was to be, empty if all is."""
    targets: Sequence[Target]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A query for a report: for the status of a daemon, or to verify a command."""

    target: Target
    end_s: float
    verification: _Verification | None = None


@dataclass(slots=True)
class _Status:
    """Whose status is asked for, and what came of it."""

    chosen: list[Target] = field(default_factory=list)
    next_s: float = NEVER
    asked_s: float = NEVER
    waiting: dict[str, Target] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    before: dict[str, StatusRecord] = field(default_factory=dict)


class Menu:
    """One monitor at work."""

    def __init__(
        self,
        roster: Roster,
        *,
        reply_port: int,
        interval_s: float,
        now: Callable[[], float],
        random_number: Callable[[], int],
        read_again: Callable[[], Roster],
    ) -> None:
        """`read_again` reads the file once more; it raises `ConfigurationError` as ever."""
        self.roster = roster
        self.has_ended = False
        self._reply_port = reply_port
        self._interval_s = interval_s
        self._now = now
        self._random_number = random_number
        self._read_again = read_again
        self._outgoing: list[Outgoing] = []
        self._text: list[str] = []
        self._dialogue: Dialogue | None = None
        self._prompt = COMMAND_PROMPT
        self._status = _Status()
        self._components: tuple[int, ...] | None = None
        self._components_sent: tuple[int, ...] | None = None
        self._partition_next_s = NEVER
        self._flow: Flow | None = None
        self._flow_sent: Flow | None = None
        self._verifications: list[_Verification] = []
        self._reassembly = Reassembly()
        self._asked: dict[int, _Asked] = {}

    # What the driver needs.

    @property
    def prompt(self) -> str:
        """What to print before the next line."""
        return self._prompt

    @property
    def is_waiting(self) -> bool:
        """Whether a reply or a look at the daemons is still to come."""
        return bool(self._status.waiting or self._verifications or self._asked)

    def outgoing(self) -> list[Outgoing]:
        """Return the datagrams to send, once."""
        sent, self._outgoing = self._outgoing, []
        return sent

    def next_deadline(self) -> float:
        """Return when to call `due`."""
        times = [each.at_s for each in self._verifications]
        times += [each.end_s for each in self._asked.values()]
        if self._status.waiting:
            times.append(self._status.asked_s + PATIENCE_S)
        return min([self._status.next_s, self._partition_next_s, *times])

    # What happens.

    def take(self, line: str) -> list[str]:
        """Take a line that was typed; return what to show."""
        if self._dialogue is None:
            self._begin(line[:1])
        else:
            self._go_on(self._dialogue, line)
        return self._shown()

    def receive(self, data: bytes) -> list[str]:
        """Take a datagram that came in; return what to show. Strange ones are ignored."""
        try:
            datagram = decode_datagram(data)
            if datagram.command is Command.STATUS:
                self._show_record(decode_status(data).record)
            else:
                self._take_report(data, str(IPv4Address(datagram.process)))
        except PeerError:
            pass  # Anybody can send to this port; that is no news for whoever looks at a ring.
        return self._shown()

    def due(self) -> list[str]:
        """Do what falls due; return what to show."""
        now_s = self._now()
        status = self._status
        if status.waiting and now_s >= status.asked_s + PATIENCE_S:
            self._name_silent()
        if now_s >= status.next_s:
            self._ask_status()
        if now_s >= self._partition_next_s and self._components_sent is not None:
            self._send_partition(self._components_sent)
        for verification in [each for each in self._verifications if now_s >= each.at_s]:
            self._verifications.remove(verification)
            for target in verification.targets:
                self._query_report(target, verification)
        for nonce in [key for key, each in self._asked.items() if now_s >= each.end_s]:
            del self._asked[nonce]
            self._reassembly.forget(nonce)
        return self._shown()

    def failed(self, address: str, port: int, reason: str) -> list[str]:
        """Take what the system says of datagrams to an address; return what to show."""
        for target in list(self._status.waiting.values()):
            if (target.address, target.port) == (address, port):
                self._show_silent(target, reason)
        return self._shown()

    # Commands.

    def _begin(self, key: str) -> None:
        actions: dict[str, Callable[[], Dialogue | None]] = {
            "0": self._choose_status,
            "1": self._define_partition,
            "2": self._partition,
            "3": self._show_partition,
            "4": self._cancel_partition,
            "5": self._define_flow,
            "6": self._set_flow,
            "7": self._show_flow,
            "8": self._stop,
            "9": self._leave,
            "q": self._leave,
            "r": self._reload,
        }
        action = actions.get(key)
        if action is None:
            if key:
                self._say(f"{key!r} is no command")
            self._say(*MENU)
            return
        dialogue = action()
        if dialogue is not None:
            self._dialogue = dialogue
            self._prompt = next(dialogue)

    def _go_on(self, dialogue: Dialogue, line: str) -> None:
        try:
            self._prompt = dialogue.send(line.strip())
        except StopIteration:
            self._dialogue = None
            self._prompt = COMMAND_PROMPT

    def _leave(self) -> None:
        self.has_ended = True

    def _choose_status(self) -> Dialogue:
        self._say("all, none, or names one by one; an empty line ends the list")
        chosen = yield from self._names("daemon to show: ", self._status.chosen)
        self._status = _Status(chosen, before=self._status.before)
        if chosen:
            self._say(f"status of {_names(chosen)} every {self._interval_s:g} s")
            self._ask_status()
        else:
            self._say("no status is shown")

    def _names(self, prompt: str, chosen: Sequence[Target]) -> Generator[str, str, list[Target]]:
        """Ask for names until an empty line; return the daemons in the order of the file."""
        found = {each.number for each in chosen}
        while line := (yield prompt):
            target = self.roster.named(line)
            if line == "all":
                found = {each.number for each in self.roster.targets}
            elif line == "none":
                found = set()
            elif target is not None:
                found.add(target.number)
            else:
                self._say(f"there is no daemon {line}; there are {_names(self.roster.targets)}")
        return [each for each in self.roster.targets if each.number in found]

    def _define_partition(self) -> Dialogue:
        self._say("daemons with the same number stay together")
        components = []
        for target in self.roster.targets:
            line = yield f"component of {target.name}: "
            while (number := _integer(line, 0, COMPONENT_MAX)) is None:
                self._say(f"{line!r} is no component; it is 0 to {COMPONENT_MAX}")
                line = yield f"component of {target.name}: "
            components.append(number)
        self._components = tuple(components)
        self._say(f"defined: {self._partition_text(self._components)}; send it with 2")

    def _partition(self) -> None:
        if self._components is None:
            self._say("there is no partition to send; define one with 1")
            return
        self._send_partition(self._components)
        self._say(
            f"sent: {self._partition_text(self._components)}; "
            f"again every {PARTITION_AGAIN_S:g} s until it is cancelled with 4"
        )
        self._verify("the partition", self._partition_fault(self._components))

    def _show_partition(self) -> None:
        if self._components_sent is None:
            self._say("no partition was sent")
        else:
            self._say(f"partition sent last: {self._partition_text(self._components_sent)}")

    def _cancel_partition(self) -> None:
        zeros = (0,) * len(self.roster.targets)
        self._send_partition(zeros)
        self._components_sent = None
        self._partition_next_s = NEVER
        self._say("cancelled; the parts find each other within half a minute")
        self._verify("the end of the partition", self._partition_fault(zeros))

    def _define_flow(self) -> Dialogue:
        self._say("packets in one round of the token; an empty line keeps a window")
        window = yield from self._window("window of all: ")
        pairs = []
        for target in self.roster.targets:
            personal = yield from self._window(f"personal window of {target.name}: ")
            accelerated = KEEP
            if self.roster.sets_accelerated_ring:
                prompt = f"accelerated window of {target.name}: "
                accelerated = yield from self._window(prompt, least=0)
            pairs.append((personal, accelerated))
        self._flow = Flow(window, tuple(pairs))
        self._say(f"defined: {self._flow_text(self._flow)}; send it with 6")

    def _window(self, prompt: str, *, least: int = 1) -> Generator[str, str, int]:
        while True:
            line = yield prompt
            number = KEEP if not line else _integer(line, KEEP, commands.WINDOW_MAX)
            if number == KEEP or (number is not None and number >= least):
                return number
            self._say(
                f"{line!r} is no window; it is {least} to {commands.WINDOW_MAX} packets, "
                f"or an empty line to keep it"
            )

    def _set_flow(self) -> None:
        if self._flow is None:
            self._say("there are no windows to send; define them with 5")
            return
        try:
            self._outgoing += commands.flow(self._flow, self.roster, self._reply_port)
        except ArgumentError as error:
            self._say(str(error))
            return
        self._flow_sent = self._flow
        self._say(f"sent: {self._flow_text(self._flow)}")
        self._verify("the windows", self._flow_fault(self._flow))

    def _show_flow(self) -> None:
        if self._flow_sent is None:
            self._say("no windows were sent")
        else:
            self._say(f"windows sent last: {self._flow_text(self._flow_sent)}")

    def _stop(self) -> Dialogue:
        self._say("all, none, or names one by one; an empty line ends the list and stops them")
        chosen = yield from self._names("daemon to stop: ", ())
        if not chosen:
            self._say("no daemon is stopped")
            return
        kept = self._components_sent or ()
        self._outgoing += commands.stop(chosen, kept, self.roster, self._reply_port)
        self._say(f"sent: stop {_names(chosen)}")
        self._verify("the stop", _stop_fault, chosen)

    def _reload(self) -> None:
        try:
            roster = self._read_again()
        except ConfigurationError as error:
            self._say("the file is wrong, so nothing was sent:", *str(error).splitlines())
            return
        self._outgoing += commands.reload(self.roster, self._reply_port)
        self._say(
            f"reload sent to {_names(self.roster.targets)}",
            f"hash of the configuration: {self.roster.hash} before, {roster.hash} now",
        )
        self.roster = roster
        self._status = _Status()
        self._components = self._components_sent = None
        self._partition_next_s = NEVER
        self._flow = self._flow_sent = None
        self._say("status, partition and windows are to be chosen anew")
        self._verify("the reload", _hash_fault(roster.hash))

    # Status.

    def _ask_status(self) -> None:
        status = self._status
        now_s = self._now()
        status.next_s = now_s + self._interval_s
        status.asked_s = now_s
        status.waiting = {each.identity: each for each in status.chosen}
        if self.roster.own is not None:
            self._outgoing += commands.status(status.chosen, self.roster, self._reply_port)
            return
        for target in status.chosen:
            self._query_report(target, None)

    def _show_record(self, record: StatusRecord) -> None:
        target = self.roster.at(record.my_id)
        if target is None:
            self._say(f"a status reply of {record.my_id}, which is no daemon of this file")
            return
        self._status.waiting.pop(target.identity, None)
        self._status.silent.discard(target.name)
        self._say(*block(record, self._status.before.get(target.name), self.roster))
        self._status.before[target.name] = record

    def _name_silent(self) -> None:
        for target in list(self._status.waiting.values()):
            self._show_silent(target, "")
        self._status.waiting = {}

    def _show_silent(self, target: Target, reason: str) -> None:
        """Say once that a daemon does not answer, and what to check."""
        self._status.waiting.pop(target.identity, None)
        if target.name in self._status.silent:
            return
        self._status.silent.add(target.name)
        watched = Watched(target, silent_since_s=self._now(), trouble=reason)
        silence = silence_of(watched, self.roster)
        self._say(f"{target.name} does not answer: {silence.sentence}")
        self._say(*(f"    check: {each}" for each in silence.checks))

    # What became of a command.

    def _verify(
        self, what: str, fault: Callable[[Report], str], targets: Sequence[Target] = ()
    ) -> None:
        at_s = self._now() + VERIFY_S
        wanted = targets or self.roster.targets
        self._verifications.append(_Verification(at_s, what, fault, wanted))

    def _query_report(self, target: Target, verification: _Verification | None) -> None:
        nonce = self._random_number()
        requester = (self.roster.own or target).identity
        query = Query(nonce, Kind.REPORT, {}, requester)
        self._reassembly.expect(query, target.identity)
        self._asked[nonce] = _Asked(target, self._now() + PATIENCE_S, verification)
        self._outgoing.append(Outgoing(encode_query(query), target))

    def _take_report(self, data: bytes, daemon: str) -> None:
        reply = self._reassembly.add(data, daemon)
        asked = self._asked.pop(reply.nonce, None) if reply is not None else None
        if reply is None or asked is None or reply.kind != Kind.REPORT:
            return
        report = from_json(Report, reply.json)
        if asked.verification is None:
            self._show_record(record_of(report, self.roster))
            return
        fault = asked.verification.fault(report)
        if fault:
            self._say(f"{asked.target.name} did not take {asked.verification.what}: {fault}")

    def _partition_fault(self, wanted: tuple[int, ...]) -> Callable[[Report], str]:
        def fault(report: Report) -> str:
            found = report.partition or (0,) * len(wanted)
            return "" if found == wanted else _refusal(report, self._partition_text(found))

        return fault

    def _flow_fault(self, wanted: Flow) -> Callable[[Report], str]:
        def fault(report: Report) -> str:
            target = self.roster.named(report.daemon)
            personal, accelerated = wanted.pairs[target.number] if target else (KEEP, KEEP)
            windows = report.windows
            asked = (wanted.window, personal, accelerated)
            found = (windows.window, windows.personal, windows.accelerated)
            is_so = all(ask in (KEEP, is_) for ask, is_ in zip(asked, found, strict=True))
            return (
                ""
                if is_so
                else _refusal(report, f"windows {'/'.join(map(str, found))}; its log says why")
            )

        return fault

    # Text.

    def _send_partition(self, parts: tuple[int, ...]) -> None:
        self._outgoing += commands.partition(parts, self.roster, self._reply_port)
        self._components_sent = parts
        self._partition_next_s = self._now() + PARTITION_AGAIN_S

    def _partition_text(self, parts: Sequence[int]) -> str:
        rings: dict[int, list[str]] = {}
        for target, part in zip(self.roster.targets, parts, strict=False):
            rings.setdefault(part, []).append(target.name)
        return " | ".join(", ".join(names) for names in rings.values())

    def _flow_text(self, flow: Flow) -> str:
        pairs = (
            f"{target.name} {_kept(personal)}/{_kept(accelerated)}"
            for target, (personal, accelerated) in zip(self.roster.targets, flow.pairs, strict=True)
        )
        return f"window {_kept(flow.window)}; personal/accelerated {', '.join(pairs)}"

    def _say(self, *lines: str) -> None:
        self._text += lines

    def _shown(self) -> list[str]:
        text, self._text = self._text, []
        return text


def _names(targets: Sequence[Target]) -> str:
    return ", ".join(each.name for each in targets)


def _kept(window: int) -> str:
    return "kept" if window == KEEP else str(window)


def _integer(line: str, least: int, most: int) -> int | None:
    try:
        number = int(line)
    except ValueError:
        return None
    return number if least <= number <= most else None


def _refusal(report: Report, found: str) -> str:
    if not report.dangerous_monitor:
        return "it refuses, DangerousMonitor is not set in its configuration"
    return f"it has {found}"


def _stop_fault(report: Report) -> str:
    if report.uptime_s < VERIFY_S + PATIENCE_S:
        return ""  # Somebody has started it again.
    return _refusal(report, "no intention to stop: see its log")


def _hash_fault(wanted: int) -> Callable[[Report], str]:
    def fault(report: Report) -> str:
        if report.configuration_hash in (0, wanted):
            return ""
        return f"its configuration has the hash {report.configuration_hash}, this one {wanted}"

    return fault

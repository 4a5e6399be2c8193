"""The interactive monitor without I/O: lines typed and datagrams in, text and datagrams out.

    take(line)             a line that was typed -> text
    receive(data, source)  a datagram            -> text
    due()                  what falls due        -> text
    outgoing()             datagrams to send
    next_deadline()        when `due` has something again

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
from typing import Final

from spread.errors import ArgumentError, ConfigurationError, PeerError
from spread.monitor import commands
from spread.monitor.commands import Flow
from spread.monitor.menu_reports import (
    Fault,
    Reports,
    hash_fault,
    partition_fault,
    stop_fault,
    window_fault,
)
from spread.monitor.menu_status import ChosenStatus
from spread.monitor.protocol import KEEP, Command, decode_datagram
from spread.monitor.report import Report
from spread.monitor.roster import Roster, Target
from spread.monitor.sender import OddAnswerError, Source, nonsense
from spread.monitor.watch import Outgoing

__all__ = ["MENU", "Menu"]

PARTITION_AGAIN_S: Final = 25.0
"""A daemon forgets a partition after 60 s: two repetitions, and one may be lost."""

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
        self._read_again = read_again
        self._outgoing: list[Outgoing] = []
        self._text: list[str] = []
        self._dialogue: Dialogue | None = None
        self._prompt = COMMAND_PROMPT
        self._reports = Reports(now, random_number)
        self._status = self._no_status()
        self._components: tuple[int, ...] | None = None
        self._components_sent: tuple[int, ...] | None = None
        self._partition_next_s = NEVER
        self._flow: Flow | None = None
        self._flow_sent: Flow | None = None

    # What the driver needs.

    @property
    def prompt(self) -> str:
        """What to print before the next line."""
        return self._prompt

    @property
    def is_waiting(self) -> bool:
        """Whether a reply or a look at the daemons is still to come."""
        return self._status.is_awaited or self._reports.are_awaited

    def outgoing(self) -> list[Outgoing]:
        """Return the datagrams to send, once."""
        sent, self._outgoing = self._outgoing, []
        return sent

    def next_deadline(self) -> float:
        """Return when to call `due`."""
        others = (self._reports.next_deadline(), self._status.next_deadline())
        return min(self._partition_next_s, *others)

    # What happens.

    def take(self, line: str) -> list[str]:
        """Take a line that was typed; return what to show."""
        if self._dialogue is None:
            self._begin(line[:1])
        else:
            self._go_on(self._dialogue, line)
        return self._shown()

    def receive(self, data: bytes, source: Source) -> list[str]:
        """Take a datagram that came in from there; return what to show.

        Anybody can send to this port: what makes no sense is no news, unless a daemon that was
        asked there does not answer.
        """
        try:
            if decode_datagram(data).command is Command.STATUS:
                self._status.receive(data, source)
            else:
                self._outgoing += self._reports.receive(data, source[0], self.roster)
        except OddAnswerError as error:
            self._status.note(source, error.strange)
        except PeerError as error:
            self._status.note(source, nonsense(data, error))
        return self._shown()

    def due(self) -> list[str]:
        """Do what falls due; return what to show."""
        self._outgoing += self._status.due()
        if self._now() >= self._partition_next_s and self._components_sent is not None:
            self._send_partition(self._components_sent)
        self._outgoing += self._reports.due(self.roster)
        return self._shown()

    def failed(self, address: str, port: int, reason: str) -> list[str]:
        """Take what the system says of datagrams to an address; return what to show."""
        self._status.failed(address, port, reason)
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
        self._outgoing += self._status.choose(chosen)
        if chosen:
            self._say(f"status of {_names(chosen)} every {self._interval_s:g} s")
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
        self._verify("the partition", partition_fault(self._components, self._partition_text))

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
        self._verify("the end of the partition", partition_fault(zeros, self._partition_text))

    def _define_flow(self) -> Dialogue:
        self._say(
            f"packets in one round of the token, at most {commands.HELD_MAX} for daemons of ours;",
            "one that is set does not adapt any more, an empty line keeps a window as it is",
        )
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
        fault = window_fault(self._flow.window, self._flow.pairs, self.roster)
        self._verify("the windows", fault)

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
        self._verify("the stop", stop_fault, chosen)

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
        self._status = self._no_status()
        self._components = self._components_sent = None
        self._partition_next_s = NEVER
        self._flow = self._flow_sent = None
        self._say("status, partition and windows are to be chosen anew")
        self._verify("the reload", hash_fault(roster.hash))

    def _no_status(self) -> ChosenStatus:
        return ChosenStatus(
            self.roster,
            self._reports,
            reply_port=self._reply_port,
            interval_s=self._interval_s,
            now=self._now,
        )

    # What became of a command.

    def _verify(self, what: str, fault: Fault, targets: Sequence[Target] = ()) -> None:
        def take(target: Target, report: Report) -> None:
            found = fault(report)
            if found:
                self._say(f"{target.name} did not take {what}: {found}")

        self._reports.ask_later(targets or self.roster.targets, take)

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
        text, self._text = self._text + self._status.take_said(), []
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

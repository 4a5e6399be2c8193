"""The commands of `spuser`: a table, and what each of them does.

A command is a letter and its arguments in one line. Some go on to read lines of their own: the
text of a message, a size. Anything that is no command shows the table.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from spread.cli.user.descriptions import printable
from spread.cli.user.display import Display
from spread.cli.user.lines import Lines
from spread.cli.user.receiver import Receiver
from spread.client.mailbox import Mailbox
from spread.service import Service

__all__ = ["COMMANDS", "Command", "CommandError", "Conversation", "PromptInterruptedError", "menu"]

BURST_COUNT = 10
PROMPT = "spuser> "


class CommandError(Exception):
    """A command could not be carried out; its text says why."""


class PromptInterruptedError(Exception):
    """Ctrl-C while a command was awaited; at any other time it is a KeyboardInterrupt."""


class Command(NamedTuple):
    """One row of the table."""

    letter: str
    arguments: str
    summary: str


COMMANDS = (
    Command("j", "GROUP", "join a group"),
    Command("l", "GROUP", "leave a group"),
    Command("s", "GROUP...", "send the next line to groups"),
    Command("m", "GROUP...", "send the next lines, up to an empty one, as one message"),
    Command("b", "GROUP...", f"send a burst of {BURST_COUNT} numbered messages; asks for a size"),
    Command("r", "", "receive one message; waits until there is one"),
    Command("p", "", "poll: say how many bytes wait to be received"),
    Command("e", "", "enable showing what arrives as it arrives (so it is at the start)"),
    Command("d", "", "disable that: nothing is received until `r` or `e`"),
    Command("q", "", "quit, as does the end of the input"),
)


def menu() -> list[str]:
    """Return the table of commands as lines."""
    return [f"  {each.letter} {each.arguments:10}{each.summary}" for each in COMMANDS]


class Conversation:
    """Reads commands and carries them out."""

    def __init__(
        self, mailbox: Mailbox, lines: Lines, display: Display, receiver: Receiver, service: Service
    ) -> None:
        self._mailbox = mailbox
        self._lines = lines
        self._display = display
        self._receiver = receiver
        self._service = service
        self._actions: dict[str, Callable[[list[str]], None]] = {
            "j": self._join,
            "l": self._leave,
            "s": self._send_line,
            "m": self._send_lines,
            "b": self._send_burst,
            "r": self._receive,
            "p": self._poll,
            "e": self._enable,
            "d": self._disable,
        }

    def next_command(self) -> list[str] | None:
        """Read a command and return its words; None when it is `q` or there are no more.

        Raises CutShortError and PromptInterruptedError.
        """
        try:
            line = self._lines.next_line(PROMPT)
        except EOFError:
            return None
        except KeyboardInterrupt:
            raise PromptInterruptedError from None
        words = line.split()
        if words:
            self._lines.remember(line)
        return None if words[:1] == ["q"] else words

    def carry_out(self, words: list[str]) -> None:
        """Carry out the command with these words; no words are no command.

        Raises CommandError or MisuseError when that cannot be done, CutShortError, and
        SessionClosedError.
        """
        if not words:
            return
        letter, *arguments = words
        action = self._actions.get(letter)
        if action is None:
            self._display.show(menu())
            raise CommandError(f"there is no command {printable(letter)!r}")
        action(arguments)

    # ---- Groups ----

    def _join(self, arguments: list[str]) -> None:
        self._mailbox.join(_one_group("j", arguments))

    def _leave(self, arguments: list[str]) -> None:
        self._mailbox.leave(_one_group("l", arguments))

    # ---- Sending ----

    def _send_line(self, groups: list[str]) -> None:
        _some_groups("s", groups)
        self._send(groups, self._next_line("message: ", "s: the input ended before the message"))

    def _send_lines(self, groups: list[str]) -> None:
        _some_groups("m", groups)
        self._send(groups, "".join(f"{line}\n" for line in self._lines_up_to_an_empty_one()))

    def _send_burst(self, groups: list[str]) -> None:
        _some_groups("b", groups)
        text = self._next_line("size of each message: ", "b: the input ended before the size")
        if not (text.isascii() and text.isdigit()):
            raise CommandError(f"b: a size is a number of bytes, not {printable(text)!r}")
        size = int(text)
        for number in range(1, BURST_COUNT + 1):
            self._send(groups, f"{number} of {BURST_COUNT} ".ljust(size, ".")[:size])

    def _send(self, groups: list[str], text: str) -> None:
        payload = text.encode("utf-8", "surrogateescape")
        self._mailbox.multigroup_multicast(self._service, groups, payload)

    def _next_line(self, prompt: str, complaint: str) -> str:
        try:
            return self._lines.next_line(prompt)
        except EOFError:
            raise CommandError(complaint) from None

    def _lines_up_to_an_empty_one(self) -> Iterator[str]:
        prompt = "message, up to an empty line: "
        while True:
            try:
                line = self._lines.next_line(prompt)
            except EOFError:
                return
            if line == "":
                return
            yield line
            prompt = "... "

    # ---- Receiving ----

    def _receive(self, arguments: list[str]) -> None:
        _nothing("r", arguments)
        was_on = self._receiver.is_on
        self._receiver.switch_off()
        try:
            if self._lines.is_typed and self._mailbox.poll() == 0:
                self._display.show(["waiting for a message; Ctrl-C gives up"])
            self._receiver.receive_one()
        finally:
            if was_on:
                self._receiver.switch_on()

    def _poll(self, arguments: list[str]) -> None:
        _nothing("p", arguments)
        self._display.show([f"{self._mailbox.poll()} bytes wait to be received"])

    def _enable(self, arguments: list[str]) -> None:
        _nothing("e", arguments)
        self._receiver.switch_on()

    def _disable(self, arguments: list[str]) -> None:
        _nothing("d", arguments)
        self._receiver.switch_off()


def _nothing(letter: str, arguments: list[str]) -> None:
    if arguments:
        raise CommandError(f"{letter} stands alone, without {printable(' '.join(arguments))!r}")


def _one_group(letter: str, arguments: list[str]) -> str:
    if len(arguments) != 1:
        raise CommandError(f"{letter} takes one group, not {len(arguments)}: {letter} GROUP")
    return arguments[0]


def _some_groups(letter: str, arguments: list[str]) -> None:
    if not arguments:
        raise CommandError(f"{letter} takes at least one group: {letter} GROUP...")

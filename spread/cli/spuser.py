"""The interactive client: `spuser [-u NAME] [-s DAEMON] [-n USER [-p PASSWORD]] [-r]`.

Commands come from a terminal, with a prompt, line editing and history, or from a script on
standard input. What arrives is shown as it arrives, by a thread of its own.

Exit status: 0 quit; 64 usage; 65 a command of a script could not be carried out, or the daemon
rejected its message; 69 no session with the daemon, or the session was lost; 70 a defect of this
program; 74 the output cannot be written; 130 Ctrl-C; 143 SIGTERM.
"""

import argparse
import io
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import TextIO

from spread import Membership
from spread.cli.command_line import Exit, Parser, run
from spread.cli.user.conversation import CommandError, Conversation, PromptInterruptedError
from spread.cli.user.descriptions import describe, describe_rejected
from spread.cli.user.display import Display, display_on
from spread.cli.user.lines import CutShortError, Lines, editor, history_path, input_lines
from spread.cli.user.receiver import Arrival, Receiver
from spread.client.auth import AuthMethod, PasswordAuth
from spread.client.mailbox import Mailbox, connect
from spread.errors import MailboxClosedError, MessageRejectedError, MisuseError
from spread.service import MembershipKind, Service
from spread.system import QUIT_SIGNALS

__all__ = ["main", "parser"]

DEFAULT_NAME = "user"
SHOWN_SIZE_MAX = 1000
"""Bytes of a payload that are shown on a terminal; a pipe gets all of them."""


def parser() -> Parser:
    """Return the parser of the command line."""
    result = Parser(
        "spuser",
        "Join groups of a spread daemon, send messages, and watch what arrives",
        "0 quit, 64 usage, 65 a command of a script failed, 69 no session or session lost, "
        "130 Ctrl-C",
    )
    add = result.add_argument
    add("-u", dest="name", metavar="NAME", help="private name (default user), at most 10 bytes")
    add("-n", dest="user", metavar="USER", help="user name of the authentication method PWORD")
    add("-p", dest="password", metavar="PASSWORD", help="its password; asked for if left out")
    add("-r", dest="is_random", action="store_true", help="let the daemon invent a private name")
    result.add_session()
    result.add_service(Service.SAFE)
    return result


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns the exit status."""
    given = _arguments(sys.argv[1:] if argv is None else argv)
    return run("spuser", lambda: _converse(given))


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Return what was given, and the authentication methods as `auth`."""
    result = parser()
    given = result.parse_args(argv)
    if given.is_random and given.name is not None:
        result.error("-r lets the daemon invent a name; leave out -u")
    if given.password is not None and given.user is None:
        result.error("-p belongs to -n USER")
    if given.user is not None and given.password is None and not sys.stdin.isatty():
        result.error("-n needs -p when there is no terminal to ask for the password")
    return given


def _converse(given: argparse.Namespace) -> int:
    _quit_in_order()
    is_typed = sys.stdin.isatty() and sys.stdout.isatty()
    display = display_on(_tolerant(sys.stdout), is_typed_on=is_typed)
    name = "" if given.is_random else given.name or DEFAULT_NAME
    with connect(given.daemon, name, timeout=given.timeout, auth=_auth(given)) as mailbox:
        display.show([f"connected to {given.daemon} as {mailbox.private_group}"])
        dialogue = Dialogue(mailbox, display, given.service, is_typed=is_typed)
        if not is_typed:
            return dialogue.run(input_lines(_tolerant(sys.stdin)))
        # Whoever types expects Ctrl-C to work, whatever the shell that started us ignores.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        display.show(["any other letter than those of commands shows the commands"])
        with editor(history_path(), dialogue.names) as lines:
            return dialogue.run(lines)


def _auth(given: argparse.Namespace) -> list[AuthMethod]:
    if given.user is None:
        return []
    password = given.password
    if password is None:
        import getpass

        password = getpass.getpass(f"password of {given.user}: ")
    return [PasswordAuth(given.user, password)]


def _tolerant(stream: TextIO) -> TextIO:
    """Let `stream` pass every byte: names and messages need not be text of any encoding."""
    if isinstance(stream, io.TextIOWrapper):
        is_input = stream.readable()
        stream.reconfigure(errors="surrogateescape" if is_input else "backslashreplace")
    return stream


def _quit_in_order() -> None:
    """Turn signals that would kill into an exit that restores terminal and session."""

    def quit_in_order(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        sys.exit(Exit.TERMINATED)

    for number in QUIT_SIGNALS:
        if signal.getsignal(number) is signal.SIG_DFL:  # As it is not under `nohup`.
            signal.signal(number, quit_in_order)


class Dialogue:
    """One run: commands on one side, what arrives on the other, and what went wrong."""

    def __init__(
        self, mailbox: Mailbox, display: Display, service: Service, *, is_typed: bool
    ) -> None:
        self._mailbox = mailbox
        self._display = display
        self._service = service
        self._is_typed = is_typed
        self._has_failed = False
        self._end: BaseException | None = None
        self._members: dict[str, tuple[str, ...]] = {}

    def names(self) -> set[str]:
        """Return the names that can be completed: groups of this session, and their members."""
        return {name for group, members in self._members.items() for name in (group, *members)}

    def run(self, lines: Lines) -> int:
        """Carry out commands until the last; returns the exit status.

        Raises SpreadError when the session ends before.
        """

        def stop(end: BaseException) -> None:
            self._end = end
            lines.cut_short()

        receiver = Receiver(self._mailbox, self._show, stop)
        conversation = Conversation(self._mailbox, lines, self._display, receiver, self._service)
        receiver.start()
        try:
            while self._do_next(conversation, lines):
                pass
        except (CutShortError, MailboxClosedError):
            if self._end is None:
                raise
            raise self._end from None
        except PromptInterruptedError:
            if self._is_typed:
                print()
            raise KeyboardInterrupt from None
        finally:
            receiver.close()
        return Exit.DATA if self._has_failed and not self._is_typed else Exit.OK

    def _do_next(self, conversation: Conversation, lines: Lines) -> bool:
        """Read a command and carry it out; false when there are no more."""
        try:
            words = conversation.next_command()
            if words is None:
                return False
            conversation.carry_out(words)
        except MailboxClosedError:
            raise
        except (CommandError, MisuseError) as error:
            self._has_failed = True
            if self._is_typed:
                self._display.show([str(error)])
            else:
                print(f"spuser: line {lines.count}: {error}", file=sys.stderr, flush=True)
        except KeyboardInterrupt:
            if not self._is_typed:
                raise
            print()  # The terminal has shown "^C".
            self._display.show(["given up"])
        return True

    def _show(self, arrival: Arrival) -> None:
        size_max = SHOWN_SIZE_MAX if self._is_typed else None
        if isinstance(arrival, MessageRejectedError):
            self._has_failed = True
            self._display.show(describe_rejected(arrival, size_max=size_max))
            return
        if isinstance(arrival, Membership):
            self._note_members(arrival)
        self._display.show(describe(arrival, size_max=size_max))

    def _note_members(self, membership: Membership) -> None:
        if membership.kind is MembershipKind.VIEW:
            self._members[membership.group] = membership.members
        elif membership.kind is MembershipKind.SELF_LEFT:
            self._members.pop(membership.group, None)


if __name__ == "__main__":
    sys.exit(main())

"""Our client programs as a user runs them: with pipes, or at a terminal."""

import codecs
import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.daemon.harness.process import REPOSITORY
from tests.daemon.harness.waiting import DEADLINE, Deadline
from tests.daemon.screen import Screen

__all__ = ["Script", "Terminal", "at_terminal", "run_program", "with_pipes"]

COLUMNS, ROWS = 80, 16
PATIENCE = 0.5  # Seconds without output after which a key is pressed again.


def run_program(
    name: str, *arguments: str, text: str | bytes = "", directory: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program with `text` on its standard input to its end."""
    data = text if isinstance(text, bytes) else text.encode()
    done = subprocess.run(
        _command(name, arguments),
        input=data,
        capture_output=True,
        env=_environment(directory),
        timeout=DEADLINE,
        check=False,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


class Script:
    """A program whose input is written, and whose output is read, line by line."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._output = b""

    def say(self, *lines: str) -> None:
        """Write lines to its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write("".join(f"{line}\n" for line in lines).encode())

    def next_line(self) -> str:
        """Return the next line of its output; raises AssertionError when none comes."""
        assert self.process.stdout is not None
        deadline = Deadline()
        while b"\n" not in self._output:
            ready, _, _ = select.select([self.process.stdout], [], [], deadline.left())
            assert ready, f"no whole line came, only {self._output!r}"
            data = os.read(self.process.stdout.fileno(), 65536)
            assert data, f"the output has ended with {self._output!r}"
            self._output += data
        line, _, self._output = self._output.partition(b"\n")
        return line.decode()

    def read_to(self, part: str) -> str:
        """Read lines up to one that contains `part`, and return that."""
        while True:
            line = self.next_line()
            if part in line:
                return line

    def end(self) -> tuple[int, str, str]:
        """Close its input and return exit status, rest of the output, and errors."""
        output, errors = self.process.communicate(timeout=DEADLINE)
        return self.process.returncode, (self._output + output).decode(), errors.decode()


@contextlib.contextmanager
def with_pipes(name: str, *arguments: str) -> Iterator[Script]:
    """Start a program with pipes; it is gone at the end."""
    with subprocess.Popen(
        _command(name, arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=_environment(None),
        bufsize=0,
    ) as process:
        try:
            yield Script(process)
        finally:
            process.kill()


class Terminal:
    """A program that runs at a terminal, and what its user sees."""

    def __init__(self, descriptor: int, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.screen = Screen(COLUMNS, ROWS)
        self.output = ""
        """Everything written so far, sequences included."""
        self._descriptor = descriptor
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def type(self, keys: str) -> None:
        """Press keys; Enter is `\\r`."""
        os.write(self._descriptor, keys.encode())

    def wait_for(self, *lines: str) -> None:
        """Look at the screen until these lines stand together at its end.

        The last one is the line with the cursor. Raises AssertionError with what is there instead.
        """
        wanted = list(lines)
        self._look_until(lambda shown: shown[-len(wanted) :] == wanted, f"{wanted}")

    def wait_for_end(self, text: str) -> None:
        """Look at the screen until the line with the cursor ends with `text`."""
        self._look_until(lambda shown: shown[-1:] != [] and shown[-1].endswith(text), text)

    def wait_for_cursor(self, column: int) -> None:
        """Look at the screen until the cursor stands in `column`."""
        self._look_until(lambda _: self.screen.cursor[1] == column, f"cursor in column {column}")

    def interrupt_until(self, *lines: str) -> None:
        """Press Ctrl-C until these lines stand at the end of the screen.

        Once need not be enough: Python misses a signal that comes between its look at the signals
        and the system call in which it waits for a key.
        """
        wanted = list(lines)
        deadline = Deadline()
        while self.screen.lines[-len(wanted) :] != wanted and not deadline.passed():
            self.type("\x03")
            while self._read(PATIENCE):
                pass
        self.wait_for(*lines)

    def end_by(self, action: Callable[[], None]) -> int:
        """Repeat `action` until the program ends; returns the exit status. See above for why."""
        deadline = Deadline()
        while self.process.poll() is None and not deadline.passed():
            action()
            while self._read(PATIENCE):
                pass
        return self.wait()

    def _look_until(self, is_there: Callable[[list[str]], bool], what: str) -> None:
        deadline = Deadline()
        while not is_there(self.screen.lines):
            if not self._read(deadline.left()):
                shown = "\n".join(self.screen.lines)
                raise AssertionError(f"waited for {what}; the screen shows\n{shown}")

    def wait(self) -> int:
        """Look on until the program ends; returns the exit status."""
        deadline = Deadline()
        while self._read(deadline.left()):
            pass
        return self.process.wait(DEADLINE)

    @property
    def echoes(self) -> bool:
        """Whether the terminal itself shows what is typed, as a shell expects it to."""
        return bool(termios.tcgetattr(self._descriptor)[3] & termios.ECHO)

    def _read(self, seconds: float) -> bool:
        """Show what has come on the screen; false when nothing comes any more."""
        ready, _, _ = select.select([self._descriptor], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self._descriptor, 65536)
        except OSError:  # Linux says so when the program has closed its side.
            return False
        text = self._decoder.decode(data)
        self.output += text
        self.screen.feed(text)
        return bool(data)


@contextlib.contextmanager
def at_terminal(name: str, *arguments: str, home: Path) -> Iterator[Terminal]:
    """Start a program at a terminal of its own; at the end it is terminated in order."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    process = subprocess.Popen(
        _command(name, arguments),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=_environment(home),
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no threads.
    )
    os.close(theirs)
    try:
        terminal = Terminal(ours, process)
        yield terminal
        terminal.end_by(process.terminate)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _command(name: str, arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", f"spread.cli.{name}", *arguments]


def _environment(home: Path | None) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("XDG_")}
    own = {
        "PYTHONPATH": str(REPOSITORY),
        "TERM": "linux",
        "INPUTRC": os.devnull,
        "LC_ALL": "C.UTF-8",
    }
    return kept | own | ({} if home is None else {"HOME": str(home)})

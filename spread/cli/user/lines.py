"""Where the commands of `spuser` come from: a terminal with editing and history, or a script.

A wait for a line can be cut short by another thread: when the session ends, nobody wants to press
Enter first. The other thread sends a signal, which ends the system call; the handler raises in the
thread that waits. Where there are no such signals (Windows), the next line ends the wait.
"""

import contextlib
import importlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

from spread import system

__all__ = ["CutShortError", "Lines", "editor", "history_path", "input_lines"]

HISTORY_LINES_MAX = 1000
_SIGNAL_AGAIN_S = 0.05  # Between signals, until the waiting thread has noticed one.


class CutShortError(Exception):
    """The wait for a line was cut short."""


def _forget(line: str) -> None:
    """Remember nothing."""


class Lines:
    """Lines one by one, read in the main thread."""

    def __init__(
        self,
        read: Callable[[str], str],
        remember: Callable[[str], None] = _forget,
        *,
        is_typed: bool = False,
    ) -> None:
        """`read` takes a prompt and returns a line; it raises EOFError at the end."""
        self.is_typed = is_typed
        """Whether somebody types them, and can be told things."""
        self.remember = remember
        """Keep a line for the arrow keys; whoever reads it knows whether it is worth that."""
        self.count = 0
        """Lines read so far."""
        self._read = read
        self._reader = threading.get_ident()
        self._is_waiting = False
        self._is_cut = False
        self._noticed = threading.Event()
        self._can_be_interrupted = system.wake_up_on(self._on_signal)

    def next_line(self, prompt: str) -> str:
        """Return the next line without its end; `prompt` is for people at a terminal.

        Raises EOFError at the end, CutShortError once `cut_short` was called.
        """
        self._is_waiting = True
        try:
            self._raise_if_cut()
            line = self._read(prompt)
            self.count += 1
            self._raise_if_cut()
            return line
        finally:
            self._is_waiting = False

    def cut_short(self) -> None:
        """Let the reader's present wait, or else its next one, end; for any other thread.

        Returns when the reader has noticed, or has ended.
        """
        self._is_cut = True
        while self._can_be_interrupted and self._is_waiting and not self._noticed.is_set():
            system.interrupt(self._reader)
            # One signal could come just before the system call that it is meant to end.
            self._noticed.wait(_SIGNAL_AGAIN_S)

    def _on_signal(self, number: int, frame: object) -> None:  # noqa: ARG002 - the handler's form.
        if self._is_waiting:
            self._raise_if_cut()

    def _raise_if_cut(self) -> None:
        if self._is_cut:
            self._is_waiting = False
            self._noticed.set()
            raise CutShortError


def input_lines(stream: TextIO) -> Lines:
    """Return the lines of a script."""

    def read(prompt: str) -> str:  # noqa: ARG001 - a script needs no prompt.
        line = stream.readline()
        if not line:
            raise EOFError
        return line.removesuffix("\n").removesuffix("\r")

    return Lines(read)


@contextlib.contextmanager
def editor(history: Path | None, names: Callable[[], Iterable[str]]) -> Iterator[Lines]:
    """Give lines typed at the terminal, with editing and history where Python has `readline`.

    `history` is the file that keeps remembered lines from one run to the next. `names` gives the
    names that the Tab key completes.
    """
    try:
        readline: Any = importlib.import_module("readline")
    except ImportError:  # Windows, and Pythons built without it: the terminal's own editing.
        yield Lines(_typed, is_typed=True)
        return
    readline.parse_and_bind("set horizontal-scroll-mode on")
    is_libedit = "libedit" in (readline.__doc__ or "")
    readline.parse_and_bind("bind ^I rl_complete" if is_libedit else "tab: complete")
    readline.set_completer_delims(" ")
    readline.set_completer(_completer(names))
    readline.set_auto_history(False)
    readline.set_history_length(HISTORY_LINES_MAX)
    if history is not None:
        with contextlib.suppress(OSError):  # The first run, or a file of somebody else's.
            readline.read_history_file(history)
    try:
        yield Lines(_typed, readline.add_history, is_typed=True)
    finally:
        if history is not None:
            with contextlib.suppress(OSError):  # No place to write is no reason to complain.
                history.parent.mkdir(parents=True, exist_ok=True)
                history.touch(mode=0o600)
                readline.write_history_file(history)


def _typed(prompt: str) -> str:
    try:
        return input(prompt)
    except (EOFError, CutShortError):
        print()  # The cursor is behind the prompt.
        raise


def _completer(names: Callable[[], Iterable[str]]) -> Callable[[str, int], str | None]:
    def complete(text: str, state: int) -> str | None:
        found = sorted(name for name in names() if name.startswith(text))
        return f"{found[state]} " if state < len(found) else None

    return complete


def history_path() -> Path | None:
    """Return the file that keeps the commands typed in earlier runs; None for a homeless user."""
    state = os.environ.get("XDG_STATE_HOME")
    try:
        directory = Path(state) if state else Path.home() / ".local" / "state"
    except RuntimeError:
        return None
    return directory / "spread" / "spuser_history"

"""A ring of several daemons on the loopback interface, each a child process: `spread --local N`.

    parent    starts `spread --local N -n local1` to `localN` and passes on what they log
    signal    SIGINT, SIGTERM, SIGHUP: sent on to all children
    child     one that ends is reported and not started again

The parent ends when all children have ended. One that cannot start ends the others, too: half a
ring is not what was asked for.
"""

import json
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Final

from spread.daemon.signals import Signals

__all__ = ["run"]

READY: Final = b"daemon ready"
"""Wording of the event with which a daemon that has started says so, in every log format."""

READ_SIZE: Final = 64 * 1024

LINE_SIZE_MAX: Final = 1024 * 1024
"""A line that grows longer is passed on in pieces."""

PR_SET_PDEATHSIG: Final = 1  # prctl(2).


def run(count: int, arguments: Sequence[str], *, is_json: bool) -> int:
    """Run daemons local1 to local`count` with `arguments` until all have ended.

    Returns 0 if every one of them ended in order, else the status of the first that did not.
    """
    signals = Signals()
    try:
        return _Ring(count, arguments, signals, is_json=is_json).run()
    finally:
        signals.close()


@dataclass(slots=True)
class _Member:
    """One child, and what it has logged since the last line end."""

    name: str
    process: subprocess.Popen[bytes]
    output: IO[bytes]
    is_ready: bool = False
    unfinished: bytes = b""


class _Ring:
    """The children, and the loop that passes on what they say."""

    def __init__(
        self, count: int, arguments: Sequence[str], signals: Signals, *, is_json: bool
    ) -> None:
        self._is_json = is_json
        self._signals = signals
        self._is_stopping = False
        self._status = 0
        self._running: list[_Member] = []
        self._selector = selectors.DefaultSelector()
        self._selector.register(signals.fileno(), selectors.EVENT_READ)
        for number in range(1, count + 1):
            member = _start(f"local{number}", count, arguments)
            self._running.append(member)
            self._selector.register(member.output, selectors.EVENT_READ, member)

    def run(self) -> int:
        """Wait for children and signals until no child is left."""
        try:
            while self._running:
                for key, _ in self._selector.select():
                    if key.data is None:
                        self._answer_signals()
                    else:
                        self._read(key.data)
        finally:
            for member in self._running:
                member.process.kill()
                member.process.wait()
                member.output.close()
            self._selector.close()
        return self._status

    def _stop(self) -> None:
        self._is_stopping = True
        for member in self._running:
            member.process.terminate()

    def _answer_signals(self) -> None:
        self._signals.answer(
            stop=self._stop,
            hang_up=lambda: self._pass_on(signal.SIGHUP),
            keep=lambda: self._pass_on(signal.SIGUSR1),
        )

    def _pass_on(self, number: int) -> None:
        for member in self._running:
            member.process.send_signal(number)

    def _read(self, member: _Member) -> None:
        data = os.read(member.output.fileno(), READ_SIZE)
        if not data:
            self._ended(member)
            return
        *lines, rest = (member.unfinished + data).split(b"\n")
        if len(rest) > LINE_SIZE_MAX:
            lines, rest = [*lines, rest], b""
        member.unfinished = rest
        self._show(member, lines)

    def _show(self, member: _Member, lines: Sequence[bytes]) -> None:
        member.is_ready = member.is_ready or any(READY in line for line in lines)
        if not lines:
            return
        try:
            sys.stdout.buffer.write(b"".join(self._marked(member, line) for line in lines))
            sys.stdout.buffer.flush()
        except OSError:
            # Nobody reads the log any more; the daemons serve on, as one without a parent does.
            with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device, not a path.
                os.dup2(nowhere.fileno(), sys.stdout.fileno())

    def _marked(self, member: _Member, line: bytes) -> bytes:
        """Return a line with the daemon's name: in front of it, or as its first field."""
        if self._is_json and line.startswith(b"{"):
            return b'{"daemon": ' + json.dumps(member.name).encode() + b", " + line[1:] + b"\n"
        return member.name.encode() + b" | " + line + b"\n"

    def _ended(self, member: _Member) -> None:
        self._selector.unregister(member.output)
        member.output.close()
        self._running.remove(member)
        if member.unfinished:
            self._show(member, [member.unfinished])
        status = member.process.wait()
        if self._is_stopping and -status in (0, signal.SIGINT, signal.SIGTERM):
            return  # By a signal if it came before the child took heed of signals.
        if status < 0:
            status = 128 - status  # As a shell reports the end by a signal.
        self._status = self._status or status
        left = len(self._running)
        print(
            f"spread: {member.name} has ended with status {status}, "
            f"{left} of its ring {'is' if left == 1 else 'are'} left",
            file=sys.stderr,
            flush=True,
        )
        if not member.is_ready and not self._is_stopping:
            self._stop()


def _start(name: str, count: int, arguments: Sequence[str]) -> _Member:
    command = [sys.executable, "-m", "spread", "--local", str(count), "-n", name, *arguments]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
        preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
    )
    assert process.stdout is not None
    return _Member(name, process, process.stdout)


def _end_with_parent() -> None:
    """Let the child be stopped when the parent is killed. Called between fork and exec."""
    import ctypes

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

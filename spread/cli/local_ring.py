"""A ring of several daemons on the loopback interface, each a child process: `spread --local N`.

    parent    starts `spread --local N -n local1` to `localN` and passes on what they log
    signal    SIGHUP and SIGUSR1 are sent on to all children
    stop      a child stops when its standard input ends: when the parent says so, and when the
              parent is gone, however it ended
    child     one that ends is reported and not started again

The parent ends when all children have ended. One that cannot start ends the others, too: half a
ring is not what was asked for.

A thread for each child waits for what that says, since not every system can wait for pipes and
signals in one place; what they hear is done in the main thread.
"""

import errno
import json
import os
import queue
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Final

from spread.daemon.listen_errors import ListenError
from spread.daemon.signals import Signals
from spread.system import HANG_UP, INTERRUPTED, KEEP, KEYLESS

__all__ = ["UNTIL_INPUT_ENDS", "run"]

UNTIL_INPUT_ENDS: Final = "--until-input-ends"
"""Flag of a child."""

READY: Final = b"daemon ready"
"""Wording of the event with which a daemon that has started says so, in every log format."""

READ_SIZE: Final = 64 * 1024

LINE_SIZE_MAX: Final = 1024 * 1024
"""A line that grows longer is passed on in pieces."""

ADDRESS_TRIES: Final = 3

PIECES_MAX: Final = 64
"""Pieces of output that wait for the main thread; children wait then, as behind a full pipe."""


def run(
    count: int, arguments: Sequence[str], *, is_json: bool, ends_with_input: bool = False
) -> int:
    """Run daemons local1 to local`count` with `arguments` until all have ended.

    With `ends_with_input` the end of standard input stops them. Returns 0 if every one of them
    ended in order, else the status of the first that did not. Raise ListenError where the daemons
    cannot have the same port.
    """
    if count > 1:
        _check_addresses(count)
    signals = Signals()
    if ends_with_input:
        signals.follow_input()
    try:
        return _Ring(count, arguments, signals, is_json=is_json).run()
    finally:
        signals.close()


def _check_addresses(count: int) -> None:
    """Look whether a port of one loopback address is free at the next: not under Wine."""
    # More than one port, for somebody else may have any one of them at the second address.
    for _ in range(ADDRESS_TRIES):
        with (
            socket.socket(type=socket.SOCK_DGRAM) as first,
            socket.socket(type=socket.SOCK_DGRAM) as second,
        ):
            first.bind(("127.0.0.1", 0))
            try:
                second.bind(("127.0.0.2", first.getsockname()[1]))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    continue
            return  # Anything else is told by the daemon that has the address.
    raise ListenError(
        f"cannot run {count} daemons with --local: this system, as Wine does, takes a port of "
        "127.0.0.1 at 127.0.0.2, too; run one with --local, or give each a Spread_Segment with a "
        "port of its own in a configuration file"
    )


@dataclass(slots=True)
class _Member:
    """One child, and what it has logged since the last line end."""

    name: str
    process: subprocess.Popen[bytes]
    lifeline: IO[bytes]
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
        self._heard: queue.Queue[tuple[_Member, bytes]] = queue.Queue(PIECES_MAX)
        self._bell, self._ringing = socket.socketpair()
        self._bell.setblocking(False)
        self._ringing.setblocking(False)
        self._running: list[_Member] = []
        for number in range(1, count + 1):
            member = _start(f"local{number}", count, arguments)
            self._running.append(member)
            threading.Thread(target=self._listen, args=(member,), daemon=True).start()

    def run(self) -> int:
        """Wait for children and signals until no child is left."""
        try:
            while self._running:
                signals, ringing = self._signals.fileno(), self._ringing.fileno()
                ready, _, _ = select.select([signals, ringing], [], [])
                # First, for the key that stops all may have ended children already.
                if signals in ready:
                    self._answer_signals()
                if ringing in ready:
                    self._answer_children()
        finally:
            for member in self._running:
                member.process.kill()
                member.process.wait()
                member.lifeline.close()
            self._bell.close()
            self._ringing.close()
        return self._status

    def _stop(self) -> None:
        self._is_stopping = True
        for member in self._running:
            member.lifeline.close()

    def _answer_signals(self) -> None:
        self._signals.answer(
            stop=self._stop,
            hang_up=lambda: self._pass_on(HANG_UP),
            keep=lambda: self._pass_on(KEEP),
        )

    def _pass_on(self, number: signal.Signals | None) -> None:
        if number is not None:
            for member in self._running:
                member.process.send_signal(number)

    def _listen(self, member: _Member) -> None:
        """Wait for what a child says, to its end; in a thread of the child's own."""
        data = b"?"
        while data:
            data = os.read(member.output.fileno(), READ_SIZE)
            self._heard.put((member, data))
            with suppress(OSError):  # Rung already, or nobody listens any more.
                self._bell.send(b"!")
        member.output.close()

    def _answer_children(self) -> None:
        with suppress(BlockingIOError):
            while self._ringing.recv(256):
                pass
        with suppress(queue.Empty):
            while True:
                self._hear(*self._heard.get_nowait())

    def _hear(self, member: _Member, data: bytes) -> None:
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
        self._running.remove(member)
        member.lifeline.close()
        if member.unfinished:
            self._show(member, [member.unfinished])
        status = member.process.wait()
        if self._is_stopping and status in (0, *INTERRUPTED):
            return
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
    command = [sys.executable, "-m", "spread", "--local", str(count), "-n", name]
    process = subprocess.Popen(
        [*command, UNTIL_INPUT_ENDS, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
        # On Windows its start would end with tracebacks; a stop closes the standard input.
        creationflags=KEYLESS,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    return _Member(name, process, process.stdin, process.stdout)

"""The daemon under fuzz: a real process, with a witness that must be served all the time."""

import socket
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.daemon.harness import wire
from tests.daemon.harness.ports import unix_path
from tests.daemon.harness.process import Daemon
from tests.daemon.harness.session import EndOfStreamError, NothingCameError, Session
from tests.daemon.harness.waiting import wait_until
from tests.fuzz.tally import Tally

__all__ = ["ANSWER_TIMEOUT", "FuzzedDaemon", "open_socket", "read_all"]

ANSWER_TIMEOUT = 20.0  # Seconds without an answer after which the daemon counts as hung.
WARM_UP = 0.1  # Share of a run after which the memory in use is taken as the reference.


class FuzzedDaemon:
    """Starts a daemon, notes its resources in the tally, and stops it at the end.

    The end is part of the judgement: a status other than 0 or a traceback is a crash.
    """

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._directory = tempfile.TemporaryDirectory(prefix="spread-fuzz-")

    def __enter__(self) -> Self:
        self.daemon = Daemon.start(Path(self._directory.name), "DebugFlags = { EXIT }")
        self._witness = Session.connect(self.daemon.unix, b"~witness", membership=False)
        self._idle_descriptors = self.daemon.descriptor_count()
        self.note_before()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._finish()
        finally:
            self._witness.close()
            if self.daemon.is_running():
                self.daemon.kill()
            self._directory.cleanup()

    @property
    def path(self) -> str:
        return str(unix_path(self.daemon.port))

    def note_before(self) -> None:
        """Take the resources in use now as what later ones are compared with."""
        self._tally.resident_before = self.daemon.resident_bytes()
        self._tally.descriptors_before = self.daemon.descriptor_count()

    def serves(self) -> bool:
        """Say whether the witness gets its message back; notes a crash or a hang otherwise."""
        try:
            self._witness.multicast(wire.SAFE, (self._witness.private_group,), b"alive")
            while self._witness.read_frame(ANSWER_TIMEOUT).data != b"alive":
                pass
        except NothingCameError:
            self._tally.hang("the witness was not served")
            return False
        except (EndOfStreamError, OSError):
            self._tally.crash(f"the daemon died or dropped the witness:\n{self.daemon.output()}")
            return False
        return True

    def _finish(self) -> None:
        if not self.serves():
            return
        wait_until(
            lambda: self.daemon.descriptor_count() <= self._idle_descriptors,
            "the daemon to close all connections of the run",
        )
        self._tally.resident_after = self.daemon.resident_bytes()
        self._tally.descriptors_after = self.daemon.descriptor_count()
        try:
            self.daemon.stop()
        except AssertionError as error:
            self._tally.crash(str(error))


def open_socket(path: str) -> socket.socket:
    """Return a blocking connection over the Unix socket."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(ANSWER_TIMEOUT)
    sock.connect(path)
    return sock


def read_all(sock: socket.socket) -> bytes:
    """Return everything up to the end of stream; raises TimeoutError when none comes."""
    parts = []
    try:
        while part := sock.recv(65536):
            parts.append(part)
    except ConnectionResetError:  # It closed without reading all that was sent.
        pass
    return b"".join(parts)

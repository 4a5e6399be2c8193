"""The process under test: start it by a command template, watch what it costs, stop it."""

import os
import resource
import secrets
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.address import Address, tcp_address, unix_address
from bench.session import SessionError, open_session

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 10.0
RETRY_S = 0.001  # Between attempts to open the first session: the resolution of the start time.
PORT_RANGE = (20000, 30000)  # Below the ephemeral ports, which 5,000 sessions use up.
CLASSIC_CONFIGURATION = """\
Spread_Segment 127.0.0.255:{port} {{
    localhost 127.0.0.1
}}
"""


class DaemonError(Exception):
    """The daemon under test could not be started, or ended by itself."""


@dataclass(frozen=True, slots=True)
class Implementation:
    """A daemon program.

    `command` may use {python}, {port}, {directory} (scratch, the working directory) and {config}: a
    file with one segment of one daemon, `localhost`, as the classic daemon wants it.
    """

    label: str
    command: str


SPREAD = Implementation("spread", "{python} -m spread --local --port {port}")
LIMIT = Implementation("limit", "{python} -m bench.forwarder --port {port}")


class Daemon:
    """A running daemon with a port of its own; a context manager that stops it."""

    def __init__(self, implementation: Implementation, core: int | None = None) -> None:
        """Start it and wait until it has accepted a session; raises DaemonError if it does not.

        With `core`, the process runs on that processor only.
        """
        self.implementation = implementation
        self.core = core
        self.port = free_port()
        self._directory = tempfile.TemporaryDirectory(prefix="bench-")
        directory = Path(self._directory.name)
        (directory / "spread.conf").write_text(CLASSIC_CONFIGURATION.format(port=self.port))
        self._log = directory / "output.txt"
        command = implementation.command.format(
            python=sys.executable,
            port=self.port,
            directory=directory,
            config=directory / "spread.conf",
        )
        raise_descriptor_limit()
        started_s = time.monotonic()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                shlex.split(command),
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        try:
            if core is not None:
                os.sched_setaffinity(self._process.pid, {core})
            self._wait_until_it_accepts()
        except BaseException:
            self.close()
            raise
        self.start_s = time.monotonic() - started_s

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def address(self, transport: str) -> Address:
        """Return where the daemon listens for `unix` or `tcp`."""
        return unix_address(self.port) if transport == "unix" else tcp_address(self.port)

    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def cpu_s(self) -> float:
        """Return the processor time of all its threads, user and system."""
        # The clock id of another process as clock_getcpuclockid() makes it on Linux.
        return time.clock_gettime(~self._process.pid << 3 | 2)

    def resident_kb(self) -> int:
        """Return the memory of the process that is in core."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if "VmRSS" in line)

    def output(self) -> str:
        """Return the end of what the process has printed."""
        return self._log.read_text(errors="replace")[-2000:]

    def close(self) -> None:
        """Terminate the process, kill it if it stays, and remove its scratch directory."""
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        Path(unix_address(self.port).path).unlink(missing_ok=True)
        self._directory.cleanup()

    def _wait_until_it_accepts(self) -> None:
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                open_session(tcp_address(self.port), "start", timeout_s=START_TIMEOUT_S).close()
                return
            except (OSError, SessionError) as error:
                if not self.is_running():
                    raise DaemonError(self._complaint("ended at its start")) from error
                if time.monotonic() > deadline_s:
                    raise DaemonError(self._complaint("accepts no session")) from error
            time.sleep(RETRY_S)

    def _complaint(self, what: str) -> str:
        return f"{self.implementation.label}: {what}; it printed:\n{self.output()}"


def free_port() -> int:
    """Return a port that neither TCP, UDP nor a Unix socket uses just now."""
    while True:
        port = PORT_RANGE[0] + secrets.randbelow(PORT_RANGE[1] - PORT_RANGE[0])
        if Path(unix_address(port).path).exists():
            continue
        with (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        ):
            try:
                tcp.bind(("0.0.0.0", port))
                udp.bind(("0.0.0.0", port))
            except OSError:
                continue
            return port


def raise_descriptor_limit() -> int:
    """Allow this process and its children as many descriptors as the system does."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard

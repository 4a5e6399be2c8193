"""The real daemon as a child process: start, wait until it serves, look at it, stop it."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from wheels.wine import begun

from . import handshake
from .ports import free_port, unix_path
from .session import EndOfStreamError, Endpoint, NothingCameError, Session
from .waiting import DEADLINE, wait_until

if sys.platform != "win32":
    import resource

__all__ = ["REPOSITORY", "Daemon", "DaemonError", "configuration", "run_daemon"]

REPOSITORY = Path(__file__).resolve().parents[3]

PR_SET_PDEATHSIG = 1  # prctl(2).

START_ATTEMPTS = 5  # A port that was free a moment ago may be taken by another test run.
EXIT_ADDRESS_TAKEN = 3

# Where nothing can be sent to a process that would end it in order, it ends with its input.
HAS_SIGNALS = sys.platform != "win32"
AS_INPUT = "--until-input-ends"


class DaemonError(AssertionError):
    """The daemon ended when it had to run."""

    def __init__(self, status: int, output: str) -> None:
        super().__init__(f"the daemon ended with status {status}; its output:\n{output}")
        self.status = status
        self.output = output


def configuration(port: int, *options: str, name: str = "d1") -> str:
    """Return the text of a file with one daemon on all addresses of this host."""
    return "\n".join([*options, f"Spread_Segment 127.0.0.255:{port} {{ {name} 127.0.0.1 }}", ""])


class Daemon:
    """A running daemon in a working directory of its own."""

    def __init__(self, port: int, directory: Path, process: subprocess.Popen[bytes]) -> None:
        self.port = port
        self.directory = directory
        self.process = process
        self.tcp = Endpoint("tcp", port)
        self.unix = Endpoint("unix", port)

    @classmethod
    def start(
        cls,
        directory: Path,
        *options: str,
        name: str = "d1",
        files: Mapping[str, str] | None = None,
        open_files: tuple[int, int] | None = None,
        plugins: Path | None = None,
    ) -> Self:
        """Start a daemon with `options` in its file and wait until it answers clients.

        `files` go into its working directory, `open_files` are its soft and hard limit of
        descriptors, `plugins` is a directory of installed distributions for it to find. Raises
        DaemonError when it ends instead.
        """
        directory.mkdir(parents=True, exist_ok=True)
        for file_name, content in (files or {}).items():
            (directory / file_name).write_text(content)
        for attempt in range(START_ATTEMPTS):
            port = free_port()
            (directory / "spread.conf").write_text(configuration(port, *options, name=name))
            try:
                return cls.start_with(
                    directory,
                    ["-c", "spread.conf", "-n", name],
                    port,
                    open_files=open_files,
                    plugins=plugins,
                )
            except DaemonError as failure:
                if failure.status != EXIT_ADDRESS_TAKEN or attempt == START_ATTEMPTS - 1:
                    raise
        raise AssertionError("not reached")

    @classmethod
    def start_with(
        cls,
        directory: Path,
        arguments: Sequence[str],
        port: int,
        *,
        open_files: tuple[int, int] | None = None,
        plugins: Path | None = None,
    ) -> Self:
        """Start `python -m spread ARGUMENTS` and wait until it answers clients on `port`."""
        ending = [] if HAS_SIGNALS else [AS_INPUT]
        with (directory / "output.txt").open("ab") as output:
            process = begun(
                lambda: subprocess.Popen(
                    [sys.executable, "-m", "spread", *arguments, *ending],
                    cwd=directory,
                    env=_environment(plugins),
                    stdin=subprocess.DEVNULL if HAS_SIGNALS else subprocess.PIPE,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    preexec_fn=_preparation(open_files),  # noqa: PLW1509 - no threads yet.
                )
            )
        daemon = cls(port, directory, process)
        try:
            daemon.wait_until_serving()
        except BaseException:
            daemon.kill()
            raise
        return daemon

    def wait_until_serving(self) -> None:
        """Return once a connect request gets an answer; raises DaemonError when it ends."""
        wait_until(self._answers, "the daemon to answer a connect request")

    # Looking at it.

    def connect(self, name: bytes, *, membership: bool = True) -> Session:
        """Return an accepted session over TCP."""
        return Session.connect(self.tcp, name, membership=membership)

    def output(self) -> str:
        """Return everything that it has written so far."""
        return (self.directory / "output.txt").read_text(errors="replace")

    def resident_bytes(self) -> int:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * resource.getpagesize()

    def descriptor_count(self) -> int:
        return sum(1 for _ in Path(f"/proc/{self.process.pid}/fd").iterdir())

    def cpu_ticks(self) -> int:
        """Return user and system time used, in clock ticks."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    def is_running(self) -> bool:
        return self.process.poll() is None

    # The end.

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self, seconds: float = DEADLINE) -> int:
        """Return the exit status once it has ended; kills it and fails after `seconds`."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(
                f"the daemon did not end within {seconds:g} s; its output:\n{self.output()}"
            ) from None

    def stop(self) -> None:
        """Stop it in order; fails unless it ends cleanly and never lost its temper."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        elif self.is_running():
            self.signal(signal.SIGTERM)
        status = self.wait()
        if status != 0 or "Traceback" in self.output():
            raise DaemonError(status, self.output())

    def kill(self) -> None:
        """End it whatever it does, without a judgement."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.kill()
        self.process.wait()
        unix_path(self.port).unlink(missing_ok=True)

    def _answers(self) -> bool:
        if not self.is_running():
            raise DaemonError(self.process.wait(), self.output())
        try:
            session = Session.open(self.tcp)
        except OSError:
            return False
        with session:
            try:
                session.handshake(b"~probe", membership=False)
            except handshake.RejectedError as rejected:
                return rejected.code == handshake.REJECT_AUTH
            except (OSError, EndOfStreamError, NothingCameError):
                return False
            session.disconnect()
        return True


def run_daemon(
    directory: Path, *arguments: str, seconds: float = DEADLINE
) -> subprocess.CompletedProcess[str]:
    """Run `python -m spread ARGUMENTS` to its end, for starts that must fail."""
    return begun(
        lambda: subprocess.run(
            [sys.executable, "-m", "spread", *arguments],
            cwd=directory,
            env=_environment(None),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    )


def _environment(plugins: Path | None) -> dict[str, str]:
    """The package of this tree, and a stack of every thread when the interpreter itself dies."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("NOTIFY_")}
    places = [REPOSITORY, plugins, os.environ.get("PYTHONPATH")]
    path = os.pathsep.join(str(place) for place in places if place)
    return kept | {"PYTHONPATH": path, "PYTHONFAULTHANDLER": "1"}


def _preparation(open_files: tuple[int, int] | None) -> Callable[[], None] | None:
    """Return what the child does before it becomes the daemon."""
    if sys.platform == "win32":
        return None

    def prepare() -> None:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # Never outlive the test run.
        if open_files is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, open_files)

    return prepare

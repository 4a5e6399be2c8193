"""One process under test: start it by a command template, watch what it costs, stop it."""

import os
import re
import resource
import shlex
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from bench.address import Address, tcp_address, unix_address
from bench.hosts import Host, Network
from bench.mounts import SHARED, die_with_parent, hide_shared
from bench.session import Session, SessionError, open_session
from bench.system import DaemonError

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 10.0
RETRY_S = 0.001  # Between attempts to open the first session: the resolution of the start time.
OUTPUT_SHOWN = 2000  # Characters of a daemon's output in a message.
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
FAULTS_VARIABLE = "SPREAD_TEST_FAULTS"
STATISTICS = re.compile(r"(^| )statistics ")
COUNTER = re.compile(r"(\w+)=(\d+)")


class Daemon:
    """A daemon process on its host, from its start until `close`."""

    def __init__(
        self,
        template: str,
        network: Network,
        host: Host,
        directory: Path,
        *,
        faults: str = "",
        core: int | None = None,
    ) -> None:
        """Create the process; raises DaemonError for a command that cannot be run.

        With `core`, the process runs on that processor only.
        """
        self.name = host.name
        self.port = network.port
        self.address = host.address
        self.namespace = host.namespace
        self._directory = directory
        self._log = directory / "output.txt"
        config = directory / "spread.conf"
        config.write_text(network.configuration)
        self._core = core
        self._command = _command(
            template,
            python=sys.executable,
            name=host.name,
            port=network.port,
            address=host.address,
            directory=directory,
            config=config,
        )
        self._environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        if faults:
            self._environment[FAULTS_VARIABLE] = faults
        self._log.touch()
        self.process = self._create()

    def _create(self) -> subprocess.Popen[bytes]:
        command = self._command
        needed = _places(command, self._environment) if self.namespace else []

        def prepare() -> None:
            die_with_parent()
            if self.namespace:
                hide_shared(self._directory, needed)
                os.chdir(self._directory)
            if self._core is not None:
                os.sched_setaffinity(0, {self._core})

        with self._log.open("ab") as log, ExitStack() as stack:
            if self.namespace:
                stack.enter_context(self.namespace.entered())
            try:
                return subprocess.Popen(
                    command,
                    cwd=self._directory,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=self._environment,
                    preexec_fn=prepare,  # noqa: PLW1509 - no threads.
                )
            except (OSError, subprocess.SubprocessError) as error:
                raise DaemonError(f"cannot run {shlex.join(command)}: {error}") from error

    def open(self, name: str, membership: bool, transport: str, timeout_s: float) -> Session:
        """Open a session from the daemon's own host; see `System.open`."""
        with ExitStack() as stack:
            if self.namespace:
                stack.enter_context(self.namespace.entered())
            return open_session(
                self.location(transport), name, membership=membership, timeout_s=timeout_s
            )

    def location(self, transport: str) -> Address:
        """Return where the daemon listens for `unix` or `tcp`, as seen on its host."""
        if transport == "tcp":
            return tcp_address(self.port, self.address)
        address = unix_address(self.port)
        if self.namespace is None:
            return address
        # Its own /tmp, seen from here.
        return Address(path=f"/proc/{self.process.pid}/root{address.path}")

    def wait_until_it_accepts(self, transport: str = "tcp") -> str:
        """Return the daemon's version from its first session; raises DaemonError if it has none."""
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                session = self.open("start", False, transport, START_TIMEOUT_S)
            except (OSError, SessionError) as error:
                if not self.is_running():
                    raise DaemonError(self.complaint("ended at its start")) from error
                if time.monotonic() > deadline_s:
                    raise DaemonError(self.complaint(f"accepts no session: {error}")) from error
            else:
                session.close()
                return session.version
            time.sleep(RETRY_S)

    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self.process.poll() is None

    def cpu_s(self) -> float:
        """Return the processor time of all its threads, user and system."""
        # The clock id of another process as clock_getcpuclockid() makes it on Linux.
        return time.clock_gettime(~self.process.pid << 3 | 2)

    def cpu_split_s(self) -> tuple[float, float]:
        """Return the same as user and system time."""
        text = Path(f"/proc/{self.process.pid}/stat").read_text()
        fields = text.rpartition(")")[2].split()  # The name may hold anything.
        return int(fields[11]) / TICKS_PER_S, int(fields[12]) / TICKS_PER_S

    def memory_kb(self, what: str) -> int:
        """Return a line of the process's status, such as VmRSS or VmHWM."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if what in line)

    def output(self) -> str:
        """Return the end of what the process has printed."""
        return self._log.read_text(errors="replace")[-OUTPUT_SHOWN:]

    def complaint(self, what: str) -> str:
        """Return a message about this daemon with the end of its output."""
        printed = self.output().strip()
        return f"{self.name}: {what}; it printed" + (f":\n{printed}" if printed else " nothing")

    def statistics(self) -> dict[str, int]:
        """Return the counters that the ended process printed at its end, if it did."""
        lines = self._log.read_text(errors="replace").splitlines()
        last = next((line for line in reversed(lines) if STATISTICS.search(line)), "")
        return {name: int(value) for name, value in COUNTER.findall(last)}

    def kill(self) -> None:
        """End it as a crash does, and wait until it is gone."""
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        """Create the process anew, after it has ended."""
        self.process = self._create()

    def send_signal(self, number: int) -> None:
        """Send a signal to the process."""
        self.process.send_signal(number)

    def terminate(self) -> None:
        """Ask the process to end; `wait` tells when it has."""
        self.process.terminate()
        self.process.send_signal(signal.SIGCONT)

    def wait(self) -> None:
        """Wait until the process has ended, and kill it if it stays."""
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def close(self) -> None:
        """Kill the process, which has nothing to save, and remove its Unix socket."""
        self.kill()
        if self.namespace is None:
            Path(unix_address(self.port).path).unlink(missing_ok=True)


def check_template(template: str) -> None:
    """Raise DaemonError for a command that no daemon could be started with."""
    names = ("python", "name", "port", "address", "directory", "config")
    _command(template, **dict.fromkeys(names, "x"))


def _command(template: str, **places: object) -> list[str]:
    try:
        command = shlex.split(template.format(**places))
    except (KeyError, IndexError, ValueError) as error:
        known = ", ".join(f"{{{name}}}" for name in places)
        raise DaemonError(
            f"the command {template!r} cannot be read ({error}); known are {known}"
        ) from error
    if not command:
        raise DaemonError("an empty command starts no daemon")
    return command


def _places(command: list[str], environment: dict[str, str]) -> list[Path]:
    """Return what a command names below the shared directory, which its daemons do not see."""
    words = [part for word in command for part in re.split("[=:]", word)]
    words += environment["PYTHONPATH"].split(os.pathsep)
    paths = [Path(word) for word in words if word.startswith(f"{SHARED}/") and Path(word).exists()]
    return [path if path.is_dir() or path.parent == SHARED else path.parent for path in paths]


def raise_descriptor_limit() -> int:
    """Allow this process and its children as many descriptors as the system does."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard

"""A ring of three daemons that a monitor looks at: one file, an address and a port for each."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from spread.monitor.client import RingClient
from spread.monitor.report import Report
from spread.monitor.roster import read_roster
from tests.daemon.harness.ports import free_port
from tests.daemon.harness.process import REPOSITORY
from tests.daemon.harness.waiting import DEADLINE, wait_until
from tests.daemon.programs import run_program

__all__ = ["NAMES", "MonitoredRing"]

NAMES = ("d1", "d2", "d3")


class MonitoredRing:
    """Three processes in one directory; `dk` is at 127.0.0.k."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.file = directory / "spread.conf"
        # A daemon that root has started is somebody else by the time it reads the file again.
        directory.chmod(0o755)
        self.ports = {name: free_port() for name in NAMES}
        segments = [
            f"Spread_Segment 127.0.0.255:{self.ports[name]} "
            f"{{ {name} 127.0.0.{number} {{ 127.0.0.{number} }} }}"
            for number, name in enumerate(NAMES, 1)
        ]
        # With a state directory daemons end without a wait for the clock.
        self.file.write_text("\n".join(['StateDir = "."', *options, *segments, ""]))
        self.processes = {name: self._start(name) for name in NAMES}
        try:
            self.wait_for(len(NAMES))
        except BaseException:
            self.stop()
            raise

    def output(self, name: str) -> str:
        """Return everything that a daemon has written so far."""
        return self._output_path(name).read_text(errors="replace")

    def monitor(self, *arguments: str, text: str = "") -> tuple[int, str, str]:
        """Run spmonitor with the file of this ring; return status, output and errors."""
        done = run_program("spmonitor", "-c", str(self.file), *arguments, text=text)
        return done.returncode, done.stdout, done.stderr

    def wait_for(self, count: int) -> None:
        """Wait until so many daemons answer and are in a ring of so many, in operation."""

        def is_so(report: Report) -> bool:
            return len(report.members) == count and report.state == "OP"

        self.wait_for_report(is_so, f"a ring of {count}", count)

    def wait_for_report(
        self, is_so: Callable[[Report], bool], what: str, count: int = len(NAMES)
    ) -> None:
        """Wait until so many daemons answer, each with such a report."""
        with RingClient(read_roster(str(self.file), "d1")) as client:

            def are_so() -> bool:
                client.update()
                reports = client.watch.reports
                return len(reports) == count and all(map(is_so, reports))

            wait_until(are_so, what)

    def kill(self, name: str) -> None:
        """End a daemon as a crash would."""
        self.processes[name].kill()
        self.processes[name].wait()

    def restore(self) -> None:
        """Start daemons that have ended again, and wait until all are in one ring."""
        for name, process in self.processes.items():
            if process.poll() is not None:
                self.processes[name] = self._start(name)
        self.wait_for(len(NAMES))

    def hang_up(self) -> None:
        """Let all daemons read the file again."""
        for process in self.processes.values():
            process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """Stop all daemons in order."""
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(DEADLINE)
            finally:
                process.kill()

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        directory = self.file.parent / name
        directory.mkdir(exist_ok=True)
        with self._output_path(name).open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "spread", "-n", name, "-c", str(self.file)],
                cwd=directory,
                env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def _output_path(self, name: str) -> Path:
        return self.file.parent / f"{name}.log"

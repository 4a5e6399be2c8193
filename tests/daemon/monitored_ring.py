"""A ring of three daemons that a monitor looks at: one file, an address and a port for each."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from spread.monitor.client import RingClient
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
        self.file.write_text("\n".join([*options, *segments, ""]))
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
        with RingClient(read_roster(str(self.file), "d1")) as client:

            def is_so() -> bool:
                client.update()
                reports = client.watch.reports
                return len(reports) == count and all(
                    len(each.members) == count and each.state == "OP" for each in reports
                )

            wait_until(is_so, f"a ring of {count}")

    def kill(self, name: str) -> None:
        """End a daemon as a crash would."""
        self.processes[name].kill()
        self.processes[name].wait()

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
        with self._output_path(name).open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "spread", "-n", name, "-c", self.file.name],
                cwd=self.file.parent,
                env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def _output_path(self, name: str) -> Path:
        return self.file.parent / f"{name}.log"

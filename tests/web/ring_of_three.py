"""Three real daemons a, b and c on this host, and `spmonitor web` in front of them."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import spread
from tests.daemon.harness.ports import free_port
from tests.daemon.harness.process import REPOSITORY
from tests.daemon.harness.waiting import DEADLINE

__all__ = ["RealRing", "real_ring"]

NAMES = ("a", "b", "c")
OPENED = re.compile(r"^open (http://\S+/)$", re.MULTILINE)


@dataclass
class RealRing:
    """The daemons by name, and the address of the page."""

    directory: Path
    port: int
    daemons: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    address: str = ""

    def start(self, name: str) -> None:
        """Begin to start a daemon, or to start it again; the page shows when it is there."""
        place = self.directory / name
        place.mkdir(exist_ok=True)
        with (place / "output.txt").open("ab") as output:
            self.daemons[name] = subprocess.Popen(
                [sys.executable, "-m", "spread", "-c", "../spread.conf", "-n", name],
                cwd=place,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def restore(self) -> None:
        """Start daemons that have ended."""
        for name, process in self.daemons.items():
            if process.poll() is not None:
                self.start(name)

    def kill(self, name: str) -> None:
        """End a daemon without a chance to say so."""
        self.daemons[name].kill()
        self.daemons[name].wait()

    def connect(self, name: str, user: str) -> spread.Mailbox:
        """Return a session with a daemon."""
        address = f"{self.port}@127.0.0.{1 + NAMES.index(name)}"
        return spread.connect(address, user, timeout=DEADLINE)

    def monitor(self, *arguments: str) -> None:
        """Run `spmonitor` with arguments to its end."""
        command = [sys.executable, "-m", "spread.cli.spmonitor", *arguments, "-c", "spread.conf"]
        subprocess.run(
            command, cwd=self.directory, env=_environment(), timeout=DEADLINE, check=True
        )


@contextmanager
def real_ring(directory: Path) -> Iterator[RealRing]:
    """Run the daemons and the page until the block ends."""
    port = free_port()
    members = " ".join(
        f"{name} 127.0.0.{number} {{ 127.0.0.{number} }}" for number, name in enumerate(NAMES, 1)
    )
    # With a state directory daemons start and end without a wait for the clock.
    options = 'DangerousMonitor = true\nStateDir = "."\n'
    (directory / "spread.conf").write_text(
        f"{options}Spread_Segment 127.0.0.255:{port} {{ {members} }}\n"
    )
    # A daemon that root has started is somebody else by the time it reads the file again.
    directory.chmod(0o755)
    ring = RealRing(directory, port)
    try:
        for name in NAMES:
            ring.start(name)
        with _page(ring):
            yield ring
    finally:
        for name in ring.daemons:
            ring.kill(name)


@contextmanager
def _page(ring: RealRing) -> Iterator[None]:
    arguments = ["web", "-c", "spread.conf", "--bind", "127.0.0.1:0"]
    process = subprocess.Popen(
        [sys.executable, "-m", "spread.cli.spmonitor", *arguments],
        cwd=ring.directory,
        env=_environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        found = OPENED.match(line)
        assert found, f"instead of its address the page's server said {line!r}"
        ring.address = found[1]
        yield
    finally:
        process.terminate()
        assert process.wait(DEADLINE) == 0
        process.stdout.close()


def _environment() -> dict[str, str]:
    places = [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, places))}

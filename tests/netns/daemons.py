"""Real daemons on the hosts of a switch: start, kill, pause, and what their logs say."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.mounts import die_with_parent, hide_shared
from bench.switch import Host

__all__ = ["PORT", "Daemon", "LogEvent", "configuration", "segment"]

REPOSITORY = Path(__file__).resolve().parents[2]
PORT = 4803

# A change of the user would take away what lets the daemon die with the tests.
OPTIONS = (
    "DaemonUser = root",
    "DaemonGroup = root",
    "EventPriority = INFO",
    "DebugFlags = { PRINT EXIT CONFIGURATION MEMBERSHIP NETWORK }",
)


def segment(daemons: Mapping[str, str], *, address: str = "239.255.1.1", port: int = PORT) -> str:
    """Return the lines of a segment; what follows a daemon's address is of its interfaces."""
    entries = [f"    {name} {places}" for name, places in daemons.items()]
    return "\n".join([f"Spread_Segment {address}:{port} {{", *entries, "}"])


def configuration(*segments: str, options: Sequence[str] = ()) -> str:
    """Return the text of a configuration file."""
    return "\n".join([*OPTIONS, *options, *segments, ""])


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One line of a daemon's log."""

    wording: str
    priority: str
    fields: Mapping[str, Any]
    lines: tuple[str, ...]

    def mentions(self, *words: str) -> bool:
        """Whether all words are in it, wherever."""
        text = f"{self.wording} {dict(self.fields)} {self.lines}"
        return all(word in text for word in words)


@dataclass(slots=True)
class Daemon:
    """One daemon's place, and the process that runs there now."""

    number: int
    name: str
    host: Host
    directory: Path
    text: str
    address: str = ""  # Where its clients connect to.
    clients: Host | None = None  # Where they are, if not on its own host.
    environment: dict[str, str] = field(default_factory=dict)
    life: int = 0
    is_paused: bool = False
    is_expected: bool = False  # Whether it is to run.
    events: list[LogEvent] = field(default_factory=list)  # Of this life.
    history: list[tuple[tuple[int, int], tuple[str, ...]]] = field(default_factory=list)
    _process: subprocess.Popen[bytes] | None = None
    _read: int = 0
    _rest: bytes = b""

    # -- Life -------------------------------------------------------------------------------------

    def start(self) -> None:
        """Run a new process; it is not ready yet."""
        assert self._process is None or self._process.poll() is not None, f"{self.name} runs"
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "spread.conf").write_text(self.text)
        self._look()
        self.events.clear()
        self.life += 1
        command = [sys.executable, "-m", "spread", "-c", "spread.conf", "-n", self.name]
        with (self.directory / "log.txt").open("ab") as log, self.host.namespace.entered():
            self._process = subprocess.Popen(
                [*command, "--log-format", "json"],
                cwd=self.directory,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=self._prepare,  # noqa: PLW1509 - no threads.
            )
        self.is_expected = True
        self.is_paused = False

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, f"{self.name} was not started"
        return self._process

    def kill(self) -> None:
        """End it as a crash does, and wait until it is gone."""
        self.is_expected = False
        self.process.kill()
        self.process.wait()

    def terminate(self) -> None:
        """Ask it to end; `process` tells when it has."""
        self.is_expected = False
        self.process.terminate()

    def pause(self) -> None:
        self.is_paused = True
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.is_paused = False

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def close(self) -> None:
        """End whatever still runs."""
        if self.is_running:
            self.kill()

    def _environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("NOTIFY_")}
        places = [self.environment.get("PYTHONPATH"), str(REPOSITORY), kept.get("PYTHONPATH")]
        return (
            kept
            | self.environment
            | {
                "PYTHONPATH": os.pathsep.join(place for place in places if place),
                "PYTHONFAULTHANDLER": "1",
                "STATE_DIRECTORY": str(self.directory),
            }
        )

    def _prepare(self) -> None:
        """Let the child die with us, and give it a directory of its own for the Unix socket."""
        die_with_parent()
        hide_shared(self.directory)
        os.chdir(self.directory)

    # -- Log --------------------------------------------------------------------------------------

    def find(self, wording: str, *words: str) -> list[LogEvent]:
        """Return the events of this life with this wording that mention all words."""
        self._look()
        return [each for each in self.events if each.wording == wording and each.mentions(*words)]

    @property
    def is_ready(self) -> bool:
        return bool(self.find("daemon ready"))

    @property
    def ring(self) -> tuple[str, ...]:
        """Names of the daemons in the ring that it installed last; none before the first."""
        found = self.find("membership")
        return _members(found[-1]) if found else ()

    @property
    def ring_id(self) -> tuple[int, int]:
        """Id of the ring that it installed last, unsigned."""
        return _ring_id(self.find("membership")[-1])

    def output(self) -> str:
        """Return everything that it has written so far, in all its lives."""
        path = self.directory / "log.txt"
        return path.read_text(errors="replace") if path.exists() else ""

    def _look(self) -> None:
        """Read what the log has more."""
        path = self.directory / "log.txt"
        if not path.exists():
            return
        with path.open("rb") as log:
            log.seek(self._read)
            data = log.read()
        self._read += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for event in _events(lines):
            self.events.append(event)
            if event.wording == "membership":
                self.history.append((_ring_id(event), _members(event)))


def _events(lines: Iterable[bytes]) -> Iterator[LogEvent]:
    for line in lines:
        if line.startswith(b"{"):
            found = json.loads(line)
            yield LogEvent(
                found["message"],
                found["priority"],
                found.get("fields", {}),
                tuple(found.get("lines", ())),
            )
        elif line:
            yield LogEvent(line.decode(errors="replace"), "NONE", {}, ())


def _members(event: LogEvent) -> tuple[str, ...]:
    return tuple(line.split()[0] for line in event.lines)


def _ring_id(event: LogEvent) -> tuple[int, int]:
    return event.fields["leader"] & 0xFFFFFFFF, event.fields["time"] & 0xFFFFFFFF

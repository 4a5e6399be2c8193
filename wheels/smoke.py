"""Smoke test of an installed wheel: what its user does first, with nothing but the wheel.

    python wheels/smoke.py [--port PORT]

A ring of three daemons starts, clients of different daemons talk, blocking and with asyncio,
`spuser` joins in, `spmonitor` sees the ring, all end in order. Run it with the Python that has the
wheel; it exits non-zero and says why when something fails. SMOKE_TIMEOUT_S is how long each answer
may take, where the system is a slow imitation.
"""

import argparse
import asyncio
import contextlib
import importlib.metadata
import os
import pkgutil
import queue
import random
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from wine import WINE, begun

import spread

WINDOWS = sys.platform == "win32"
READY = "daemon ready"
FINDINGS = 1
UNAVAILABLE = 69
DAEMONS = 3
PORTS = 2 * DAEMONS  # Each daemon has one for clients and datagrams, and the next for the token.
TIMEOUT_S = float(os.environ.get("SMOKE_TIMEOUT_S", "60"))  # For each answer.
GROUP = "smoke"


def free_ports(count: int) -> int:
    """Return the first of that many neighbouring ports which nobody uses.

    Above them are the ports that systems give to connections, below them those of well-known
    services. Raises AssertionError when none are free.
    """
    for first in random.sample(range(20_000, 30_000, count), k=100):
        with contextlib.ExitStack() as opened, contextlib.suppress(OSError):
            for port in range(first, first + count):
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    opened.enter_context(socket.socket(type=kind)).bind(("127.0.0.1", port))
            return first
    raise AssertionError(f"no {count} neighbouring ports are free")


def command_of(program: str) -> list[str]:
    """Return how a program of the wheel is started: its script, or its entry point."""
    script = Path(sysconfig.get_path("scripts")) / (program + (".exe" if WINDOWS else ""))
    if script.exists():
        return [str(script)]
    (entry,) = importlib.metadata.entry_points(group="console_scripts", name=program)
    return [sys.executable, "-c", f"import sys, {entry.module} as m; sys.exit(m.{entry.attr}())"]


@dataclass(frozen=True)
class Layout:
    """How a ring of three is started, and where it is."""

    commands: list[list[str]]
    clients: list[str]  # Where clients find each daemon.
    monitor: list[str]  # What tells `spmonitor` which ring is meant.


def local_layout(port: int) -> Layout:
    """`spread --local 3`: one command, the same port at three addresses."""
    what = ["--local", str(DAEMONS), "--port", str(port)]
    clients = [f"{port}@127.0.0.{number}" for number in range(1, DAEMONS + 1)]
    return Layout([[*command_of("spread"), *what]], clients, what)


def layout_by_file(port: int, directory: Path) -> Layout:
    """Three commands, each daemon with a port of its own: Wine binds 127.0.0.2 as all addresses."""
    ports = range(port, port + PORTS, 2)
    file = directory / "spread.conf"
    file.write_text(
        "".join(
            f"Spread_Segment 127.0.0.255:{own} {{\n    local{number} 127.0.0.{number}\n}}\n"
            for number, own in enumerate(ports, 1)
        ),
        encoding="utf-8",
    )
    what = ["-c", str(file)]
    names = [f"local{number}" for number in range(1, DAEMONS + 1)]
    commands = [[*command_of("spread"), *what, "-n", name] for name in names]
    return Layout(commands, [f"{own}@127.0.0.1" for own in ports], what)


class Ring:
    """Daemons, and what they say."""

    def __init__(self, layout: Layout) -> None:
        self.said: list[str] = []
        # A process stands for the end of what it says.
        self._lines: queue.SimpleQueue[str | subprocess.Popen[str]] = queue.SimpleQueue()
        self._processes = [self._start(command) for command in layout.commands]

    def _start(self, command: list[str]) -> subprocess.Popen[str]:
        process = begun(
            lambda: subprocess.Popen(
                # Signals of Windows need a console, which a CI or a service may not have.
                [*command, "--until-input-ends"] if WINDOWS else command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
            )
        )
        assert process.stdout is not None
        threading.Thread(target=self._read, args=[process, process.stdout], daemon=True).start()
        return process

    def _read(self, process: subprocess.Popen[str], output: IO[str]) -> None:
        with output:
            for line in output:
                self._lines.put(line.rstrip())
        self._lines.put(process)

    def wait_for(self, text: str, count: int) -> None:
        """Wait until that many lines have said `text`."""
        deadline = time.monotonic() + TIMEOUT_S
        while sum(text in line for line in self.said) < count:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"{text!r} was not said {count} times") from None
            if isinstance(line, subprocess.Popen):
                raise AssertionError(f"a daemon has ended with status {line.wait(TIMEOUT_S)}")
            self.said.append(line)

    def stop(self) -> list[int]:
        """Ask for an orderly end; returns the exit statuses."""
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.close()
            if not WINDOWS:
                process.terminate()
        return [process.wait(TIMEOUT_S) for process in self._processes]

    def close(self) -> None:
        """End what is left, and take what it has said."""
        for process in self._processes:
            process.kill()
            process.wait(TIMEOUT_S)
        while not self._lines.empty():
            if isinstance(line := self._lines.get(), str):
                self.said.append(line)


@contextlib.contextmanager
def ring(layout: Layout) -> Iterator[None]:
    """Three daemons in one ring, which end in order."""
    started = Ring(layout)
    try:
        started.wait_for(READY, DAEMONS)
        started.wait_for(f"daemons={DAEMONS}", DAEMONS)
        yield
        statuses = started.stop()
        assert not any(statuses), f"exit statuses {statuses}"
    except BaseException:
        started.close()
        print(*started.said, sep="\n", file=sys.stderr)
        raise


def check_clients(one_at: str, two_at: str) -> None:
    """A message goes from the client of one daemon to that of another, and back."""
    with (
        spread.connect(one_at, "one", timeout=TIMEOUT_S) as one,
        spread.connect(two_at, "two", timeout=TIMEOUT_S) as two,
    ):
        two.join(GROUP)
        view = two.receive(timeout=TIMEOUT_S)
        assert isinstance(view, spread.Membership), view
        assert view.members == (two.private_group,), view.members
        one.multicast(spread.SAFE_MESS, GROUP, b"hello")
        message = two.receive(timeout=TIMEOUT_S)
        assert isinstance(message, spread.Message), message
        assert (message.sender, message.payload) == (one.private_group, b"hello"), message
        two.multicast(spread.AGREED_MESS, one.private_group, b"x" * 100_000)
        answer = one.receive(timeout=TIMEOUT_S)
        assert isinstance(answer, spread.Message), answer
        assert answer.payload == b"x" * 100_000, len(answer.payload)


async def check_asyncio(address: str) -> None:
    """The same with asyncio."""
    async with spread.aio.connect(address, "three") as three:
        await three.multicast(spread.FIFO_MESS, three.private_group, b"to myself")
        message = await three.receive(timeout=TIMEOUT_S)
        assert isinstance(message, spread.Message), message
        assert message.payload == b"to myself", message


def finish(program: str, *arguments: str) -> tuple[int, str]:
    """Run a program of the wheel to its end; returns its exit status and what it has shown."""
    done = begun(
        lambda: subprocess.run(
            [*command_of(program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=TIMEOUT_S,
        )
    )
    return done.returncode, done.stdout


def run(program: str, *arguments: str) -> str:
    """Run a program that succeeds; returns what it has shown."""
    status, shown = finish(program, *arguments)
    assert status == 0, f"{program} {' '.join(arguments)}: {status}\n{shown}"
    return shown


def check_status(layout: Layout) -> None:
    """`spmonitor status` shows the ring, as soon as the daemons have made a report of it.

    Under Wine answers of all but the first come from another address than theirs, and count not.
    """
    wanted = ["local1"] if WINE else [f"local{number}" for number in range(1, DAEMONS + 1)]
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        status, shown = finish("spmonitor", "status", *layout.monitor)
        lines = [line.split() for line in shown.splitlines()]
        if [words[0] for words in lines if words[1:4] == ["OP", "local1", str(DAEMONS)]] == wanted:
            break
        assert time.monotonic() < deadline, shown
    # A host that gives the daemons too little time is a finding, and none of the wheel's.
    assert status in ([UNAVAILABLE] if WINE else [0, FINDINGS]), shown


def check_spuser(address: str) -> None:
    """`spuser` joins a group, sends to it, and shows what comes back."""
    with begun(
        lambda: subprocess.Popen(
            [*command_of("spuser"), "-u", "al", "-s", address],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
    ) as program:
        alarm = threading.Timer(TIMEOUT_S, program.kill)
        alarm.start()
        assert program.stdin is not None
        assert program.stdout is not None
        program.stdin.write(f"j {GROUP}\ns {GROUP}\nmilk first\n")
        program.stdin.flush()
        shown = []
        for line in program.stdout:
            shown.append(line)
            if line.startswith("#al#") and "milk first" in line:
                program.stdin.write("q\n")
                program.stdin.flush()
        alarm.cancel()
    assert program.returncode == 0, "".join(shown)
    assert any("milk first" in line for line in shown), "".join(shown)


def check_versions() -> None:
    """Each program of the wheel starts, and tells its version."""
    for program in ("spread", "spuser", "spflooder", "spmonitor"):
        shown = run(program, "--version")
        assert importlib.metadata.version("spreadring") in shown, shown


def check_modules() -> None:
    """All compiled modules load, and a Python without the global lock goes on without it."""
    for module in pkgutil.iter_modules(spread.__path__, "spread."):
        if module.name.startswith("spread._") and not module.ispkg and "__" not in module.name:
            importlib.import_module(module.name)
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        assert not sys._is_gil_enabled(), "a compiled module has switched the global lock on"


def check_import() -> None:
    """`import spread` is the client: no daemon, no configuration, no asyncio."""
    code = "import spread, sys; print(*sys.modules)"
    done = begun(
        lambda: subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            timeout=TIMEOUT_S,
        )
    )
    loaded = set(done.stdout.split())
    assert not loaded & {"spread.daemon", "spread.config", "spread.monitor", "asyncio"}, loaded


def arguments_of(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Try an installed wheel as its user would.")
    parser.add_argument("--port", type=int, help="the first of a ring (default: a free one)")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    given = arguments_of(argv)
    here = Path(spread.__file__).resolve()
    assert "site-packages" in here.parts, f"not the installed wheel but {here}"
    check_import()
    check_modules()
    port = given.port or free_ports(PORTS)
    with tempfile.TemporaryDirectory() as directory:
        layout = layout_by_file(port, Path(directory)) if WINE else local_layout(port)
        with ring(layout):
            check_clients(*layout.clients[:2])
            asyncio.run(check_asyncio(layout.clients[-1]))
            check_spuser(layout.clients[-1])
            check_status(layout)
            check_versions()
    release = importlib.metadata.version("spreadring")
    version = sys.version.split()[0] + getattr(sys, "abiflags", "")
    print(f"spreadring {release} on {version}, {sysconfig.get_platform()}: ok")


if __name__ == "__main__":
    main()

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
import queue
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import spread

WINDOWS = sys.platform == "win32"
READY = "daemon ready"
DAEMONS = 3
TIMEOUT_S = float(os.environ.get("SMOKE_TIMEOUT_S", "60"))  # For each answer.
GROUP = "smoke"


def command_of(program: str) -> list[str]:
    """Return how a program of the wheel is started: its script, or its entry point."""
    script = Path(sysconfig.get_path("scripts")) / (program + (".exe" if WINDOWS else ""))
    if script.exists():
        return [str(script)]
    (entry,) = importlib.metadata.entry_points(group="console_scripts", name=program)
    return [sys.executable, "-c", f"import sys, {entry.module} as m; sys.exit(m.{entry.attr}())"]


class Ring:
    """`spread --local 3`, and what it says."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.said: list[str] = []
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        command = [*command_of("spread"), "--local", str(DAEMONS), "--port", str(port)]
        self._process = subprocess.Popen(
            # Signals of Windows need a console, which a CI or a service may not have.
            [*command, "--until-input-ends"] if WINDOWS else command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        assert self._process.stdout is not None
        threading.Thread(target=self._read, args=[self._process.stdout], daemon=True).start()

    def _read(self, output: IO[str]) -> None:
        for line in output:
            self._lines.put(line.rstrip())
        self._lines.put(None)

    def wait_for(self, text: str, count: int) -> None:
        """Wait until that many lines have said `text`."""
        deadline = time.monotonic() + TIMEOUT_S
        while sum(text in line for line in self.said) < count:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"{text!r} was not said {count} times") from None
            assert line is not None, f"the daemons ended with {self._process.wait(TIMEOUT_S)}"
            self.said.append(line)

    def stop(self) -> int:
        """Ask for an orderly end; returns the exit status."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        if not WINDOWS:
            self._process.terminate()
        return self._process.wait(TIMEOUT_S)

    def close(self) -> None:
        """End what is left, and show what was said if it was not asked to."""
        self._process.kill()
        self._process.wait(TIMEOUT_S)
        while not self._lines.empty():
            self.said.append(self._lines.get() or "")


@contextlib.contextmanager
def ring(port: int) -> Iterator[Ring]:
    """Three daemons in one ring, which end in order."""
    started = Ring(port)
    try:
        started.wait_for(READY, DAEMONS)
        started.wait_for(f"daemons={DAEMONS}", DAEMONS)
        yield started
        status = started.stop()
        assert status == 0, f"exit status {status}"
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


def run(program: str, *arguments: str, text: str = "") -> str:
    """Run a program of the wheel to its end; returns its output."""
    done = subprocess.run(
        [*command_of(program), *arguments],
        input=text,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=TIMEOUT_S,
    )
    shown = f"{program} {' '.join(arguments)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert done.returncode == 0, shown
    return done.stdout


def check_programs(port: int) -> None:
    """`spuser` talks to itself, `spflooder` measures, `spmonitor` sees all daemons in one ring."""
    script = f"j {GROUP}\ns {GROUP}\nmilk first\nr\nr\nq\n"
    shown = run("spuser", "-u", "al", "-s", f"{port}@127.0.0.3", text=script)
    assert "milk first" in shown, shown
    shown = run("spmonitor", "status", "--local", str(DAEMONS), "--port", str(port))
    for number in range(1, DAEMONS + 1):
        assert f"local{number}" in shown, shown
    for program in ("spread", "spuser", "spflooder", "spmonitor"):
        version = run(program, "--version")
        assert importlib.metadata.version("spreadring") in version, version


def check_import() -> None:
    """`import spread` is the client: no daemon, no configuration, no asyncio."""
    code = "import spread, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=TIMEOUT_S
    )
    loaded = set(done.stdout.split())
    assert not loaded & {"spread.daemon", "spread.config", "spread.monitor", "asyncio"}, loaded


def arguments_of(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Try an installed wheel as its user would.")
    parser.add_argument("--port", type=int, default=24803)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    given = arguments_of(argv)
    here = Path(spread.__file__).resolve()
    assert "site-packages" in here.parts, f"not the installed wheel but {here}"
    check_import()
    with ring(given.port):
        check_clients(f"{given.port}@127.0.0.1", f"{given.port}@127.0.0.2")
        asyncio.run(check_asyncio(f"{given.port}@127.0.0.3"))
        check_programs(given.port)
    release = importlib.metadata.version("spreadring")
    print(f"spreadring {release} on {sys.version.split()[0]}, {sysconfig.get_platform()}: ok")


if __name__ == "__main__":
    main()

"""A daemon in a window, or without one: how it is stopped, where its log goes, what stays.

Wine keeps, at times, the sockets of a process that is killed at the moment when it is told which of
them are ready: nobody can use their ports again. So what starts a daemon again after a kill is
tried with another daemon there when the port stays taken, and says so.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import spread
from spread.system import lock, memory_directory, open_appending
from tests.capabilities import has_loopback_addresses
from tests.daemon.harness.ports import free_port
from tests.daemon.harness.process import EXIT_ADDRESS_TAKEN, START_ATTEMPTS, DaemonError
from tests.daemon.harness.waiting import DEADLINE, wait_until
from wheels.wine import WINE, begun

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="consoles of Windows")

PRESS_BREAK = f"""
import signal, sys, threading, spread
from spread.cli.spread import main
from tests.daemon.harness.waiting import wait_until

def serves():
    try:
        with spread.connect(sys.argv[1] + "@localhost", "a", timeout={DEADLINE}):
            return True
    except spread.SpreadError:
        return False

def press():
    wait_until(serves, "the daemon")
    signal.raise_signal(signal.SIGBREAK)

threading.Thread(target=press, daemon=True).start()
sys.exit(main(["--local", "--port", sys.argv[1]]))
"""
"""The daemon, and a key that is pressed once it serves; what the C library makes of the key."""

PRESS_CTRL_C = """
import ctypes, signal, subprocess, sys, threading
from spread.cli import local_ring
from wheels.wine import begun

start = subprocess.Popen
keys = ctypes.WinDLL("kernel32", use_last_error=True)
keys.SetConsoleCtrlHandler(None, False)  # Whoever ignores the key hands that on to its children.
signal.signal(signal.SIGINT, signal.SIG_IGN)  # Beyond the end of the ring.

def press(child):
    pause = threading.Event()
    while child.poll() is None:
        assert keys.GenerateConsoleCtrlEvent(0, 0), ctypes.get_last_error()
        pause.wait(0.05)

def start_and_press(*arguments, **options):
    child = begun(lambda: start(*arguments, **options))
    threading.Thread(target=press, args=(child,)).start()
    return child

subprocess.Popen = start_and_press
sys.exit(local_ring.run(1, ["--port", sys.argv[1]], is_json=False))
"""
"""A local ring, and Ctrl-C for all processes of the console, again and again while it lives."""


class Daemon:
    """A daemon that stops when its input ends."""

    def __init__(self, directory: Path) -> None:
        self.log = directory / "a log.txt"
        self._directory = directory
        self._starts = 0
        for attempt in range(START_ATTEMPTS):
            self.port = free_port()
            (directory / "spread.conf").write_text(
                f'EventLogFile = "{self.log}"\n'
                f"Spread_Segment 127.0.0.255:{self.port} {{ d1 127.0.0.1 }}\n"
            )
            try:
                self.start()
            except DaemonError as failure:
                # A port that was free a moment ago may be taken by another test run.
                if failure.status != EXIT_ADDRESS_TAKEN or attempt == START_ATTEMPTS - 1:
                    raise
            else:
                return

    def start(self) -> None:
        """Start it, for the first time or after its end; raises DaemonError when it ends."""
        self.process = self._spread("-n", "d1", "--until-input-ends")
        try:
            wait_until(self._is_ready, "the daemon")
        except BaseException:
            self.kill()
            raise
        self._starts += 1

    def _is_ready(self) -> bool:
        if self.said().count("daemon ready") > self._starts:
            return True
        if self.process.poll() is not None:
            assert self.process.stdout is not None
            output = self.process.stdout.read().decode(errors="replace")
            raise DaemonError(self.process.returncode, f"{output}{self.said()}")
        return False

    def kill(self) -> None:
        """End it without any order."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()

    def said(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def reload(self) -> int:
        asking = self._spread("-n", "d1", "--reload")
        asking.communicate(timeout=DEADLINE)
        return asking.returncode

    def stop(self) -> int:
        """Let its input end; returns its status."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(DEADLINE)

    def _spread(self, *arguments: str) -> subprocess.Popen[bytes]:
        return begun(
            lambda: subprocess.Popen(
                [sys.executable, "-m", "spread", *arguments],
                cwd=self._directory,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        )


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    made = Daemon(tmp_path)
    yield made
    made.kill()


def test_the_end_of_the_input_stops_in_order(daemon: Daemon) -> None:
    with spread.connect(f"{daemon.port}@localhost", "a", timeout=DEADLINE):
        assert daemon.stop() == 0

    assert "daemon stopped" in daemon.said()
    assert "root" not in daemon.said()  # There is no such user whose absence would matter.


def test_a_port_alone_means_this_host(daemon: Daemon) -> None:
    with spread.connect(str(daemon.port), "a", timeout=DEADLINE) as mailbox:
        assert mailbox.private_group == "#a#d1"


def test_a_log_can_be_moved_away_and_a_reload_opens_it_anew(daemon: Daemon) -> None:
    moved = daemon.log.with_name("moved.txt")
    daemon.log.rename(moved)

    assert daemon.reload() == 0

    wait_until(daemon.log.exists, "a new log")
    assert daemon.stop() == 0
    assert "daemon stopped" in daemon.said()
    assert "daemon stopped" not in moved.read_text()


def test_what_an_orderly_end_leaves_is_no_crash(daemon: Daemon) -> None:
    (memory,) = memory_directory().glob(f"spread-d1-{daemon.port}-*.flight")

    daemon.stop()

    # A file that is mapped cannot be removed here, so the next start does that.
    assert memory.read_bytes()[:8] == bytes(8)
    memory.unlink()


def crash_twice(directory: Path) -> tuple[Daemon, Path]:
    """Kill a daemon and start it again, twice; returns it, and what it had in memory at first.

    Raises DaemonError when it cannot start again.
    """
    directory.mkdir()
    daemon = Daemon(directory)
    try:
        (left,) = memory_directory().glob(f"spread-d1-{daemon.port}-*.flight")
        for _ in range(2):
            daemon.kill()
            daemon.start()
    except BaseException:
        daemon.kill()
        raise
    return daemon, left


@pytest.fixture
def crashed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[tuple[Daemon, Path]]:
    """A daemon that was killed twice, and what it had in memory at first."""
    for attempt in range(START_ATTEMPTS):
        try:
            daemon, left = crash_twice(tmp_path / f"daemon{attempt}")
        except DaemonError as failure:
            is_over = attempt == START_ATTEMPTS - 1
            if not WINE or failure.status != EXIT_ADDRESS_TAKEN or is_over:
                raise
            with capsys.disabled():
                print(f"\nWine keeps the port of a daemon that was killed: {failure}")
        else:
            break
    yield daemon, left
    daemon.kill()


def test_what_a_crash_leaves_is_kept_once(crashed: tuple[Daemon, Path]) -> None:
    daemon, left = crashed
    pattern = f"spread-d1-{daemon.port}-*.flight"

    assert not left.exists()
    assert len(list(memory_directory().glob(pattern))) == 1
    assert len(list(daemon.log.parent.glob("d1-*.flight"))) == 2
    daemon.stop()
    for each in memory_directory().glob(pattern):
        each.unlink()


def test_a_break_stops_in_order() -> None:
    port = free_port()
    ended = begun(
        lambda: subprocess.run(
            [sys.executable, "-c", PRESS_BREAK, str(port)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=2 * DEADLINE,
            check=False,
        )
    )

    assert ended.returncode == 0, ended.stderr
    assert "daemon stopped" in ended.stdout


def test_a_file_belongs_to_one_process(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    ours = os.open(path, os.O_RDWR)
    theirs = os.open(path, os.O_RDWR)
    try:
        assert lock(ours)
        assert not lock(theirs)
        assert os.read(theirs, 10) == b"content"
    finally:
        os.close(ours)
    assert lock(theirs)
    os.close(theirs)


def test_what_is_appended_stands_behind_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"one\n")

    descriptor = open_appending(path, 0o640)
    os.write(descriptor, b"two\n")
    os.close(descriptor)

    assert path.read_bytes() == b"one\ntwo\n"


def test_a_log_without_a_directory_is_told(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"no\\\\+log"):
        open_appending(tmp_path / "no" / "log", 0o640)


def test_ctrl_c_while_children_start_is_an_ordinary_stop() -> None:
    pressed = begun(
        lambda: subprocess.run(
            [sys.executable, "-c", PRESS_CTRL_C, str(free_port())],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=2 * DEADLINE,
            creationflags=subprocess.CREATE_NO_WINDOW,  # A console of their own.
        )
    )

    assert (pressed.returncode, pressed.stderr) == (0, "")
    assert "daemon stopped" in pressed.stdout  # In order, though it was asked while it started.
    assert "Traceback" not in pressed.stdout


@pytest.mark.skipif(has_loopback_addresses(), reason="loopback addresses have ports of their own")
def test_a_ring_without_addresses_of_its_own_is_refused() -> None:
    refused = begun(
        lambda: subprocess.run(
            [sys.executable, "-m", "spread", "--local", "3", "--port", str(free_port())],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
        )
    )

    assert refused.returncode == 3
    assert "takes a port of 127.0.0.1 at 127.0.0.2, too" in refused.stderr
    assert refused.stdout == ""

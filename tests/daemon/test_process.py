"""The daemon as a process: start, signals, sockets in the file system, ways to end."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from tests.daemon.conftest import StartDaemon
from tests.daemon.harness.ports import free_port, unix_path
from tests.daemon.harness.process import REPOSITORY, Daemon, configuration, run_daemon
from tests.daemon.harness.session import Session
from tests.daemon.harness.waiting import DEADLINE, wait_until
from tests.daemon.harness.witness import Witness

STOPPED, CONFIGURATION_WRONG, CONFIGURATION_MISSING = 0, 1, 2
ADDRESS_TAKEN, NO_PRIVILEGE, USAGE = 3, 4, 64

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives up privileges")


@pytest.fixture
def good_file(tmp_path: Path) -> Path:
    path = tmp_path / "good.conf"
    path.write_text(configuration(free_port()))
    return path


# Signals.


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_daemon_and_clients_see_an_orderly_close(
    number: signal.Signals, daemon: Daemon
) -> None:
    with daemon.connect(b"tcp") as over_tcp, Session.connect(daemon.unix, b"unix") as over_unix:
        daemon.signal(number)

        assert over_tcp.read_to_end() == b""
        assert over_unix.read_to_end() == b""
        assert not over_tcp.was_reset
        assert daemon.wait() == STOPPED
    assert "Traceback" not in daemon.output()
    assert not unix_path(daemon.port).exists()


def test_a_stop_during_handshakes_is_clean(daemon: Daemon, opened: ExitStack) -> None:
    waiting = [opened.enter_context(Session.open(daemon.tcp)) for _ in range(20)]
    for session in waiting[::2]:
        session.send(b"\4\4\0\1\5al")

    daemon.signal(signal.SIGTERM)

    assert daemon.wait() == STOPPED
    assert "Traceback" not in daemon.output()


def test_a_second_signal_does_not_spoil_the_stop(daemon: Daemon) -> None:
    daemon.signal(signal.SIGTERM)
    daemon.signal(signal.SIGTERM)
    daemon.signal(signal.SIGINT)

    assert daemon.wait() == STOPPED
    assert "Traceback" not in daemon.output()


def test_a_signal_at_any_moment_of_the_start_ends_the_daemon(
    good_file: Path, tmp_path: Path
) -> None:
    # Between the start of the interpreter and the first connection the moments differ from run to
    # run anyway; ending by the signal itself, before anything is set up, is as good as status 0.
    for _ in range(12):
        process = started_only(tmp_path, "-c", str(good_file))
        wait_until(partial(has_mapped, process.pid, "spread/_"), "a compiled module")

        process.terminate()

        assert process.wait(DEADLINE) in (STOPPED, -signal.SIGTERM)
        assert "Traceback" not in (tmp_path / "output.txt").read_text()


def started_only(directory: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Return a daemon that nobody has waited for."""
    with (directory / "output.txt").open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "spread", *arguments],
            cwd=directory,
            env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def has_mapped(process_id: int, part: str) -> bool:
    """Whether the process has loaded a library whose path has this part, or is over."""
    try:
        return part in Path(f"/proc/{process_id}/maps").read_text()
    except OSError:
        return True


def test_hang_up_reopens_the_log_and_loses_nothing(start_daemon: StartDaemon) -> None:
    daemon = start_daemon("DebugFlags = { PRINT SESSION }", "EventLogFile = events.log")
    daemon.directory.chmod(0o777)  # As root it is another user that opens the file again.
    log, rotated = daemon.directory / "events.log", daemon.directory / "events.log.1"
    with Witness(daemon.tcp) as witness:
        daemon.connect(b"before").disconnect()
        wait_until(lambda: "before" in log.read_text(), "the first session in the log")

        log.rename(rotated)
        daemon.signal(signal.SIGHUP)
        wait_until(log.exists, "a new log file")
        daemon.connect(b"after").disconnect()

        wait_until(lambda: "after" in log.read_text(), "the second session in the log")
        assert "after" not in rotated.read_text()
        witness.require_progress()


def test_a_broken_pipe_does_not_end_the_daemon(good_file: Path, tmp_path: Path) -> None:
    port = int(good_file.read_text().split(":")[1].split()[0])
    reading, writing = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-m", "spread", "-c", str(good_file)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        stdout=writing,
        stderr=writing,
    ) as process:
        os.close(writing)
        os.close(reading)
        daemon = Daemon(port, tmp_path, process)
        (tmp_path / "output.txt").touch()
        daemon.wait_until_serving()

        with Witness(daemon.tcp) as witness:
            witness.require_progress()

        daemon.stop()


# Sockets.


def test_a_second_daemon_on_the_port_says_who_to_look_for(daemon: Daemon) -> None:
    with Witness(daemon.tcp) as witness:
        second = run_daemon(daemon.directory, "-c", "spread.conf", "-n", "d1")

        assert second.returncode == ADDRESS_TAKEN
        assert str(daemon.port) in second.stderr
        assert str(daemon.process.pid) in second.stderr + second.stdout
        assert "Traceback" not in second.stderr
        witness.require_progress()
    Session.connect(daemon.unix, b"unix").disconnect()


@pytest.mark.parametrize("offset", [0, 1])
def test_a_port_held_by_somebody_else_is_named(offset: int, tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "spread.conf").write_text(configuration(port))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("0.0.0.0", port + offset))

        ended = run_daemon(tmp_path, "-c", "spread.conf")

    assert ended.returncode == ADDRESS_TAKEN
    assert str(port + offset) in ended.stderr
    assert not unix_path(port).exists()


def test_a_stale_unix_socket_is_replaced(tmp_path: Path) -> None:
    port = free_port()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(unix_path(port)))
    (tmp_path / "spread.conf").write_text(configuration(port))

    daemon = Daemon.start_with(tmp_path, ["-c", "spread.conf"], port)

    Session.connect(daemon.unix, b"alice").disconnect()
    daemon.stop()


def test_a_live_unix_socket_is_left_alone(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "spread.conf").write_text(configuration(port))
    with socket.socket(socket.AF_UNIX) as alive:
        alive.bind(str(unix_path(port)))
        alive.listen()

        ended = run_daemon(tmp_path, "-c", "spread.conf")

        assert ended.returncode == ADDRESS_TAKEN
        assert str(unix_path(port)) in ended.stderr
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(unix_path(port)))
    unix_path(port).unlink()


def test_the_unix_socket_is_open_to_every_user(daemon: Daemon) -> None:
    assert unix_path(daemon.port).stat().st_mode & 0o777 == 0o666


def test_a_daemon_without_a_file_serves_the_local_host(tmp_path: Path) -> None:
    port = free_port()

    daemon = Daemon.start_with(tmp_path, ["--local", "--port", str(port)], port)

    with daemon.connect(b"alice") as session:
        assert session.private_group.startswith(b"#alice#")
        session.join(b"grp")
        assert session.read_view().group_names == (session.private_group,)
    daemon.stop()


def test_a_restart_right_after_a_stop_works(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "spread.conf").write_text(configuration(port, "SocketPortReuse = ON"))
    ids = []
    for _ in range(3):
        daemon = Daemon.start_with(tmp_path, ["-c", "spread.conf"], port)
        with daemon.connect(b"alice") as session:
            session.join(b"grp")
            ids.append(session.read_view().view().group_id)
        daemon.stop()

    # A group of a later daemon is another group, however fast the restart.
    assert len({(group_id.address, group_id.time, group_id.index) for group_id in ids}) == 3


# What outlives the process.


def test_state_is_kept_where_the_file_says(start_daemon: StartDaemon, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()

    start_daemon(f'StateDir = "{state}"')

    assert {path.name for path in state.iterdir()} == {"ring-time", "incarnation"}


def test_state_is_kept_where_the_service_manager_says(
    start_daemon: StartDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "state"
    state.mkdir()
    monkeypatch.setenv("STATE_DIRECTORY", f"{state}:{tmp_path / 'another'}")

    start_daemon()

    assert {path.name for path in state.iterdir()} == {"ring-time", "incarnation"}


def test_a_directory_for_state_that_is_missing_is_wrong(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    (tmp_path / "spread.conf").write_text(configuration(free_port(), f'StateDir = "{missing}"'))

    ended = run_daemon(tmp_path, "-c", "spread.conf", "-n", "d1")

    assert ended.returncode == CONFIGURATION_WRONG
    assert "StateDir" in ended.stderr


# Exit codes.


@pytest.mark.parametrize("flag", ["-h", "--help", "--version"])
def test_asking_about_the_program_is_no_error(flag: str, tmp_path: Path) -> None:
    ended = run_daemon(tmp_path, flag)

    assert ended.returncode == STOPPED
    assert ended.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--no-such-flag"],
        ["-c"],
        ["-n"],
        ["-l", "maybe"],
        ["-nfoo"],
        ["-cfoo.conf"],
        ["-n", "Monitor"],
        ["surplus"],
        ["--port", "12"],
        ["--local", "--port", "70000"],
        ["--local", "--port", "many"],
    ],
    ids=" ".join,
)
def test_wrong_usage_has_its_status(arguments: list[str], tmp_path: Path) -> None:
    ended = run_daemon(tmp_path, *arguments)

    assert ended.returncode == USAGE
    assert ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    "text",
    [
        "Spread_Segment {",
        "Window = 10",
        "Spread_Segment 127.0.0.255:5200 { }",
        "Spread_Segment 10.255.0.255:5200 { elsewhere 10.255.0.1 }",
        "",
    ],
)
@pytest.mark.parametrize("check", [False, True])
def test_a_wrong_file_has_its_status(text: str, check: bool, tmp_path: Path) -> None:
    (tmp_path / "wrong.conf").write_text(text)
    arguments = ["--check", "wrong.conf"] if check else ["-c", "wrong.conf"]

    ended = run_daemon(tmp_path, *arguments)

    assert ended.returncode == CONFIGURATION_WRONG
    assert "wrong.conf" in ended.stderr + ended.stdout
    assert "Traceback" not in ended.stderr


def test_a_good_file_passes_the_check(good_file: Path, tmp_path: Path) -> None:
    assert run_daemon(tmp_path, "--check", str(good_file)).returncode == STOPPED


@pytest.mark.parametrize("name", ["missing.conf", "directory.conf"])
def test_a_file_that_cannot_be_read_has_its_status(name: str, tmp_path: Path) -> None:
    (tmp_path / "directory.conf").mkdir()
    (tmp_path / "spread.conf").write_text(configuration(free_port()))

    ended = run_daemon(tmp_path, "-c", name)

    # The good file beside it is no replacement for the one that was asked for.
    assert ended.returncode == CONFIGURATION_MISSING
    assert name in ended.stderr


def test_no_file_at_all_hints_at_the_local_daemon(tmp_path: Path) -> None:
    if Path("/etc/spread.conf").exists():
        pytest.skip("this host has a system-wide spread.conf")

    ended = run_daemon(tmp_path)

    assert ended.returncode == CONFIGURATION_MISSING
    assert "spread --local" in ended.stderr


def test_a_name_that_the_file_does_not_list_is_wrong(good_file: Path, tmp_path: Path) -> None:
    ended = run_daemon(tmp_path, "-c", str(good_file), "-n", "nobody")

    assert ended.returncode == CONFIGURATION_WRONG
    assert "nobody" in ended.stderr


@as_root
@pytest.mark.parametrize(
    "option",
    [
        "DaemonUser = no-such-user",
        "DaemonGroup = no-such-group",
        "RuntimeDir = /no/such/directory",
    ],
)
def test_privileges_that_cannot_be_given_up_have_their_status(option: str, tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "spread.conf").write_text(configuration(port, option))

    ended = run_daemon(tmp_path, "-c", "spread.conf")

    assert ended.returncode == NO_PRIVILEGE
    assert option.rsplit(maxsplit=1)[-1] in ended.stderr
    assert not unix_path(port).exists()


@as_root
def test_root_is_given_up_after_the_sockets_are_bound(daemon: Daemon) -> None:
    status = Path(f"/proc/{daemon.process.pid}/status").read_text()
    ids = {line.split()[0]: line.split()[1:] for line in status.splitlines() if "id:" in line}

    assert "0" not in ids["Uid:"]
    assert "0" not in ids["Gid:"]


@as_root
def test_the_runtime_directory_becomes_the_root_of_the_daemon(
    start_daemon: StartDaemon, tmp_path: Path
) -> None:
    jail = tmp_path / "jail"
    jail.mkdir()

    daemon = start_daemon(f"RuntimeDir = {jail}")

    assert Path(f"/proc/{daemon.process.pid}/root").readlink() == jail
    with Witness(daemon.tcp) as witness:
        witness.require_progress()
    Session.connect(daemon.unix, b"unix").disconnect()


@as_root
def test_names_that_cannot_be_printed_are_told_without_files_of_the_old_root(
    start_daemon: StartDaemon, tmp_path: Path
) -> None:
    (tmp_path / "jail").mkdir()
    daemon = start_daemon(f"RuntimeDir = {tmp_path}/jail")

    with Session.connect(daemon.tcp, b"one") as session:
        session.join(b"tea\xc2\x85")

        session.read_view()
        session.synchronise()

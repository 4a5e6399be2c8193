"""The log says of every session that it came, that it went, and why."""

from collections.abc import Callable

import pytest

from tests.daemon.conftest import StartDaemon
from tests.daemon.harness import wire
from tests.daemon.harness.process import Daemon
from tests.daemon.harness.session import Session
from tests.daemon.harness.waiting import wait_until


def closes_by_kill(session: Session) -> None:
    session.disconnect()


def just_closes(session: Session) -> None:
    session.close()


def resets(session: Session) -> None:
    session.abort()


def sends_a_bad_header(session: Session) -> None:
    session.send(wire.header(0, session.private_group, 1, wire.hint_bytes(0), 0, "little"))
    session.read_to_end()
    session.close()


def sends_too_much(session: Session) -> None:
    session.multicast(wire.AGREED, (b"grp",), b"x" * 144_001)
    session.read_to_end()
    session.close()


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (closes_by_kill, "disconnected"),
        (just_closes, "connection lost"),
        (resets, "connection lost"),
        (sends_a_bad_header, "malformed message header"),
        (sends_too_much, "malformed message header"),
    ],
)
def test_the_end_of_a_session_is_logged_with_its_reason(
    end: Callable[[Session], None], reason: str, daemon: Daemon
) -> None:
    session = daemon.connect(b"alice")

    end(session)

    wait_until(lambda: closing_lines(daemon, "#alice#d1"), "the end of the session in the log")
    (line,) = closing_lines(daemon, "#alice#d1")
    assert reason in line


def test_a_slow_receiver_is_logged_with_what_it_lost(start_daemon: StartDaemon) -> None:
    daemon = start_daemon("DebugFlags = { PRINT SESSION }", "MaxSessionMessages = 1")
    with daemon.connect(b"sender", membership=False) as sender, daemon.connect(b"slow") as slow:
        slow.join(b"grp")
        slow.read_view()
        for _ in range(50):
            sender.multicast(wire.AGREED, (b"grp",), b"x" * 100_000)
        sender.synchronise()

        wait_until(lambda: closing_lines(daemon, "#slow#d1"), "the end of the session in the log")
        (line,) = closing_lines(daemon, "#slow#d1")
        assert "too slow" in line
        assert "undelivered=1" in line


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"\3\0\1\5alice", "REJECT_VERSION"),
        (b"\4\4\0\1\5al#ce", "REJECT_ILLEGAL_NAME"),
        (b"\4\4\0\1\5alice" + b"XYZ".ljust(90, b"\0"), "REJECT_AUTH"),
    ],
)
def test_a_refused_connection_is_logged_with_its_code(
    sent: bytes, code: str, daemon: Daemon
) -> None:
    with Session.open(daemon.tcp) as session:
        session.send(sent)
        session.read_to_end()

    wait_until(lambda: code in daemon.output(), f"{code} in the log")


def closing_lines(daemon: Daemon, private_group: str) -> list[str]:
    return [
        line
        for line in daemon.output().splitlines()
        if "session closed" in line and f"={private_group} " in line
    ]

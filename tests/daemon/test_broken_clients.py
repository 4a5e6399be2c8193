"""Clients that die at the worst moment, and logs that cannot be written: nobody else notices."""

import signal
import subprocess
import sys
from contextlib import ExitStack

import pytest

from tests.daemon.conftest import StartDaemon
from tests.daemon.harness import handshake, wire
from tests.daemon.harness.process import REPOSITORY, Daemon
from tests.daemon.harness.session import Session
from tests.daemon.harness.waiting import wait_until
from tests.daemon.harness.witness import Witness

EVERYTHING = "DebugFlags = { ALL }"

# A client in a process of its own that sends one and a half messages and waits to be killed.
HALF_A_FRAME = """
import sys
from tests.daemon.harness import wire
from tests.daemon.harness.session import Endpoint, Session

session = Session.connect(Endpoint(sys.argv[1], int(sys.argv[2])), b"doomed")
session.join(b"grp")
session.read_view()
message = wire.data_frame(session.private_group, wire.AGREED, (b"grp",), b"x" * 100_000)
session.send(message + message[: len(message) // 2])
print("sent", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("transport", ["tcp", "unix"])
def test_a_client_killed_in_the_middle_of_a_frame_leaves_its_groups(
    transport: str, daemon: Daemon
) -> None:
    with Witness(daemon.tcp) as witness, daemon.connect(b"watcher") as watcher:
        watcher.join(b"grp")
        watcher.read_view()
        with subprocess.Popen(
            [sys.executable, "-c", HALF_A_FRAME, transport, str(daemon.port)],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as client:
            assert client.stdout is not None
            assert client.stdout.readline() == b"sent\n"
            client.kill()

        assert watcher.read_frame().type & wire.CAUSED_BY_JOIN
        assert watcher.read_frame().data == b"x" * 100_000
        assert watcher.read_frame().type & wire.CAUSED_BY_DISCONNECT
        witness.require_progress()


@pytest.mark.parametrize("size", [1, 4, 36, 47, 48, 60, 79, 80, 81])
def test_a_connection_reset_inside_a_frame_disturbs_nobody(size: int, daemon: Daemon) -> None:
    with Witness(daemon.tcp) as witness:
        session = daemon.connect(b"doomed")
        session.send(wire.data_frame(b"#doomed#d1", wire.SAFE, (b"grp",), b"lost")[:size])

        session.abort()

        witness.require_progress()
        wait_until(lambda: connects(daemon, b"doomed"), "its name to be free again")


def connects(daemon: Daemon, name: bytes) -> bool:
    try:
        daemon.connect(name).disconnect()
    except handshake.RejectedError:
        return False
    return True


def test_a_receiver_that_is_gone_while_messages_go_out_disturbs_nobody(daemon: Daemon) -> None:
    with (
        Witness(daemon.tcp) as witness,
        daemon.connect(b"sender", membership=False) as sender,
        daemon.connect(b"watcher") as watcher,
    ):
        watcher.join(b"grp")
        watcher.read_view()
        for number in range(50):
            session = daemon.connect(b"gone%d" % number)
            session.join(b"grp")
            session.read_view()
            for _ in range(10):
                sender.multicast(wire.AGREED, (b"grp",), b"x" * 10_000)
            session.abort()
            sender.synchronise()

        departed = 0
        while departed < 50:
            departed += bool(watcher.read_view().type & wire.CAUSED_BY_DISCONNECT)
        witness.require_progress()


def test_a_full_disk_under_the_log_is_no_trouble(start_daemon: StartDaemon) -> None:
    daemon = start_daemon(EVERYTHING, "EventLogFile = /dev/full")
    with Witness(daemon.tcp) as witness:
        for number in range(50):
            daemon.connect(b"c%d" % number).disconnect()

        witness.require_progress()


def test_a_log_directory_that_does_not_exist_is_no_trouble(start_daemon: StartDaemon) -> None:
    daemon = start_daemon(EVERYTHING, "EventLogFile = nowhere/at/all.log")

    with Witness(daemon.tcp) as witness:
        witness.require_progress()


@pytest.mark.parametrize("transport", ["tcp", "unix"])
def test_clients_that_go_before_they_are_answered_leave_their_slots_usable(
    transport: str, daemon: Daemon
) -> None:
    """Their answers cannot be written; whoever gets their slots next is served all the same."""
    endpoint = daemon.tcp if transport == "tcp" else daemon.unix
    daemon.process.send_signal(signal.SIGSTOP)
    for number in range(100):
        client = Session.open(endpoint)
        client.send(handshake.connect_request(b"gone%d" % number))
        client.abort()
    daemon.process.send_signal(signal.SIGCONT)

    with ExitStack() as stack:
        for number in range(150):
            session = stack.enter_context(daemon.connect(b"here%d" % number))
            session.synchronise()

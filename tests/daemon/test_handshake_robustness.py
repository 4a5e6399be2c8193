"""Connections that scan, dawdle, break off or crowd: each costs its own handshake, nobody else's.

The four inputs that stop or delay the classic daemon during a handshake are among them.
"""

import contextlib
import random
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.daemon.conftest import StartDaemon
from tests.daemon.harness import handshake, wire
from tests.daemon.harness.process import Daemon
from tests.daemon.harness.session import EndOfStreamError, Endpoint, NothingCameError, Session
from tests.daemon.harness.waiting import wait_until
from tests.daemon.harness.witness import Witness

LONG = "HandshakeTimeout = 3600000"
SHORT = "HandshakeTimeout = 2000"  # Long enough for the handshakes of bystanders.

IDLE_SESSIONS = 5_000


@pytest.fixture(params=["tcp", "unix"])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def endpoint_of(daemon: Daemon, transport: str) -> Endpoint:
    return daemon.tcp if transport == "tcp" else daemon.unix


def test_silent_connections_delay_nobody(
    start_daemon: StartDaemon, transport: str, opened: ExitStack
) -> None:
    daemon = start_daemon(LONG)
    endpoint = endpoint_of(daemon, transport)
    with Witness(daemon.tcp) as witness:
        silent = [opened.enter_context(Session.open(endpoint)) for _ in range(50)]

        # With a deadline of an hour nothing of this could happen if anybody waited for them.
        for number in range(20):
            Session.connect(endpoint, b"c%d" % number).disconnect()
        witness.require_progress()

        assert all(session.is_quiet() for session in silent)


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        pytest.param(b"", b"", id="nothing"),
        pytest.param(b"\4", b"", id="half a version"),
        pytest.param(b"\4\4\0\1", b"", id="no name size"),
        pytest.param(b"\4\4\0\1\5ali", b"", id="half a name"),
        pytest.param(b"\4\4\0\1\5alice", b"\5NULL ", id="no choice"),
        pytest.param(b"\4\4\0\1\5aliceNULL", b"\5NULL \xf7", id="half a choice"),
    ],
)
def test_a_handshake_that_stops_is_closed_at_the_deadline(
    sent: bytes, answer: bytes, start_daemon: StartDaemon, transport: str
) -> None:
    daemon = start_daemon(SHORT)
    with Witness(daemon.tcp) as witness, Session.open(endpoint_of(daemon, transport)) as session:
        session.send(sent)

        assert session.read_to_end() == answer
        witness.require_progress()
        # Its name is free again.
        daemon.connect(b"alice").disconnect()


def test_one_byte_at_a_time_does_not_stretch_the_deadline(start_daemon: StartDaemon) -> None:
    daemon = start_daemon(SHORT)
    stream = handshake.connect_request(b"trickle") + handshake.CHOICE_NULL
    with Witness(daemon.tcp) as witness, Session.open(daemon.tcp) as session:
        sent = 0

        # Twenty bytes in the time of the handshake, a hundred are needed.
        for byte in stream:
            session.send(bytes((byte,)))
            sent += 1
            if closes_within(session, 0.1):
                break

        assert 1 < sent < len(stream)
        witness.require_progress()


def closes_within(session: Session, seconds: float) -> bool:
    try:
        session.read_to_end(seconds)
    except NothingCameError:
        return False
    return True


def test_a_handshake_in_many_segments_is_accepted(
    start_daemon: StartDaemon, transport: str
) -> None:
    daemon = start_daemon(LONG)
    with (
        Witness(daemon.tcp),
        daemon.connect(b"barrier", membership=False) as barrier,
        Session.open(endpoint_of(daemon, transport)) as session,
    ):
        # Each byte has been read before the next one is sent.
        for byte in handshake.connect_request(b"pieces") + handshake.CHOICE_NULL:
            session.send(bytes((byte,)))
            barrier.synchronise()

        assert handshake.read_method_list(session.read_exactly) == (b"NULL",)
        accept = handshake.read_accept(session.read_exactly)
        assert accept.private_group == b"#pieces#d1"


def test_frames_in_single_bytes_are_put_together(daemon: Daemon) -> None:
    with (
        daemon.connect(b"barrier", membership=False) as barrier,
        daemon.connect(b"pieces") as session,
    ):
        own = session.private_group
        stream = wire.request_frame(own, wire.JOIN, b"grp") + wire.data_frame(
            own, wire.SAFE, (b"grp", b"two"), b"in pieces"
        )

        for byte in stream:
            session.send(bytes((byte,)))
            barrier.synchronise()

        assert session.read_frame().is_view
        assert session.read_frame().data == b"in pieces"


def test_requests_right_behind_the_choice_are_processed(daemon: Daemon, transport: str) -> None:
    own = b"#eager#d1"
    with Session.open(endpoint_of(daemon, transport)) as session:
        session.send(
            handshake.connect_request(b"eager")
            + handshake.CHOICE_NULL
            + wire.request_frame(own, wire.JOIN, b"grp")
            + wire.data_frame(own, wire.AGREED, (b"grp",), b"at once")
        )

        assert handshake.read_method_list(session.read_exactly) == (b"NULL",)
        assert handshake.read_accept(session.read_exactly).private_group == own
        assert session.read_frame().is_view
        assert session.read_frame().data == b"at once"


def test_a_port_scan_leaves_no_trace(daemon: Daemon, transport: str) -> None:
    endpoint = endpoint_of(daemon, transport)
    choose = random.Random(4803)
    with Witness(daemon.tcp) as witness:
        wait_until(lambda: daemon.descriptor_count() > 0, "the daemon to have descriptors")
        idle = daemon.descriptor_count()

        for number in range(900):
            session = Session.open(endpoint)
            if number % 3 == 0:
                session.close()
            elif number % 3 == 1:
                session.sock.shutdown(socket.SHUT_WR)
                session.abort()
            else:
                send_garbage(session, choose.randbytes(choose.randint(1, 2000)))

        witness.require_progress()
        wait_until(lambda: daemon.descriptor_count() <= idle, "the scan to be forgotten")
        daemon.connect(b"honest").disconnect()


def send_garbage(session: Session, garbage: bytes) -> None:
    with contextlib.suppress(ConnectionError):  # It may close before it has read all.
        session.send(garbage)
    session.abort()


def test_a_name_is_free_as_soon_as_its_departure_is_seen(daemon: Daemon) -> None:
    with daemon.connect(b"watcher") as watcher:
        watcher.join(b"grp")
        watcher.read_view()

        for number in range(100):
            session = daemon.connect(b"phoenix")
            session.join(b"grp")
            watcher.read_view()
            if number % 2:
                session.kill()
            session.close()
            assert watcher.read_view().type & wire.CAUSED_BY_DISCONNECT


def test_invented_names_are_unique_and_legal(daemon: Daemon, opened: ExitStack) -> None:
    sessions = [opened.enter_context(daemon.connect(b"")) for _ in range(300)]

    names = {session.private_group for session in sessions}
    assert len(names) == 300
    assert all(1 <= len(name) - len(b"##d1") <= 10 for name in names)


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    """Let this process hold a few thousand connections; skips where that is not allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = IDLE_SESSIONS + 500
    if hard != resource.RLIM_INFINITY and hard < needed:
        pytest.skip(f"needs {needed} descriptors, the hard limit is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_descriptors")
def test_thousands_of_idle_sessions_are_carried(daemon: Daemon, opened: ExitStack) -> None:
    with Witness(daemon.tcp) as witness:
        resident = daemon.resident_bytes()
        sessions = [
            opened.enter_context(daemon.connect(b"i%d" % number)) for number in range(IDLE_SESSIONS)
        ]
        each = (daemon.resident_bytes() - resident) / IDLE_SESSIONS
        print(f"{each:.0f} bytes resident per idle session")

        witness.require_progress()
        for session in sessions[:: IDLE_SESSIONS // 10]:
            session.multicast(wire.AGREED, (session.private_group,), b"still here")
            assert session.read_frame().data == b"still here"

        assert each < 32 * 1024
        idle = daemon.descriptor_count() - IDLE_SESSIONS
        for session in sessions:
            session.close()
        wait_until(lambda: daemon.descriptor_count() <= idle, "all of them to be forgotten")
        witness.require_progress()


def test_more_connections_than_descriptors_are_refused_and_come_back(
    start_daemon: StartDaemon, opened: ExitStack
) -> None:
    daemon = start_daemon(open_files=(64, 64))
    with Witness(daemon.tcp) as witness:
        sessions = []
        code = 0
        for number in range(200):
            try:
                sessions.append(opened.enter_context(daemon.connect(b"c%d" % number)))
            except handshake.RejectedError as rejected:
                code = rejected.code
                break

        assert code == handshake.REJECT_QUOTA
        assert len(sessions) > 20
        witness.require_progress()
        sessions.pop().disconnect()
        wait_until(lambda: connects(daemon), "a new session to be accepted")


def connects(daemon: Daemon) -> bool:
    try:
        session = daemon.connect(b"again")
    except (handshake.RejectedError, EndOfStreamError, ConnectionError):
        return False
    session.disconnect()
    return True


def test_a_crowd_at_the_door_gets_an_answer_each(
    start_daemon: StartDaemon, opened: ExitStack
) -> None:
    daemon = start_daemon(open_files=(64, 64))
    with Witness(daemon.tcp) as witness:
        crowd = [opened.enter_context(Session.open(daemon.tcp)) for _ in range(150)]
        refused = 0

        for session in crowd:
            with contextlib.suppress(ConnectionError):  # Refused ones are closed at once.
                session.send(handshake.connect_request(b""))
            if session.read_exactly(1) == b"\xfd":
                refused += 1
                session.close()

        assert refused > 0
        witness.require_progress()

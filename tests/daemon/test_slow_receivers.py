"""Receivers that do not keep up: closed at their bound, everybody else served as before."""

from contextlib import ExitStack
from itertools import count

import pytest

from tests.daemon.conftest import StartDaemon
from tests.daemon.harness import wire
from tests.daemon.harness.process import Daemon
from tests.daemon.harness.session import EndOfStreamError, Endpoint, Session
from tests.daemon.harness.waiting import wait_until
from tests.daemon.harness.witness import Witness

MIB = 2**20
LOG_SESSIONS = "DebugFlags = { PRINT EXIT SESSION }"


def stalled(endpoint: Endpoint, name: bytes, group: bytes) -> Session:
    """Return a member of a group that has read its own view and reads nothing more."""
    session = Session.connect(endpoint, name)
    session.join(group)
    session.read_view()
    return session


def test_a_stalled_reader_is_closed_at_its_bound(daemon: Daemon, opened: ExitStack) -> None:
    group, body = b"flood", b"x" * 20_000
    with (
        Witness(daemon.tcp) as witness,
        daemon.connect(b"watcher") as watcher,
        daemon.connect(b"sender", membership=False) as sender,
    ):
        watcher.join(group)
        watcher.read_view()
        victim = opened.enter_context(stalled(daemon.tcp, b"victim", group))
        watcher.read_view()
        resident = daemon.resident_bytes()

        sent = flood_until_view(sender, watcher, group, body, messages_max=4000)

        # It is owed more than 1000 messages and more than 16 MiB when it is closed, hardly more.
        assert 16 * MIB < sent * len(body) < 48 * MIB
        assert daemon.resident_bytes() - resident < 64 * MIB
        rest = victim.read_to_end()
        assert len(rest) < sent * len(body)
        witness.require_progress()


def flood_until_view(
    sender: Session, watcher: Session, group: bytes, body: bytes, messages_max: int
) -> int:
    """Send one message after the other, each seen by `watcher`; return their number at a view."""
    for number in count(1):
        assert number <= messages_max, "nobody has been closed"
        sender.multicast(wire.AGREED, (group,), body)
        frame = watcher.read_frame()
        if frame.is_view:
            assert frame.type & wire.CAUSED_BY_DISCONNECT
            assert frame.view().sets == ((b"#victim#d1",),)
            return number - 1
        assert frame.data == body
    raise AssertionError("not reached")


@pytest.mark.parametrize("limit", [1, 10, 250])
def test_max_session_messages_counts_whole_queued_messages(
    limit: int, start_daemon: StartDaemon, opened: ExitStack
) -> None:
    daemon = start_daemon(f"MaxSessionMessages = {limit}")
    group, body = b"grp", b"y" * 1000
    with (
        daemon.connect(b"watcher") as watcher,
        daemon.connect(b"sender", membership=False) as sender,
    ):
        watcher.join(group)
        watcher.read_view()
        victim = opened.enter_context(stalled(daemon.unix, b"victim", group))
        watcher.read_view()

        sent = flood_until_view(sender, watcher, group, body, messages_max=20_000)

        # The last message killed the session; of those before it `limit` were queued, one of them
        # perhaps written in part, and the others are whole in the socket.
        reader = wire.FrameReader()
        reader.feed(victim.read_to_end())
        received = 0
        while reader.next_frame() is not None:
            received += 1
        assert sent - 1 - received == limit


def test_max_session_messages_of_zero_closes_at_the_first_delivery(
    start_daemon: StartDaemon,
) -> None:
    daemon = start_daemon("MaxSessionMessages = 0")

    with daemon.connect(b"alice") as session:
        session.join(b"grp")

        assert session.read_to_end() == b""


def test_a_reader_that_catches_up_below_the_bound_loses_nothing(
    start_daemon: StartDaemon, opened: ExitStack
) -> None:
    daemon = start_daemon("MaxSessionMessages = 500")
    group = b"grp"
    with daemon.connect(b"sender", membership=False) as sender:
        victim = opened.enter_context(stalled(daemon.unix, b"slow", group))
        for number in range(2000):
            if number % 400 == 0:
                sender.synchronise()
                for expected in range(max(0, number - 400), number):
                    assert int(victim.read_frame().data[:8]) == expected
            sender.multicast(wire.FIFO, (group,), b"%08d" % number + b"z" * 992)

        for expected in range(1600, 2000):
            assert int(victim.read_frame().data[:8]) == expected


def test_the_longest_queue_is_closed_first_when_all_together_are_too_long(
    start_daemon: StartDaemon, opened: ExitStack
) -> None:
    daemon = start_daemon("MaxQueuedBytes = 33554432", LOG_SESSIONS)
    body = b"q" * 100_000
    with (
        Witness(daemon.tcp) as witness,
        daemon.connect(b"sender", membership=False) as sender,
    ):
        short = opened.enter_context(stalled(daemon.unix, b"short", b"small"))
        long = opened.enter_context(stalled(daemon.unix, b"long", b"large"))
        resident = daemon.resident_bytes()
        for number in range(20):
            sender.multicast(wire.AGREED, (b"small",), b"%03d" % number + body)

        # Below 1000 messages no single bound closes it; 32 MiB for all sessions do.
        for _ in range(500):
            sender.multicast(wire.AGREED, (b"large",), body)
        sender.synchronise()

        assert len(long.read_to_end()) < 500 * len(body)
        assert [int(short.read_frame().data[:3]) for _ in range(20)] == list(range(20))
        assert daemon.resident_bytes() - resident < 96 * MIB
        wait_until(lambda: "queues of all sessions full" in daemon.output(), "it in the log")
        witness.require_progress()


def test_a_sender_that_never_reads_its_own_messages_is_closed(
    daemon: Daemon, opened: ExitStack
) -> None:
    with Witness(daemon.tcp) as witness:
        resident = daemon.resident_bytes()
        victim = opened.enter_context(stalled(daemon.tcp, b"selfish", b"echo"))
        message = wire.data_frame(victim.private_group, wire.FIFO, (b"echo",), b"x" * 8000)

        with pytest.raises(OSError, match=r"Broken pipe|reset"):
            victim.send(message * 40_000)

        witness.require_progress()
        assert daemon.resident_bytes() - resident < 64 * MIB


def test_a_flood_to_nobody_costs_no_memory_and_stops_nobody(daemon: Daemon) -> None:
    with Witness(daemon.tcp) as witness, daemon.connect(b"flood") as flood:
        resident = daemon.resident_bytes()
        message = wire.data_frame(flood.private_group, wire.AGREED, (b"nobody",), b"x" * 100_000)
        before = witness.exchanged

        for _ in range(2000):
            flood.send(message)
        flood.synchronise()

        assert witness.exchanged > before
        assert daemon.resident_bytes() - resident < 32 * MIB


def test_a_reader_as_fast_as_its_sender_gets_every_message(
    daemon: Daemon, opened: ExitStack
) -> None:
    messages = 20_000
    with daemon.connect(b"sender", membership=False) as sender:
        reader = opened.enter_context(daemon.connect(b"reader", membership=False))
        reader.join(b"grp")
        reader.synchronise()
        window = 200

        for number in range(messages + window):
            if number < messages:
                sender.multicast(wire.RELIABLE, (b"grp",), b"%d" % number)
            if number >= window:
                assert reader.read_frame().data == b"%d" % (number - window)


def test_a_session_closed_for_slowness_can_come_back(
    start_daemon: StartDaemon, opened: ExitStack
) -> None:
    daemon = start_daemon("MaxSessionMessages = 1")
    with daemon.connect(b"sender", membership=False) as sender:
        victim = opened.enter_context(stalled(daemon.unix, b"victim", b"grp"))
        message = wire.data_frame(sender.private_group, wire.AGREED, (b"grp",), b"x" * 100_000)
        for _ in range(20):
            sender.send(message)
        sender.synchronise()  # Who reads while the daemon still writes may keep up.
        victim.read_to_end()

        def connects() -> bool:
            try:
                daemon.connect(b"victim").disconnect()
            except EndOfStreamError:
                return False
            return True

        wait_until(connects, "the name to be free again")

"""Control with the real node and handshake, in memory: who is let in, and who hears of it."""

from dataclasses import dataclass, field

import pytest

from spread.config.model import EventPriority, EventType, Options
from spread.daemon.auth import Transport
from spread.daemon.sessions import Session
from tests.daemon.harness import wire
from tests.daemon.harness.handshake import CHOICE_NULL, connect_request
from tests.memory.daemon import SECOND_NS, Client, Limits, MemoryDaemon

REJECT_NOT_UNIQUE = b"\xfa"
REJECT_AUTH = b"\xf7"
METHOD_LIST = b"\x05NULL "


@pytest.fixture
def daemon() -> MemoryDaemon:
    return MemoryDaemon()


@pytest.fixture
def alice(daemon: MemoryDaemon) -> Client:
    return daemon.open(b"alice")


@dataclass
class Recorder:
    """A witness that remembers."""

    notes: list[tuple[str, bytes, int]] = field(default_factory=list)

    def session_opened(self, session: Session, now_ns: int) -> None:
        self.notes.append(("opened", session.private_group, now_ns))

    def session_closed(self, session: Session, undelivered: int) -> None:
        self.notes.append(("closed", session.private_group, undelivered))


class TestPrivateNames:
    def test_a_name_in_use_is_refused(self, daemon: MemoryDaemon, alice: Client) -> None:
        second = daemon.connect()

        second.send(connect_request(b"alice"))

        assert second.take() == REJECT_NOT_UNIQUE
        assert second.is_closed()
        assert not alice.is_closed()

    def test_a_name_is_taken_while_its_handshake_lasts(self, daemon: MemoryDaemon) -> None:
        first, second = daemon.connect(), daemon.connect()
        first.send(connect_request(b"alice"))

        second.send(connect_request(b"alice"))
        first.close()
        third = daemon.open(b"alice")

        assert second.take() == REJECT_NOT_UNIQUE
        assert third.private_group == b"#alice#d1"

    def test_a_name_is_taken_until_the_departure_is_ordered(self, daemon: MemoryDaemon) -> None:
        daemon.open(b"alice").send(
            wire.request_frame(b"#alice#d1", wire.KILL, b"#alice#d1"), turn=False
        )
        second = daemon.connect()
        second.send(connect_request(b"alice"), turn=False)
        daemon.turn()

        daemon.open(b"alice")

        assert second.take() == REJECT_NOT_UNIQUE

    def test_a_client_without_a_name_gets_one_of_its_own(self, daemon: MemoryDaemon) -> None:
        answers = []
        for _ in range(3):
            client = daemon.connect()
            client.send(connect_request(b"") + CHOICE_NULL)
            answers.append(client.take().removeprefix(METHOD_LIST + b"\1\4\4\0"))

        names = {answer[1:] for answer in answers}
        assert len(names) == 3
        assert all(name.startswith(b"#r") and name.endswith(b"#d1") for name in names)


class TestHandshake:
    def test_a_silent_connection_is_closed_at_the_deadline(self, daemon: MemoryDaemon) -> None:
        client = daemon.connect()

        daemon.advance(10 * SECOND_NS - 1)
        assert not client.is_closed()
        daemon.advance(1)

        assert client.is_closed()
        assert client.take() == b""
        assert [fields["address"] for fields in daemon.logged("connection refused")] == [
            "127.0.0.1"
        ]

    def test_a_client_that_sends_a_byte_a_second_is_closed_at_the_deadline(
        self, daemon: MemoryDaemon
    ) -> None:
        client = daemon.connect()
        stream = connect_request(b"alice") + CHOICE_NULL

        for byte in stream[:9]:
            daemon.advance(SECOND_NS)
            client.send(bytes((byte,)))
        daemon.advance(SECOND_NS)

        assert client.is_closed()
        daemon.open(b"alice")

    def test_half_a_choice_is_answered_at_the_deadline(self, daemon: MemoryDaemon) -> None:
        client = daemon.connect()
        client.send(connect_request(b"alice"), CHOICE_NULL[:60])

        daemon.advance(10 * SECOND_NS)

        assert client.take() == METHOD_LIST + REJECT_AUTH
        assert client.is_closed()

    def test_each_connection_has_a_deadline_of_its_own(self, daemon: MemoryDaemon) -> None:
        first = daemon.connect()
        daemon.advance(4 * SECOND_NS)
        second = daemon.connect()
        daemon.advance(6 * SECOND_NS)

        assert (first.is_closed(), second.is_closed()) == (True, False)
        daemon.advance(4 * SECOND_NS)
        assert second.is_closed()

    def test_a_session_has_no_deadline(self, daemon: MemoryDaemon, alice: Client) -> None:
        daemon.connect()

        daemon.advance(3_600 * SECOND_NS)

        assert not alice.is_closed()
        assert daemon.driver.deadline() == 0

    def test_an_end_of_stream_is_still_answered(self, daemon: MemoryDaemon) -> None:
        client = daemon.connect()
        client.send(connect_request(b"alice"))
        client.take()

        client.close()

        assert client.take() == REJECT_AUTH
        assert client.is_closed()

    def test_what_follows_the_handshake_in_one_piece_is_the_message_stream(
        self, daemon: MemoryDaemon
    ) -> None:
        client = daemon.connect()

        client.send(
            connect_request(b"alice")
            + CHOICE_NULL
            + wire.request_frame(b"#alice#d1", wire.JOIN, b"g")
        )

        assert client.take().startswith(METHOD_LIST + b"\1\4\4\0\x09#alice#d1" + b"\x80\x11\0\x80")

    def test_a_refused_client_is_not_read_any_more(self, daemon: MemoryDaemon) -> None:
        client = daemon.connect()

        client.send(b"\1\1", turn=False)

        assert not client.send(b"more")
        assert client.is_closed()

    def test_slots_are_used_again(self, daemon: MemoryDaemon) -> None:
        for number in range(1_000):
            client = daemon.open(b"s%d" % number)
            client.kill()
            assert client.slot < 64

        assert daemon.statistics()["sessions"] == 0

    def test_a_connection_over_the_unix_socket_is_named_so(self, daemon: MemoryDaemon) -> None:
        client = daemon.connect("", Transport.UNIX)
        client.send(connect_request(b"alice") + CHOICE_NULL)

        (opened,) = daemon.logged("session opened")
        assert opened["address"] == "unix"


class TestMessageSizes:
    LARGE = 0x02

    def test_the_classic_size_is_the_largest_without_an_announcement(
        self, daemon: MemoryDaemon, alice: Client
    ) -> None:
        alice.multicast(alice.private_group, b"x" * (143_952 - 32))
        assert len(alice.take_data()) == 1

        alice.send(wire.data_frame(alice.private_group, wire.FIFO, (b"g",), b"x" * 143_921))

        assert alice.is_closed()
        assert daemon.statistics()["ended_bad_frame"] == 1

    def test_a_session_that_announces_large_messages_may_send_them_to_anybody(self) -> None:
        daemon = MemoryDaemon(Limits(message_size=1 << 20))
        large, classic = daemon.open(b"large", flags=self.LARGE), daemon.open(b"classic")
        body = b"x" * ((1 << 20) - 32)

        large.multicast(classic.private_group, body)
        assert classic.take_data() == [body]

        large.send(wire.data_frame(large.private_group, wire.FIFO, (b"g",), body + b"x"))
        assert large.is_closed()

    def test_the_largest_size_of_all_passes_in_pieces(self) -> None:
        daemon = MemoryDaemon(Limits(message_size=16 << 20))
        large = daemon.open(b"large", flags=self.LARGE)
        body = b"0123456789abcdef" * (1 << 20)
        frame = wire.data_frame(large.private_group, wire.SAFE, (large.private_group,), body[:-32])

        large.send(*(frame[at : at + 200_000] for at in range(0, len(frame), 200_000)))

        assert large.take() == frame


class TestLogAndWitness:
    def test_a_session_that_opens_is_logged(self, daemon: MemoryDaemon, alice: Client) -> None:
        assert alice.private_group == b"#alice#d1"

        (event,) = daemon.log

        assert (event.type, event.priority) == (EventType.SESSION, EventPriority.INFO)
        assert event.wording == "session opened"
        assert event.fields == {
            "private_group": b"#alice#d1",
            "address": "127.0.0.1",
            "client_version": "4.4.0",
            "membership": True,
        }

    @pytest.mark.parametrize(
        ("end", "reason"),
        [
            (Client.kill, "disconnected"),
            (Client.close, "connection lost"),
            (
                lambda client: client.send(b"\x80\0\0\x80" + b"\0" * 44),
                "malformed message header: not exactly one service or request bit",
            ),
        ],
        ids=["kill", "loss", "bad header"],
    )
    def test_a_session_that_ends_is_logged_with_its_reason(
        self, daemon: MemoryDaemon, alice: Client, end: object, reason: str
    ) -> None:
        assert callable(end)
        end(alice)

        assert [fields["reason"] for fields in daemon.logged("session closed")] == [reason]

    def test_a_session_that_the_daemon_ends_is_logged_for_the_operator(self) -> None:
        daemon = MemoryDaemon(Limits(messages=1, exact=True))
        slow = daemon.open(b"slow")
        slow.room = 0
        slow.multicast(slow.private_group)
        slow.multicast(slow.private_group)

        (event,) = [event for event in daemon.log if event.wording == "session closed"]

        assert event.priority == EventPriority.WARNING
        assert event.fields["reason"] == "receiver too slow"
        assert event.fields["undelivered"] == 1

    def test_a_witness_sees_sessions_come_and_go(self) -> None:
        recorder = Recorder()
        daemon = MemoryDaemon(witness=recorder)
        opened_ns = daemon.now_ns
        alice = daemon.open(b"alice")
        alice.room = 0
        alice.multicast(alice.private_group)

        alice.kill()

        assert recorder.notes == [
            ("opened", b"#alice#d1", opened_ns),
            ("closed", b"#alice#d1", 1),
        ]

    def test_a_connection_that_goes_in_its_handshake_is_logged_once(
        self, daemon: MemoryDaemon
    ) -> None:
        client = daemon.connect("10.0.0.1")
        client.send(b"\4")

        client.close()

        (event,) = daemon.log
        assert event.fields["address"] == "10.0.0.1"

    def test_a_refusal_is_logged_with_its_code(self, daemon: MemoryDaemon) -> None:
        daemon.connect().send(connect_request(b"a b"))

        (refused,) = daemon.logged("connection refused")
        assert refused["code"] == "REJECT_ILLEGAL_NAME"

    def test_views_are_logged_for_those_who_look_closely(
        self, daemon: MemoryDaemon, alice: Client
    ) -> None:
        alice.join(b"g")

        (view,) = daemon.logged("view")
        assert view == {"group": b"g", "cause": "JOIN", "members": 1, "index": 1}


class TestTicks:
    def test_a_tick_comes_again_and_again(self, daemon: MemoryDaemon) -> None:
        ticks: list[int] = []
        daemon.control.call_every(3 * SECOND_NS, lambda: ticks.append(daemon.now_ns))
        started_ns = daemon.now_ns

        daemon.advance(10 * SECOND_NS)

        assert [(tick - started_ns) // SECOND_NS for tick in ticks] == [3, 6, 9]

    def test_ticks_and_handshakes_do_not_delay_each_other(self, daemon: MemoryDaemon) -> None:
        ticks: list[int] = []
        daemon.control.call_every(7 * SECOND_NS, lambda: ticks.append(daemon.now_ns))
        client = daemon.connect()

        daemon.advance(10 * SECOND_NS)

        assert client.is_closed()
        assert len(ticks) == 1


def test_an_exception_in_control_stops_the_driver(
    daemon: MemoryDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = daemon.open(b"alice")

    def fails(*_: object) -> None:
        raise RuntimeError("lost track")

    monkeypatch.setattr(daemon.control.groups, "join", fails)

    with pytest.raises(RuntimeError, match="lost track"):
        alice.join(b"g")


class TestTimers:
    def test_a_call_after_some_time_comes_once(self, daemon: MemoryDaemon) -> None:
        called: list[str] = []
        daemon.control.call_after(SECOND_NS, lambda: called.append("once"))
        daemon.control.call_every(SECOND_NS, lambda: called.append("again"))

        daemon.advance(3 * SECOND_NS)

        assert called.count("once") == 1
        assert called.count("again") == 3

    def test_a_call_may_ask_for_the_next(self, daemon: MemoryDaemon) -> None:
        called: list[str] = []

        def call() -> None:
            called.append("")
            if len(called) < 3:
                daemon.control.call_after(SECOND_NS, call)

        daemon.control.call_after(SECOND_NS, call)
        daemon.advance(5 * SECOND_NS)

        assert len(called) == 3


def test_limits_of_another_configuration_are_for_those_who_connect_from_then_on(
    daemon: MemoryDaemon,
) -> None:
    options = Options(handshake_timeout=100)

    daemon.control.configured(daemon.control.settings.handshake, options)
    late = daemon.connect()
    daemon.advance(SECOND_NS)

    assert late.is_closed()

"""Control with the real node and handshake, in memory: who is let in, who hears of whom."""

from dataclasses import dataclass, field

import pytest

from spread.config.model import EventPriority, EventType
from spread.daemon.auth import Transport
from spread.daemon.sessions import Session
from tests.daemon.harness import wire
from tests.daemon.harness.handshake import CHOICE_NULL, connect_request
from tests.memory.daemon import SECOND_NS, Client, Limits, MemoryDaemon
from tests.memory.policy import Choosy

REJECT_NOT_UNIQUE = b"\xfa"
REJECT_AUTH = b"\xf7"
METHOD_LIST = b"\x05NULL "
JOIN, LEAVE, DISCONNECT, SELF_LEAVE = 0x1100, 0x1200, 0x1400, 0x0200


@pytest.fixture
def daemon() -> MemoryDaemon:
    return MemoryDaemon()


@pytest.fixture
def alice(daemon: MemoryDaemon) -> Client:
    return daemon.open(b"alice")


@pytest.fixture
def bob(daemon: MemoryDaemon) -> Client:
    return daemon.open(b"bob")


def seen(client: Client) -> list[tuple[int, bytes, tuple[bytes, ...]]]:
    """Return type, group and members of the membership messages that came; all must be such."""
    return [
        (frame.type, wire.stripped(frame.name), frame.group_names) for frame in client.take_frames()
    ]


@dataclass
class Recorder:
    """A witness that remembers."""

    notes: list[tuple[str, bytes, int]] = field(default_factory=list)

    def session_opened(self, session: Session, now_ns: int) -> None:
        self.notes.append(("opened", session.private_group, now_ns))

    def session_closed(self, session: Session, undelivered: int) -> None:
        self.notes.append(("closed", session.private_group, undelivered))


class TestViews:
    def test_a_join_is_shown_to_all_members_and_the_joiner(
        self, alice: Client, bob: Client
    ) -> None:
        bob.join(b"g")
        assert seen(bob) == [(JOIN, b"g", (b"#bob#d1",))]

        alice.join(b"g")

        view = [(JOIN, b"g", (b"#alice#d1", b"#bob#d1"))]
        assert seen(alice) == view
        assert seen(bob) == view

    def test_all_members_get_the_same_bytes(self, alice: Client, bob: Client) -> None:
        alice.join(b"g")
        alice.take()

        bob.join(b"g")

        assert alice.take() == bob.take() != b""

    def test_a_session_without_membership_counts_and_hears_nothing(
        self, daemon: MemoryDaemon, alice: Client
    ) -> None:
        quiet = daemon.open(b"quiet", membership=False)
        alice.join(b"g")
        quiet.join(b"g")
        quiet.leave(b"g")

        assert [members for _, _, members in seen(alice)] == [
            (b"#alice#d1",),
            (b"#alice#d1", b"#quiet#d1"),
            (b"#alice#d1",),
        ]
        assert quiet.take() == b""

    def test_the_leaver_hears_of_it_first_and_nothing_behind_it(
        self, alice: Client, bob: Client
    ) -> None:
        alice.join(b"g")
        bob.join(b"g")
        alice.take()
        bob.take()

        bob.leave(b"g", turn=False)
        alice.multicast(b"g", b"behind", turn=False)
        alice.daemon.turn()

        assert seen(bob) == [(SELF_LEAVE, b"g", ())]
        frames = alice.take_frames()
        assert [frame.type for frame in frames] == [LEAVE, wire.AGREED]
        assert frames[0].view().sets == ((b"#bob#d1",),)

    def test_the_last_member_that_leaves_hears_its_self_leave(self, alice: Client) -> None:
        alice.join(b"g")
        alice.take()

        alice.leave(b"g")

        assert seen(alice) == [(SELF_LEAVE, b"g", ())]

    @pytest.mark.parametrize("group", [b"g", b"never"])
    def test_pointless_requests_are_ignored(self, alice: Client, bob: Client, group: bytes) -> None:
        alice.join(b"g")
        seen(alice)

        alice.join(b"g")
        bob.leave(group)

        assert alice.take() == bob.take() == b""

    def test_a_disconnect_is_shown_for_each_group_in_the_order_of_their_names(
        self, alice: Client, bob: Client
    ) -> None:
        for name in (b"b", b"B", b"a", b"#p"):
            alice.join(name)
            bob.join(name)
        alice.take()

        bob.kill()

        assert [(kind, group) for kind, group, _ in seen(alice)] == [
            (DISCONNECT, name) for name in (b"#p", b"B", b"a", b"b")
        ]
        assert bob.is_closed()

    def test_a_lost_connection_is_shown_as_a_disconnect(self, alice: Client, bob: Client) -> None:
        alice.join(b"g")
        bob.join(b"g")
        alice.take()

        bob.close()

        assert seen(alice) == [(DISCONNECT, b"g", (b"#alice#d1",))]

    def test_the_id_of_a_group_goes_on_when_it_is_created_again(self, alice: Client) -> None:
        for _ in range(3):
            alice.join(b"g")
            alice.leave(b"g")

        views = [frame.view() for frame in alice.take_frames() if frame.is_view]
        assert [view.group_id.index for view in views] == [1, 2, 3]

    def test_only_the_first_name_of_a_request_counts_and_its_data_is_ignored(
        self, alice: Client
    ) -> None:
        request = wire.Frame(
            wire.JOIN,
            wire.padded(alice.private_group),
            (b"first", b"second"),
            wire.hint_bytes(0),
            b"ignored",
        )

        alice.send(wire.encode_frame(request))

        assert seen(alice) == [(JOIN, b"first", (b"#alice#d1",))]

    def test_a_name_ends_at_its_nul(self, alice: Client, bob: Client) -> None:
        alice.join(b"g\0junk")
        bob.multicast(b"g\0other")

        frames = alice.take_frames()
        assert [wire.stripped(frames[0].name), frames[0].name[2:6]] == [b"g", b"\0" * 4]
        assert frames[1].groups == (b"g\0other" + b"\0" * 25,)

    def test_members_with_long_names_and_many_groups_are_shown_whole(
        self, daemon: MemoryDaemon
    ) -> None:
        clients = [daemon.open(b"m%09d" % number) for number in range(200)]
        for client in clients:
            client.join(b"n" * 31)

        views = [frame.group_names for frame in clients[0].take_frames()]
        assert [len(members) for members in views] == list(range(1, 201))
        assert views[-1] == tuple(client.private_group for client in clients)


class TestPrivateNames:
    def test_a_group_whose_name_begins_with_a_hash_is_shown_but_gets_no_messages(
        self, alice: Client, bob: Client
    ) -> None:
        alice.join(b"#club")
        bob.multicast(b"#club", b"lost")

        assert seen(alice) == [(JOIN, b"#club", (b"#alice#d1",))]

    def test_joining_the_private_group_of_another_gets_none_of_its_messages(
        self, daemon: MemoryDaemon, alice: Client, bob: Client
    ) -> None:
        eve = daemon.open(b"eve", membership=False)
        eve.join(alice.private_group)

        bob.multicast(alice.private_group, b"secret")

        assert alice.take_data() == [b"secret"]
        assert eve.take() == b""

    def test_leaving_the_private_group_of_another_changes_nothing_for_it(
        self, daemon: MemoryDaemon, alice: Client, bob: Client
    ) -> None:
        eve = daemon.open(b"eve", membership=False)
        eve.join(alice.private_group)
        eve.leave(alice.private_group)

        bob.multicast(alice.private_group, b"secret")

        assert alice.take_data() == [b"secret"]

    def test_leaving_a_group_named_like_oneself_keeps_private_messages(
        self, alice: Client, bob: Client
    ) -> None:
        alice.join(alice.private_group)
        alice.leave(alice.private_group)
        alice.take()

        bob.multicast(alice.private_group, b"private")
        alice.multicast(alice.private_group, b"own", wire.AGREED | wire.SELF_DISCARD)

        assert alice.take_data() == [b"private"]

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


class TestRejects:
    @pytest.fixture
    def daemon(self) -> MemoryDaemon:
        return MemoryDaemon(Limits(memberships=3), policy=Choosy())

    def rejected(self, client: Client) -> list[tuple[int, tuple[bytes, ...], bytes]]:
        """Return old type, names and data of the rejects that came; all must be such."""
        frames = client.take_frames()
        assert all(frame.type & wire.REJECT for frame in frames)
        return [(frame.old_type or 0, frame.group_names, frame.data) for frame in frames]

    def test_a_refused_join_comes_back_with_the_senders_name_added(self, alice: Client) -> None:
        alice.join(b"group")

        assert self.rejected(alice) == [(0x80000180, (b"group", b"#alice#d1"), b"")]

    def test_a_refused_leave_comes_back_and_leaves_the_member_in(self, alice: Client) -> None:
        alice.join(b"g2")
        alice.take()

        alice.leave(b"g2")

        assert self.rejected(alice) == [(0x80000280, (b"g2", b"#alice#d1"), b"")]
        alice.multicast(b"g2", b"still here")
        assert alice.take_data() == [b"still here"]

    @pytest.mark.parametrize("groups", [(b"g",), (b"#bob#d1",), (b"g", b"#bob#d1")])
    def test_a_refused_message_comes_back_as_a_whole_and_goes_to_nobody(
        self, alice: Client, bob: Client, groups: tuple[bytes, ...]
    ) -> None:
        bob.join(b"g")
        bob.take()

        alice.send(wire.data_frame(alice.private_group, wire.SAFE, groups, b"body", 666))

        assert self.rejected(alice) == [(0x800000A0, (*groups, b"#alice#d1"), b"body")]
        assert bob.take() == b""

    def test_a_full_list_of_names_gives_its_last_place_to_the_sender(self, alice: Client) -> None:
        names = tuple(b"g%d" % number for number in range(100))

        alice.send(wire.data_frame(alice.private_group, wire.FIFO, names, b"body", 666))

        ((_, groups, data),) = self.rejected(alice)
        assert groups == (*names[:99], b"#alice#d1")
        assert data == b"body"

    def test_a_large_reject_comes_back_whole(self, alice: Client) -> None:
        body = b"0123456789" * 14_000

        alice.send(wire.data_frame(alice.private_group, wire.FIFO, (b"g",), body, 666))

        assert self.rejected(alice) == [(0x80000084, (b"g", b"#alice#d1"), body)]

    def test_a_message_type_is_judged_as_the_signed_number_it_is(self, alice: Client) -> None:
        alice.send(wire.data_frame(alice.private_group, wire.FIFO, (b"#alice#d1",), b"", -666))

        assert alice.take_data() == [b""]

    def test_a_refused_message_that_is_self_discarding_vanishes(self, alice: Client) -> None:
        service = wire.FIFO | wire.SELF_DISCARD

        alice.send(wire.data_frame(alice.private_group, service, (b"g",), b"body", 666))

        assert alice.take() == b""

    @pytest.mark.parametrize("name", [b"g" * 32, None])
    def test_a_join_without_a_name_that_ends_comes_back(
        self, alice: Client, name: bytes | None
    ) -> None:
        names = () if name is None else (name,)
        sender = wire.padded(alice.private_group)

        alice.send(wire.encode_frame(wire.Frame(wire.JOIN, sender, names, wire.hint_bytes(0), b"")))

        assert self.rejected(alice) == [(0x80000180, (*names, b"#alice#d1"), b"")]

    def test_joins_beyond_the_bound_of_memberships_come_back(
        self, daemon: MemoryDaemon, alice: Client, bob: Client
    ) -> None:
        for name in (b"a", b"b"):
            alice.join(name)
        bob.join(b"c")
        alice.take()

        alice.join(b"d")

        assert self.rejected(alice) == [(0x80000180, (b"d", b"#alice#d1"), b"")]
        assert len(list(daemon.logged("join refused, too many memberships"))) == 1

    def test_memberships_that_end_make_room_for_others(self, alice: Client, bob: Client) -> None:
        for name in (b"a", b"b"):
            alice.join(name)
        bob.join(b"c")

        alice.leave(b"a")
        alice.join(b"d")
        bob.kill()
        alice.join(b"e")

        joined = [group for kind, group, _ in seen(alice) if kind == JOIN]
        assert joined == [b"a", b"b", b"d", b"e"]

    def test_a_second_join_of_a_group_takes_no_room(self, alice: Client) -> None:
        alice.join(b"a")
        for _ in range(10):
            alice.join(b"a")

        alice.join(b"b")
        alice.join(b"c")

        assert [group for kind, group, _ in seen(alice) if kind == JOIN] == [b"a", b"b", b"c"]


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

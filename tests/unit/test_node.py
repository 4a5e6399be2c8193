"""The daemon without I/O: who receives what, the ends of sessions, and calls that make no sense."""

from collections.abc import Callable

import pytest

from spread._node import Node
from spread.errors import MisuseError
from tests.daemon.harness import wire
from tests.daemon.harness.handshake import CHOICE_NULL, connect_request
from tests.memory.daemon import Client, Limits, MemoryDaemon


@pytest.fixture
def daemon() -> MemoryDaemon:
    return MemoryDaemon()


@pytest.fixture
def alice(daemon: MemoryDaemon) -> Client:
    return daemon.open(b"alice", membership=False)


@pytest.fixture
def bob(daemon: MemoryDaemon) -> Client:
    return daemon.open(b"bob", membership=False)


class TestReceivers:
    def test_members_get_what_is_sent_to_their_group_and_others_do_not(
        self, alice: Client, bob: Client
    ) -> None:
        bob.join(b"g")

        alice.multicast(b"g", b"for members")
        alice.multicast(b"G", b"for nobody")

        assert bob.take_data() == [b"for members"]
        assert alice.take() == b""

    def test_a_sender_that_is_a_member_gets_its_own_message(self, alice: Client) -> None:
        alice.join(b"g")

        alice.multicast(b"g", b"own")

        assert alice.take_data() == [b"own"]

    def test_a_sender_that_discards_its_own_is_left_out_and_nobody_else(
        self, alice: Client, bob: Client
    ) -> None:
        alice.join(b"g")
        bob.join(b"g")

        alice.multicast(b"g", b"others", wire.SAFE | wire.SELF_DISCARD)

        assert alice.take() == b""
        (frame,) = bob.take_frames()
        assert frame.type == wire.SAFE | wire.SELF_DISCARD

    def test_a_private_message_to_oneself_may_be_discarded_too(self, alice: Client) -> None:
        alice.multicast(alice.private_group, b"own", wire.FIFO | wire.SELF_DISCARD)

        assert alice.take() == b""

    def test_a_session_gets_one_copy_however_many_of_the_groups_it_is_in(
        self, alice: Client, bob: Client
    ) -> None:
        for name in (b"a", b"b", b"c"):
            bob.join(name)
        groups = (b"b", b"a", b"a", bob.private_group, b"nobody", b"c", bob.private_group)
        frame = wire.data_frame(alice.private_group, wire.AGREED, groups, b"once")

        alice.send(frame)

        assert bob.take() == frame

    def test_a_private_group_of_another_daemon_is_nobody_here(
        self, alice: Client, bob: Client
    ) -> None:
        alice.multicast(b"#bob#d2", b"elsewhere")
        alice.multicast(b"#bob", b"malformed")

        assert bob.take() == b""
        assert alice.daemon.statistics()["unrouted"] == 2

    def test_a_message_without_groups_is_for_nobody(self, alice: Client) -> None:
        alice.send(wire.data_frame(alice.private_group, wire.AGREED, (), b"nobody"))

        assert not alice.is_closed()
        assert alice.daemon.statistics()["unrouted"] == 1

    def test_what_the_daemon_does_not_know_is_passed_on(self, alice: Client, bob: Client) -> None:
        alice.multicast(bob.private_group, b"", wire.FIFO | 0x40000000 | 0x01000000)

        assert [frame.type for frame in bob.take_frames()] == [0x41000004]

    def test_a_big_endian_message_is_brought_into_order_except_for_its_hint(
        self, alice: Client
    ) -> None:
        frame = wire.data_frame(
            alice.private_group, wire.SAFE, (alice.private_group,), b"from BE", 0x1234, "big"
        )

        alice.send(frame)

        assert alice.take() == (
            bytes.fromhex("a0000080")
            + wire.padded(alice.private_group)
            + bytes.fromhex("01000000 00123400 07000000")
            + wire.padded(alice.private_group)
            + b"from BE"
        )

    def test_a_thousand_receivers_get_one_message_each(self, daemon: MemoryDaemon) -> None:
        clients = [daemon.open(b"m%d" % number, membership=False) for number in range(1_000)]
        for client in clients:
            client.join(b"g", turn=False)
        daemon.turn()

        clients[0].multicast(b"g", b"all")

        assert all(client.take_data() == [b"all"] for client in clients)
        assert daemon.statistics()["deliveries"] == 1_000


class TestEnds:
    def test_messages_before_a_kill_are_delivered(self, alice: Client, bob: Client) -> None:
        alice.send(
            wire.data_frame(alice.private_group, wire.SAFE, (bob.private_group,), b"last words")
            + wire.request_frame(alice.private_group, wire.KILL, alice.private_group)
            + wire.data_frame(alice.private_group, wire.SAFE, (bob.private_group,), b"too late")
        )

        assert alice.is_closed()
        assert bob.take_data() == [b"last words"]

    def test_a_kill_throws_away_what_waits_for_the_client(self, alice: Client, bob: Client) -> None:
        alice.room = 0
        bob.multicast(alice.private_group, b"unread")

        alice.kill()

        assert alice.take() == b""
        assert alice.daemon.statistics()["buffer_bytes"] == 0

    @pytest.mark.parametrize("groups", [(), (b"other",), (b"#bob#d1",)])
    def test_a_kill_ends_its_sender_whatever_it_names(
        self, alice: Client, bob: Client, groups: tuple[bytes, ...]
    ) -> None:
        sender = wire.padded(alice.private_group)

        alice.send(
            wire.encode_frame(wire.Frame(wire.KILL, sender, groups, wire.hint_bytes(0), b""))
        )

        assert alice.is_closed()
        assert not bob.is_closed()

    def test_a_malformed_header_ends_the_session_behind_what_was_good(
        self, alice: Client, bob: Client
    ) -> None:
        good = wire.data_frame(alice.private_group, wire.FIFO, (bob.private_group,), b"good")

        alice.send(good + b"\xff" * 48 + good)

        assert alice.is_closed()
        assert alice.take() == b""
        assert bob.take_data() == [b"good"]

    def test_a_header_is_judged_before_its_message_has_come(self, alice: Client) -> None:
        frame = wire.data_frame(b"#mallory#d1", wire.FIFO, (b"g",), b"x" * 1_000)

        alice.send(frame[:48])

        assert alice.is_closed()

    def test_a_connection_that_breaks_in_a_message_takes_nothing_with_it(
        self, alice: Client, bob: Client
    ) -> None:
        frame = wire.data_frame(alice.private_group, wire.FIFO, (bob.private_group,), b"x" * 1_000)

        alice.send(frame + frame[:-1])
        alice.close()

        assert bob.take() == frame
        assert alice.daemon.statistics()["inbound_bytes"] == 0

    def test_the_daemon_can_end_a_session_in_order(self, daemon: MemoryDaemon) -> None:
        alice, bob = daemon.open(b"alice"), daemon.open(b"bob")
        alice.join(b"g")
        bob.join(b"g")
        alice.take()

        daemon.node.end(bob.slot)
        daemon.turn()

        assert bob.is_closed()
        assert [frame.type for frame in alice.take_frames()] == [0x1400]
        assert daemon.statistics()["ended_shutdown"] == 1

    def test_an_end_in_the_middle_of_a_fan_out_gives_the_message_to_no_new_session(self) -> None:
        daemon = MemoryDaemon(Limits(messages=1, exact=True))
        clients = [daemon.open(b"m%d" % number, membership=False) for number in range(3)]
        for client in clients:
            client.join(b"g")
        clients[2].room = 0
        for body in (b"one", b"two", b"three"):
            clients[0].multicast(b"g", body, turn=False)
        assert daemon.step()

        daemon.driver.receive_end(clients[1].slot)
        newcomer = daemon.connect()
        daemon.receive(newcomer, connect_request(b"new", membership=False) + CHOICE_NULL)
        daemon.turn()

        assert clients[0].take_data() == [b"one", b"two", b"three"]
        assert clients[1].is_closed()
        assert clients[2].is_closed()
        assert newcomer.take().endswith(b"#new#d1")

    def test_a_client_that_never_reads_costs_nobody_else_anything(
        self, daemon: MemoryDaemon, alice: Client, bob: Client
    ) -> None:
        alice.join(b"g")
        bob.join(b"g")
        bob.room = 0

        for number in range(2_000):
            alice.multicast(b"g", b"%d" % number)

        assert len(alice.take_data()) == 2_000
        assert bob.waiting[0] == 2_000
        bob.close()
        assert daemon.statistics()["buffer_bytes"] == 0


def test_requests_and_messages_of_a_burst_keep_their_order(alice: Client) -> None:
    frames = []
    for number in range(500):
        group = b"g%d" % number
        frames += [
            wire.data_frame(alice.private_group, wire.AGREED, (group,), b"before"),
            wire.request_frame(alice.private_group, wire.JOIN, group),
            wire.data_frame(alice.private_group, wire.AGREED, (group,), group),
        ]

    alice.send(b"".join(frames))
    alice.daemon.advance(0)

    assert alice.take_data() == [b"g%d" % number for number in range(500)]


class TestMisuse:
    """Wrong calls of control are refused; none of them may do damage."""

    NO_SLOT = 9_999

    @pytest.mark.parametrize(
        "call",
        [
            lambda node, slot: node.accept(slot, b"#a#d1", frame_size_max=1, asks_policy=False),
            lambda node, slot: node.reply(slot, b"x"),
            lambda node, slot: node.refuse(slot),
            lambda node, slot: node.end(slot),
            lambda node, slot: node.departed(slot),
            lambda node, slot: node.add_route(b"g", slot),
            lambda node, slot: node.remove_route(b"g", slot),
            lambda node, slot: node.send([slot], b"x"),
            lambda node, slot: node.session_statistics(slot),
        ],
    )
    def test_a_slot_that_does_not_exist_is_refused(
        self, daemon: MemoryDaemon, call: Callable[[Node, int], object]
    ) -> None:
        with pytest.raises(MisuseError, match="session slot 9999 does not exist"):
            call(daemon.node, self.NO_SLOT)

    def test_a_session_is_not_accepted_twice(self, daemon: MemoryDaemon, alice: Client) -> None:
        with pytest.raises(MisuseError, match="is not in its handshake"):
            daemon.node.accept(alice.slot, b"#b#d1", frame_size_max=1, asks_policy=False)

    @pytest.mark.parametrize("size", [0, 32])
    def test_a_private_group_without_a_sensible_size_is_refused(
        self, daemon: MemoryDaemon, size: int
    ) -> None:
        client = daemon.connect()

        with pytest.raises(MisuseError, match=f"1 to 31 bytes, not {size}"):
            daemon.node.accept(client.slot, b"#" * size, frame_size_max=1, asks_policy=False)

    def test_a_group_name_that_is_too_long_is_refused(
        self, daemon: MemoryDaemon, alice: Client
    ) -> None:
        with pytest.raises(MisuseError, match="longer than 32 bytes"):
            daemon.node.add_route(b"g" * 33, alice.slot)

    def test_a_session_departs_once(self, daemon: MemoryDaemon) -> None:
        client = daemon.connect()
        client.close()

        with pytest.raises(MisuseError, match="departs once"):
            daemon.node.departed(client.slot)

    def test_refusing_a_session_does_nothing(self, daemon: MemoryDaemon, alice: Client) -> None:
        daemon.node.refuse(alice.slot)
        daemon.turn()

        assert not alice.is_closed()

    def test_a_notice_for_nobody_is_no_notice(self, daemon: MemoryDaemon) -> None:
        daemon.node.send([], b"frame")

        assert daemon.statistics()["buffer_bytes"] == 0

    def test_views_are_told_to_members_that_want_them(self, daemon: MemoryDaemon) -> None:
        silent = daemon.open(b"silent", membership=False)
        watcher = daemon.open(b"watcher", membership=True)
        for client in (silent, watcher):
            client.join(b"g")
            client.take()

        daemon.node.tell(b"g", b"frame")
        daemon.turn()

        assert silent.take() == b""
        assert watcher.take() == b"frame"

    def test_a_group_is_watched_as_long_as_a_member_wants_views(self, daemon: MemoryDaemon) -> None:
        silent = daemon.open(b"silent", membership=False)
        watcher = daemon.open(b"watcher", membership=True)
        assert not daemon.node.is_watched(b"g")

        silent.join(b"g")
        assert not daemon.node.is_watched(b"g")
        watcher.join(b"g")
        assert daemon.node.is_watched(b"g")
        watcher.leave(b"g")
        assert not daemon.node.is_watched(b"g")

    @pytest.mark.parametrize("group", [b"nobody", b"g" * 40, b""])
    def test_nobody_watches_a_group_that_does_not_exist(
        self, daemon: MemoryDaemon, group: bytes
    ) -> None:
        assert not daemon.node.is_watched(group)

        daemon.node.tell(group, b"frame")

        assert daemon.statistics()["buffer_bytes"] == 0

    def test_a_notice_for_a_session_that_has_ended_is_dropped(
        self, daemon: MemoryDaemon, alice: Client
    ) -> None:
        daemon.driver.receive_end(alice.slot)

        daemon.node.send([alice.slot], b"frame")
        daemon.turn()

        assert daemon.statistics()["buffer_bytes"] == 0
        assert alice.take() == b""

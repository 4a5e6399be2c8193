"""Control with the real node, in memory: what sessions hear of groups, and what is sent back."""

import pytest

from tests.daemon.harness import wire
from tests.memory.daemon import Client, Limits, MemoryDaemon
from tests.memory.policy import Choosy

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


class TestPrivateGroups:
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

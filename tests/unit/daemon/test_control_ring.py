"""Control with the real node, told of configurations: what clients get, what is held and sent."""

from dataclasses import dataclass, field

import pytest

from spread.daemon.groups import Groups
from spread.daemon.views import RingId
from tests.daemon.harness import wire
from tests.memory.daemon import RING, SECOND_NS, Client, MemoryDaemon

PEER_ADDRESS = 0x7F000002
NETWORK, TRANSITION, SELF_LEAVE = 0x1800, 0x2000, 0x0200


@dataclass(frozen=True)
class Configuration:
    ring: tuple[int, int]
    members: tuple[int, ...]


@dataclass
class Told:
    """Membership that knows its configurations beforehand and remembers what it is told."""

    configurations: list[Configuration] = field(default_factory=list)
    told: list[tuple[object, ...]] = field(default_factory=list)
    next_deadline_ns: int = 0

    def deadline(self, now_ns: int) -> None:
        self.told.append(("deadline", now_ns))
        self.next_deadline_ns = 0

    def transitional(self) -> Configuration:
        return self.configurations.pop(0)

    def regular(self) -> Configuration:
        return self.configurations.pop(0)

    def token_lost(self, reason: int) -> None:
        self.told.append(("token lost", reason))

    def control_packet(  # noqa: PLR0913, PLR0917 - the fields of the packet's header.
        self,
        kind: int,
        sender: int,
        source: int,
        incarnation: int,
        counter: int,
        ring: tuple[int, int],
        body: bytes,
    ) -> None:
        self.told.append(("packet", kind, sender, source, incarnation, counter, ring, body))

    def foreign_ring(self, sender: int, ring: tuple[int, int]) -> None:
        self.told.append(("foreign ring", sender, ring))

    def unreachable(self, daemon: int) -> None:
        self.told.append(("unreachable", daemon))


@dataclass
class Peer:
    """The groups of the second daemon, which has a ring of its own until it meets the first."""

    groups: Groups = field(
        default_factory=lambda: Groups(RingId(PEER_ADDRESS, 7), (b"d1", b"d2"), 1)
    )

    def state(self, ring: RingId) -> bytes:
        """Return what it says in a new ring with daemon 0."""
        self.groups.transitional((1,), RingId(PEER_ADDRESS, 8))
        (message,) = self.groups.regular((0, 1), ring).submissions
        return message


@pytest.fixture
def daemon() -> MemoryDaemon:
    return MemoryDaemon(daemons=(b"d1", b"d2"))


@pytest.fixture
def membership(daemon: MemoryDaemon) -> Told:
    membership = Told()
    daemon.control.attach_membership(membership)
    return membership


@pytest.fixture
def alice(daemon: MemoryDaemon) -> Client:
    return daemon.open(b"alice")


def merge(daemon: MemoryDaemon, membership: Told, time: int) -> RingId:
    """Install a ring with daemon 1; its tables are not exchanged yet."""
    membership.configurations += [
        Configuration((RING.leader, time), (0,)),
        Configuration((RING.leader, time + 1), (0, 1)),
    ]
    daemon.control.ring_transitional()
    daemon.control.ring_regular()
    return RingId(RING.leader, time + 1)


def split(daemon: MemoryDaemon, membership: Told, time: int) -> None:
    """Install a ring without daemon 1."""
    membership.configurations += [
        Configuration((RING.leader, time), (0,)),
        Configuration((RING.leader, time + 1), (0,)),
    ]
    daemon.control.ring_transitional()
    daemon.control.ring_regular()


def types(client: Client) -> list[int]:
    return [frame.type for frame in client.take_frames()]


class TestConfigurations:
    def test_a_merge_shows_members_of_both_sides_with_the_set_of_each(
        self, daemon: MemoryDaemon, membership: Told, alice: Client
    ) -> None:
        peer = Peer()
        peer.groups.join(b"#bob#d2", b"g")
        alice.join(b"g")
        alice.take()

        ring = merge(daemon, membership, 500)
        daemon.turn()
        assert types(alice) == []
        daemon.control.ordered_state(1, peer.state(ring))
        daemon.turn()

        (frame,) = alice.take_frames()
        view = frame.view()
        assert frame.group_names == (b"#alice#d1", b"#bob#d2")
        assert (view.sets[view.own], len(view.sets)) == ((b"#alice#d1",), 2)
        assert view.group_id == wire.GroupId(RING.leader, 501, 1)

    def test_a_split_shows_the_signal_and_the_view_of_those_who_stay(
        self, daemon: MemoryDaemon, membership: Told, alice: Client
    ) -> None:
        quiet = daemon.open(b"quiet", membership=False)
        ring = merge(daemon, membership, 500)
        daemon.control.ordered_state(1, Peer().state(ring))
        daemon.turn()
        alice.join(b"g")
        quiet.join(b"g")
        daemon.control.ordered_join(b"#bob#d2", b"g")
        daemon.turn()
        alice.take()

        split(daemon, membership, 600)
        daemon.turn()

        signal, view = alice.take_frames()
        assert (signal.type, view.type) == (TRANSITION, NETWORK)
        assert view.view().sets == ((b"#alice#d1", b"#quiet#d1"),)
        assert quiet.take() == b""
        assert [event.fields["notices"] for event in daemon.log if "notices" in event.fields] == [
            0,
            1,
            1,
        ]

    def test_messages_of_clients_wait_while_tables_are_exchanged(
        self, daemon: MemoryDaemon, membership: Told, alice: Client
    ) -> None:
        ring = merge(daemon, membership, 500)

        alice.join(b"g")
        alice.multicast(b"g", b"held")
        assert types(alice) == []
        daemon.control.ordered_state(1, Peer().state(ring))
        daemon.turn()

        assert types(alice) == [0x1100, wire.AGREED]

    def test_what_waits_goes_on_when_the_exchange_ends_in_a_split(
        self, daemon: MemoryDaemon, membership: Told, alice: Client
    ) -> None:
        merge(daemon, membership, 500)
        alice.join(b"g")

        split(daemon, membership, 600)
        daemon.turn()

        assert types(alice) == [0x1100]

    def test_messages_to_a_group_with_remote_members_reach_local_ones_only(
        self, daemon: MemoryDaemon, membership: Told, alice: Client
    ) -> None:
        ring = merge(daemon, membership, 500)
        daemon.control.ordered_state(1, Peer().state(ring))
        daemon.turn()
        daemon.control.ordered_join(b"#bob#d2", b"g")
        daemon.control.ordered_leave(b"#bob#d2", b"g")
        daemon.control.ordered_join(b"#bob#d2", b"g")
        daemon.control.ordered_end(b"#bob#d2")
        alice.join(b"g")
        alice.take()

        alice.multicast(b"g", b"data")

        assert alice.take_data() == [b"data"]

    def test_sessions_that_the_tables_do_not_know_have_left(
        self, daemon: MemoryDaemon, membership: Told, alice: Client
    ) -> None:
        alice.join(b"g")
        daemon.control.ordered_join(b"#gone#d1", b"g")
        daemon.turn()
        alice.take()
        ring = merge(daemon, membership, 500)
        daemon.control.ordered_state(0, b"nonsense")
        daemon.control.ordered_state(1, Peer().state(ring))
        daemon.turn()

        alice.multicast(b"g", b"no longer")

        assert types(alice) == [SELF_LEAVE]
        event = next(daemon.logged("group state of a daemon not understood"))
        assert event == {"daemon": 0, "reason": "a message of 8 bytes"}
        alice.join(b"g")
        assert types(alice) == [0x1100]


class TestMembership:
    def test_everything_about_the_ring_is_passed_on(
        self, daemon: MemoryDaemon, membership: Told
    ) -> None:
        control = daemon.control

        control.token_lost(1)
        control.control_packet(16, 1, 2, 3, 4, (5, 6), b"body")
        control.foreign_ring(1, (2, 3))
        control.unreachable(4)

        assert membership.told == [
            ("token lost", 1),
            ("packet", 16, 1, 2, 3, 4, (5, 6), b"body"),
            ("foreign ring", 1, (2, 3)),
            ("unreachable", 4),
        ]

    def test_its_deadline_is_kept(self, daemon: MemoryDaemon, membership: Told) -> None:
        membership.next_deadline_ns = daemon.now_ns + SECOND_NS
        daemon.control.deadline_changed()

        daemon.advance(SECOND_NS - 1)
        assert membership.told == []
        daemon.advance(1)

        assert membership.told[0] == ("deadline", daemon.now_ns)

    def test_the_earliest_deadline_comes_first(
        self, daemon: MemoryDaemon, membership: Told
    ) -> None:
        ticks: list[int] = []
        membership.next_deadline_ns = daemon.now_ns + 3 * SECOND_NS
        daemon.control.call_every(SECOND_NS, lambda: ticks.append(daemon.now_ns))

        start_ns = daemon.now_ns
        daemon.advance(SECOND_NS)

        assert ticks == [start_ns + SECOND_NS]

    def test_without_peers_nothing_of_the_ring_has_an_effect(self, daemon: MemoryDaemon) -> None:
        control = daemon.control

        control.ring_transitional()
        control.ring_regular()
        control.token_lost(1)
        control.control_packet(16, 1, 2, 3, 4, (5, 6), b"body")
        control.foreign_ring(1, (2, 3))
        control.unreachable(4)

        assert daemon.log == []

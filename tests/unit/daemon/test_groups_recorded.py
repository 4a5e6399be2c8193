"""Membership messages of the recorded rings, byte for byte, from groups that are driven by hand.

Each test does to the groups what happened in the recording. The requests and their order are read
from the recording, the configurations are told here: the faults of the recording say which daemons
stayed together. Ids of rings are mapped: equal ones must come back as equal ones.
"""

from dataclasses import dataclass, field

from spread.daemon.groups import Notice
from spread.daemon.views import Signal, self_leave_frame, signal_frame, view_frame
from spread.service import Cause
from tests.daemon.harness import transcript, wire
from tests.daemon.harness.transcript import Event
from tests.memory.group_ring import Ring, joined, merged


@dataclass
class Recording:
    """The membership messages of a recording, by the private group of the client."""

    name: str
    events: list[tuple[bytes, Event]]
    kept: frozenset[bytes]  # Sessions that asked for membership messages.

    @classmethod
    def load(cls, name: str) -> "Recording":
        names: dict[str, bytes] = {}
        wants_membership: dict[str, bool] = {}
        events = []
        for event in transcript.load(name).events:
            if event.direction == "c2d" and event.who not in wants_membership:
                wants_membership[event.who] = bool(event.data[3] & 1)
            elif event.direction == "d2c" and event.data[:4] == b"\1\4\4\0":
                names[event.who] = event.data[5:]
            elif _is_membership(event):
                events.append((names[event.who], event))
        kept = frozenset(names[who] for who, wants in wants_membership.items() if wants)
        return cls(name, events, kept)

    def of(self, member: bytes) -> list[bytes]:
        """Return what this session got."""
        return [event.data for name, event in self.events if name == member]


@dataclass
class Mapping:
    """Ids of rings: recorded ones and ours, one to one."""

    ours: dict[bytes, bytes] = field(default_factory=dict)

    def check(self, recorded: bytes, ours: bytes) -> None:
        """Compare two messages; the ring in them is compared by what it was mapped to."""
        place = _ring_place(recorded)
        if place is None:
            assert ours == recorded
            return
        ring = slice(place, place + 8)
        # The leader is the same; only the time differs from run to run.
        assert (
            ours[: place + 4] + ours[place + 8 :] == recorded[: place + 4] + recorded[place + 8 :]
        )
        assert self.ours.setdefault(recorded[ring], ours[ring]) == ours[ring]

    def check_distinct(self) -> None:
        assert self.ours
        assert len(set(self.ours.values())) == len(self.ours)


def _is_membership(event: Event) -> bool:
    is_frame = event.direction == "d2c" and wire.frame_size(event.data) == len(event.data)
    return is_frame and not wire.decode_frame(event.data).is_data


def _ring_place(message: bytes) -> int | None:
    frame = wire.decode_frame(message)
    if frame.is_self_leave:
        return None
    return len(message) - len(frame.data)


@dataclass
class Clients:
    """What sessions get from the groups of their daemons."""

    members: frozenset[bytes]
    got: dict[bytes, list[bytes]] = field(default_factory=dict)

    def hear(self, *rings: Ring) -> None:
        """Take what the daemons have told."""
        for ring in rings:
            for daemon in ring.members:
                for notice in ring.take(daemon):
                    self.take(daemon, notice)

    def take(self, daemon: int, notice: Notice) -> None:
        if isinstance(notice, Signal):
            for member in notice.receivers:
                self.give(member, signal_frame(notice))
            return
        sets = notice.together if notice.cause is Cause.NETWORK else (notice.members,)
        for own, members in enumerate(sets):
            for member in members:
                if member.endswith(b"#d%d" % (daemon + 1)):
                    self.give(member, view_frame(notice, own))

    def give(self, member: bytes, message: bytes) -> None:
        if member in self.members:
            self.got.setdefault(member, []).append(message)

    def leave(self, ring: Ring, member: bytes, group: bytes) -> None:
        self.give(member, self_leave_frame(group))
        ring.leave(member, group)
        self.hear(ring)

    def join(self, ring: Ring, *members: bytes, group: bytes = b"grp") -> None:
        for member in members:
            ring.join(member, group)
            self.hear(ring)


def check(recording: Recording, clients: Clients) -> None:
    """Compare all that was recorded with all that the clients got."""
    mapping = Mapping()
    for member in sorted(recording.kept):
        for recorded, ours in zip(recording.of(member), clients.got[member], strict=True):
            mapping.check(recorded, ours)
    mapping.check_distinct()


def test_two_daemons_without_a_fault() -> None:
    recording = Recording.load("ring2_basic")
    zed, amy = b"#zed#d1", b"#amy#d2"
    clients, ring = Clients(recording.kept), Ring.of(2)

    clients.join(ring, amy, zed)
    clients.leave(ring, amy, b"grp")
    clients.join(ring, amy)
    ring.end(amy)
    clients.hear(ring)

    check(recording, clients)


def test_a_daemon_that_is_killed_and_started_again() -> None:
    recording = Recording.load("ring2_daemon_killed_and_restarted")
    alice, bob = b"#alice#d1", b"#bob#d2"
    clients, ring = Clients(recording.kept), Ring.of(2)
    clients.join(ring, alice, bob)

    left = ring.part(0)
    clients.hear(left)
    restarted = Ring({1: Ring.of(2).groups[1]}, left.id, left.times).part(1)
    restarted.take(1)
    ring = merged(left, restarted)
    clients.hear(ring)
    clients.join(ring, bob)

    check(recording, clients)


def test_a_daemon_that_is_frozen_and_resumed() -> None:
    recording = Recording.load("ring2_daemon_stopped_and_resumed")
    alice, bob, carl = b"#alice#d1", b"#bob#d2", b"#carl#d1"
    clients, ring = Clients(recording.kept), Ring.of(2)
    clients.join(ring, alice, bob, carl)
    clients.join(ring, alice, group=b"solo")

    left = ring.part(0)
    clients.hear(left)
    again = left.transitional(0)
    frozen = ring.transitional(1)
    ring = joined(again, frozen)
    ring.regular()
    ring.exchange()
    clients.hear(ring)

    check(recording, clients)


def test_joins_while_the_ring_is_split() -> None:
    recording = Recording.load("ring2_join_while_split")
    alice, bob, carl = b"#alice#d1", b"#bob#d2", b"#carl#d1"
    clients, ring = Clients(recording.kept), Ring.of(2)
    clients.join(ring, alice, bob)

    left = ring.part(0)
    clients.hear(left)
    clients.join(left, carl)
    clients.join(left, carl, group=b"new")
    ring = joined(left.transitional(0), ring.transitional(1))
    ring.regular()
    ring.exchange()
    clients.hear(ring)

    check(recording, clients)


def test_a_partition_into_three_parts_and_their_merge() -> None:
    recording = Recording.load("ring3_partition_and_merge")
    clients, ring = Clients(recording.kept), Ring.of(3)
    clients.join(ring, b"#mia#d1", b"#leo#d1", b"#bob#d2", b"#amy#d3")

    first, others = ring.part(0), ring.part(1, 2)
    clients.hear(first, others)
    second, third = others.part(1), others.part(2)
    clients.hear(second, third)
    clients.hear(merged(first, second, third))

    check(recording, clients)


def test_requests_between_the_transitional_and_the_regular_configuration() -> None:
    recording = Recording.load("ring2_transitional_traffic")
    dave, bob, carl = b"#dave#d1", b"#bob#d2", b"#carl#d1"
    clients, ring = Clients(recording.kept), Ring.of(2)
    clients.join(ring, dave, bob)
    for _ in range(5):
        clients.join(ring, carl)
        clients.leave(ring, carl, b"grp")

    left = ring.transitional(0)
    clients.hear(left)
    clients.join(left, carl)
    clients.leave(left, carl, b"grp")
    left.regular()
    left.exchange()
    clients.hear(left)
    for _ in range(10):
        clients.join(left, carl)
        clients.leave(left, carl, b"grp")
    frozen = ring.transitional(1)
    clients.hear(frozen)
    frozen.join(carl, b"grp")
    frozen.leave(carl, b"grp")
    clients.hear(frozen)
    ring = joined(left.transitional(0), frozen)
    ring.regular()
    ring.exchange()
    clients.hear(ring)

    check(recording, clients)

"""The bounds of what waits for sessions: of each by itself, and of all together."""

import pytest

from spread._sessions import REASON_TEXTS
from tests.daemon.harness import wire
from tests.daemon.harness.handshake import CHOICE_NULL, connect_request
from tests.memory.daemon import NOTHING_IN_USE, SECOND_NS, Client, Limits, MemoryDaemon

BODY = b"x" * 1_000
MESSAGE_SIZE = 48 + 32 + len(BODY)


def flood(sender: Client, target: Client, count: int, body: bytes = BODY) -> None:
    """Send so many private messages, each in a turn of its own."""
    for _ in range(count):
        assert sender.multicast(target.private_group, body)


def burst(sender: Client, target: Client, count: int, body: bytes = BODY) -> None:
    """Send so many private messages in one turn."""
    for _ in range(count):
        assert sender.multicast(target.private_group, body, turn=False)
    sender.daemon.turn()


def test_every_reason_of_an_end_has_a_text_of_its_own() -> None:
    assert len(set(REASON_TEXTS)) == len(REASON_TEXTS) == 9


RELIEF_NS = 100_000_000  # How long reading is paused before a queue is ended.


class TestMaxSessionMessages:
    """The bound that the configuration sets: messages are counted, exactly."""

    @pytest.fixture
    def daemon(self) -> MemoryDaemon:
        return MemoryDaemon(Limits(messages=10, exact=True))

    @pytest.fixture
    def sender(self, daemon: MemoryDaemon) -> Client:
        return daemon.open(b"sender", membership=False)

    @pytest.fixture
    def slow(self, daemon: MemoryDaemon) -> Client:
        return daemon.open(b"slow", membership=False)

    def test_so_many_messages_wait_and_the_next_one_ends_the_session(
        self, sender: Client, slow: Client
    ) -> None:
        slow.room = 279 * MESSAGE_SIZE

        flood(sender, slow, 289)
        assert slow.waiting == (10, 10 * MESSAGE_SIZE)
        flood(sender, slow, 1)

        assert slow.is_closed()
        assert len(slow.take()) == 279 * MESSAGE_SIZE
        assert sender.daemon.statistics()["ended_slow"] == 1

    def test_a_partly_written_message_counts(self, sender: Client, slow: Client) -> None:
        slow.room = 1

        flood(sender, slow, 10)
        assert slow.waiting == (10, 10 * MESSAGE_SIZE - 1)
        flood(sender, slow, 1)

        assert slow.is_closed()

    def test_the_last_byte_of_a_message_makes_room_for_one(
        self, sender: Client, slow: Client
    ) -> None:
        slow.room = 0
        flood(sender, slow, 10)

        sender.daemon.make_room(slow, MESSAGE_SIZE)
        flood(sender, slow, 1)
        assert slow.waiting[0] == 10
        sender.daemon.make_room(slow, MESSAGE_SIZE - 1)
        flood(sender, slow, 1)

        assert slow.is_closed()

    def test_the_size_of_messages_does_not_matter(self, sender: Client, slow: Client) -> None:
        slow.room = 0

        flood(sender, slow, 5, b"")
        flood(sender, slow, 5, b"x" * 140_000)
        assert not slow.is_closed()
        flood(sender, slow, 1, b"")

        assert slow.is_closed()

    def test_a_receiver_that_takes_everything_is_never_ended_by_a_burst(
        self, sender: Client, slow: Client
    ) -> None:
        burst(sender, slow, 1_000)

        assert len(slow.take_data()) == 1_000
        assert not slow.is_closed()

    def test_a_burst_is_offered_before_a_receiver_is_ended(
        self, sender: Client, slow: Client
    ) -> None:
        slow.room = 500 * MESSAGE_SIZE

        burst(sender, slow, 510)
        assert slow.waiting[0] == 10
        burst(sender, slow, 1)

        assert slow.is_closed()

    def test_the_others_get_all_and_see_the_slow_one_go(
        self, daemon: MemoryDaemon, slow: Client
    ) -> None:
        watcher = daemon.open(b"watcher")
        watcher.join(b"g")
        slow.join(b"g")
        watcher.take()
        slow.room = 0

        for _ in range(11):
            watcher.multicast(b"g", BODY, turn=False)
        daemon.turn()

        frames = watcher.take_frames()
        assert [frame.type for frame in frames] == [wire.AGREED] * 11 + [0x1400]
        assert frames[-1].group_names == (b"#watcher#d1",)

    def test_without_any_room_the_first_message_ends_the_session(self) -> None:
        daemon = MemoryDaemon(Limits(messages=0, exact=True))
        client = daemon.open(b"client")

        client.multicast(client.private_group)

        assert client.is_closed()
        assert client.take() == b""

    def test_a_notice_counts_as_a_message(self, daemon: MemoryDaemon, sender: Client) -> None:
        slow = daemon.open(b"slow")
        slow.join(b"g")
        slow.room = 0
        for _ in range(10):
            sender.multicast(b"g", turn=False)

        sender.join(b"g")

        assert slow.is_closed()

    def test_each_view_of_a_disconnect_counts(self, daemon: MemoryDaemon, sender: Client) -> None:
        slow = daemon.open(b"slow")
        for number in range(12):
            slow.join(b"g%d" % number)
            sender.join(b"g%d" % number)
        slow.room = 0

        sender.kill()

        assert slow.is_closed()

    def test_without_any_room_a_view_behind_the_handshake_ends_the_session(self) -> None:
        daemon = MemoryDaemon(Limits(messages=0, exact=True))
        client = daemon.connect()

        client.send(
            connect_request(b"alice")
            + CHOICE_NULL
            + wire.request_frame(b"#alice#d1", wire.JOIN, b"g")
        )

        assert client.is_closed()

    def test_rejects_count_as_messages(self) -> None:
        daemon = MemoryDaemon(Limits(messages=10, exact=True, memberships=0))
        client = daemon.open(b"client")
        client.room = 0

        for number in range(20):
            client.join(b"g%d" % number)

        assert client.is_closed()


class TestDefaultBound:
    """Without a bound in the configuration: many messages and many bytes, both at once."""

    @pytest.fixture
    def daemon(self) -> MemoryDaemon:
        return MemoryDaemon(Limits(messages=1_000, message_bytes=16 << 20))

    @pytest.fixture
    def sender(self, daemon: MemoryDaemon) -> Client:
        return daemon.open(b"sender", membership=False)

    @pytest.fixture
    def slow(self, daemon: MemoryDaemon) -> Client:
        slow = daemon.open(b"slow", membership=False)
        slow.room = 0
        return slow

    def test_many_small_messages_may_wait(self, sender: Client, slow: Client) -> None:
        burst(sender, slow, 10_000, b"")

        assert slow.waiting == (10_000, 10_000 * 80)

    def test_many_bytes_may_wait_in_few_messages(self, sender: Client, slow: Client) -> None:
        for _ in range(10):
            burst(sender, slow, 20, b"x" * 140_000)

        assert slow.waiting == (200, 200 * 140_080)

    def test_many_bytes_in_many_messages_end_the_session(
        self, sender: Client, slow: Client
    ) -> None:
        for _ in range(10):
            burst(sender, slow, 100, b"x" * 17_000)
        assert slow.waiting == (1_000, 1_000 * 17_080)
        burst(sender, slow, 1, b"")
        assert not slow.is_closed()

        burst(sender, slow, 1, b"")

        assert slow.is_closed()
        assert sender.daemon.statistics()["ended_slow"] == 1
        assert sender.daemon.in_use() == NOTHING_IN_USE


class TestAllQueuesTogether:
    """The bound of all queues: reading pauses before it, the largest queue goes at it."""

    @pytest.fixture
    def daemon(self) -> MemoryDaemon:
        return MemoryDaemon(Limits(queued_bytes=2 << 20))

    @pytest.fixture
    def sender(self, daemon: MemoryDaemon) -> Client:
        return daemon.open(b"sender", membership=False)

    def blocked(self, daemon: MemoryDaemon, name: bytes) -> Client:
        client = daemon.open(name, membership=False)
        client.room = 0
        return client

    def test_the_largest_queue_is_ended_first(self, daemon: MemoryDaemon, sender: Client) -> None:
        small, large = self.blocked(daemon, b"small"), self.blocked(daemon, b"large")
        burst(sender, small, 5, b"x" * 100_000)
        burst(sender, large, 12, b"x" * 100_000)

        burst(sender, large, 5, b"x" * 100_000)

        assert large.is_closed()
        assert not small.is_closed()
        assert small.waiting == (5, 5 * 100_080)
        assert daemon.statistics()["ended_memory"] == 1

    def test_reading_pauses_before_anybody_is_ended(
        self, daemon: MemoryDaemon, sender: Client
    ) -> None:
        slow = self.blocked(daemon, b"slow")

        burst(sender, slow, 19, b"x" * 100_000)

        assert not sender.multicast(sender.private_group)
        assert not slow.is_closed()
        assert daemon.statistics()["congestions"] == 1

    def test_reading_goes_on_when_receivers_have_read(
        self, daemon: MemoryDaemon, sender: Client
    ) -> None:
        slow = self.blocked(daemon, b"slow")
        burst(sender, slow, 19, b"x" * 100_000)

        daemon.make_room(slow, 2 * 100_080)
        assert not sender.multicast(sender.private_group)
        daemon.make_room(slow, 3 * 100_080)

        assert sender.multicast(sender.private_group)
        daemon.advance(10 * SECOND_NS)
        assert not slow.is_closed()

    def test_a_pause_that_does_not_help_ends_the_largest_queue(
        self, daemon: MemoryDaemon, sender: Client
    ) -> None:
        small, large = self.blocked(daemon, b"small"), self.blocked(daemon, b"large")
        burst(sender, small, 5, b"x" * 100_000)
        burst(sender, large, 14, b"x" * 100_000)
        started_ns = daemon.now_ns

        assert daemon.driver.deadline() == started_ns + RELIEF_NS
        daemon.advance(RELIEF_NS - 1)
        assert not large.is_closed()
        daemon.advance(1)

        assert large.is_closed()
        assert not small.is_closed()
        assert sender.multicast(sender.private_group)

    def test_everything_is_given_back_when_all_have_gone(
        self, daemon: MemoryDaemon, sender: Client
    ) -> None:
        slow = self.blocked(daemon, b"slow")
        burst(sender, slow, 18, b"x" * 100_000)

        slow.close()
        sender.close()

        assert daemon.in_use() == NOTHING_IN_USE

    def test_who_holds_the_memory_goes_before_who_reads(self, daemon: MemoryDaemon) -> None:
        """A few bytes of each packet that others fill hold the whole packet."""
        sender, reader = daemon.open(b"sender"), daemon.open(b"reader", membership=False)
        slow = self.blocked(daemon, b"slow")
        for _ in range(27):
            sender.multicast(slow.private_group, b"tiny", turn=False)
            burst(sender, reader, 5, b"x" * 12_000)

        burst(sender, reader, 30, b"x" * 12_000)

        assert slow.is_closed()
        assert not reader.is_closed()

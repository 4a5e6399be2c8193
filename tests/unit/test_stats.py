"""The counters: each has a name, a meaning, and moves when it should."""

from spread._stats import COUNTERS
from tests.daemon.harness import wire
from tests.memory.daemon import MemoryDaemon

IN_USE = {
    "sessions",
    "queued_messages",
    "queued_bytes",
    "inbound_bytes",
    "buffer_bytes",
    "buffer_bytes_peak",
    "packets",
}


def counted(daemon: MemoryDaemon, before: dict[str, int]) -> dict[str, int]:
    """Return the counters of messages and sessions that have moved, and by how much."""
    skipped = IN_USE | {"reads", "writes", "turns", "bytes_in", "bytes_out"}
    skipped |= {"packets_made", "packets_delivered"}
    now = daemon.statistics()
    return {
        name: now[name] - before[name]
        for name in now
        if name not in skipped and now[name] != before[name]
    }


def test_every_counter_has_one_name_and_one_meaning() -> None:
    names = [name for name, _ in COUNTERS]
    meanings = [meaning for _, meaning in COUNTERS]

    assert len(set(names)) == len(names)
    assert len(set(meanings)) == len(meanings)
    assert all(name.isidentifier() and name.islower() for name in names)


def test_the_statistics_are_the_counters_and_what_is_in_use() -> None:
    statistics = MemoryDaemon().statistics()

    assert set(statistics) == {name for name, _ in COUNTERS} | IN_USE
    assert set(statistics.values()) == {0}


def test_bytes_are_counted_in_both_directions() -> None:
    daemon = MemoryDaemon()
    alice = daemon.open(b"alice")
    before = daemon.statistics()

    alice.multicast(alice.private_group, b"x" * 100)

    after = daemon.statistics()
    assert after["bytes_in"] - before["bytes_in"] == 48 + 32 + 100
    assert after["bytes_out"] - before["bytes_out"] == 48 + 32 + 100
    assert after["reads"] - before["reads"] == 1
    assert after["writes"] - before["writes"] == 1


def test_a_new_session_is_counted_as_a_connection_and_as_a_session() -> None:
    daemon = MemoryDaemon()
    before = daemon.statistics()

    daemon.open(b"alice")
    daemon.connect()

    assert counted(daemon, before) == {"sessions_opened": 2, "sessions_accepted": 1}
    assert daemon.statistics()["sessions"] == 2


def test_a_message_counts_once_and_its_copies_each() -> None:
    daemon = MemoryDaemon()
    clients = [daemon.open(name, membership=False) for name in (b"a", b"b", b"c")]
    for client in clients:
        client.join(b"g")
    before = daemon.statistics()

    clients[0].multicast(b"g")

    assert counted(daemon, before) == {"frames_in": 1, "messages_delivered": 1, "deliveries": 3}


def test_a_message_to_nobody_is_counted_as_unrouted() -> None:
    daemon = MemoryDaemon()
    alice = daemon.open(b"alice")
    before = daemon.statistics()

    alice.multicast(b"g")

    assert counted(daemon, before) == {"frames_in": 1, "messages_delivered": 1, "unrouted": 1}


def test_requests_and_the_notices_they_cause_are_counted() -> None:
    daemon = MemoryDaemon()
    alice, bob = daemon.open(b"alice"), daemon.open(b"bob")
    before = daemon.statistics()

    alice.join(b"g")
    bob.join(b"g")
    bob.leave(b"g")

    assert counted(daemon, before) == {"frames_in": 3, "requests": 3, "notices": 5}


def test_a_reject_is_counted_and_not_a_request() -> None:
    daemon = MemoryDaemon()
    alice = daemon.open(b"alice")
    before = daemon.statistics()

    alice.join(b"g" * 32)

    assert counted(daemon, before) == {"frames_in": 1, "rejects": 1}


def test_ends_are_counted_by_their_reason() -> None:
    daemon = MemoryDaemon()
    alice, bob, carol = (daemon.open(name) for name in (b"alice", b"bob", b"carol"))
    refused = daemon.connect()
    before = daemon.statistics()

    alice.kill()
    bob.close()
    carol.send(wire.data_frame(b"#mallory#d1", wire.FIFO, (b"g",)))
    refused.send(b"\1\1")

    assert counted(daemon, before) == {
        "frames_in": 1,
        "requests": 3,
        "ended_kill": 1,
        "ended_lost": 1,
        "ended_bad_frame": 1,
        "ended_refused": 1,
    }
    assert daemon.statistics()["sessions"] == 0

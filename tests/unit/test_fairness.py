"""No session holds up the others: joins are taken a few at a time, data of others in between."""

from tests.daemon.harness import wire
from tests.memory.daemon import MemoryDaemon

REQUESTS_PER_TURN = 64


def joins(private_group: bytes, count: int) -> bytes:
    return b"".join(
        wire.request_frame(private_group, wire.JOIN, b"g%d" % number) for number in range(count)
    )


def test_data_of_others_is_ordered_between_the_joins_of_a_burst() -> None:
    daemon = MemoryDaemon()
    burst = daemon.open(b"burst")
    other = daemon.open(b"other", membership=False)

    burst.send(joins(burst.private_group, 1000), turn=False)
    other.multicast(b"g0", b"through", turn=False)
    daemon.turn()

    frames = burst.take_frames()
    place = next(number for number, frame in enumerate(frames) if frame.is_data)
    assert place == REQUESTS_PER_TURN


def test_every_join_of_a_burst_takes_effect_without_further_input() -> None:
    daemon = MemoryDaemon()
    burst = daemon.open(b"burst")

    burst.send(joins(burst.private_group, 1000))
    while daemon.driver.deadline() == daemon.now_ns:
        daemon.turn()

    assert len(burst.take_frames()) == 1000
    assert daemon.statistics()["inbound_bytes"] == 0


def test_a_burst_is_not_read_on_while_its_joins_wait() -> None:
    daemon = MemoryDaemon()
    burst = daemon.open(b"burst")
    assert burst.send(joins(burst.private_group, 1000), turn=False)

    was_read = burst.multicast(b"g999", b"later", turn=False)

    assert not was_read


def test_requests_that_were_read_take_effect_when_the_client_goes() -> None:
    daemon = MemoryDaemon()
    burst = daemon.open(b"burst")
    witness = daemon.open(b"witness")
    witness.join(b"g999")
    witness.take()

    burst.send(joins(burst.private_group, 1000), turn=False)
    burst.close()
    while daemon.driver.deadline() == daemon.now_ns:
        daemon.turn()

    causes = [frame.type & 0xF00 for frame in witness.take_frames()]
    assert causes == [wire.CAUSED_BY_JOIN, wire.CAUSED_BY_DISCONNECT]

"""The compiled generator against the bare forwarder, and against a relay that tampers."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

pytest.importorskip("bench._load", reason="build it with: python bench/setup_ext.py")

from bench.address import Address
from bench.fleet import RunningSystem
from bench.forwarder import welcome
from bench.load import ACKNOWLEDGED, Bounds, LoadError, Workload, measure, new_load, run
from bench.session import (
    HEADER,
    JOIN,
    MESS_TYPE_ACKNOWLEDGEMENT,
    MESS_TYPE_BARRIER,
    NAME_SIZE,
    REJECT,
    SERVICE_MASK,
    SERVICES,
    frame,
    open_session,
)
from bench.system import LIMIT, Topology

FEW = Bounds(warm_up_count=50, count=500)
Tamper = Callable[[int, bytearray], list[bytes]]


@pytest.fixture(scope="module")
def forwarder() -> Iterator[RunningSystem]:
    with RunningSystem(LIMIT, Topology()) as system:
        yield system


@pytest.mark.parametrize("transport", ["unix", "tcp"])
@pytest.mark.parametrize("payload_size", [0, 15, 16, 100, 8000, 300_000])
def test_every_payload_size_is_delivered_and_timed(
    forwarder: RunningSystem, transport: str, payload_size: int
) -> None:
    workload = Workload(payload_size=payload_size, window=20)

    measured = measure(forwarder.location(0, transport), workload, FEW)

    assert measured.delivered[0] >= 500
    assert measured.latency_own.count == measured.delivered[0]
    assert 0 < measured.latency_own.us_p50 <= measured.latency_own.us_max


def test_window_of_one_keeps_one_message_under_way(forwarder: RunningSystem) -> None:
    measured = measure(forwarder.location(0, "unix"), Workload(payload_size=100, window=1), FEW)

    assert measured.delivered == (500,)


def test_interval_spreads_messages_and_times_them_from_when_they_were_due(
    forwarder: RunningSystem,
) -> None:
    workload = Workload(payload_size=100, interval_us=1000)

    measured = measure(forwarder.location(0, "unix"), workload, Bounds(count=20))

    assert measured.delivered[0] >= 20
    assert measured.seconds >= 0.019


def test_every_receiver_counts_every_message(forwarder: RunningSystem) -> None:
    workload = Workload(payload_size=100, senders_receive=False, receivers=3, window=10)

    measured = measure(forwarder.location(0, "unix"), workload, FEW)

    assert len(measured.delivered) == 3
    assert min(measured.delivered) >= 500
    assert measured.latency_other.count == sum(measured.delivered)
    assert measured.latency_own.count == 0


def test_several_senders_with_payloads_too_short_for_a_stamp(forwarder: RunningSystem) -> None:
    workload = Workload(payload_size=3, senders=3, receivers=1)

    measured = measure(forwarder.location(0, "unix"), workload, FEW)

    assert len(measured.delivered) == 4


def test_groups_and_services_take_turns(forwarder: RunningSystem) -> None:
    workload = Workload(
        payload_size=30,
        groups=3,
        groups_per_message=2,
        services=("agreed", "agreed", "agreed", "safe"),
        membership=True,
    )

    measured = measure(forwarder.location(0, "unix"), workload, FEW)

    assert workload.template_count == 12
    assert measured.delivered[0] >= 500


def test_poisson_senders_keep_their_rate_without_a_window(forwarder: RunningSystem) -> None:
    workload = Workload(
        payload_size=100, senders=2, rates=(4000.0, 1000.0), is_poisson=True, window=0
    )

    measured = measure(forwarder.location(0, "unix"), workload, Bounds(count=500))

    assert measured.offered_per_s == pytest.approx(5000.0)
    assert measured.latency_own.count + measured.latency_other.count == sum(measured.delivered)
    assert 0 < measured.fairness < 1


def test_overload_counts_latency_from_the_time_a_message_was_due(forwarder: RunningSystem) -> None:
    # One message under way at a million a second: almost all are due long before they are sent.
    workload = Workload(payload_size=100, rates=(1_000_000.0,), window=1)

    measured = measure(forwarder.location(0, "unix"), workload, FEW)

    behind_us = measured.behind_ms * 1000
    assert measured.latency_own.us_max <= behind_us + measured.seconds * 1e6
    assert measured.latency_own.us_p50 > behind_us / 4


def test_one_million_byte_messages_are_delivered_whole(forwarder: RunningSystem) -> None:
    workload = Workload(payload_size=1 << 20, window=3, receivers=2)

    measured = measure(forwarder.location(0, "unix"), workload, Bounds(count=40))

    assert min(measured.delivered) >= 40


def test_hundreds_of_sessions_send_to_each_other(forwarder: RunningSystem) -> None:
    workload = Workload(payload_size=16, senders=300, window=2)

    measured = measure(forwarder.location(0, "unix"), workload, Bounds(count=1000))

    assert len(measured.delivered) == 300
    assert min(measured.delivered) >= 1000


def test_sessions_beyond_the_descriptor_limit_are_refused_with_the_numbers(
    forwarder: RunningSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.load.allow_descriptors", lambda count: count - 1)

    with pytest.raises(LoadError, match=r"2 sessions need 18 descriptors.* may open 17"):
        measure(forwarder.location(0, "unix"), Workload(payload_size=16, senders=2), FEW)


@contextmanager
def relay(tamper: Tamper) -> Iterator[Address]:
    """Serve one session that gets `tamper(i, frame)` back for its i-th data message."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve_one, args=(listener, tamper))
        thread.start()
        yield Address(host="127.0.0.1", port=listener.getsockname()[1])
        thread.join()


def serve_one(listener: socket.socket, tamper: Tamper) -> None:
    connection, _ = listener.accept()
    with connection, connection.makefile("rb") as stream, suppress(ConnectionError):
        assert welcome(connection)
        index = 0
        while header := stream.read(HEADER.size):
            kind, _, group_count, hint, data_size = HEADER.unpack(header)
            whole = header + stream.read(NAME_SIZE * group_count + data_size)
            if kind & JOIN:
                continue
            if hint >> 8 & 0xFFFF == MESS_TYPE_BARRIER:
                connection.sendall(whole)
                continue
            if kind & SERVICE_MASK:
                connection.sendall(b"".join(tamper(index, bytearray(whole))))
                index += 1


def unchanged(_index: int, whole: bytearray) -> list[bytes]:
    return [bytes(whole)]


def at_fifth(change: Callable[[bytearray], list[bytes]]) -> Tamper:
    return lambda index, whole: change(whole) if index == 5 else [bytes(whole)]


def flipped(whole: bytearray, offset: int, bit: int = 0x01) -> list[bytes]:
    whole[offset] ^= bit
    return [bytes(whole)]


def test_untampered_relay_passes() -> None:
    with relay(unchanged) as address:
        measured = measure(address, Workload(payload_size=100), FEW)

    assert measured.delivered[0] >= 500


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        pytest.param(lambda _whole: [], "message 6 of sender 0 where 5 was due", id="lost"),
        pytest.param(
            lambda whole: [bytes(whole)] * 2, "message 5 .* where 6 was due", id="doubled"
        ),
        pytest.param(lambda whole: flipped(whole, 0x24 + 5), "bytes that were not", id="hint"),
        pytest.param(lambda whole: flipped(whole, 0x30), "bytes that were not", id="group"),
        pytest.param(lambda whole: flipped(whole, 0), "bytes that were not", id="service"),
        pytest.param(lambda whole: flipped(whole, 5), "bytes that were not", id="sender"),
        pytest.param(lambda whole: flipped(whole, 120), "bytes that were not", id="filler"),
        pytest.param(lambda whole: flipped(whole, 94), "of an unknown sender", id="stamp"),
        pytest.param(lambda whole: flipped(whole, 3, 0x80), "cannot be cut", id="byte order"),
        pytest.param(lambda whole: flipped(whole, 0x27), "cannot be cut", id="group count"),
        pytest.param(lambda _whole: [frame(b"#a#b", 0x10, [b"g"])], "of 80 bytes", id="size"),
        pytest.param(lambda _whole: [frame(b"#a#b", REJECT, [b"g"])], "a reject", id="reject"),
    ],
)
def test_tampered_stream_is_noticed(
    change: Callable[[bytearray], list[bytes]], complaint: str
) -> None:
    with relay(at_fifth(change)) as address, pytest.raises(LoadError, match=complaint):
        measure(address, Workload(payload_size=100), FEW)


def test_lost_message_without_stamp_is_noticed_at_the_end() -> None:
    bounds = Bounds(count=50, stall_s=0.3)

    with relay(at_fifth(lambda _whole: [])) as address, pytest.raises(LoadError, match="arrived"):
        measure(address, Workload(payload_size=8), bounds)


def test_service_without_order_may_overtake() -> None:
    kept: list[bytes] = []

    def overtake(index: int, whole: bytearray) -> list[bytes]:
        if index == 5:
            kept.append(bytes(whole))
            return []
        return [bytes(whole), *kept] if index == 6 else [bytes(whole)]

    with relay(overtake) as address:
        measured = measure(address, Workload(payload_size=100, services=("reliable",)), FEW)

    assert measured.reordered == 2


def test_closed_session_ends_the_run() -> None:
    def close(index: int, whole: bytearray) -> list[bytes]:
        if index == 5:
            raise ConnectionError
        return [bytes(whole)]

    with relay(close) as address, pytest.raises(LoadError, match="closed by the daemon"):
        measure(address, Workload(payload_size=100), FEW)


def test_acknowledgements_of_another_receiver_advance_the_window() -> None:
    def acknowledge_tens(index: int, _whole: bytearray) -> list[bytes]:
        if (index + 1) % 10:
            return []
        count = (index + 1).to_bytes(8, "little")
        mess_type = MESS_TYPE_ACKNOWLEDGEMENT
        return [
            frame(b"#other#d", SERVICES["reliable"], [b"#me#d"], mess_type=mess_type, data=count)
        ]

    workload = Workload(payload_size=100, window=30, senders_receive=False, pace=ACKNOWLEDGED)
    with relay(acknowledge_tens) as address, open_session(address, "sender") as sender:
        load = new_load(workload, [b"g"], [sender])

        run(load, workload, Bounds(warm_up_count=100, count=200))

        assert load.progress >= 300
        assert load.sent <= load.progress + 30

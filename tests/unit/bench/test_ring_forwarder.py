"""Bare forwarders of several hosts, each a process, from client to client.

The hosts are on loopback, one by one, and for root in namespaces, by multicast.
"""

import os
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("bench._ring_forwarder", reason="build it with: python bench/setup_ext.py")

from bench.drive import drive
from bench.fleet import RunningSystem
from bench.hosts import network
from bench.load import Bounds, Workload
from bench.namespaces import why_impossible
from bench.session import SERVICES, Session, frame
from bench.system import LIMIT, LOOPBACK, NAMESPACES, Topology

ROOT = Path(__file__).resolve().parents[3]
WITHOUT_OFFLOAD = replace(LIMIT, ring_command=f"{LIMIT.ring_command} --no-offload")
SMALL_BUFFERS = replace(LIMIT, ring_command=f"{LIMIT.ring_command} --buffer 65536")
BURST = struct.Struct("<IBBHIIQ")  # magic, origin, flags, hosts, size, zero, number
MAGIC = 0x52494E47
TIMEOUT_S = 20.0


@pytest.fixture(
    scope="module",
    params=[
        (LIMIT, LOOPBACK),
        (WITHOUT_OFFLOAD, LOOPBACK),
        (SMALL_BUFFERS, LOOPBACK),
        (LIMIT, NAMESPACES),
        (SMALL_BUFFERS, NAMESPACES),
    ],
    ids=["offload", "no offload", "small buffers", "multicast", "small buffers, multicast"],
)
def system(request: pytest.FixtureRequest) -> Iterator[RunningSystem]:
    implementation, links = request.param
    if links == NAMESPACES and (reason := why_impossible()):
        pytest.skip(reason)
    with RunningSystem(implementation, Topology(daemons=3, links=links)) as system:
        yield system


@pytest.mark.parametrize(
    ("payload_size", "window", "count"),
    [(0, 50, 2000), (100, 100, 5000), (8000, 20, 500), (150_000, 8, 100)],
)
def test_every_receiver_gets_every_message_in_its_senders_order(
    system: RunningSystem, payload_size: int, window: int, count: int
) -> None:
    workload = Workload(payload_size=payload_size, window=window, senders=3)

    # It verifies order, content and completeness, and raises for what is not so.
    measurement = drive(system, workload, Bounds(count=count, stall_s=TIMEOUT_S))

    assert min(measurement.delivered) >= count


def test_clients_of_one_host_do_not_mix_their_frames(system: RunningSystem) -> None:
    workload = Workload(payload_size=3000, window=10, senders=6, receivers=3)

    measurement = drive(system, workload, Bounds(count=1000, stall_s=TIMEOUT_S))

    assert len(measurement.delivered) == 9
    assert min(measurement.delivered) >= 1000


@pytest.mark.parametrize("size", [1, 1400, 64_800, 65_536, 150_000, 1 << 20])
def test_every_byte_arrives_whatever_a_message_is_cut_into(
    system: RunningSystem, size: int
) -> None:
    with sessions(system, f"bytes{size}") as clients:
        sent = [data_frame(client, bytes([i]) + os.urandom(size)) for i, client in clients.items()]

        for client, data in zip(clients.values(), sent, strict=True):
            client.connection.sendall(data)

        for client in clients.values():
            received = [next_data(client, len(data)) for data in sent]
            assert sorted(received) == sorted(sent)


def test_frames_that_arrive_in_pieces_are_forwarded_whole(system: RunningSystem) -> None:
    with sessions(system, "pieces") as clients:
        data = data_frame(clients[0], bytes(range(200)))

        for at in range(0, len(data), 7):
            clients[0].connection.sendall(data[at : at + 7])

        for client in clients.values():
            assert next_data(client, len(data)) == data


def test_missing_datagram_ends_the_forwarder_with_a_message(tmp_path: Path) -> None:
    with lone_forwarder(tmp_path) as (process, channel, target):
        channel.sendto(burst(number=1), target)  # Number 0 is due.

        output, _ = process.communicate(timeout=TIMEOUT_S)

    assert process.returncode == 1
    assert "a datagram of d2 is missing" in output


def test_datagram_that_is_no_burst_ends_the_forwarder_with_a_message(tmp_path: Path) -> None:
    with lone_forwarder(tmp_path) as (process, channel, target):
        channel.sendto(bytes(100), target)

        output, _ = process.communicate(timeout=TIMEOUT_S)

    assert process.returncode == 1
    assert "a datagram of d2 is missing" in output


def test_datagrams_of_strangers_are_ignored(tmp_path: Path) -> None:
    with (
        lone_forwarder(tmp_path) as (process, channel, target),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger,
    ):
        stranger.bind(("127.0.0.9", 0))
        stranger.sendto(burst(number=7), target)
        channel.sendto(burst(number=0), target)
        channel.sendto(burst(number=5), target)

        output, _ = process.communicate(timeout=TIMEOUT_S)

    # The gap ended it, behind what came from the stranger.
    assert "a datagram of d2 is missing" in output


def test_unknown_host_is_refused_with_those_of_the_file(tmp_path: Path) -> None:
    config = tmp_path / "spread.conf"
    config.write_text("Spread_Segment 127.0.0.255:4803 {\n d1 127.0.0.1\n}\n")

    done = subprocess.run(
        [sys.executable, "-m", "bench.ring_forwarder", "-n", "d7", "-c", str(config)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )

    assert done.returncode == 1
    assert "ring forwarder d7: host 'd7' is not in the segment; it has d1" in done.stderr


@contextmanager
def sessions(system: RunningSystem, group: str) -> Iterator[dict[int, Session]]:
    """Open a client at each host; all have joined the group."""
    with ExitStack() as stack:
        clients = {
            i: stack.enter_context(system.open(i, f"{group}{i}")) for i in range(system.size)
        }
        for client in clients.values():
            client.join(group.encode())
            client.barrier()
        yield clients


def data_frame(client: Session, payload: bytes) -> bytes:
    return frame(client.private_group, SERVICES["agreed"], [b"any"], data=payload)


def next_data(client: Session, size: int) -> bytes:
    """Return the next frame of that size: barriers of others are shorter or longer."""
    while True:
        received = client.receive()
        if len(received) == size:
            return received


def burst(number: int) -> bytes:
    """Return one of the second of two hosts that only acknowledges."""
    header = BURST.pack(MAGIC, 1, 0, 2, 0, 0, number) + struct.pack("<QQ", 0, 0)
    return header + struct.pack("<Q", number)


@contextmanager
def lone_forwarder(
    directory: Path,
) -> Iterator[tuple[subprocess.Popen[str], socket.socket, tuple[str, int]]]:
    """Start the first of two hosts; the test is the other one."""
    with network(Topology(daemons=2, links=LOOPBACK)) as net, ExitStack() as stack:
        first, second = net.hosts
        config = directory / "spread.conf"
        config.write_text(net.configuration)
        channel = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        channel.bind((second.address, net.port))
        listener = stack.enter_context(socket.create_server((second.address, net.port + 1)))
        listener.settimeout(TIMEOUT_S)
        process = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "bench.ring_forwarder", "-n", first.name, "-c", str(config)],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        stack.callback(process.kill)
        listener.accept()[0].close()  # Its own socket is bound by now.
        yield process, channel, (first.address, net.port)

"""The limit of a cell with several hosts: `python -m bench.ring_forwarder -n NAME -c CONFIG`.

Stands in a daemon's place: reads the segment of its spread.conf, serves the client protocol on the
segment's TCP port, and forwards frames to the other hosts without order, token or recovery. Clients
are accepted once every other host is there. It ends with a message when a datagram is missing: the
window keeps buffers from overflowing, so the network or the machine is not what it should be.
"""

import argparse
import os
import signal
import socket
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import IPv4Address
from pathlib import Path

from bench._ring_forwarder import RingPump
from bench.forwarder import welcome
from bench.offload import coalesce, segment, set_buffers
from bench.ring_config import Ring, read_ring

SEGMENT_SIZE = 1440  # Fits an MTU of 1500, as the daemons' datagrams have to.
BUFFER_SIZE = 16 << 20
WINDOW_MAX = 1 << 11  # Datagrams under way per host: 3 MB, more than client windows ask for.
TRUESIZE = 2304  # What the kernel charges for a datagram of SEGMENT_SIZE.
PEERS_TIMEOUT_S = 30.0
DISCARD_PORT = 9
PROBLEMS = {
    1: "a datagram of {name} is missing, or {name} was started again; start all hosts anew",
    2: "{name} has acknowledged nothing for 5 s: it has stopped, or a datagram was lost",
    3: "datagrams cannot be sent: {reason}",
    4: "no memory for frames of {name}",
}


def main() -> None:
    """Serve until terminated."""
    parser = argparse.ArgumentParser(prog="python -m bench.ring_forwarder", description=__doc__)
    parser.add_argument("-n", dest="name", required=True, help="this host's name in the segment")
    parser.add_argument("-c", dest="config", type=Path, required=True, help="spread.conf")
    parser.add_argument("--no-offload", action="store_true", help="cut and read single datagrams")
    parser.add_argument("--buffer", type=int, default=BUFFER_SIZE, help="bytes of socket buffers")
    given = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # The pump would not notice Python's handler.
    try:
        ring = read_ring(given.config.read_text())
        serve(ring, given.name, wants_offload=not given.no_offload, buffer_max=given.buffer)
    except (OSError, ValueError, RuntimeError) as error:
        sys.exit(f"ring forwarder {given.name}: {error}")


def serve(ring: Ring, name: str, *, wants_offload: bool, buffer_max: int) -> None:
    """Meet the other hosts, then accept and forward until something is wrong.

    Raises RuntimeError with what was wrong, OSError and ValueError for what cannot be started.
    """
    own = ring.index(name)
    address = list(ring.hosts.values())[own]
    with ExitStack() as stack:
        channel = stack.enter_context(open_channel(ring, address))
        buffer_size = set_buffers(channel, buffer_max)
        goals = targets(ring, own)
        has_offload = bool(wants_offload and goals) and segment(
            channel, SEGMENT_SIZE, (str(goals[0]), DISCARD_PORT)
        )
        gathers = wants_offload and coalesce(channel)
        window = window_for(buffer_size, len(ring.hosts) - 1)
        stack.enter_context(meeting(ring, own))
        listener = stack.enter_context(listen(address, ring.port))
        print(
            f"ring forwarder {name}: segmentation offload {'on' if has_offload else 'off'}, "
            f"coalescing {'on' if gathers else 'off'}, window {window} datagrams",
            flush=True,
        )
        pump = RingPump(
            listener.fileno(),
            channel.fileno(),
            hosts=[(int(host), ring.port) for host in ring.hosts.values()],
            own=own,
            targets=[(int(goal), ring.port) for goal in goals],
            segment_size=SEGMENT_SIZE,
            has_offload=has_offload,
            window=window,
        )
        forward(pump, listener, list(ring.hosts))


def forward(pump: RingPump, listener: socket.socket, names: list[str]) -> None:
    """Accept clients and forward; raises RuntimeError with what ended it."""
    while True:
        pump.run()
        if pump.problem is not None:
            fault, host, number = pump.problem
            raise RuntimeError(PROBLEMS[fault].format(name=names[host], reason=os.strerror(number)))
        connection, _ = listener.accept()
        if welcome(connection):
            pump.add(connection.detach())
        else:
            connection.close()


def window_for(buffer_size: int, others: int) -> int:
    """Return how many datagrams each host may have under way, so that a buffer holds all.

    Half of it is left for acknowledgements, which nobody acknowledges.
    """
    return min(WINDOW_MAX, max(1, buffer_size // 2 // (TRUESIZE * max(1, others))))


def targets(ring: Ring, own: int) -> list[IPv4Address]:
    """Return where a burst is sent: to the group, or to each other host where there is none."""
    if ring.address.is_multicast:
        return [ring.address] if len(ring.hosts) > 1 else []
    return [host for i, host in enumerate(ring.hosts.values()) if i != own]


@contextmanager
def open_channel(ring: Ring, address: IPv4Address) -> Iterator[socket.socket]:
    """Open the socket for bursts, bound to the group, or to the own address without one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        if ring.address.is_multicast:
            # Hosts that share a machine hear each other, and themselves, by looping back only.
            own = address.packed
            channel.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            channel.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, own)
            channel.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, address.is_loopback)
            channel.setsockopt(
                socket.IPPROTO_IP,
                socket.IP_ADD_MEMBERSHIP,
                struct.pack("4s4s", ring.address.packed, own),
            )
        channel.bind(("0.0.0.0" if ring.address.is_multicast else str(address), ring.port))
        yield channel


def listen(address: IPv4Address, port: int) -> socket.socket:
    """Listen for clients: on loopback on the own address only, where other hosts have theirs."""
    return socket.create_server((str(address) if address.is_loopback else "", port), backlog=128)


@contextmanager
def meeting(ring: Ring, own: int) -> Iterator[None]:
    """Wait until every other host listens for bursts, and tell them so of this one.

    A host accepts connections on the next port once its socket for bursts is bound; nothing is said
    on them. Raises TimeoutError with the host that does not come.
    """
    addresses = list(ring.hosts.items())
    with socket.create_server((str(addresses[own][1]), ring.port + 1), backlog=len(addresses)):
        deadline_s = time.monotonic() + PEERS_TIMEOUT_S
        for i, (name, address) in enumerate(addresses):
            if i != own:
                _wait_for(name, (str(address), ring.port + 1), deadline_s)
        yield


def _wait_for(name: str, address: tuple[str, int], deadline_s: float) -> None:
    while True:
        try:
            socket.create_connection(address, timeout=1.0).close()
            return
        except OSError as error:
            if time.monotonic() > deadline_s:
                raise TimeoutError(
                    f"{name} does not answer at {address[0]}:{address[1]}; start it there, too"
                ) from error
        time.sleep(0.02)


if __name__ == "__main__":
    main()

"""Limits of a machine: what its kernel moves on the links of a topology, with nothing in between.

    udp-*       datagrams between two hosts: single calls, many per call, segmentation offload
    client-*    frames over a client's connection, one end writing, one reading

Sender and receiver are threads of one process without the interpreter, so two processors work at
once. The sender floods and what overflows is lost: a value is what the receiver got.

`python -m bench.limits --daemons 3` prints them.
"""

import argparse
import socket
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TypedDict

from bench._limits import read_stream, receive_datagrams, send_datagrams, write_stream
from bench.address import set_client_options
from bench.cell import QUICK, Effort
from bench.hosts import Host, Network, network
from bench.offload import coalesce, segment, set_buffers
from bench.system import Topology

SEGMENT_SIZE = 1440  # Of all datagrams: what fits an Ethernet frame, as in the bare forwarder.
MERGED_SIZE = 64_800  # 45 of them in one call.
BATCH_SIZE = 32
BUFFER_SIZE = 4 << 20
GROUP = "239.255.1.77"
FRAME_SIZE = 180  # A message of 100 B to one group.
CHUNK_SIZE = 65_536
TIMEOUT = struct.pack("ll", 0, 200_000)  # Seconds and microseconds a receiver waits for the first.
RUNS_MAX, SECONDS_MAX, WARM_UP_S = 3, 0.5, 0.1


class Limit(TypedDict):
    """One row: a value per run; none, and the reason in the title, where there is no such path."""

    title: str
    unit: str
    values: list[float]


@dataclass(frozen=True, slots=True)
class Way:
    """How datagrams are handed to the kernel and taken from it."""

    name: str
    title: str
    size: int  # Bytes per message.
    batch: int  # Messages per call.
    has_offload: bool = False


WAYS = (
    Way("plain", "one per call", SEGMENT_SIZE, 1),
    Way("mmsg", f"up to {BATCH_SIZE} per call (sendmmsg, recvmmsg)", SEGMENT_SIZE, BATCH_SIZE),
    Way("offload", "45 per call by segmentation offload (GSO, GRO)", MERGED_SIZE, 1, True),
)


class NoOffloadError(Exception):
    """The kernel or a device on the way does not cut or merge datagrams."""


def measure_limits(topology: Topology, effort: Effort) -> dict[str, Limit]:
    """Measure all limits on the links of a topology; 1 to 2 s for each.

    Datagrams need two hosts: on a topology of one daemon both ends are on its loopback.
    """
    with network(topology) as net:
        limits: dict[str, Limit] = {}
        for is_multicast in (True, False):
            for way in WAYS:
                _measure_way(limits, net, way, is_multicast, effort)
        for transport in ("tcp", "unix"):
            _measure_client(limits, net.hosts[0], transport, effort)
        return limits


def _measure_way(
    limits: dict[str, Limit], net: Network, way: Way, is_multicast: bool, effort: Effort
) -> None:
    """Add the rows of one way to send datagrams: their number, and bits."""
    cast = "multicast" if is_multicast else "unicast"
    title = f"UDP {cast}, {SEGMENT_SIZE} B, {way.title}"
    rates: list[float] = []
    try:
        for _ in range(min(effort.runs, RUNS_MAX)):
            with channels(net, is_multicast) as (sender, receiver, target):
                rates.append(_datagram_rate(sender, receiver, target, way, effort))
    except NoOffloadError as error:
        title += f": {error}"
    except OSError as error:
        title += f": not to be had here ({error})"
    name = f"udp-{cast}-{way.name}"
    bits = [rate * SEGMENT_SIZE * 8 / 1e9 for rate in rates]
    limits[name] = {"title": title, "unit": "datagrams/s", "values": rates}
    limits[f"{name}-bits"] = {"title": title, "unit": "Gb/s", "values": bits}


def _measure_client(limits: dict[str, Limit], host: Host, transport: str, effort: Effort) -> None:
    """Add the rows of one kind of client connection: frames by themselves, and many in a write."""
    name = {"tcp": "TCP inside a host", "unix": "Unix socket"}[transport]
    runs = range(min(effort.runs, RUNS_MAX))
    single = [_stream_rate(host, transport, FRAME_SIZE, effort) / FRAME_SIZE for _ in runs]
    many = [_stream_rate(host, transport, CHUNK_SIZE, effort) * 8 / 1e9 for _ in runs]
    limits[f"client-{transport}-single"] = {
        "title": f"client over {name}, frames of {FRAME_SIZE} B, one per write",
        "unit": "frames/s",
        "values": single,
    }
    limits[f"client-{transport}"] = {
        "title": f"client over {name}, 64 KiB per write",
        "unit": "Gb/s",
        "values": many,
    }


def _datagram_rate(
    sender: socket.socket,
    receiver: socket.socket,
    target: tuple[str, int],
    way: Way,
    effort: Effort,
) -> float:
    """Return datagrams of SEGMENT_SIZE per second at the receiver; raises NoOffloadError."""
    if way.has_offload:
        if not segment(sender, SEGMENT_SIZE, (target[0], target[1] + 1)):
            raise NoOffloadError("the kernel or the device does not cut datagrams (UDP_SEGMENT)")
        if not coalesce(receiver):
            raise NoOffloadError("the kernel does not merge datagrams (UDP_GRO)")
    seconds = min(effort.duration_s, SECONDS_MAX)

    def send() -> None:
        send_datagrams(
            sender.fileno(),
            int(IPv4Address(target[0])),
            target[1],
            way.size,
            way.batch,
            seconds + 2 * WARM_UP_S,
        )

    _, size, measured_s = _both(
        send, lambda: receive_datagrams(receiver.fileno(), way.batch, WARM_UP_S, seconds)
    )
    return size / SEGMENT_SIZE / measured_s if measured_s else 0.0


def _stream_rate(host: Host, transport: str, size: int, effort: Effort) -> float:
    """Return bytes per second at the reading end of a client's connection."""
    seconds = min(effort.duration_s, SECONDS_MAX)
    with connection(host, transport) as (writer, reader):

        def write() -> None:
            write_stream(writer.fileno(), size, seconds + 2 * WARM_UP_S)
            # A reader that was late to start would wait for ever for what is written no more; one
            # that has ended may have cut the connection.
            with suppress(OSError):
                writer.shutdown(socket.SHUT_WR)

        _, received, measured_s = _both(
            write,
            lambda: read_stream(reader.fileno(), WARM_UP_S, seconds),
            at_end=lambda: reader.shutdown(socket.SHUT_RDWR),  # Else the writer waits for room.
        )
    return received / measured_s if measured_s else 0.0


def _both(
    send: Callable[[], None],
    receive: Callable[[], tuple[int, int, float]],
    at_end: Callable[[], None] = lambda: None,
) -> tuple[int, int, float]:
    """Run both ends at once; returns what the receiver returns, raises what either raises."""
    with ThreadPoolExecutor(2) as threads:
        sending = threads.submit(send)
        try:
            received = threads.submit(receive).result()
        finally:
            at_end()
        sending.result()
    return received


@contextmanager
def channels(
    net: Network, is_multicast: bool
) -> Iterator[tuple[socket.socket, socket.socket, tuple[str, int]]]:
    """Open sockets on the first and the last host, and tell where the first is to send to."""
    first, last = net.hosts[0], net.hosts[-1]
    with ExitStack() as stack:
        sender = stack.enter_context(_inside(first))
        receiver = stack.enter_context(_inside(last))
        for channel in (sender, receiver):
            set_buffers(channel, BUFFER_SIZE)
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, TIMEOUT)
        address = last.address
        if is_multicast:
            address = GROUP
            here = socket.inet_aton(first.address)
            there = socket.inet_aton(last.address)
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, here)
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, first.namespace is None)
            receiver.setsockopt(
                socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP) + there
            )
        receiver.bind((address, 0))
        yield sender, receiver, (address, receiver.getsockname()[1])


@contextmanager
def connection(host: Host, transport: str) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Connect two sockets with the buffers of the client protocol on one host."""
    with ExitStack() as stack:
        if transport == "unix":
            pair = socket.socketpair()
        else:
            listener = stack.enter_context(_inside(host, socket.SOCK_STREAM))
            client = stack.enter_context(_inside(host, socket.SOCK_STREAM))
            listener.bind((host.address, 0))
            listener.listen()
            client.connect(listener.getsockname())
            pair = (client, listener.accept()[0])
        for end in pair:
            stack.enter_context(end)
            set_client_options(end)
        yield pair


def _inside(host: Host, kind: socket.SocketKind = socket.SOCK_DGRAM) -> socket.socket:
    """Return a socket that belongs to the host's network."""
    if host.namespace is None:
        return socket.socket(socket.AF_INET, kind)
    with host.namespace.entered():
        return socket.socket(socket.AF_INET, kind)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.limits", description=__doc__)
    parser.add_argument("--daemons", type=int, default=3, help="hosts on the links (3)")
    parser.add_argument("--mtu", type=int, default=1500, help="of the links (1500)")
    parser.add_argument("--quick", action="store_true", help="one run of each")
    given = parser.parse_args()
    topology = Topology(daemons=given.daemons, mtu=given.mtu)
    for limit in measure_limits(topology, QUICK if given.quick else Effort()).values():
        values = ", ".join(f"{value:,.4g}" for value in limit["values"])
        print(f"{limit['title']}: {values} {limit['unit']}" if values else limit["title"])


if __name__ == "__main__":
    main()

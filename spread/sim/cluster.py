"""What the daemons of a simulated cluster are: their configuration, names, addresses and timers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from typing import Final

from spread._packets import HEADER_SIZE
from spread.config import Configuration, parse
from spread.config.model import Daemon
from spread.daemon.datagram_size import ETHERNET_SIZE, sizes_from
from spread.daemon.membership.settings import RingTimeouts
from spread.sim.agenda import MS

__all__ = ["Cluster", "configurations", "scaled_timeouts"]

PORT: Final = 4803
SCALE_DEFAULT: Final = 20


def scaled_timeouts(scale: int = SCALE_DEFAULT, *, lookup_ms: int = 30_000) -> RingTimeouts:
    """Return the default times of a LAN, `scale` times shorter, those of single packets less so.

    The network stays as fast as it is, so what waits for one packet keeps a floor of some delays.
    """

    def scaled(milliseconds: int, floor_ns: int = MS) -> int:
        return max(milliseconds * MS // scale, floor_ns)

    return RingTimeouts(
        token=scaled(1250),
        hurry=scaled(400),
        alive=scaled(250),
        join=scaled(250),
        rep=scaled(625),
        seg=scaled(500),
        gather=scaled(1250),
        form=scaled(1250),
        lookup=scaled(lookup_ms),
        token_retransmit=scaled(2, 2 * MS),
        want_retry=scaled(5, 2 * MS),
        form_retry=scaled(30, 3 * MS),
        heartbeat=scaled(100, 5 * MS),
    )


@dataclass(frozen=True, slots=True)
class Cluster:
    """What does not change in a run."""

    segments: tuple[int, ...]  # Daemons in each.
    timeouts: RingTimeouts
    multicast: bool = True
    payload_max: int | None = None  # Bytes of frames in a packet; None: what fits a usual MTU.
    delay_ns: int = MS // 10  # Of a packet, at least.
    jitter_ns: int = MS // 10  # Mean of what comes on top.
    busy_ns: int = 0  # How long a daemon at most reads nothing after it has read something.
    remembers: bool = True  # Whether daemons have a StateDir.
    measures: bool = False  # Whether smaller packets are made where a way does not carry them.
    descends: bool = False  # Whether addresses grow against configuration order.
    is_loopback: bool = False  # Whether every daemon is one of a host's own: 127.0.0.1 and on.
    options: tuple[str, ...] = ()  # Further lines of the configuration file.

    @property
    def size(self) -> int:
        """How many daemons are configured."""
        return sum(self.segments)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Sizes of datagrams that the daemons may try, largest first; none for the usual one."""
        if self.payload_max is None:
            return sizes_from(ETHERNET_SIZE) if self.measures else ()
        wanted = self.payload_max + HEADER_SIZE
        return sizes_from(wanted) if self.measures else (wanted,)


class _NoHost:
    """The host as a configuration sees it that is read for all daemons at once."""

    def local_addresses(self) -> tuple[str, ...]:
        return ()

    def own_name_addresses(self) -> tuple[str, ...]:
        return ()

    def look_up(self, name: str) -> str | None:  # noqa: ARG002
        return None

    def meaningless_options(self) -> Mapping[str, str]:
        return {}

    def log_problem(self, path: str) -> str | None:  # noqa: ARG002
        return None


def configurations(cluster: Cluster) -> list[Configuration]:
    """Return the configuration as each daemon sees it, d1 first."""
    lines = [*cluster.options, f"Multicast = {'yes' if cluster.multicast else 'no'}"]
    first = 1
    for index, count in enumerate(cluster.segments):
        lines.append(_segment(cluster, index, range(first, first + count)))
        first += count
    text = "\n".join([*lines, ""]).encode()
    loaded = parse(text, "simulated spread.conf", name="d1", host=_NoHost())
    configuration = loaded.configuration
    return [
        replace(configuration, me=daemon, segment=segment)
        for segment in configuration.segments
        for daemon in segment.daemons
    ]


def _segment(cluster: Cluster, index: int, names: range) -> str:
    """Return the line of one segment."""
    network, address = f"10.0.{index}", f"225.0.{index}.1"
    if cluster.is_loopback:
        network, address = "127.0.0", "127.0.0.255"
    last = {name: 200 - name if cluster.descends else name for name in names}
    daemons = " ".join(f"d{name} {network}.{last[name]}" for name in names)
    return f"Spread_Segment {address}:{PORT + 10 * index} {{ {daemons} }}"


def address_of(daemon: Daemon) -> int:
    """Return the daemon's IPv4 address as an unsigned number."""
    return int(IPv4Address(daemon.address))

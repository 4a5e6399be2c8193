"""The one segment of a spread.conf, read apart from the daemon's own parser.

Spread_Segment 239.255.1.1:4803 {
    d1 10.1.0.1         # comments, interfaces and other settings are skipped
    d2 10.1.0.2
}
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address

DEFAULT_PORT = 4803
SEGMENT = re.compile(
    r"Spread_Segment\s+([\d.]+)(?::(\d+))?\s*\{((?:[^{}]|\{[^{}]*\})*)\}", re.IGNORECASE
)
INTERFACES = re.compile(r"\{[^{}]*\}")
HOST = re.compile(r"(\S+)[ \t]+([\d.]+)")


@dataclass(frozen=True, slots=True)
class Ring:
    """The hosts of a segment in the order of the file, and the address that reaches all of them."""

    address: IPv4Address
    port: int
    hosts: dict[str, IPv4Address]

    def index(self, name: str) -> int:
        """Return the place of a host; raises ValueError for a name that the segment lacks."""
        if name not in self.hosts:
            raise ValueError(f"host {name!r} is not in the segment; it has {', '.join(self.hosts)}")
        return list(self.hosts).index(name)


def read_ring(text: str) -> Ring:
    """Read the text of a spread.conf with a single segment of `name address` lines.

    Raises ValueError with what is missing.
    """
    segments = SEGMENT.findall(re.sub(r"#.*", "", text))
    if len(segments) != 1:
        raise ValueError(
            f"{len(segments)} segments of plain `name address` lines; the ring forwarder serves one"
        )
    address, port, body = segments[0]
    lines = [line.strip() for line in INTERFACES.sub("", body).splitlines() if line.strip()]
    hosts: dict[str, IPv4Address] = {}
    for line in lines:
        match = HOST.fullmatch(line)
        if match is None or match[1] in hosts:
            raise ValueError(f"{line!r}: write a name of its own and an IPv4 address")
        hosts[match[1]] = IPv4Address(match[2])
    if not hosts:
        raise ValueError(f"segment {address} has no hosts; list at least one `name address` line")
    number = int(port or DEFAULT_PORT)
    if not 0 < number < 65535:
        raise ValueError(f"port {number}: write one from 1 to 65534, the next one is used, too")
    return Ring(IPv4Address(address), number, hosts)

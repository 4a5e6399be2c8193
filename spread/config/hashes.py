"""The two hashes of a configuration.

Spread's 32-bit hash is what monitors and the log show. It covers the network as text, the release
and one digit for `AcceleratedRing`. The 64-bit ring hash is our own and stands in the packets
between daemons: two daemons talk only if they agree on the network and on everything that
changes the meaning of a packet.
"""

from collections.abc import Iterable

from spread.config.model import Configuration, Daemon, Interface, Segment, Use

__all__ = ["hash_text", "ring_hash", "spread_hash"]

MASK_32 = 0xFFFF_FFFF
MASK_64 = 0xFFFF_FFFF_FFFF_FFFF

# FNV-1a, 64 bits: offset basis and prime of its authors.
FNV_BASIS = 0xCBF2_9CE4_8422_2325
FNV_PRIME = 0x0000_0100_0000_01B3


def hash_text(segments: Iterable[Segment], accelerated_ring: bool | None) -> bytes:
    """Return the text under Spread's hash; an absent `AcceleratedRing` counts as false."""
    digit = b"1" if accelerated_ring else b"0"
    return network_text(segments) + b"Version: 4.4\n" + digit


def network_text(segments: Iterable[Segment]) -> bytes:
    """Return segments, daemons and interfaces as text, one line per segment."""
    lines = []
    for segment in segments:
        daemons = "".join(map(_daemon_text, segment.daemons))
        lines.append(f"Segment {segment.address}:{segment.port} {daemons}\n")
    return "".join(lines).encode("utf-8", "surrogateescape")


def spread_hash(text: bytes) -> int:
    """Return Spread's unsigned 32-bit hash of a text, whose bytes it takes as signed numbers."""
    size = len(text)
    value = (size ^ size << 8 ^ size << 16 ^ size << 24) & MASK_32
    for byte in text:
        value = (value + (byte - 256 if byte > 127 else byte)) & MASK_32
        value = (value + (value << 10)) & MASK_32
        value ^= value >> 6
    value = (value + (value << 3)) & MASK_32
    value ^= value >> 11
    return (value + (value << 15)) & MASK_32


def ring_hash(
    configuration: Configuration, *, max_seq_gap: int, window_slots: int, format_version: int
) -> int:
    """Return the unsigned 64-bit hash that daemons of one ring must share."""
    numbers = (configuration.options.max_message_size, max_seq_gap, window_slots, format_version)
    value = FNV_BASIS
    for byte in network_text(configuration.segments) + " ".join(map(str, numbers)).encode():
        value = ((value ^ byte) * FNV_PRIME) & MASK_64
    return value


def _daemon_text(daemon: Daemon) -> str:
    return f"{daemon.name} {daemon.address} " + "".join(map(_interface_text, daemon.interfaces))


def _interface_text(interface: Interface) -> str:
    words = (
        "ANY " if interface.any else "",
        "D " if Use.DAEMON in interface.uses else "",
        "C " if Use.CLIENT in interface.uses else "",
        "M " if Use.MONITOR in interface.uses else "",
    )
    return "".join(words) + interface.address + " "

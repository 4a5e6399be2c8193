"""What this host says of its own addresses and UDP ports: nothing is sent."""

import re
import socket
import struct
from contextlib import suppress
from pathlib import Path
from typing import Final

__all__ = ["has_address", "has_holder"]

ANY: Final = "0.0.0.0"
_TABLE: Final = Path("/proc/net/udp")
_LOCAL: Final = re.compile(r"^ *\d+: ([0-9A-F]{8}):([0-9A-F]{4}) ", re.MULTILINE)


def has_address(address: str) -> bool:
    """Tell whether an IPv4 address is one of this host."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind((address, 0))
        except OSError:
            return False
    return True


def has_holder(address: str, port: int) -> bool:
    """Tell whether a program of this host receives what is sent to an address of this host.

    False where the system does not tell.
    """
    text = ""
    with suppress(OSError):
        text = _TABLE.read_text()
    held = {
        (socket.inet_ntoa(struct.pack("=I", int(bound, 16))), int(number, 16))
        for bound, number in _LOCAL.findall(text)
    }
    return not held.isdisjoint({(address, port), (ANY, port)}) and has_address(address)

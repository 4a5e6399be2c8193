"""The host as the operating system tells it."""

import array
import encodings.idna  # noqa: F401  # Names of hosts are looked up after privileges are gone.
import os
import socket
import struct
import sys
from pathlib import Path

if sys.platform != "win32":
    import fcntl

__all__ = ["SystemHost"]

IS_LINUX: bool = sys.platform == "linux"

# Linux: list the addresses of all interfaces; size of one entry of the list, and where in it the
# four bytes of an IPv4 address stand.
SIOCGIFCONF = 0x8912
IFREQ_SIZE = 40 if struct.calcsize("P") == 8 else 32
IFREQ_ADDRESS = slice(20, 24)

# Room for 1000 addresses; a host with more is asked for the first 1000 only.
IFREQ_COUNT_MAX = 1000


class SystemHost:
    """Asks the operating system, each time anew. Implements `HostView`."""

    def local_addresses(self) -> tuple[str, ...]:
        """Return the IPv4 addresses of all network interfaces, in the order of the system.

        Systems without the call for it give what the host's own name resolves to, behind the
        loopback address.
        """
        if IS_LINUX:
            return _linux_addresses()
        return tuple(dict.fromkeys(("127.0.0.1", *self.own_name_addresses())))

    def own_name_addresses(self) -> tuple[str, ...]:
        """Return the IPv4 addresses that the host's own name resolves to."""
        try:
            return tuple(socket.gethostbyname_ex(socket.gethostname())[2])
        except (OSError, UnicodeError):
            # A host need not know its own name; the interface addresses remain.
            return ()

    def look_up(self, name: str) -> str | None:
        """Return the first IPv4 address of a host name, None if it has none."""
        if not name or "\0" in name:
            return None
        try:
            return socket.gethostbyname(name)
        except (OSError, UnicodeError):
            return None

    def log_problem(self, path: str) -> str | None:
        """Say why a log file of this name could not be written; None if it could."""
        if "\0" in path:
            return "a file name has no NUL byte"
        host = socket.gethostname()
        expanded = path.replace("%h", host).replace("%H", host)
        try:
            return _append_problem(Path(expanded))
        except OSError as error:
            return error.strerror or str(error)


def _append_problem(path: Path) -> str | None:
    if path.is_dir():
        return "it is a directory"
    if path.exists():
        return None if os.access(path, os.W_OK) else "it is not writable"
    if not path.parent.is_dir():
        return f"there is no directory {path.parent}"
    return None if os.access(path.parent, os.W_OK) else f"{path.parent} is not writable"


def _linux_addresses() -> tuple[str, ...]:
    room = array.array("B", bytes(IFREQ_SIZE * IFREQ_COUNT_MAX))
    request = struct.pack("iP", len(room), room.buffer_info()[0])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        answer = fcntl.ioctl(probe.fileno(), SIOCGIFCONF, request)
    (size,) = struct.unpack_from("i", answer)
    entries = room.tobytes()[:size]
    starts = range(0, len(entries), IFREQ_SIZE)
    addresses = (entries[start : start + IFREQ_SIZE][IFREQ_ADDRESS] for start in starts)
    return tuple(dict.fromkeys(map(socket.inet_ntoa, addresses)))

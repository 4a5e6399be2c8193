"""The host as the operating system tells it."""

import encodings.idna  # noqa: F401  # Names of hosts are looked up after privileges are gone.
import os
import socket
from collections.abc import Mapping
from pathlib import Path

from spread import system

__all__ = ["SystemHost"]


class SystemHost:
    """Asks the operating system, each time anew. Implements `HostView`."""

    def local_addresses(self) -> tuple[str, ...]:
        """Return the IPv4 addresses of all network interfaces, in the order of the system.

        Systems without the call for it give what the host's own name resolves to, behind the
        loopback address.
        """
        found = system.local_addresses()
        if found is not None:
            return found
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

    def meaningless_options(self) -> Mapping[str, str]:
        """Return options that do nothing on this system, and why."""
        return system.MEANINGLESS_OPTIONS

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

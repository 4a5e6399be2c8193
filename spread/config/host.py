"""What reading a configuration asks of the host it runs on."""

from collections.abc import Mapping
from typing import Protocol

__all__ = ["HostView"]


class HostView(Protocol):
    """The seam between the reader and the system; `SystemHost` is the real one."""

    def local_addresses(self) -> tuple[str, ...]:
        """Return the IPv4 addresses of all network interfaces, in the order of the system."""

    def own_name_addresses(self) -> tuple[str, ...]:
        """Return the IPv4 addresses that the host's own name resolves to."""

    def look_up(self, name: str) -> str | None:
        """Return the first IPv4 address of a host name, None if it has none."""

    def meaningless_options(self) -> Mapping[str, str]:
        """Return options that do nothing on this system, and why."""

    def log_problem(self, path: str) -> str | None:
        """Say why a log file of this name could not be written; None if it could.

        `path` is as the file has it, with `%h` and `%H` for the name of the host.
        """

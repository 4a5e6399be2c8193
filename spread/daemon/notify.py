"""Telling the service manager how the daemon is doing: systemd's notification protocol.

Datagrams of `NAME=value` lines go to the Unix socket that the manager names in the environment
variable NOTIFY_SOCKET; its value is handed in. The socket is connected at once, because the name
leads nowhere after a change of root directory. Without a name, on systems without Unix sockets,
and when nobody listens, nothing happens: a daemon does not depend on its manager's ear.

Reference: sd_notify(3).
"""

import socket

from spread.system import AF_UNIX, HAS_UNIX_SOCKETS

__all__ = ["Notifier"]

_MICROSECOND_NS = 1000


class Notifier:
    """Sends the daemon's state to whoever started it; no call waits or fails."""

    def __init__(self, address: str | None) -> None:
        """Connect to `address`: a path, or a name of the abstract kind after an `@`."""
        self._socket: socket.socket | None = None
        if not address or not address.startswith(("/", "@")) or not HAS_UNIX_SOCKETS:
            return
        if address.startswith("@"):
            address = "\0" + address[1:]
        connecting = socket.socket(AF_UNIX, socket.SOCK_DGRAM)
        try:
            connecting.setblocking(False)
            connecting.connect(address)
        except (OSError, ValueError):
            # The manager is gone, or this is none; it does not wait for us either.
            connecting.close()
        else:
            self._socket = connecting

    @property
    def is_connected(self) -> bool:
        """Whether there is somebody to tell."""
        return self._socket is not None

    def ready(self, status: str = "") -> bool:
        """Tell that clients can connect, at the start or after `reloading`."""
        return self._send("READY=1", status)

    def reloading(self, now_ns: int, status: str = "") -> bool:
        """Tell that a reload has begun; `now_ns` is the monotonic clock. `ready` ends it."""
        return self._send("RELOADING=1", status, f"MONOTONIC_USEC={now_ns // _MICROSECOND_NS}")

    def stopping(self, status: str = "") -> bool:
        """Tell that the daemon is about to end."""
        return self._send("STOPPING=1", status)

    def status(self, text: str) -> bool:
        """Tell one line of free text, which `systemctl status` shows."""
        return self._send("", text)

    def close(self) -> None:
        """Close the socket; later calls tell nobody."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, state: str, status: str, *more: str) -> bool:
        # Return whether the manager's socket took it.
        if self._socket is None:
            return False
        # A line end would begin another assignment.
        described = f"STATUS={' '.join(status.splitlines())}" if status else ""
        text = "\n".join(filter(None, (state, *more, described)))
        try:
            self._socket.send(text.encode("utf-8", "backslashreplace"))
        except OSError:
            return False
        return True

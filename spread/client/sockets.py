"""What differs between systems in the sockets of a client; light, since every client loads it."""

import select
import socket
import sys
from collections.abc import Callable
from typing import Final

__all__ = ["AF_UNIX", "HAS_UNIX_SOCKETS", "ready_waiter"]

if sys.platform == "win32":
    HAS_UNIX_SOCKETS: Final = False
    AF_UNIX: Final = 1
    """The number of the family, which Python takes on no call here."""

    def ready_waiter(sock: socket.socket, *, to_write: bool) -> Callable[[float | None], bool]:
        """Return a function that waits, so many seconds at most, and tells whether it is ready."""
        sockets, nobody = [sock], list[socket.socket]()

        def wait(timeout_s: float | None) -> bool:
            if to_write:
                # A connection that has failed shows among the exceptional ones only.
                _, writable, failed = select.select(nobody, sockets, sockets, timeout_s)
                return bool(writable or failed)
            return bool(select.select(sockets, nobody, nobody, timeout_s)[0])

        return wait

else:
    HAS_UNIX_SOCKETS: Final = True
    AF_UNIX: Final = socket.AF_UNIX

    def ready_waiter(sock: socket.socket, *, to_write: bool) -> Callable[[float | None], bool]:
        """Return a function that waits, so many seconds at most, and tells whether it is ready."""
        poll = select.poll()
        poll.register(sock, select.POLLOUT if to_write else select.POLLIN)

        def wait(timeout_s: float | None) -> bool:
            # Rounded up: a wait that ends early would spin.
            return bool(poll.poll(None if timeout_s is None else timeout_s * 1000 + 0.999))

        return wait

"""Replies to monitors come from the address by which others know the daemon.

A socket that is bound to one address has no other. One that is bound to all leaves the choice to
the system, which takes the address that is nearest to the asker; to him that is a stranger.
"""

import errno
import socket
import struct
from typing import Final

from spread.daemon.observer import Send
from spread.system import IS_LINUX, send_with

__all__ = ["replies_from"]

ANY: Final = "0.0.0.0"
IP_PKTINFO: Final = 8  # ip(7).


def replies_from(sock: socket.socket, address: str) -> Send:
    """Return what sends datagrams from the port of `sock` and, if it can be had, from `address`."""
    if not IS_LINUX or sock.getsockname()[0] != ANY:
        return sock.sendto
    source = struct.pack("=i4s4s", 0, socket.inet_aton(address), bytes(4))
    ancillary = [(socket.IPPROTO_IP, IP_PKTINFO, source)]

    def send(data: bytes, target: tuple[str, int]) -> object:
        try:
            return send_with(sock, data, ancillary, target)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EADDRNOTAVAIL, errno.ENETUNREACH):
                raise
        # The configuration names an address that this host does not have, behind a translator.
        return sock.sendto(data, target)

    return send

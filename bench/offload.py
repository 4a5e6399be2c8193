"""Segmentation offload of UDP sockets, where the kernel has it, and room for what they hold."""

import errno
import socket

UDP_SEGMENT = 103  # linux/udp.h; the socket module does not name them.
UDP_GRO = 104
SO_SNDBUFFORCE = 32  # asm-generic/socket.h
SO_RCVBUFFORCE = 33
REFUSALS = {errno.ENOPROTOOPT, errno.EINVAL, errno.EOPNOTSUPP, errno.EIO, errno.EMSGSIZE}


def segment(sender: socket.socket, size: int, target: tuple[str, int]) -> bool:
    """Have the kernel cut what is sent into datagrams of `size` bytes; False if it cannot.

    A device on the way may refuse what the socket option promises, so two small datagrams are sent
    to `target` in one call.
    """
    try:
        sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, size)
        sender.sendto(bytes(size + 1), target)
    except OSError as error:
        if error.errno not in REFUSALS:
            raise
        unset_segment(sender)
        return False
    return True


def unset_segment(sender: socket.socket) -> None:
    """Send every message as one datagram again."""
    try:
        sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 0)
    except OSError as error:
        if error.errno not in REFUSALS:
            raise


def coalesce(receiver: socket.socket) -> bool:
    """Have datagrams of one sender that arrive together read as one; False if the kernel cannot."""
    try:
        receiver.setsockopt(socket.IPPROTO_UDP, UDP_GRO, 1)
    except OSError as error:
        if error.errno not in REFUSALS:
            raise
        return False
    return True


def set_buffers(channel: socket.socket, size: int) -> int:
    """Make the buffers of a socket as large as allowed, up to `size`; returns the receiving one.

    The kernel counts its own overhead in it and doubles for that what is asked.
    """
    for force, ask in ((SO_RCVBUFFORCE, socket.SO_RCVBUF), (SO_SNDBUFFORCE, socket.SO_SNDBUF)):
        try:
            channel.setsockopt(socket.SOL_SOCKET, force, size // 2)
        except PermissionError:
            channel.setsockopt(socket.SOL_SOCKET, ask, size // 2)
    return channel.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)

"""Keep a daemon's own multicasts from coming back to it.

They must go back to their host, where other daemons of the segment may live; the daemon that sent
them has them already. A filter of the socket drops them before they are copied (Linux; elsewhere
they arrive and the ring passes them over).
"""

import socket
import struct
from contextlib import suppress
from ctypes import addressof, create_string_buffer
from ipaddress import IPv4Address
from typing import Final

from spread.system import IS_LINUX

__all__ = ["ignore_own"]

KIND_DATA: Final = 1
"""Byte 3 of a packet that carries what clients sent; see the table of packets."""

# Not in every Python's `socket`; of Linux.
_SO_ATTACH_FILTER: Final = 26

# Classic BPF, socket(7) and linux/filter.h: code, jump if true, jump if false, operand.
_INSTRUCTION: Final = struct.Struct("=HBBI")
_LOAD_WORD: Final = 0x20
_LOAD_HALF: Final = 0x28
_LOAD_BYTE: Final = 0x30
_JUMP_IF_EQUAL: Final = 0x15
_RETURN: Final = 0x06
_NETWORK_HEADER: Final = 0xFFF00000  # SKF_NET_OFF: from here on, operands count in the IP header.
_SOURCE_ADDRESS: Final = 12  # Byte of the IP header.
_SOURCE_PORT: Final = 0  # Byte of the UDP header, where a datagram begins for its filter.
_PACKET_KIND: Final = 8 + 3  # Behind the UDP header, in the packet's.
_ALL: Final = 0xFFFFFFFF


def ignore_own(receiver: socket.socket, address: str, port: int) -> None:
    """Drop at `receiver` the data that was sent from this IPv4 address and port, if it is ours.

    From elsewhere it is a second daemon under our name, of which the ring must hear; so must it of
    a copy of this host, which control packets tell: they are few and pass. A system without such
    filters delivers everything, which costs time only.
    """
    if not IS_LINUX or not _is_ours(address):
        return
    program = b"".join(
        _INSTRUCTION.pack(*each)
        for each in (
            (_LOAD_WORD, 0, 0, _NETWORK_HEADER + _SOURCE_ADDRESS),
            (_JUMP_IF_EQUAL, 0, 5, int(IPv4Address(address))),
            (_LOAD_HALF, 0, 0, _SOURCE_PORT),
            (_JUMP_IF_EQUAL, 0, 3, port),
            (_LOAD_BYTE, 0, 0, _PACKET_KIND),
            (_JUMP_IF_EQUAL, 0, 1, KIND_DATA),
            (_RETURN, 0, 0, 0),
            (_RETURN, 0, 0, _ALL),
        )
    )
    code = create_string_buffer(program, len(program))
    description = struct.pack("HP", len(program) // _INSTRUCTION.size, addressof(code))
    with suppress(OSError):
        receiver.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, description)


def _is_ours(address: str) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
        try:
            trial.bind((address, 0))
        except OSError:
            return False
    return True

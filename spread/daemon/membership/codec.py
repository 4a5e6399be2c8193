"""The bodies of control packets as bytes.

    encode   a packet from us is always right: what does not fit its field is our bug
    decode   bytes from a peer may be anything: a packet that holds together, or MalformedError
"""

from typing import Final

from spread.daemon.membership.packets import Kind, Packet
from spread.errors import PeerError

__all__ = ["BODY_SIZE_MAX", "MalformedError", "decode", "encode", "kind_of"]

BODY_SIZE_MAX: Final = 65_507 - 64
"""Bytes of a body: the largest UDP datagram without the header of a packet."""


class MalformedError(PeerError):
    """A control packet does not hold together; it is counted and dropped."""


def kind_of(packet: Packet) -> Kind:
    """Return the kind that a packet travels as."""
    raise NotImplementedError


def encode(packet: Packet) -> bytes:
    """Return the body of a packet; send it as `kind_of(packet)`."""
    raise NotImplementedError


def decode(kind: int, body: bytes, daemon_count: int) -> Packet:
    """Return the packet of this kind that `body` holds.

    Every daemon in it is one of the `daemon_count` configured ones, no list repeats one, and the
    parts of a Form agree with each other. Raises MalformedError, and nothing else, otherwise.
    """
    raise NotImplementedError

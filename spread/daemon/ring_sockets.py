"""Which of the daemon's UDP sockets the ring uses, and where it sends to."""

from dataclasses import dataclass

from spread.config.listens import ANY_ADDRESS, Purpose, main_address
from spread.config.model import Configuration
from spread.daemon.listeners import Listeners, OpenSocket
from spread.daemon.own_echo import ignore_own

__all__ = ["Place", "RingSockets", "ring_sockets", "sending_socket"]

Place = tuple[str, int]
"""Dotted IPv4 address and port."""


@dataclass(frozen=True, slots=True)
class RingSockets:
    """Descriptors and addresses; tuples of places are by daemon number."""

    me: int
    sender: int  # Everything is sent from it, so that the source is the configured address.
    data: tuple[int, ...]  # Where data and control packets arrive; `sender` is among them.
    token: tuple[int, ...]
    source: str  # Address of `sender`; any address if the daemon listens on all of them.
    data_places: tuple[Place, ...]
    token_places: tuple[Place, ...]
    segment: Place | None  # One datagram to it reaches the own segment; None: there is no such.
    neighbours: tuple[int, ...]  # The other daemons of the own segment.


def ring_sockets(
    configuration: Configuration, listeners: Listeners, *, multicast: bool
) -> RingSockets:
    """Return what the ring needs of `listeners`; without `multicast` there is no segment place.

    From here on, the daemon's own multicasts do not come back to it.
    """
    places = [
        (main_address(daemon), segment.port)
        for segment in configuration.segments
        for daemon in segment.daemons
    ]
    daemons = [daemon for segment in configuration.segments for daemon in segment.daemons]
    data = listeners.serving(Purpose.DAEMONS)
    sender = sending_socket(configuration, listeners)
    if multicast:
        for each in (*data, *listeners.serving(Purpose.SEGMENT)):
            ignore_own(each.socket, main_address(configuration.me), sender.listen.port)
    own = configuration.segment
    return RingSockets(
        me=daemons.index(configuration.me),
        sender=sender.socket.fileno(),
        data=tuple(each.socket.fileno() for each in (*data, *listeners.serving(Purpose.SEGMENT))),
        token=tuple(each.socket.fileno() for each in listeners.serving(Purpose.TOKEN)),
        source=sender.listen.address,
        data_places=tuple(places),
        token_places=tuple((address, port + 1) for address, port in places),
        segment=(own.address, own.port) if multicast and len(own.daemons) > 1 else None,
        neighbours=tuple(
            number
            for number, daemon in enumerate(daemons)
            if daemon in own.daemons and daemon != configuration.me
        ),
    )


def sending_socket(configuration: Configuration, listeners: Listeners) -> OpenSocket:
    """Return the socket that has the address others know us by."""
    data = listeners.serving(Purpose.DAEMONS)
    address = main_address(configuration.me)
    for each in data:
        if each.listen.address in (address, ANY_ADDRESS):
            return each
    return data[0]

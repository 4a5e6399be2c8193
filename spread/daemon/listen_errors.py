"""What to tell the operator about a socket that cannot be had."""

import errno

from spread.config.listens import Listen, Purpose, Transport
from spread.daemon.socket_owner import closing_connection_count, find_owners, how_to_find_owner
from spread.errors import ConfigurationError
from spread.system import ADMINISTRATOR, FORBIDDEN_PORT

__all__ = ["AddressInUseError", "ListenError", "in_use", "refusal"]


class ListenError(ConfigurationError):
    """A socket cannot be had."""

    exit_status = 3


class AddressInUseError(ListenError):
    """Somebody else has the socket's address."""


def refusal(listen: Listen, error: Exception) -> ListenError:
    """Return the error to raise for `error`, which creating or binding the socket has raised."""
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return in_use(listen)
    reason = getattr(error, "strerror", None) or str(error)
    advice = _advice(listen, number)
    return ListenError(f"cannot listen on {listen}: {reason}{advice}")


def in_use(listen: Listen) -> AddressInUseError:
    """Return the error for an address that somebody else has, and who that is if it shows."""
    place = "Spread_Segment, or with --port for --local"
    if listen.purpose is Purpose.METRICS:
        place = "MetricsPort or --metrics"
    remedy = f"stop it, or choose another port in {place}"
    owners = find_owners(listen)
    if owners:
        holder = f"in use by {', '.join(map(str, owners))}; {remedy}"
    elif count := closing_connection_count(listen):
        holder = (
            f"{count} closed connections of an earlier daemon hold it for up to a minute; "
            "wait, and set SocketPortReuse = ON to be spared this from the next time on"
        )
    else:
        look = f'"{how_to_find_owner(listen)}", as {ADMINISTRATOR}, shows by whom'
        holder = f"in use; {look}: {remedy}"
    return AddressInUseError(f"cannot listen on {listen}: {holder}")


def _advice(listen: Listen, number: int | None) -> str:
    match number:
        case errno.EADDRNOTAVAIL if listen.purpose is Purpose.SEGMENT:
            return "; the segment's address must be the broadcast address of one of our networks"
        case errno.EADDRNOTAVAIL if listen.purpose is Purpose.METRICS:
            return "; MetricsAddress must be an address of this host, or 0.0.0.0"
        case errno.EADDRNOTAVAIL:
            return "; correct the address of this daemon, or bring up the interface that has it"
        case errno.EACCES | errno.EPERM if listen.transport is not Transport.UNIX:
            return f"; {FORBIDDEN_PORT}"
        case None if listen.port > 65535:
            return "; choose a lower port in Spread_Segment, the token needs the one above it"
    return ""

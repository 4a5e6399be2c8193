"""The daemons of a configuration, as a monitor sees them: whom to ask, and who asks.

    read_roster(path, name)       the daemons of a file
    local_roster(count, port)     those of `spread --local N --port P`

Daemons are numbered from 0 in the order of the file, over all segments; the classic commands name
them by these numbers. A classic daemon answers to the entry that asks, so a monitor poses as one
of the configuration: that of this host, or the one it is told. Queries of our own need none.
"""

import re
from dataclasses import dataclass
from typing import Final

from spread.config import (
    Configuration,
    HostView,
    Known,
    SystemHost,
    local,
    local_ring,
    main_address,
)
from spread.config.diagnostics import ConfigurationErrors
from spread.config.identity import IDENTITY_UNKNOWN
from spread.config.load import examine, read_bytes

__all__ = ["Roster", "Target", "local_roster", "read_roster", "roster_of"]

# A monitor asks nobody for a policy or a password: whatever names the file has are right here.
_NAMED: Final = re.compile(
    rb"(?:AccessControlPolicy|RequiredAuthMethods|AllowedAuthMethods)\s*=\s*\"?([^\"\n#]*)"
)
_METHODS: Final = ("NULL", "IP", "PWORD")
_POLICIES: Final = ("PERMIT",)


@dataclass(frozen=True, slots=True)
class Target:
    """A daemon of the configuration."""

    number: int
    name: str
    address: str
    """Where requests go; dotted."""
    port: int
    segment: int = 0
    identity: str = ""
    """The address that names it in datagrams, mostly the same."""
    others: tuple[str, ...] = ()
    """Further addresses of a daemon with several."""

    def has(self, address: str) -> bool:
        """Tell whether a datagram from this address may be its."""
        return address in (self.address, self.identity, *self.others)


@dataclass(frozen=True, slots=True)
class Roster:
    """All daemons of a configuration in the order of the file."""

    targets: tuple[Target, ...]
    own: Target | None = None
    """The entry that this host poses as; None if it has none."""
    own_problem: str = ""
    """Why there is none."""
    path: str | None = None
    hash: int = 0
    """Spread's hash of the configuration."""
    sets_accelerated_ring: bool = False
    """Whether the file says AcceleratedRing = true; the classic menu asks for more then."""

    def named(self, name: str) -> Target | None:
        """Return the daemon of that name."""
        return next((each for each in self.targets if each.name == name), None)

    def at(self, address: str) -> Target | None:
        """Return the daemon with that address."""
        return next(
            (each for each in self.targets if address in (each.identity, each.address)), None
        )


def read_roster(path: str, name: str | None = None, host: HostView | None = None) -> Roster:
    """Return the daemons of the file at `path`, seen from the entry `name` or from that of here.

    A host without an entry is no error unless `name` is given. Raises `ConfigurationMissing` if
    the file cannot be read and `ConfigurationErrors` if it is wrong.
    """
    data = read_bytes(path)
    found = examine(data, path, name=name, host=host or SystemHost(), known=_known(data))
    stranger = [each for each in found.errors if each.found == IDENTITY_UNKNOWN]
    if found.loaded is None or len(stranger) < len(found.errors):
        raise ConfigurationErrors(found.errors, found.warnings)
    problem = stranger[0].message if stranger else ""
    return roster_of(found.loaded.configuration, own_problem=problem)


def local_roster(count: int, port: int) -> Roster:
    """Return the daemons of `spread --local COUNT --port PORT`."""
    return roster_of(local(port) if count == 1 else local_ring(port, count, 1))


def roster_of(configuration: Configuration, *, own_problem: str = "") -> Roster:
    """Return the daemons of a configuration; those of one with `own_problem` have no own entry."""
    places = [
        (index, segment.port, daemon)
        for index, segment in enumerate(configuration.segments)
        for daemon in segment.daemons
    ]
    targets = tuple(
        Target(
            number,
            daemon.name,
            main_address(daemon),
            port,
            segment,
            daemon.address,
            tuple(each.address for each in daemon.interfaces),
        )
        for number, (segment, port, daemon) in enumerate(places)
    )
    own = next(each for each in targets if each.name == configuration.me.name)
    return Roster(
        targets=targets,
        own=None if own_problem else own,
        own_problem=own_problem,
        path=configuration.path,
        hash=configuration.hash,
        sets_accelerated_ring=configuration.options.accelerated_ring is True,
    )


def _known(data: bytes) -> Known:
    names = [
        name.decode("utf-8", "surrogateescape")
        for value in _NAMED.findall(data)
        for name in value.split()
    ]
    return Known(methods=(*_METHODS, *names), policies=(*_POLICIES, *names))

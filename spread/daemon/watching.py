"""Puts together what watches a daemon: publisher, watching thread, queries and commands.

ring's thread    Publisher  ->  Observer    watching thread
                 Calls      <-  Commands
"""

import os
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Final

from spread._snapshot import Snapshots
from spread.config import Configuration
from spread.config.system_host import SystemHost
from spread.daemon.calls import Calls
from spread.daemon.commands import Commands, Means
from spread.daemon.composition import Parts
from spread.daemon.doctor_host import facts_of
from spread.daemon.event_ring import EventRing
from spread.daemon.group_pages import GroupPages
from spread.daemon.monitor_desk import MonitorDesk
from spread.daemon.monitor_server import MonitorServer, known_networks
from spread.daemon.network import configured_daemons, network_hash, segment_numbers, windows
from spread.daemon.observer import Observer, Send, Subscriber
from spread.daemon.query_server import QueryServer
from spread.daemon.reload_queries import ReloadQueries
from spread.daemon.reloads import Reloads
from spread.daemon.reporting import Reports
from spread.daemon.responder import Clocks, Responder
from spread.daemon.snapshot import PUBLISH_NS, Identity, Publisher, Sources
from spread.daemon.view_history import Ending, ViewHistory
from spread.monitor.queries import Kind
from spread.release import release

if TYPE_CHECKING:
    from spread._datagrams import Datagrams

__all__ = ["Surroundings", "Watching"]

SWITCH_S: Final = 0.000_5
"""After so long the interpreter is taken from a thread that another one waits behind.

The watching thread makes JSON while the ring's thread may need the interpreter for a control
packet: with the 5 ms of the system that would be seen in the time that a ring needs to form.
"""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What watching needs of the rest of the daemon."""

    send: Send
    """Sends a datagram from the daemon's own address."""
    stop: Callable[[], None]
    """Ends the loop."""
    buffers: tuple[int, int] = (0, 0)
    """Bytes that the sockets between daemons hold, of arrivals and of departures."""
    allowed: tuple[IPv4Network, ...] = ()
    """Networks from which monitors may ask, beside the configured hosts and those of the file."""


class Watching:
    """Everything that watches one daemon."""

    def __init__(
        self,
        configuration: Configuration,
        parts: Parts,
        datagrams: "Datagrams | None",
        log: EventRing,
        surroundings: Surroundings,
    ) -> None:
        self._parts = parts
        self._started_ns = time.monotonic_ns()
        self._allowed = surroundings.allowed
        self.calls = Calls()
        self.views = ViewHistory(*_names_and_addresses(configuration), time.time)
        self.commands = Commands(
            Means(parts.node, self.calls.call_soon, surroundings.stop, windows, log),
            configuration.options,
            _names(configuration),
        )
        control = parts.control
        reports = Reports(control.sessions.named)
        self.queries = QueryServer(
            configuration.me.address, reports, GroupPages(control.groups), log
        )
        self._own_addresses = SystemHost().local_addresses()
        self.server = MonitorServer(
            configuration,
            log=log,
            clock_ns=time.monotonic_ns,
            own_addresses=self._own_addresses,
            allowed=self._allowed_networks(configuration),
        )
        self._know_monitors(configuration)
        clocks = Clocks(time.time_ns, time.monotonic_ns)
        self.responder = Responder(
            configuration, facts_of(surroundings.buffers, clocks), surroundings.send, clocks
        )
        self.queries.add(Kind.PROBE, lambda query, _: self.responder.answer(query.arguments))
        self._desk = MonitorDesk(self.server, self.queries, self.commands, self.responder, log)
        self.observer = Observer(self._desk, reports, surroundings.send, log)
        self.publisher = Publisher(
            _sources(parts, datagrams, self.views),
            identity_of(configuration, self._started_ns),
            self.observer.publish,
        )

    def ring_installed(self, ring: tuple[int, int], members: Iterable[int]) -> None:
        """A ring is in force; its id is of unsigned numbers."""
        membership = self._parts.membership
        ending = Ending() if membership is None else Ending(*membership.last_ending)
        self.views.installed(ring, tuple(members), ending)

    def configured(self, configuration: Configuration) -> None:
        """Another configuration is in force; called in the ring's thread."""
        self.views.configured(*_names_and_addresses(configuration))
        self.commands.configured(configuration.options, _names(configuration))
        before = self.publisher.identity
        is_other = before.ring_hash != network_hash(configuration)
        self.publisher.identity = identity_of(
            configuration,
            self._started_ns,
            network_changed_s=time.time() if is_other else before.network_changed_s,
        )
        allowed = self._allowed_networks(configuration)
        self._know_monitors(configuration)
        self.observer.post(partial(self.server.reconfigure, configuration, allowed))
        self.observer.post(partial(self.responder.reconfigure, configuration))

    def attach_reloads(self, reloads: Reloads) -> None:
        """Know who takes orders to read the configuration again."""
        self.commands.on_reload(reloads.reload)
        asked = ReloadQueries(reloads, self.server, self.queries, self.observer)
        self._desk.answer_later(Kind.RELOAD_PREVIEW, asked.preview)
        self._desk.answer_later(Kind.RELOAD, asked.reload)

    def _know_monitors(self, configuration: Configuration) -> None:
        """Let the ring's thread know who may ask: it drops most of what strangers send."""
        allowed = self._allowed_networks(configuration)
        networks = known_networks(configuration, self._own_addresses, allowed)
        self._parts.node.set_monitors(networks)

    def _allowed_networks(self, configuration: Configuration) -> tuple[IPv4Network, ...]:
        return (*self._allowed, *map(IPv4Network, configuration.options.monitor_allow))

    def start(self, subscribers: Iterable[Subscriber] = ()) -> None:
        """Begin to publish, and to answer; the daemon is about to serve."""
        sys.setswitchinterval(SWITCH_S)
        for each in subscribers:
            self.observer.subscribe(each)
        self.observer.start()
        control = self._parts.control
        control.attach_monitor(self.observer.monitor_datagram)
        control.call_every(PUBLISH_NS, self.publisher.publish)
        self.publisher.publish()

    def close(self) -> None:
        """End the watching thread."""
        self.observer.stop()
        self.calls.close()


def _names(configuration: Configuration) -> tuple[str, ...]:
    return tuple(each.name for each in configured_daemons(configuration))


def _names_and_addresses(configuration: Configuration) -> tuple[list[str], list[str]]:
    daemons = configured_daemons(configuration)
    return [each.name for each in daemons], [each.address for each in daemons]


def identity_of(
    configuration: Configuration, started_ns: int, *, network_changed_s: float = 0.0
) -> Identity:
    """Return what reports say of this daemon while this configuration is in force."""
    daemons = configured_daemons(configuration)
    return Identity(
        daemon=configuration.me.name,
        address=configuration.me.address,
        port=configuration.segment.port,
        names=tuple(each.name for each in daemons),
        addresses=tuple(each.address for each in daemons),
        segments=segment_numbers(configuration),
        me=daemons.index(configuration.me),
        release=release(),
        process=os.getpid(),
        started_ns=started_ns,
        configuration_file=configuration.path or "",
        configuration_hash=configuration.hash,
        ring_hash=network_hash(configuration),
        network_changed_s=network_changed_s,
        dangerous_monitor=configuration.options.dangerous_monitor,
    )


def _sources(parts: Parts, datagrams: "Datagrams | None", views: ViewHistory) -> Sources:
    return Sources(
        snapshots=Snapshots(parts.node, datagrams),
        groups=parts.control.groups,
        views=views,
        strangers=parts.control.strangers,
        membership=parts.membership,
    )

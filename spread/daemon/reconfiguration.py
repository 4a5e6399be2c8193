"""Putting another configuration in force in a running daemon; used by the ring's thread only.

    at once       log, access and limits of sessions, windows, who may monitor
    relocation    another network: this daemon takes other numbers, see `spread.daemon.relocation`

Whoever goes by numbers of daemons is told in one step of the loop, so that no number is ever
looked up in the wrong list. What can fail is done before that step; whoever fails at following it
is told of, and the ring goes on.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING

from spread.config.effective import is_accelerated
from spread.config.listens import uses_segment_address
from spread.config.model import Configuration, Options
from spread.daemon.composition import Parts, queue_limits
from spread.daemon.event_sink import EventSink
from spread.daemon.handover import ToldWhy
from spread.daemon.listeners import Listeners
from spread.daemon.membership.settings import NetworkSettings
from spread.daemon.network import configured_daemons, name_bytes, network_settings
from spread.daemon.reload import Plan
from spread.daemon.relocation import Arrived, Relocation, Steps
from spread.daemon.ring_sockets import RingSockets, ring_sockets

if TYPE_CHECKING:
    from spread._datagrams import Datagrams

__all__ = ["Reconfiguration", "Running"]

NS_PER_US = 1_000


@dataclass(frozen=True, slots=True)
class Running:
    """What of a running daemon a reload reaches."""

    parts: Parts
    log: EventSink
    set_log: Callable[[Options], None]
    """Gives the log other filters, or another file."""
    listeners: Listeners
    datagrams: "Datagrams | None"
    set_busy_poll: Callable[[int], None]
    """Takes nanoseconds."""
    followers: tuple[Callable[[Configuration], None], ...]
    """Told whenever a configuration is in force, with numbers of daemons as they are then."""
    publish: Callable[[], None]
    """Shows everybody how this daemon is: who hears that a reload is done looks what it brought."""


class Reconfiguration:
    """Changes a running daemon."""

    def __init__(self, configuration: Configuration, running: Running, incarnation: int) -> None:
        """`configuration` is the one in force."""
        self._running = running
        self._incarnation = incarnation
        self._failures: list[str] = []
        self._sockets: RingSockets | None = None
        self._relocation: Relocation | None = None
        membership = running.parts.membership
        if membership is not None:
            self._relocation = Relocation(
                configuration,
                Steps(
                    node=running.parts.node,
                    membership=membership,
                    network=self._network,
                    renumbered=self._renumbered,
                    call_after=running.parts.control.call_after,
                    log=running.log,
                ),
            )

    def put_in_force(self, plan: Plan, told: ToldWhy) -> None:
        """Put a plan in force, and tell when it is, or why not; another network takes some turns.

        Whatever goes wrong is told, and does not end the daemon.
        """
        self._failures = []
        finish = partial(self._finish, plan, told)
        try:
            self._apply(plan)
            self._go_by(plan, finish)
        except Exception as error:
            finish(_words(error))

    def _apply(self, plan: Plan) -> None:
        """Change all that has nothing to do with the network."""
        running, options, node = self._running, plan.configuration.options, self._running.parts.node
        running.set_log(options)
        running.parts.control.configured(plan.handshake, options)
        node.set_limits(**asdict(queue_limits(options)))
        node.set_accelerated(is_accelerated(plan.configuration))
        running.set_busy_poll(options.busy_poll * NS_PER_US)

    def _go_by(self, plan: Plan, finish: Arrived) -> None:
        configuration, relocation = plan.configuration, self._relocation
        if relocation is not None and (plan.relocates or relocation.is_moving):
            # One that is on its way arrives with everything that has changed since it began.
            relocation.move(configuration, finish)
        else:
            if relocation is not None:
                relocation.stay(configuration)
            self._in_force(configuration)
            finish("")

    def _finish(self, plan: Plan, told: ToldWhy, reason: str) -> None:
        failures = [*self._failures, *([reason] if reason else [])]
        if plan.changes.all or plan.relocates:
            try:
                self._running.publish()
            except Exception as error:
                failures.append(_words(error))
        told("; ".join(failures))

    def _network(self, configuration: Configuration) -> tuple[NetworkSettings, bool]:
        """Return the numbers of a network, and whether its segment is sent to as one."""
        running, options = self._running, configuration.options
        multicast = uses_segment_address(configuration.segment, options.multicast)
        self._sockets = ring_sockets(configuration, running.listeners, multicast=multicast)
        # To others this daemon is as one that has been started again.
        self._incarnation = max(self._incarnation + 1, time.time_ns())
        return network_settings(configuration, self._incarnation), multicast

    def _renumbered(self, configuration: Configuration) -> None:
        running = self._running
        if running.datagrams is not None and self._sockets is not None:
            running.datagrams.renumber(self._sockets)
        daemons = configured_daemons(configuration)
        names = tuple(name_bytes(each.name) for each in daemons)
        running.parts.control.renumbered(names)
        self._in_force(configuration)

    def _in_force(self, configuration: Configuration) -> None:
        for each in self._running.followers:
            try:
                each(configuration)
            except Exception as error:
                self._failures.append(_words(error))


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"

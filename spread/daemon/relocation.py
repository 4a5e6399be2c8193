"""A daemon takes other numbers for the daemons of its network while its clients stay connected.

    move        the others are told that this daemon goes; a ring of one is installed, as after a
                partition: members at other daemons leave their groups here
    renumber    alone and at rest, numbers mean nothing to anybody else: core, sockets, groups,
                membership and watchers take the new ones in one step of the loop
    start       the daemon looks for others, with the hash of the new network; those that have
                reloaded, too, form a ring with it, as after a partition has healed

    go back     what fails on the way is undone by the same steps to the network before, at once and
                then each second until it works: alone, a daemon would serve half of its clients

Used by the ring's thread only. A second move before the first is done changes its target; who
waits for the first one hears when the second has arrived, or why the daemon has gone back. The next
move begins anew.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from spread.config.model import Configuration, EventPriority, EventType
from spread.daemon.event_sink import EventSink
from spread.daemon.membership.settings import NetworkSettings
from spread.monitor.health_reload import RELOADED

__all__ = ["Arrived", "Relocation", "Steps"]

Arrived = Callable[[str], None]
"""Takes the reason why the daemon has not come to its network, or nothing."""

RETRY_NS: Final = 2_000_000
"""Until it is tried again: an installation, or delivery of what is left, takes a few turns."""


AGAIN_NS: Final = 1_000_000_000
"""Until it is tried again to go back; each time is a line of the log."""

NS_PER_S: Final = 1_000_000_000


class Node(Protocol):
    """The compiled daemon, as far as it is renumbered."""

    def ring_is_interruptible(self) -> bool:
        """Whether the ring may be given up now: it is not in the middle of an installation."""

    def ring_renumber(self, network: NetworkSettings, *, multicast: bool) -> bool:
        """Take other numbers; False, and nothing has happened, if the daemon is not at rest."""


class Membership(Protocol):
    """The part of membership in it."""

    @property
    def is_withdrawn(self) -> bool:
        """Whether this daemon is alone in its ring because it was told to be."""

    def withdraw(self, cause: str) -> None:
        """Tell the others that this daemon goes, and form a ring of one."""

    def renumber(self, settings: NetworkSettings) -> None:
        """Go by another network."""

    def start(self, cause: str = "start") -> None:
        """Look for others."""


@dataclass(frozen=True, slots=True)
class Steps:
    """What takes part."""

    node: Node
    membership: Membership
    network: Callable[[Configuration], tuple[NetworkSettings, bool]]
    """Returns the numbers of a network, and whether its segment is sent to as one."""
    renumbered: Callable[[Configuration], None]
    """The node has the new numbers: all else that goes by numbers is to take them."""
    call_after: Callable[[int, Callable[[], None]], None]
    """Calls something in the ring's thread so many nanoseconds later."""
    log: EventSink


class Relocation:
    """The way of one daemon from one network to another."""

    def __init__(self, home: Configuration, steps: Steps) -> None:
        """Its network is that of the configuration `home`."""
        self._home = home
        self._steps = steps
        self._target: Configuration | None = None
        self._network: tuple[NetworkSettings, bool] | None = None  # Of the target, when known.
        self._waiting: list[Arrived] = []
        self._has_withdrawn = False
        self._failure = ""  # Why the way leads back home.

    @property
    def is_moving(self) -> bool:
        """Whether it has begun and is not done."""
        return self._target is not None

    def move(self, configuration: Configuration, arrived: Arrived) -> None:
        """Go to the network of this configuration; returns at once, and calls `arrived` later.

        Raises what is wrong with the network itself, and nothing has happened then.
        """
        network = self._steps.network(configuration)
        was_moving = self.is_moving
        self._target, self._network, self._failure = configuration, network, ""
        self._waiting.append(arrived)
        if not was_moving:
            self._has_withdrawn = False
            self._go_on()

    def stay(self, configuration: Configuration) -> None:
        """Another configuration is in force, whose network is the same."""
        self._home = configuration

    def _go_on(self) -> None:
        try:
            has_arrived = self._step()
        except Exception as error:
            self._go_back(f"{type(error).__name__}: {error}")
            return
        if has_arrived:
            self._target = None
            self._answer(f"{self._failure}; back in the network before" if self._failure else "")
        else:
            self._steps.call_after(RETRY_NS, self._go_on)

    def _step(self) -> bool:
        """Do what can be done; tell whether that was all."""
        steps, target = self._steps, self._target
        if target is None:
            return True
        if not self._has_withdrawn and steps.node.ring_is_interruptible():
            steps.membership.withdraw(RELOADED)
            self._has_withdrawn = True
        if not (self._has_withdrawn and steps.membership.is_withdrawn):
            return False
        if self._network is None:
            self._network = steps.network(target)
        network, multicast = self._network
        if not steps.node.ring_renumber(network, multicast=multicast):
            return False
        self._arrive(target, network)
        return True

    def _arrive(self, target: Configuration, network: NetworkSettings) -> None:
        steps = self._steps
        steps.renumbered(target)
        steps.membership.renumber(network)
        steps.log.event(
            EventType.PRINT | EventType.MEMBERSHIP,
            EventPriority.PRINT,
            "back in the network before" if self._failure else "network of another configuration",
            daemons=len(network.ids),
            hash=target.hash,
            lines=(),
        )
        steps.membership.start(RELOADED)
        self._home = target

    def _go_back(self, reason: str) -> None:
        """A step has failed: go home, or try that again later."""
        was_going_back = bool(self._failure)
        self._target, self._network = self._home, None
        # Whoever has been started again under other numbers has to withdraw once more.
        self._has_withdrawn = self._steps.membership.is_withdrawn
        if was_going_back:
            self._tell("daemon cannot go back to its network", reason, AGAIN_NS)
            self._answer(f"{self._failure}; it tries to go back, and cannot: {reason}")
            self._steps.call_after(AGAIN_NS, self._go_on)
        else:
            self._failure = reason
            self._tell("daemon cannot take its place in another network, and goes back", reason, 0)
            self._go_on()

    def _tell(self, wording: str, reason: str, again_ns: int) -> None:
        again = {"again_s": again_ns / NS_PER_S} if again_ns else {}
        self._steps.log.event(
            EventType.PRINT | EventType.MEMBERSHIP,
            EventPriority.ERROR,
            wording,
            reason=reason,
            **again,
            lines=(),
        )

    def _answer(self, reason: str) -> None:
        waiting, self._waiting = self._waiting, []
        for arrived in waiting:
            arrived(reason)

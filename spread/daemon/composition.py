"""Node, control plane and membership of one daemon, put together alike for sockets and simulation.

    membership  ->  control  <->  node        a ring of several daemons
                    control  <->  node        the only daemon: a ring of one for ever

Nothing here opens, reads a clock or draws a number: the caller hands in all of that.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Final

from spread._node import Node
from spread.config import Configuration
from spread.config.model import Options
from spread.daemon.control import Control, ControlSettings, EventSink, Witness
from spread.daemon.handshake import HandshakeSettings
from spread.daemon.membership.machine import Membership
from spread.daemon.membership.settings import RingSettings, RingTimeouts
from spread.daemon.network import configured_daemons, is_ring, name_bytes, ring_settings
from spread.daemon.ring_time import RingTimes, as_signed
from spread.daemon.views import RingId

if TYPE_CHECKING:
    from random import Random

__all__ = ["Parts", "QueueLimits", "compose", "queue_limits"]

SESSION_MESSAGES_DEFAULT: Final = 1000
SESSION_BYTES_DEFAULT: Final = 16 * 1024 * 1024
"""A receiver is closed when more than so many messages and more than so many bytes wait for it."""

NS_PER_MS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Parts:
    """One daemon without its sockets; `membership` and `ring` are there if it has peers."""

    node: Node
    control: Control
    membership: Membership | None = None
    ring: RingSettings | None = None


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """How much may wait in a node; names and meanings are those of its constructor."""

    session_messages_max: int
    session_bytes_max: int
    session_messages_exact: bool
    queued_bytes_max: int
    inbound_bytes_max: int


def compose(  # noqa: PLR0913 - the root takes what all parts need.
    configuration: Configuration,
    *,
    log: EventSink,
    clock_ns: Callable[[], int],
    numbers: "Random",
    incarnation: int,
    ring_times: RingTimes,
    handshake: HandshakeSettings,
    witness: Witness | None = None,
    timeouts: RingTimeouts | None = None,
    sizes: tuple[int, ...] = (),
    receive_buffer: int = 0,
) -> Parts:
    """Build the parts and let them know each other; the caller starts the membership.

    `clock_ns` is monotonic, `incarnation` larger than that of every earlier run. `timeouts` replace
    those of the configuration. `sizes` are those of datagrams that may be tried, largest first,
    none for that of the configuration; `receive_buffer` is how many bytes the smallest socket
    holds, 0 if that does not matter.
    """
    first_time = ring_times.next()
    control = Control(
        _control_settings(configuration, handshake, first_time),
        log=log,
        clock_ns=clock_ns,
        random_number=partial(numbers.randrange, 9999),
        witness=witness,
    )
    ring = None
    if is_ring(configuration):
        ring = ring_settings(
            configuration,
            incarnation=incarnation,
            ring_time=first_time,
            timeouts=timeouts,
            sizes=sizes,
            receive_buffer=receive_buffer,
        )
    node = _make_node(control, configuration.options, numbers, ring)
    control.attach(node)
    if ring is None:
        return Parts(node, control)
    membership = Membership(
        ring.network,
        ring.timeouts,
        core=node,
        log=log,
        clock_ns=clock_ns,
        ring_times=ring_times,
        deadline_changed=control.deadline_changed,
    )
    control.attach_membership(membership)
    return Parts(node, control, membership, ring)


def _control_settings(
    configuration: Configuration, handshake: HandshakeSettings, ring_time: int
) -> ControlSettings:
    options = configuration.options
    return ControlSettings(
        handshake=handshake,
        ring=RingId(
            leader=as_signed(int(IPv4Address(configuration.me.address))),
            time=as_signed(ring_time),
        ),
        daemons=tuple(name_bytes(each.name) for each in configured_daemons(configuration)),
        handshake_timeout_ns=options.handshake_timeout * NS_PER_MS,
        message_size_max=options.max_message_size,
        memberships_max=options.max_memberships,
    )


def _make_node(
    control: Control, options: Options, numbers: "Random", ring: RingSettings | None
) -> Node:
    return Node(
        control, route_seed=numbers.getrandbits(64), ring=ring, **asdict(queue_limits(options))
    )


def queue_limits(options: Options) -> QueueLimits:
    """Return how much may wait, as the options have it."""
    is_set = options.max_session_messages is not None
    return QueueLimits(
        session_messages_max=options.max_session_messages
        if options.max_session_messages is not None
        else SESSION_MESSAGES_DEFAULT,
        session_bytes_max=SESSION_BYTES_DEFAULT,
        session_messages_exact=is_set,
        queued_bytes_max=options.max_queued_bytes,
        # Room for the largest messages of several clients at once, whatever the queues may hold.
        inbound_bytes_max=max(options.max_queued_bytes // 2, 4 * options.max_message_size),
    )

"""The control plane of one daemon: what the node asks, answered with sessions, groups and the log.

    handshake()      sessions, authentication, policy  ->  accept, refuse
    request()        policy, number of memberships     ->  submit or REJECT
    ordered_*()      groups                            ->  views to members, routes
    ring_*()         membership, then groups           ->  signals and views, exchange of tables
    the ring         membership
    session_ended()  sessions, log, activity record

Python runs here once per connection, join, leave, departure or change of the ring; data messages
pass by. The simulator drives this object as the reactor does.

Invariant
    a session that has ended keeps its name and memberships until its departure is ordered
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from spread._frames import fault_text
from spread._node import Node
from spread._sessions import BAD_FRAME, ENDED_BY_DAEMON, REASON_TEXTS
from spread.config.model import EventPriority, EventType, Options
from spread.daemon.auth import Transport
from spread.daemon.control_groups import GroupControl
from spread.daemon.control_ring import Membership
from spread.daemon.event_sink import EventSink
from spread.daemon.groups import Groups
from spread.daemon.handshake import (
    Accepted,
    Handshake,
    HandshakeSettings,
    NeedMore,
    Refused,
    invented_name,
)
from spread.daemon.sessions import Opening, Session, SessionTable
from spread.daemon.strangers import Strangers
from spread.daemon.views import RingId
from spread.service import JOIN_MESS, LEAVE_MESS, MAX_GROUP_NAME, REGULAR_MESS, SELF_DISCARD

__all__ = ["Control", "ControlSettings", "EventSink", "MonitorSink", "Witness"]

SESSION_MEMBERSHIPS_MAX: Final = 20_000
"""Groups that one session may be in: its departure leaves all of them at one point of the order,
while everybody waits, at 6 to 9 microseconds each. 200,000 would take longer than the others wait
for the token (`TokenTimeout`, 1250 ms), and break the ring."""

CLASSIC_SIZE_MAX: Final = 143_952
"""Bytes of group list and body that a client may send which did not announce more."""


NS_PER_MS: Final = 1_000_000


class Witness(Protocol):
    """Who is told of sessions and rings that come and go (the log, the activity file)."""

    def session_opened(self, session: Session, now_ns: int) -> None:
        """A client has been let in."""

    def session_closed(self, session: Session, undelivered: int) -> None:
        """A client is gone; so many messages were not delivered."""

    def ring_named(self, ring: tuple[int, int]) -> None:
        """Ids of groups begin with this id, unsigned, from here on."""

    def ring_installed(self, ring: tuple[int, int], members: Sequence[int]) -> None:
        """A ring is in force: its id as unsigned numbers, the daemons in it by their numbers."""


MonitorSink = Callable[[bytes, int, int], None]
"""Takes a datagram of a monitor, its IPv4 address and port; returns at once."""


@dataclass(slots=True)
class _Tick:
    """What is done again and again, or once if it has no interval."""

    tick: Callable[[], None]
    interval_ns: int
    next_ns: int


@dataclass(frozen=True, slots=True)
class ControlSettings:
    """What the control plane needs of the configuration."""

    handshake: HandshakeSettings
    ring: RingId
    daemons: tuple[bytes, ...]  # Names in configuration order.
    handshake_timeout_ns: int
    message_size_max: int  # Bytes of group list and body.
    memberships_max: int


class Control:
    """Answers the node's questions; create it, create the node with it, then `attach` the node."""

    def __init__(
        self,
        settings: ControlSettings,
        *,
        log: EventSink,
        clock_ns: Callable[[], int],
        random_number: Callable[[], int],
        witness: Witness | None = None,
    ) -> None:
        """`clock_ns` is monotonic; `random_number` feeds invented private names."""
        me = settings.daemons.index(settings.handshake.daemon_name)
        self.settings = settings
        self.groups = Groups(settings.ring, settings.daemons, me)
        self.sessions = SessionTable()
        self._in_order = GroupControl(self.groups, self.sessions, log)
        self._log = log
        self._clock_ns = clock_ns
        self._random_number = random_number
        self._witness = witness
        self.strangers = Strangers(log, clock_ns)
        self._membership: Membership | None = None
        self._ticks: list[_Tick] = []
        self._monitor: MonitorSink | None = None
        self._node: Node

    def attach(self, node: Node) -> None:
        """Know the node whose questions are answered."""
        self._node = node
        self._in_order.attach(node)

    def attach_membership(self, membership: Membership) -> None:
        """Know the membership that forms rings with the daemon's peers."""
        self._membership = membership
        self.deadline_changed()

    def call_every(self, interval_ns: int, tick: Callable[[], None]) -> None:
        """Call `tick` again and again, `interval_ns` apart."""
        self._ticks.append(_Tick(tick, interval_ns, self._clock_ns() + interval_ns))
        self.deadline_changed()

    def call_after(self, delay_ns: int, what: Callable[[], None]) -> None:
        """Call `what` once, so many nanoseconds from now."""
        self._ticks.append(_Tick(what, 0, self._clock_ns() + delay_ns))
        self.deadline_changed()

    def configured(self, handshake: HandshakeSettings, options: Options) -> None:
        """Let in by other rules, and bound by other numbers, who comes from here on."""
        self.settings = replace(
            self.settings,
            handshake=handshake,
            handshake_timeout_ns=options.handshake_timeout * NS_PER_MS,
            memberships_max=options.max_memberships,
        )

    def renumbered(self, daemons: tuple[bytes, ...]) -> None:
        """Other daemons are configured; this one is alone in its ring."""
        me = daemons.index(self.settings.handshake.daemon_name)
        self.settings = replace(self.settings, daemons=daemons)
        self.groups.renumber(daemons, me)

    def attach_monitor(self, monitor: MonitorSink) -> None:
        """Know who takes the datagrams of monitors; without one they are dropped."""
        self._monitor = monitor

    # -- Connections ------------------------------------------------------------------------------

    def connected(self, slot: int, address: str, transport: Transport) -> None:
        """A connection has been taken in at `slot`."""
        settings = self.settings

        def make() -> Handshake:
            return Handshake(
                settings=settings.handshake,
                address=address,
                kind=transport,
                name_is_taken=self.sessions.is_taken,
                invent_name=lambda: invented_name(self._random_number(), slot),
            )

        where = address if transport is Transport.TCP else "unix"
        deadline_ns = self._clock_ns() + settings.handshake_timeout_ns
        self.sessions.open(slot, where, deadline_ns, make)
        self.deadline_changed()

    def handshake(self, slot: int, data: bytes) -> int:
        """Take bytes of a connection in its handshake; none at all mean the end of its stream."""
        opening = self.sessions.opening(slot)
        if opening is None or opening.is_answered:
            return 0
        outcome = opening.handshake.receive(data) if data else opening.handshake.end_of_stream()
        self.sessions.reserve(opening)
        if isinstance(outcome, Accepted):
            self._accept(opening, outcome)
            return len(outcome.leftover)
        if isinstance(outcome, NeedMore):
            if outcome.reply:
                self._node.reply(slot, outcome.reply)
            return 0
        self._refuse(opening, outcome)
        return 0

    def _accept(self, opening: Opening, accepted: Accepted) -> None:
        session = self.sessions.accept(opening, accepted, self._clock_ns())
        self._node.reply(session.slot, accepted.reply)
        size_max = self.settings.message_size_max if accepted.large_messages else CLASSIC_SIZE_MAX
        self._node.accept(
            session.slot,
            session.private_group,
            frame_size_max=size_max,
            asks_policy=accepted.policy.checks_requests,
            wants_membership=accepted.membership,
        )
        if self._witness is not None:
            self._witness.session_opened(session, session.opened_ns)
        self._log.event(
            EventType.SESSION,
            EventPriority.INFO,
            "session opened",
            private_group=session.private_group,
            address=session.address,
            client_version=str(accepted.client_version),
            membership=session.wants_membership,
        )

    def _refuse(self, opening: Opening, refused: Refused) -> None:
        """Answer and close. The name is free for the next handshake at once."""
        self.sessions.give_up(opening.slot)
        if refused.reply:
            self._node.reply(opening.slot, refused.reply)
        self._node.refuse(opening.slot)
        self._log.event(
            EventType.SESSION,
            EventPriority.INFO,
            "connection refused",
            address=opening.address,
            code="none" if refused.code is None else refused.code.name,
            reason=refused.reason,
        )

    def deadline(self, now_ns: int) -> None:
        """End the handshakes whose time is over; tick if it is time to."""
        for opening in self.sessions.overdue(now_ns):
            self._refuse(opening, opening.handshake.deadline_reached())
        due = [each for each in self._ticks if now_ns >= each.next_ns]
        self._ticks = [each for each in self._ticks if each.interval_ns or each not in due]
        for each in due:
            each.next_ns = now_ns + each.interval_ns
            each.tick()
        if self._membership is not None:
            self._membership.deadline(now_ns)
        self.deadline_changed()

    def deadline_changed(self) -> None:
        """Ask the node for the next deadline of sessions, tick and membership."""
        membership_ns = 0 if self._membership is None else self._membership.next_deadline_ns
        tick_ns = min((each.next_ns for each in self._ticks), default=0)
        each = (self.sessions.next_deadline_ns(), tick_ns, membership_ns)
        self._node.set_deadline(min(filter(None, each), default=0))

    # -- Requests before the order ----------------------------------------------------------------

    def request(self, slot: int, type_bits: int, groups: list[bytes], mess_type: int) -> bool:
        """Decide about a join or a leave, and about messages of sessions whose policy asks."""
        session = self.sessions.at(slot)
        if session is None:
            return False
        if type_bits & JOIN_MESS:
            return self._may_join(session, groups)
        policy = session.policy
        if type_bits & LEAVE_MESS:
            return (
                not groups
                or not policy.checks_requests
                or policy.leave_group(session.private_group, groups[0])
            )
        service = type_bits & (REGULAR_MESS | SELF_DISCARD)
        signed_type = mess_type - 0x10000 if mess_type >= 0x8000 else mess_type
        private = [name for name in groups if name.startswith(b"#")]
        if private and not policy.send_to_private_groups(
            session.private_group, private, service, signed_type
        ):
            return False
        return len(private) == len(groups) or policy.send_to_groups(
            session.private_group, groups, service, signed_type
        )

    def _may_join(self, session: Session, groups: list[bytes]) -> bool:
        if not groups or len(groups[0]) >= MAX_GROUP_NAME:
            return False
        if session.joins >= SESSION_MEMBERSHIPS_MAX:
            self._log.event(
                EventType.GROUPS,
                EventPriority.WARNING,
                "join refused, too many memberships of one session",
                private_group=session.private_group,
                memberships_max=SESSION_MEMBERSHIPS_MAX,
            )
            return False
        if self._in_order.memberships >= self.settings.memberships_max:
            self._log.event(
                EventType.GROUPS,
                EventPriority.WARNING,
                "join refused, too many memberships",
                private_group=session.private_group,
                memberships_max=self.settings.memberships_max,
            )
            return False
        policy = session.policy
        if policy.checks_requests and not policy.join_group(session.private_group, groups[0]):
            return False
        self._in_order.count(session)
        return True

    # -- In the order -----------------------------------------------------------------------------

    def ordered_join(self, sender: bytes, group: bytes) -> None:
        """A join has reached its place in the order."""
        self._in_order.join(sender, group)

    def ordered_leave(self, sender: bytes, group: bytes) -> None:
        """A leave has reached its place in the order."""
        self._in_order.leave(sender, group)

    def ordered_end(self, sender: bytes) -> None:
        """The departure of a session has reached its place in the order."""
        self._in_order.end(sender)

    def ordered_state(self, origin: int, body: bytes) -> None:
        """A message of the exchange of tables has reached its place in the order."""
        self._in_order.state(origin, body)

    def ring_transitional(self) -> None:
        """The place in the order where the transitional configuration stands."""
        if self._membership is None:
            return
        configuration = self._membership.transitional()
        if self._witness is not None:
            self._witness.ring_named(configuration.ring)
        self._in_order.transitional(configuration)

    def ring_regular(self) -> None:
        """The new ring is installed: its regular configuration stands here."""
        if self._membership is None:
            return
        configuration = self._membership.regular()
        if self._witness is not None:
            self._witness.ring_named(configuration.ring)
            self._witness.ring_installed(configuration.ring, tuple(configuration.members))
        self._in_order.regular(configuration)

    # -- The ring, for membership -----------------------------------------------------------------

    def token_lost(self, reason: int) -> None:
        """The ring is broken."""
        if self._membership is not None:
            self._membership.token_lost(reason)

    def control_packet(  # noqa: PLR0913, PLR0917 - the fields of the packet's header.
        self,
        kind: int,
        sender: int,
        source: int,
        incarnation: int,
        counter: int,
        ring: tuple[int, int],
        body: bytes,
    ) -> None:
        """A control packet has come."""
        if self._membership is not None:
            self._membership.control_packet(kind, sender, source, incarnation, counter, ring, body)

    def foreign_ring(self, sender: int, ring: tuple[int, int]) -> None:
        """A daemon sends to a ring that is not ours."""
        if self._membership is not None:
            self._membership.foreign_ring(sender, ring)

    def unreachable(self, daemon: int) -> None:
        """Nobody listens at a daemon's address."""
        if self._membership is not None:
            self._membership.unreachable(daemon)

    def multicast_missed(self, daemon: int) -> None:
        """What a daemon of the own segment sends comes only when it is sent again."""
        if self._membership is not None:
            self._membership.multicast_missed(daemon)

    def path_limited(self, daemon: int, size: int, passing: int) -> None:
        """Datagrams of this size do not reach a member of the ring; those of `passing` bytes do."""
        if self._membership is not None:
            self._membership.path_limited(daemon, size, passing)

    def path_unanswered(self, daemon: int) -> None:
        """A member of the ring says of no size that it arrives."""
        if self._membership is not None:
            self._membership.path_unanswered(daemon)

    def path_found(self, size: int) -> None:
        """Datagrams of this size were found to reach all members of the ring."""
        if self._membership is not None:
            self._membership.path_found(size)

    def stranger(self, cause: int, source: int) -> None:
        """A datagram was dropped."""
        self.strangers.seen(cause, source)

    def monitor_datagram(self, data: bytes, source: int, port: int) -> None:
        """A monitor has sent a datagram."""
        if self._monitor is not None:
            self._monitor(data, source, port)

    # -- Ends -------------------------------------------------------------------------------------

    def session_ended(self, slot: int, reason: int, fault: int, undelivered: int) -> None:
        """A connection is over: its memberships end when its departure is ordered."""
        text = REASON_TEXTS[reason]
        if reason == BAD_FRAME:
            text = f"{text}: {fault_text(fault)}"
        session = self.sessions.at(slot)
        if session is None:
            self._forget(slot, text)
            return
        if self._witness is not None:
            self._witness.session_closed(session, undelivered)
        # An operator should see under the default filters that the daemon closed on a client.
        is_ours = reason in ENDED_BY_DAEMON
        self._log.event(
            EventType.SESSION | EventType.PRINT if is_ours else EventType.SESSION,
            EventPriority.WARNING if is_ours else EventPriority.INFO,
            "session closed",
            private_group=session.private_group,
            address=session.address,
            reason=text,
            undelivered=undelivered,
        )

    def _forget(self, slot: int, text: str) -> None:
        """A connection was lost in its handshake; one that was refused has been logged."""
        opening = self.sessions.give_up(slot)
        if opening is None:
            return
        self._log.event(
            EventType.SESSION,
            EventPriority.INFO,
            "connection closed in its handshake",
            address=opening.address,
            reason=text,
        )

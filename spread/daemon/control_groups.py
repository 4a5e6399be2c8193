"""What control does at one point of the order: groups change, local sessions hear of it.

    ordered request, configuration, state message  ->  Groups  ->  notices  ->  frames to sessions
                                                               ->  routes of local members
                                                               ->  messages of the exchange

Invariants
    a local member of a group has a route from the group's name to its slot, and the reverse,
    names that begin with "#" excepted: messages to those are private
    requests of clients are held exactly while tables are exchanged
"""

from collections.abc import Iterable

from spread._node import Node
from spread.config.model import EventPriority, EventType
from spread.daemon.control_ring import RingConfiguration
from spread.daemon.event_sink import EventSink
from spread.daemon.groups import Groups, Notice, Outcome, somebody
from spread.daemon.ring_time import as_signed
from spread.daemon.sessions import Session, SessionTable
from spread.daemon.views import (
    RingId,
    Signal,
    View,
    self_leave_frame,
    signal_frame,
    view_frame,
)
from spread.service import Cause

__all__ = ["GroupControl"]


class GroupControl:
    """Applies to groups and routes what has reached its place in the order."""

    def __init__(self, groups: Groups, sessions: SessionTable, log: EventSink) -> None:
        self.groups = groups
        self.memberships = 0  # Joins submitted by local sessions less leaves ordered.
        self._sessions = sessions
        self._log = log
        self._node: Node

    def attach(self, node: Node) -> None:
        """Know the node that sends."""
        self._node = node

    # -- Requests ---------------------------------------------------------------------------------

    def count(self, session: Session) -> None:
        """A join has been let through."""
        session.joins += 1
        self.memberships += 1

    def _uncount(self, session: Session) -> None:
        session.joins -= 1
        self.memberships -= 1

    def join(self, sender: bytes, group: bytes) -> None:
        """A join has reached its place in the order."""
        session = self._sessions.named(sender)
        is_told = session is not None and session.wants_membership
        notices = self.groups.join(sender, group, somebody if is_told else self._hears)
        if session is not None:
            if not notices:
                self._uncount(session)
            elif _is_routed(group):
                self._node.add_route(group, session.slot)
        self._tell(notices)

    def leave(self, sender: bytes, group: bytes) -> None:
        """A leave has reached its place in the order."""
        was_member, notices = self.groups.leave(sender, group, self._hears)
        session = self._sessions.named(sender)
        if session is not None and was_member:
            self._part(session, group)
        if was_member and not notices:
            self._log.event(
                EventType.GROUPS, EventPriority.INFO, "last member left", group=group, member=sender
            )
        self._tell(notices)

    def _part(self, session: Session, group: bytes) -> None:
        """A session is no longer in a group."""
        self._uncount(session)
        if _is_routed(group):
            self._node.remove_route(group, session.slot)
        if session.wants_membership:
            self._node.send([session.slot], self_leave_frame(group))

    def end(self, sender: bytes) -> None:
        """The departure of a session has reached its place in the order."""
        session = self._sessions.depart(sender)
        if session is not None:
            for group in filter(_is_routed, self.groups.of(sender)):
                self._node.remove_route(group, session.slot)
            self.memberships -= session.joins
            self._node.departed(session.slot)
        self._tell(self.groups.end(sender, self._hears))

    # -- Configurations ---------------------------------------------------------------------------

    def transitional(self, configuration: RingConfiguration) -> None:
        """The transitional configuration stands here."""
        self._follow(
            self.groups.transitional(tuple(configuration.members), _ring_id(configuration)),
            "transitional configuration",
        )

    def regular(self, configuration: RingConfiguration) -> None:
        """The regular configuration of the new ring stands here."""
        outcome = self.groups.regular(tuple(configuration.members), _ring_id(configuration))
        self._node.hold_requests(self.groups.is_exchanging)
        self._follow(outcome, "regular configuration")

    def state(self, origin: int, body: bytes) -> None:
        """A message of the exchange has reached its place in the order."""
        was_exchanging = self.groups.is_exchanging
        outcome = self.groups.state(origin, body)
        if outcome.fault is not None:
            self._log.event(
                EventType.GROUPS,
                EventPriority.WARNING,
                "group state of a daemon not understood",
                daemon=origin,
                reason=outcome.fault,
            )
        if was_exchanging and not self.groups.is_exchanging:
            self._node.hold_requests(False)
        self._follow(outcome, "group states complete")

    def _follow(self, outcome: Outcome, wording: str) -> None:
        """Tell local sessions, and other daemons, what an event of the ring has brought about."""
        for member, group in outcome.expelled:
            session = self._sessions.named(member)
            if session is not None:
                self._part(session, group)
        for notice in outcome.notices:
            self._send(notice)
        for body in outcome.submissions:
            self._node.submit_state(body)
        if outcome.notices or outcome.submissions:
            self._log.event(
                EventType.GROUPS,
                EventPriority.INFO,
                wording,
                groups=len(self.groups),
                notices=len(outcome.notices),
                expelled=len(outcome.expelled),
                state_messages=len(outcome.submissions),
            )

    # -- Notices ----------------------------------------------------------------------------------

    def _tell(self, notices: Iterable[Notice]) -> None:
        """Send, and log the views: they have come about by a request."""
        for notice in notices:
            self._send(notice)
            if not isinstance(notice, Signal):
                self._log.event(
                    EventType.GROUPS,
                    EventPriority.INFO,
                    "view",
                    group=notice.group,
                    cause=notice.cause.name,
                    members=notice.member_count,
                    index=notice.id.index,
                )

    def _hears(self, group: bytes) -> bool:
        """Whether a local member may want to hear of the views of a group."""
        return not _is_routed(group) or self._node.is_watched(group)

    def _send(self, notice: Notice) -> None:
        """Send a notice to the local members of the group that asked for such."""
        if isinstance(notice, Signal):
            if slots := self._slots(notice.receivers):
                self._node.send(slots, signal_frame(notice))
        elif isinstance(notice, View):
            self._send_view(notice)

    def _send_view(self, view: View) -> None:
        if view.cause is Cause.NETWORK:
            for own, members in enumerate(view.together):
                if slots := self._slots(members):
                    self._node.send(slots, view_frame(view, own))
        elif _is_routed(view.group):
            # One set, the changed member, and its frame is for all: those to whom messages go.
            self._node.tell(view.group, view_frame(view, 0))
        elif slots := self._slots(view.members):
            self._node.send(slots, view_frame(view, 0))

    def _slots(self, members: Iterable[bytes]) -> list[int]:
        named = self._sessions.named
        return [
            session.slot
            for member in members
            if (session := named(member)) is not None and session.wants_membership
        ]


def _is_routed(group: bytes) -> bool:
    """Messages to a name that begins with "#" are private, whatever group bears it."""
    return not group.startswith(b"#")


def _ring_id(configuration: RingConfiguration) -> RingId:
    leader, time = configuration.ring
    return RingId(as_signed(leader), as_signed(time))

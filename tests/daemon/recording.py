"""What clients of real daemons did and saw, written down in the words of the simulator's traces.

The recorder parses what the test's own client reads, so that the checkers that ship with the
simulator judge real daemons, too. One thread writes: its order of events is true for each client.
"""

from typing import Final

from spread.sim.trace import (
    Cause,
    ClientTrace,
    Closed,
    Closure,
    Delivered,
    GroupId,
    History,
    JoinRequested,
    LeaveRequested,
    LeftGroup,
    Message,
    Sent,
    Transitional,
    Viewed,
)
from tests.daemon.harness import wire

__all__ = ["IDENTITY_SIZE", "Recorder"]

IDENTITY_SIZE: Final = 12
CAUSES: Final = 0xF00
GROUP_ID_SIZE: Final = 12


class Recorder:
    """Fills a history; `now_ns` of its events is their number, since nobody's clock is read."""

    def __init__(self, history: History) -> None:
        self.history = history
        self._sent: dict[int, Message] = {}

    def joining(self, trace: ClientTrace, group: bytes) -> None:
        at = self.history.tick()
        trace.events.append(JoinRequested(at, at, group))

    def leaving(self, trace: ClientTrace, group: bytes) -> None:
        at = self.history.tick()
        trace.events.append(LeaveRequested(at, at, group))

    def sending(self, trace: ClientTrace, message: Message) -> None:
        """A client is about to write this message, whose payload begins with its identity."""
        at = self.history.tick()
        self._sent[message.identity] = message
        trace.events.append(Sent(at, at, message))

    def closed(self, trace: ClientTrace, closure: Closure, *, drained: bool) -> None:
        at = self.history.tick()
        trace.events.append(Closed(at, at, closure, drained))

    def frame(self, trace: ClientTrace, frame: wire.Frame) -> None:
        """A client has read this frame."""
        at = self.history.tick()
        group = wire.stripped(frame.name)
        if frame.is_data:
            trace.events.append(Delivered(at, at, self._delivered(frame)))
        elif frame.is_view:
            trace.events.append(_view(at, group, frame))
        elif frame.is_self_leave:
            trace.events.append(LeftGroup(at, at, group))
        elif frame.is_transitional:
            words = [
                int.from_bytes(frame.data[place : place + 4], frame.order)
                for place in range(0, GROUP_ID_SIZE, 4)
            ]
            trace.events.append(Transitional(at, at, group, GroupId(*words)))
        else:
            raise AssertionError(f"a client of a recorded run cannot get {frame}")

    def _delivered(self, frame: wire.Frame) -> Message:
        """Return the sender's own message if the frame shows exactly that."""
        shown = Message(
            int.from_bytes(frame.data[:IDENTITY_SIZE], "big"),
            wire.stripped(frame.name),
            frame.type & wire.SERVICES,
            frame.group_names,
            frame.mess_type,
            frame.data,
            discards_self=bool(frame.type & wire.SELF_DISCARD),
        )
        sent = self._sent.get(shown.identity)
        return sent if sent is not None and _fields(sent) == _fields(shown) else shown


def _fields(message: Message) -> tuple[object, ...]:
    return (
        message.sender,
        message.service,
        message.groups,
        message.mess_type,
        message.payload,
        message.discards_self,
    )


def _view(at: int, group: bytes, frame: wire.Frame) -> Viewed:
    view = frame.view()
    words = (view.group_id.address, view.group_id.time, view.group_id.index)
    cause = Cause(frame.type & CAUSES)
    changed = None if cause == Cause.NETWORK else view.sets[0][0]
    return Viewed(
        at,
        at,
        group,
        GroupId(*(word & 0xFFFFFFFF for word in words)),
        frame.group_names,
        cause,
        view.sets,
        view.own,
        changed,
    )

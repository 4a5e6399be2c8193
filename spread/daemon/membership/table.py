"""The membership machine as a table: state x event -> action, next state.

The machine names what happened as an Event, looks here, takes the next state and then does the
action. An event that a state's row lacks is ignored in that state. The diagram in the documentation
is made from this table.

    ring alive    OP, GATHER_ALIVE; EVS has the forming ring's token
    ring lost     SEG -> GATHER or REPRESENTED -> FORM -> EVS -> OP
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from spread.daemon.membership.packets import Form, Join

__all__ = ["TABLE", "Action", "Event", "Occasion", "State", "Step", "Transition"]


class State(Enum):
    """Where a daemon stands between two rings."""

    OP = "ring installed, normal"
    GATHER_ALIVE = "ring leader looking for others while the ring keeps working"
    SEG = "ring lost; finding the live daemons of the own segment"
    REPRESENTED = "somebody smaller in the segment acts for this daemon"
    GATHER = "acting for the segment; collecting the representatives of others"
    FORM = "the old ring's state is reported in FORM1; waiting for FORM2"
    EVS = "new ring formed; recovering the old ring's messages"


class Event(Enum):
    """What can happen to a daemon, told apart as far as states differ about it."""

    RING_BROKEN = "token lost, or a member is known to have left the ring"
    ALIVE = "ALIVE from a daemon that is not in a working ring with this one"
    SEGMENT_JOIN = "JOIN from a representative of the own segment without a ring"
    JOIN = "JOIN from any other daemon outside the ring"
    MEMBER_JOIN = "JOIN from outside the ring, at a daemon that does not lead its ring"
    REFER = "somebody names a representative"
    HINT = "traffic of another ring, or a REFER to the leader of a working ring"
    LOOKUP = "time to look for missing daemons"
    FEWER_EXPECTED = "a daemon is known dead, or was silent in two JOIN rounds"
    SEG_FIRST = "segment searched: this daemon is the first found"
    SEG_BEHIND = "segment searched: somebody found comes before this daemon"
    REP_SILENT = "the representative was not heard for RepTimeout"
    GATHER_FIRST = "gathering over: this daemon creates FORM1"
    GATHER_BEHIND = "gathering over: somebody else creates FORM1, or nobody was found"
    FORM1 = "FORM1 waits for this daemon"
    FORM2 = "FORM2 of this daemon's attempt"
    FORM_SILENT = "no FORM2 for FormTimeout, or a FORM was not acknowledged"
    INSTALLED = "the forming ring is installed"
    WITHDRAWN = "this daemon is to be alone, whoever there is"


class Action(Enum):
    """What the machine does, told apart as far as states differ about it."""

    LOSE = "stop the ring, say ALIVE, collect answers"
    COLLECT_ALIVE = "note a daemon of the own segment"
    COLLECT_MEMBER = "note a daemon of the own segment that comes late"
    COLLECT_JOIN = "note a representative and those it knows"
    KEEP_JOIN = "note a representative for when the segment is searched"
    ADD_CANDIDATE = "send JOIN to whoever was named"
    CHECK_SEGMENT = "see whether all of the segment are found that can be"
    CHECK_GATHER = "see whether all are found that can be"
    FOLLOW = "let a representative act, answer ALIVE"
    STAY_REPRESENTED = "somebody is still there: wait on"
    AWAIT_REP = "wait for a representative to speak"
    SEEK = "say ALIVE again, collect answers"
    NAME_REP = "answer with the representative to talk to"
    NAME_LEADER = "answer with the leader to talk to"
    GATHER = "say JOIN, collect representatives"
    GATHER_AGAIN = "say JOIN to those found, collect representatives once more"
    GATHER_WITH = "the ring works on; answer the JOIN"
    LOOK = "the ring works on; JOIN to all that are missing"
    RESUME = "nobody to form a ring with; wait for the next lookup"
    CREATE = "make FORM1, report, send it on"
    FILL_ALONE = "report in FORM1, send it on"
    FILL_FOR_FOUND = "report in FORM1 and add those found, send it on"
    FILL_FOR_RING = "report in FORM1 and, if leader, add the ring; send it on"
    COMMIT = "take the new ring, send FORM2 on; the last makes the token"
    INSTALL = "the forming ring is the ring"


@dataclass(frozen=True, slots=True)
class Occasion:
    """An event and what came with it."""

    event: Event
    daemon: int = -1  # Who sent the packet, or whom a REFER or a hint names.
    cause: str = ""  # Of a broken ring, for the log.
    join: Join | None = None  # With the two events of a JOIN.
    form: Form | None = None  # With FORM1 and FORM2.


Step = Callable[[Occasion], Occasion | None]
"""Does an Action; returns what follows at once, if anything does."""


class Transition(NamedTuple):
    """What to do, and the state from then on."""

    action: Action
    target: State


TABLE: Final[Mapping[State, Mapping[Event, Transition]]] = {
    State.OP: {
        Event.RING_BROKEN: Transition(Action.LOSE, State.SEG),
        Event.SEGMENT_JOIN: Transition(Action.GATHER_WITH, State.GATHER_ALIVE),
        Event.JOIN: Transition(Action.GATHER_WITH, State.GATHER_ALIVE),
        Event.MEMBER_JOIN: Transition(Action.NAME_LEADER, State.OP),
        Event.HINT: Transition(Action.LOOK, State.GATHER_ALIVE),
        Event.LOOKUP: Transition(Action.LOOK, State.GATHER_ALIVE),
        Event.FORM1: Transition(Action.FILL_FOR_RING, State.FORM),
    },
    State.GATHER_ALIVE: {
        Event.RING_BROKEN: Transition(Action.LOSE, State.SEG),
        Event.SEGMENT_JOIN: Transition(Action.COLLECT_JOIN, State.GATHER_ALIVE),
        Event.JOIN: Transition(Action.COLLECT_JOIN, State.GATHER_ALIVE),
        Event.REFER: Transition(Action.ADD_CANDIDATE, State.GATHER_ALIVE),
        Event.HINT: Transition(Action.ADD_CANDIDATE, State.GATHER_ALIVE),
        Event.GATHER_FIRST: Transition(Action.CREATE, State.FORM),
        Event.GATHER_BEHIND: Transition(Action.RESUME, State.OP),
        Event.FORM1: Transition(Action.FILL_FOR_RING, State.FORM),
    },
    State.SEG: {
        Event.ALIVE: Transition(Action.COLLECT_ALIVE, State.SEG),
        Event.SEGMENT_JOIN: Transition(Action.FOLLOW, State.REPRESENTED),
        Event.JOIN: Transition(Action.KEEP_JOIN, State.SEG),
        Event.FEWER_EXPECTED: Transition(Action.CHECK_SEGMENT, State.SEG),
        Event.SEG_FIRST: Transition(Action.GATHER, State.GATHER),
        Event.SEG_BEHIND: Transition(Action.AWAIT_REP, State.REPRESENTED),
        Event.WITHDRAWN: Transition(Action.CREATE, State.FORM),
        Event.FORM1: Transition(Action.FILL_ALONE, State.FORM),
    },
    State.REPRESENTED: {
        Event.ALIVE: Transition(Action.STAY_REPRESENTED, State.REPRESENTED),
        Event.SEGMENT_JOIN: Transition(Action.FOLLOW, State.REPRESENTED),
        Event.JOIN: Transition(Action.NAME_REP, State.REPRESENTED),
        Event.REP_SILENT: Transition(Action.SEEK, State.SEG),
        Event.WITHDRAWN: Transition(Action.CREATE, State.FORM),
        Event.FORM1: Transition(Action.FILL_ALONE, State.FORM),
    },
    State.GATHER: {
        Event.ALIVE: Transition(Action.COLLECT_MEMBER, State.GATHER),
        Event.SEGMENT_JOIN: Transition(Action.COLLECT_JOIN, State.GATHER),
        Event.JOIN: Transition(Action.COLLECT_JOIN, State.GATHER),
        Event.REFER: Transition(Action.ADD_CANDIDATE, State.GATHER),
        Event.FEWER_EXPECTED: Transition(Action.CHECK_GATHER, State.GATHER),
        Event.GATHER_FIRST: Transition(Action.CREATE, State.FORM),
        Event.GATHER_BEHIND: Transition(Action.GATHER_AGAIN, State.GATHER),
        Event.WITHDRAWN: Transition(Action.CREATE, State.FORM),
        Event.FORM1: Transition(Action.FILL_FOR_FOUND, State.FORM),
    },
    State.FORM: {
        Event.RING_BROKEN: Transition(Action.LOSE, State.SEG),
        Event.FORM_SILENT: Transition(Action.LOSE, State.SEG),
        Event.FORM2: Transition(Action.COMMIT, State.EVS),
    },
    State.EVS: {
        Event.RING_BROKEN: Transition(Action.LOSE, State.SEG),
        Event.FORM_SILENT: Transition(Action.LOSE, State.SEG),
        Event.INSTALLED: Transition(Action.INSTALL, State.OP),
    },
}

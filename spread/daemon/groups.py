"""Who is in which group, and what members hear of it: the same at every daemon of a ring.

    join, leave, end                  -- in the total order -->
    transitional, regular             -- where they stand in it -->   Groups   -->   views, signals
    state (the exchange of tables)    -- in the total order -->

    stage           between
    OPERATIONAL     a regular configuration whose tables are known, and the next transitional one
    TRANSITIONAL    the transitional and the regular configuration
    GATHERING       a regular configuration with daemons whose tables are not known, and the
                    last message that tells them
    INTERRUPTED     a transitional configuration in GATHERING, and the next regular one

A request that changes nothing (a join by a member, a leave by somebody else) gives no view. The
index of a view grows by one with each change. A group that becomes empty is forgotten, but its last
index is not: a group of that name which is created again under the same ring id goes on counting,
so that a group id names one view for ever (semantics, S8). A new configuration has a new ring id,
and groups that are created in it bear it; so the indexes need to be remembered no longer than that,
and since all daemons of the ring see the same requests after it, they remember the same ones.

The rules are those of the ring protocol, section 7, with these deviations:

    when daemons go in INTERRUPTED, a group that they were in gets its signal right before its next
    view, since a view that lacks somebody never comes without (S11); when the next ring has all of
    them again, and nobody has seen another view, the group is not concerned at all (S13)
    behind an exchange the table is what the messages said, at those who sent them, too; of an
    exchange that has been interrupted nothing is kept, so that a table shows nobody whom its
    members have not seen

That a group which a configuration does not concern keeps its id needs joins that are delivered as
SAFE ones are: otherwise daemons that leave the ring may have delivered a join that is lost here,
and have given the next index under the same ring id to another view (S8).

Invariants, besides those of the table
    OPERATIONAL: no group is changed, and all tags of a group are its id
    every index given out for a name under one ring id is larger than those before
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from spread.daemon.exchange import Exchange, encode_table
from spread.daemon.group_table import Group, GroupTable, Part, by_tag, united
from spread.daemon.views import GroupId, RingId, Signal, View
from spread.service import MAX_GROUP_NAME, Cause

__all__ = ["Groups", "Notice", "Outcome", "Stage", "Unheard", "somebody"]

FORGOTTEN_MAX: Final = 10_000
"""Names of vanished groups whose last index is kept; older ones share one floor."""


@dataclass(frozen=True, slots=True)
class Unheard:
    """A view that nobody at this daemon wants to hear of: listing its members would be in vain."""

    group: bytes
    id: GroupId
    cause: Cause
    member_count: int


Notice = View | Signal | Unheard
"""What local members are told, in the order in which they stand in a list."""

Audience = Callable[[bytes], bool]
"""Whether anybody at this daemon wants to hear of the views of a group."""


def somebody(_group: bytes) -> bool:
    """Make all views."""
    return True


Expelled = tuple[tuple[bytes, bytes], ...]
"""Members at this daemon, and the group that each of them is no longer in."""


class Stage(Enum):
    """Where between two configurations the groups are."""

    OPERATIONAL = auto()
    TRANSITIONAL = auto()
    GATHERING = auto()
    INTERRUPTED = auto()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What follows from an event of the ring, in the order of the fields.

    `expelled` are memberships that the tables of the new ring do not know, because a speaker was
    not understood. `submissions` are messages of the exchange to be ordered. `fault` says what was
    wrong with one that came.
    """

    notices: tuple[Notice, ...] = ()
    expelled: Expelled = ()
    submissions: tuple[bytes, ...] = ()
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class _Transition:
    """A transitional configuration: daemons by number, its id."""

    members: frozenset[int]
    ring: RingId


class Groups:
    """Groups and their members as one daemon of a ring knows them."""

    def __init__(self, ring: RingId, daemons: Iterable[bytes], me: int = 0) -> None:
        """Begin without groups in a ring of one; `daemons` are the names in configuration order."""
        self._daemons = tuple(daemons)
        self._numbers: Mapping[bytes, int] = {name: n for n, name in enumerate(self._daemons)}
        self._me = me
        self._ring = ring  # Of the groups that are created: the last configuration's.
        self._members = frozenset((me,))  # Daemons of the regular configuration.
        self._synced = self._members  # Daemons that hold the same table as this one.
        self._transition: _Transition | None = None  # From a transitional configuration on.
        self._exchange: Exchange | None = None
        self._table = GroupTable()
        # Ordered: a plain dict is searched from its beginning for the oldest of its names.
        self._vanished: OrderedDict[bytes, int] = OrderedDict()
        self._index_floor = 0

    # -- What is ---------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._table)

    def __iter__(self) -> Iterator[bytes]:
        """The names of all groups, in byte order."""
        return (name for name, _ in self._table.items())

    def names(self) -> list[bytes]:
        """The names of all groups, in no order; any thread may ask."""
        return self._table.names()

    def get(self, name: bytes) -> Group | None:
        """The group of this name; another thread may read it while it changes."""
        return self._table.get(name)

    @property
    def stage(self) -> Stage:
        """Where between two configurations the groups are."""
        if self._exchange is not None:
            return Stage.GATHERING if self._transition is None else Stage.INTERRUPTED
        return Stage.OPERATIONAL if self._transition is None else Stage.TRANSITIONAL

    @property
    def is_exchanging(self) -> bool:
        """Whether tables are being exchanged, and requests of clients must wait."""
        return self._exchange is not None

    def of(self, member: bytes) -> frozenset[bytes]:
        """The groups of a member."""
        daemon = self._daemon_of(member)
        return frozenset() if daemon is None else frozenset(self._table.joined(daemon, member))

    def members(self, group: bytes) -> tuple[bytes, ...]:
        """The members of a group in the order that clients get."""
        state = self._table.get(group)
        return () if state is None else state.members()

    def id(self, group: bytes) -> GroupId | None:
        """The id of a group's present view; none while tables are exchanged, or without a group."""
        state = self._table.get(group)
        return None if state is None or self.is_exchanging else state.id

    def invariants(self) -> None:
        """Check what the headers of the module and of the table say; raises AssertionError."""
        self._table.invariants()
        is_operational = self.stage is Stage.OPERATIONAL
        assert self._me in self._synced, "this daemon does not know its own table"
        for name, state in self._table.items():
            tags = {part.tag for part in state.parts}
            assert tags <= {state.id, None}, f"group {name!r} of id {state.id} has tags {tags}"
            if is_operational:
                assert None not in tags, f"group {name!r} has members of unknown daemons"
                assert not state.is_changed, f"group {name!r} still waits for its view"
                assert not state.lost, f"group {name!r} still lacks {state.lost}"

    # -- Requests in their order -----------------------------------------------------------------

    def join(self, member: bytes, group: bytes, hears: Audience = somebody) -> list[Notice]:
        """Add a member; nothing follows when it already is one, or cannot be one."""
        daemon = self._daemon_of(member)
        if daemon is None or len(group) >= MAX_GROUP_NAME:
            return []
        if group in self._table.joined(daemon, member):
            return []
        is_known = self._transition is None or daemon in self._transition.members
        if self._table.get(group) is None:
            last = self._vanished.pop(group, self._index_floor)
            if is_known:
                state = self._table.found(group, GroupId(self._ring, last + 1), daemon, member)
                return [_plain_view(group, state, Cause.JOIN, member, hears)]
            self._table.create(group, GroupId(self._ring, last))
        state = self._table.own(group)
        if not is_known:
            self._touch(state)
        self._table.add(group, daemon, member, state.id if is_known else None)
        return self._view(group, state, Cause.JOIN, member, hears)

    def leave(
        self, member: bytes, group: bytes, hears: Audience = somebody
    ) -> tuple[bool, list[Notice]]:
        """Take a member out.

        Returns whether it was one, and what those who stay are told, if there are any.
        """
        daemon = self._daemon_of(member)
        if daemon is None or group not in self._table.joined(daemon, member):
            return False, []
        return True, self._remove(group, daemon, member, Cause.LEAVE, hears)

    def end(self, member: bytes, hears: Audience = somebody) -> list[Notice]:
        """Take a member out of all its groups, in byte order of their names."""
        daemon = self._daemon_of(member)
        if daemon is None:
            return []
        return [
            notice
            for group in sorted(self._table.joined(daemon, member))
            for notice in self._remove(group, daemon, member, Cause.DISCONNECT, hears)
        ]

    def _daemon_of(self, member: bytes) -> int | None:
        """The daemon of a session; none if no daemon of the ring would let in such a name."""
        start, _, rest = member.partition(b"#")
        name, _, daemon = rest.partition(b"#")
        number = self._numbers.get(daemon)
        if start or not name or number not in self._members or len(member) >= MAX_GROUP_NAME:
            return None
        return number

    def _remove(
        self, group: bytes, daemon: int, member: bytes, cause: Cause, hears: Audience
    ) -> list[Notice]:
        state = self._table.get(group)
        assert state is not None, f"{member!r} is indexed under {group!r}, which does not exist"
        if not self._table.remove(group, daemon, member):
            if state.id.ring == self._ring:
                self._forget(group, state.id.index)
            return []
        return self._view(group, state, cause, member, hears)

    def _forget(self, group: bytes, index: int) -> None:
        """Keep the last index of a vanished group, in bounded memory."""
        self._vanished[group] = index
        if len(self._vanished) > FORGOTTEN_MAX:
            _, last = self._vanished.popitem(last=False)
            self._index_floor = max(self._index_floor, last)

    def _touch(self, state: Group) -> None:
        """Make a group one that the change of the ring concerns."""
        if not state.is_changed:
            state.is_changed = True
            if state.id.ring != self._ring:
                state.renumber(self._ring)

    def _view(
        self, group: bytes, state: Group, cause: Cause, member: bytes, hears: Audience
    ) -> list[Notice]:
        """The view that a request brings about; no signal has told the end of a changed one yet."""
        state.advance()
        if not state.is_changed:
            return [_plain_view(group, state, cause, member, hears)]
        joiner = member if cause is Cause.JOIN else None
        together = tuple(_without(joiner, by_tag(state.parts)))
        view = View(group, state.id, Cause.NETWORK, state.members(), together)
        return [view, *self._signal(group, state)]

    def _signal(self, group: bytes, state: Group) -> list[Notice]:
        state.is_signalled = True
        receivers = state.members_at(self._me)
        return [Signal(group, state.id, receivers)] if receivers else []

    # -- Configurations --------------------------------------------------------------------------

    def transitional(self, members: Collection[int], ring: RingId) -> Outcome:
        """Those who come along from the present ring are known; its last messages follow."""
        self._transition = _Transition(frozenset(members), ring)
        if self._exchange is not None:
            # No message can come before the next view: nobody needs to hear of this one.
            return Outcome()
        return Outcome(tuple(self._begin_transition(self._transition)))

    def _begin_transition(self, transition: _Transition) -> list[Notice]:
        self._enter(transition.ring)
        notices: list[Notice] = []
        for name, state in self._table.beyond(transition.members):
            notices += self._signal(name, state)
            for part in state.parts:
                if part.daemon not in transition.members:
                    part.tag = None
            self._touch(state)
        return notices

    def _enter(self, ring: RingId) -> None:
        """Create groups under this ring id from here on: none of them has had an index yet."""
        self._ring = ring
        self._vanished.clear()
        self._index_floor = 0

    def regular(self, members: Collection[int], ring: RingId) -> Outcome:
        """The new ring: its views at once if all its tables are equal, else its exchange begins."""
        assert self._transition is not None, "a regular configuration follows a transitional one"
        transition, self._transition = self._transition, None
        self._synced &= transition.members
        self._table.keep(transition.members)
        self._enter(ring)
        self._members = frozenset(members)
        if self._synced == self._members:
            self._exchange = None
            return Outcome(tuple(self._settle()))
        self._exchange = Exchange(ring, self._members, self._daemons)
        is_speaker = min(self._synced) == self._me
        return Outcome(submissions=self._speech() if is_speaker else ())

    def _speech(self) -> tuple[bytes, ...]:
        """The messages that tell the table, for those who hold the same."""
        joined = {daemon: list(self._table.joined_at(daemon)) for daemon in self._synced}
        return tuple(encode_table(self._ring, self._synced, joined, self._table.items()))

    def renumber(self, daemons: Iterable[bytes], me: int) -> None:
        """Go by other numbers of daemons, by their names, while this daemon is alone in its ring.

        Nothing that clients could see changes.
        """
        assert self.stage is Stage.OPERATIONAL, "numbers change in an installed ring"
        assert self._members == {self._me}, "others of the ring have the old numbers"
        self._table.move(self._me, me)
        self._daemons = tuple(daemons)
        self._numbers = {name: n for n, name in enumerate(self._daemons)}
        self._me = me
        self._members = self._synced = frozenset((me,))

    # -- The exchange ----------------------------------------------------------------------------

    def state(self, origin: int, body: bytes) -> Outcome:
        """A message of the exchange has reached its place in the order."""
        exchange = self._exchange
        if exchange is None:
            return Outcome(fault="no tables are being exchanged")
        fault = exchange.receive(origin, body)
        submissions: tuple[bytes, ...] = ()
        if fault is not None and origin in exchange.rejected and origin == min(self._synced):
            submissions = self._speak_alone()
        if not exchange.is_complete:
            return Outcome(submissions=submissions, fault=fault)
        self._exchange = None
        self._synced = self._members
        expelled = self._replace_table(exchange.tables())
        notices = self._settle()
        if self._transition is not None:
            notices += self._begin_transition(self._transition)
        return Outcome(tuple(notices), expelled, fault=fault)

    def _speak_alone(self) -> tuple[bytes, ...]:
        """Our speaker was not understood: tell what concerns this daemon's own members."""
        speaker = min(self._synced)
        self._synced = frozenset((self._me,))
        if speaker == self._me:
            return ()
        self._table.keep(self._synced)
        return self._speech()

    def _replace_table(self, tables: Iterable[Mapping[bytes, Group]]) -> Expelled:
        """Take what was said for the table; remember what local members have been told.

        Returns the memberships of local sessions that nobody has told.
        """
        groups = united(tables)
        for name, state in groups.items():
            before = self._table.get(name)
            if before is not None and before.is_signalled:
                groups[name] = state.own()
                groups[name].is_signalled = True
        joined = self._table.joined_at(self._me)
        self._table = GroupTable(groups)
        return _missing(joined, self._table.joined_at(self._me))

    def _settle(self) -> list[Notice]:
        """The table is known to the whole ring: new ids and views for the groups that changed."""
        signals: list[Notice] = []
        views: list[Notice] = []
        for name, state in self._table.changeable():
            if not state.keeps_its_view():
                signals += self._late_signal(name, state)
                views += self._new_view(name, state)
            state.lost = frozenset()
        return signals + views

    def _late_signal(self, name: bytes, state: Group) -> list[Notice]:
        """The signal, where the view that ends shows members that have been taken out since."""
        mine = state.part(self._me)
        if not state.lost or state.is_signalled or mine is None or mine.tag is None:
            return []
        if not state.lacks(mine.tag):
            return []
        return [Signal(name, mine.tag, tuple(mine.members))]

    def _new_view(self, name: bytes, state: Group) -> list[Notice]:
        together = by_tag(state.parts)
        state.renumber(self._ring)
        state.is_changed = state.is_signalled = False
        if state.part(self._me) is None:
            return []
        sets = tuple(_without(None, together))
        return [View(name, state.id, Cause.NETWORK, state.members(), sets)]


def _plain_view(
    group: bytes, state: Group, cause: Cause, member: bytes, hears: Audience
) -> View | Unheard:
    """What a request brings about where no change of the ring stands between."""
    if not hears(group):
        return Unheard(group, state.id, cause, state.size())
    return View(group, state.id, cause, state.members(), ((member,),))


def _missing(
    before: Mapping[bytes, Collection[bytes]], after: Mapping[bytes, Collection[bytes]]
) -> Expelled:
    """Members and their groups that are in one table and not in the other."""
    if before == after:
        return ()
    return tuple(
        (member, group)
        for member in sorted(before)
        for group in sorted(set(before[member]) - set(after.get(member, ())))
    )


def _without(joiner: bytes | None, sets: Iterable[list[Part]]) -> Iterable[tuple[bytes, ...]]:
    """The names in each set; who joins is in none of them, but alone behind all others."""
    for parts in sets:
        names = tuple([name for part in parts for name in part.members if name != joiner])
        if names:
            yield names
    if joiner is not None:
        yield (joiner,)

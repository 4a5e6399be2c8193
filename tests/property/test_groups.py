"""Groups against sets and counters; no id is ever given out twice."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from spread.daemon import groups as module
from spread.daemon.groups import Notice
from spread.daemon.views import View
from spread.service import Cause
from tests.memory.group_ring import Ring

DAEMONS = (b"d1", b"d2")
MEMBERS = [b"#%s#%s" % (name, daemon) for name in (b"a", b"aa", b"B") for daemon in DAEMONS]
GROUPS = [b"", b"g", b"gg", b"#g", b"\xff" * 31]

members = st.sampled_from(MEMBERS)
groups = st.sampled_from(GROUPS)


def in_order(names: set[bytes]) -> tuple[bytes, ...]:
    return tuple(sorted(names, key=lambda name: (DAEMONS.index(name.split(b"#")[2]), name)))


class GroupsMachine(RuleBasedStateMachine):
    """Members come and go; groups vanish and are created again."""

    def __init__(self) -> None:
        super().__init__()
        ring = Ring.of(len(DAEMONS))
        self.ring = ring.id
        self.groups = ring.groups[0]
        self.expected: dict[bytes, set[bytes]] = {}
        self.last_index: dict[bytes, int] = {}

    @rule(member=members, group=groups)
    def join(self, member: bytes, group: bytes) -> None:
        present = self.expected.setdefault(group, set())
        notices = self.groups.join(member, group)
        if member in present:
            assert notices == []
        else:
            present.add(member)
            self.check(notices, group, Cause.JOIN, member)

    @rule(member=members, group=groups)
    def leave(self, member: bytes, group: bytes) -> None:
        present = self.expected.setdefault(group, set())
        was_member, notices = self.groups.leave(member, group)
        assert was_member == (member in present)
        present.discard(member)
        if was_member and present:
            self.check(notices, group, Cause.LEAVE, member)
        else:
            assert notices == []

    @rule(member=members)
    def end(self, member: bytes) -> None:
        changed = [group for group in sorted(self.expected) if member in self.expected[group]]
        for group in changed:
            self.expected[group].discard(member)
        shown = [group for group in changed if self.expected[group]]
        for group, notice in zip(shown, self.groups.end(member), strict=True):
            self.check([notice], group, Cause.DISCONNECT, member)

    @rule(start=st.integers(0, 100), count=st.integers(1, 20))
    def come_and_go(self, start: int, count: int) -> None:
        for number in range(start, start + count):
            self.join(MEMBERS[0], b"fleeting-%d" % number)
            self.leave(MEMBERS[0], b"fleeting-%d" % number)

    def check(self, notices: list[Notice], group: bytes, cause: Cause, member: bytes) -> None:
        (view,) = notices
        assert isinstance(view, View)
        assert (view.group, view.cause, view.together) == (group, cause, ((member,),))
        assert view.members == in_order(self.expected[group])
        assert view.id.ring == self.ring
        assert view.id.index > self.last_index.get(group, 0)
        self.last_index[group] = view.id.index

    @invariant()
    def shows_the_same_members(self) -> None:
        assert len(self.groups) == sum(bool(present) for present in self.expected.values())
        for group in GROUPS:
            assert self.groups.members(group) == in_order(self.expected.get(group, set()))
        for member in MEMBERS:
            present = {group for group, names in self.expected.items() if member in names}
            assert self.groups.of(member) == present


@pytest.mark.parametrize("forgotten_max", [0, 3, 10_000])
def test_groups_are_sets_whose_views_are_numbered(
    forgotten_max: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FORGOTTEN_MAX", forgotten_max)

    run_state_machine_as_test(
        GroupsMachine, settings=settings(max_examples=40, stateful_step_count=40, deadline=None)
    )

"""Groups through configurations: who hears what, with which id, and what an exchange leaves."""

import pytest

from spread.daemon.groups import Groups, Outcome, Stage
from spread.daemon.views import GroupId, RingId, Signal, View
from spread.service import Cause
from tests.memory.group_ring import Ring, joined, merged

AMY, BOB, CARL, DAVE = b"#amy#d1", b"#bob#d2", b"#carl#d3", b"#dave#d1"


@pytest.fixture
def ring() -> Ring:
    return Ring.of(3)


def network(ring: Ring, group: bytes, index: int, *together: tuple[bytes, ...]) -> View:
    """Return the view that a change of the network gives to a group."""
    members = tuple(sorted((name for names in together for name in names), key=place_of))
    return View(group, GroupId(ring.id, index), Cause.NETWORK, members, together)


def place_of(member: bytes) -> tuple[bytes, bytes]:
    return member.rpartition(b"#")[2], member


def signal(id_of: Ring, group: bytes, index: int, *receivers: bytes) -> Signal:
    return Signal(group, GroupId(id_of.id, index), receivers)


class TestSplits:
    def test_those_who_stay_get_the_signal_and_then_a_view_without_the_others(
        self, ring: Ring
    ) -> None:
        for member in (AMY, BOB, CARL):
            ring.join(member, b"g")
        ring.told.clear()

        between = ring.transitional(0, 1)
        assert between.take(0) == [signal(ring, b"g", 3, AMY)]
        assert between.take(1) == [signal(ring, b"g", 3, BOB)]
        between.regular()

        view = network(between, b"g", 1, (AMY, BOB))
        assert between.take(0) == between.take(1) == [view]
        assert between.submitted == []

    def test_groups_without_members_that_are_lost_see_nothing(self, ring: Ring) -> None:
        ring.join(AMY, b"here")
        ring.join(CARL, b"there")
        ring.told.clear()

        left = ring.part(0, 1)

        assert left.take(0) == left.take(1) == []
        assert list(left.groups[0]) == [b"here"]
        assert left.groups[0].id(b"here") == left.groups[1].id(b"here") == GroupId(ring.id, 1)

    def test_all_signals_come_before_the_views_in_the_order_of_the_names(self, ring: Ring) -> None:
        for name in (b"b", b"B", b"a", b"", b"ab"):
            ring.join(AMY, name)
            ring.join(CARL, name)
        ring.told.clear()

        left = ring.part(0)

        notices = left.take(0)
        assert [notice.group for notice in notices] == [b"", b"B", b"a", b"ab", b"b"] * 2
        assert [type(notice) for notice in notices] == [Signal] * 5 + [View] * 5

    def test_the_id_of_a_group_goes_on_behind_a_split(self, ring: Ring) -> None:
        ring.join(AMY, b"here")
        left = ring.part(0)
        left.told.clear()

        left.join(DAVE, b"here")
        left.leave(AMY, b"here")

        assert [view.id for view in left.views(0)] == [GroupId(ring.id, 2), GroupId(ring.id, 3)]

    def test_a_group_that_is_created_again_in_another_ring_bears_its_id(self, ring: Ring) -> None:
        ring.join(AMY, b"g")
        ring.leave(AMY, b"g")
        left = ring.part(0)

        left.join(AMY, b"g")

        assert left.views(0)[-1].id == GroupId(left.id, 1)


class TestMerges:
    def test_both_sides_get_one_view_that_tells_who_came_together(self, ring: Ring) -> None:
        for member in (DAVE, AMY, BOB, CARL):
            ring.join(member, b"g")
        left, right = ring.part(0), ring.part(1, 2)
        left.told.clear()
        right.told.clear()

        ring = merged(left, right)

        view = network(ring, b"g", 1, (AMY, DAVE), (BOB, CARL))
        assert ring.take(0) == ring.take(1) == ring.take(2) == [view]

    def test_one_daemon_speaks_for_all_that_know_the_same(self, ring: Ring) -> None:
        left, right = ring.part(0), ring.part(1, 2)
        ring = joined(left.transitional(0), right.transitional(1, 2))

        ring.regular()

        assert [daemon for daemon, _ in ring.submitted] == [0, 1]
        assert {groups.stage for groups in ring.groups.values()} == {Stage.GATHERING}
        assert all(groups.is_exchanging for groups in ring.groups.values())

    def test_a_group_of_one_side_is_known_to_all_and_sees_nothing(self, ring: Ring) -> None:
        left, right = ring.part(0), ring.part(1, 2)
        left.join(AMY, b"g")
        left.join(AMY, b"g2")
        left.leave(AMY, b"g2")
        left.told.clear()
        right.told.clear()
        group_id = left.groups[0].id(b"g")

        ring = merged(left, right)

        assert ring.told == {0: [], 1: [], 2: []}
        assert {groups.id(b"g") for groups in ring.groups.values()} == {group_id}
        assert {groups.of(AMY) for groups in ring.groups.values()} == {frozenset([b"g"])}

    def test_sets_are_in_the_order_of_the_ids_they_come_from(self, ring: Ring) -> None:
        for member in (AMY, BOB, CARL):
            ring.join(member, b"g")
        parts = [ring.part(2), ring.part(1), ring.part(0)]

        ring = merged(*parts)

        # By address first: that of the second daemon is larger than that of the first.
        assert ring.take(0)[-1] == network(ring, b"g", 1, (AMY,), (BOB,), (CARL,))

    def test_there_is_no_id_while_tables_are_exchanged(self, ring: Ring) -> None:
        ring.join(AMY, b"g")
        left, right = ring.part(0, 1), ring.part(2)
        ring = joined(left.transitional(0, 1), right.transitional(2))

        ring.regular()

        assert ring.groups[0].id(b"g") is None


class TestRequestsInTransition:
    """A join, leave or end that stands behind the transitional configuration."""

    def test_in_a_group_that_lost_somebody_each_makes_a_view_and_a_signal(self, ring: Ring) -> None:
        for member in (AMY, BOB, CARL):
            ring.join(member, b"g")
        left = ring.transitional(0, 1)
        left.told.clear()

        left.join(DAVE, b"g")
        left.leave(BOB, b"g")
        left.end(DAVE)

        assert left.take(0) == [
            network(left, b"g", 2, (AMY, BOB), (CARL,), (DAVE,)),
            signal(left, b"g", 2, AMY, DAVE),
            network(left, b"g", 3, (AMY, DAVE), (CARL,)),
            signal(left, b"g", 3, AMY, DAVE),
            network(left, b"g", 4, (AMY,), (CARL,)),
            signal(left, b"g", 4, AMY),
        ]
        left.regular()
        assert left.take(0) == [network(left, b"g", 1, (AMY,))]

    def test_in_any_other_group_it_is_an_ordinary_change(self, ring: Ring) -> None:
        ring.join(AMY, b"g")
        left = ring.transitional(0, 1)
        left.told.clear()

        left.join(BOB, b"g")
        left.regular()

        assert left.views(0) == left.views(1)
        assert left.groups[0].id(b"g") == GroupId(ring.id, 2)

    def test_a_join_from_a_daemon_that_is_lost_makes_the_group_one_that_lost_somebody(
        self, ring: Ring
    ) -> None:
        ring.join(AMY, b"g")
        left = ring.transitional(0, 1)
        left.told.clear()

        left.join(CARL, b"g")

        assert left.take(0) == [
            network(left, b"g", 2, (AMY,), (CARL,)),
            signal(left, b"g", 2, AMY),
        ]
        left.regular()
        assert left.take(0) == [network(left, b"g", 1, (AMY,))]

    def test_a_group_that_only_a_lost_daemon_joins_is_forgotten(self, ring: Ring) -> None:
        left = ring.transitional(0, 1)

        left.join(CARL, b"g")
        left.join(AMY, b"g")
        left.leave(AMY, b"g")
        left.regular()

        assert [type(notice) for notice in left.take(0)] == [View, View, Signal, View]
        assert len(left.groups[0]) == 0

    def test_a_group_that_is_created_bears_the_id_of_the_transition(self, ring: Ring) -> None:
        left = ring.transitional(0)
        transition = left.id

        left.join(AMY, b"g")
        left.leave(AMY, b"g")
        left.join(AMY, b"g")
        left.regular()

        assert [view.id for view in left.views(0)] == [
            GroupId(transition, 1),
            GroupId(transition, 2),
        ]
        assert left.groups[0].stage is Stage.OPERATIONAL

    def test_a_lost_daemon_may_join_a_group_that_was_created_in_the_transition(
        self, ring: Ring
    ) -> None:
        left = ring.transitional(0)
        left.join(AMY, b"g")
        left.told.clear()

        left.join(CARL, b"g")

        assert left.take(0)[0] == network(left, b"g", 2, (AMY,), (CARL,))


class TestInterruptedExchanges:
    @pytest.fixture
    def ring(self) -> Ring:
        """Return daemons 0 and 1, with AMY and BOB in one group, that exchange with daemon 2."""
        ring = Ring.of(3)
        for member in (AMY, BOB):
            ring.join(member, b"g")
        left, right = ring.part(0, 1), ring.part(2)
        ring = joined(left.transitional(0, 1), right.transitional(2))
        ring.regular()
        ring.told.clear()
        return ring

    def test_nobody_hears_of_a_split_until_the_next_view(self, ring: Ring) -> None:
        group_id = GroupId(RingId(0x7F000001, 100), 2)
        first, second = ring.transitional(0), ring.transitional(1, 2)
        assert first.take(0) == second.take(1) == []
        assert first.groups[0].stage is Stage.INTERRUPTED

        first.regular()

        assert first.take(0) == [
            Signal(b"g", group_id, (AMY,)),
            network(first, b"g", 1, (AMY,)),
        ]

    def test_a_group_that_is_whole_again_has_seen_nothing(self, ring: Ring) -> None:
        group_id = GroupId(RingId(0x7F000001, 100), 2)
        ring = joined(ring.transitional(0), ring.transitional(1), ring.transitional(2))

        ring.regular()
        ring.exchange()

        assert ring.told == {0: [], 1: [], 2: []}
        assert {groups.id(b"g") for groups in ring.groups.values()} == {group_id}

    def test_a_group_that_lost_one_side_twice_gets_its_signal_once(self, ring: Ring) -> None:
        first, others = ring.transitional(0), ring.transitional(1, 2)
        ring = joined(first, others.transitional(2))
        ring.regular()
        ring = ring.transitional(0)
        ring.regular()

        notices = ring.take(0)

        assert [type(notice) for notice in notices] == [Signal, View]
        assert notices[-1] == network(ring, b"g", 1, (AMY,))

    def test_an_exchange_may_be_complete_behind_the_transitional_configuration(
        self, ring: Ring
    ) -> None:
        messages = ring.submitted
        left = ring.transitional(0, 2)

        left.submitted = messages
        left.exchange()

        assert left.groups[0].stage is Stage.TRANSITIONAL
        assert left.take(0)[-1] == Signal(b"g", GroupId(RingId(0x7F000001, 100), 2), (AMY,))
        left.regular()
        assert left.take(0) == [network(left, b"g", 1, (AMY,))]

    def test_the_next_exchange_begins_anew(self, ring: Ring) -> None:
        ring.deliver(*ring.submitted.pop(0))
        ring = joined(ring.transitional(0, 1), ring.transitional(2))

        ring.regular()
        ring.exchange()

        assert {groups.stage for groups in ring.groups.values()} == {Stage.OPERATIONAL}
        assert ring.groups[2].members(b"g") == (AMY, BOB)

    def test_a_stray_message_behind_an_exchange_is_told_and_ignored(self, ring: Ring) -> None:
        message = ring.submitted[0]
        ring.exchange()

        outcome = ring.groups[2].state(*message)

        assert outcome == Outcome(fault="no tables are being exchanged")


class TestSpeakersThatAreNotUnderstood:
    @pytest.fixture
    def ring(self) -> Ring:
        """Return three daemons, each with a member of one group, before the table of the first."""
        ring = Ring.of(3)
        for member in (AMY, BOB, CARL):
            ring.join(member, b"g")
        left, right = ring.part(0, 1), ring.part(2)
        ring = joined(left.transitional(0, 1), right.transitional(2))
        ring.regular()
        ring.told.clear()
        return ring

    def outcomes(self, ring: Ring) -> list[Outcome]:
        """Let all see nonsense from daemon 0, then everything else; return what daemon 0 did."""
        outcomes = [ring.groups[0].state(0, b"nonsense")]
        for daemon in (1, 2):
            ring.follow(daemon, ring.groups[daemon].state(0, b"nonsense"))
        for origin, body in [item for item in ring.submitted if item[0] != 0]:
            outcomes.append(ring.groups[0].state(origin, body))
            for daemon in (1, 2):
                ring.follow(daemon, ring.groups[daemon].state(origin, body))
        return outcomes

    def test_others_whom_it_spoke_for_speak_for_themselves(self, ring: Ring) -> None:
        self.outcomes(ring)

        assert [daemon for daemon, _ in ring.submitted] == [0, 2, 1]
        assert {groups.stage for groups in ring.groups.values()} == {Stage.OPERATIONAL}
        for groups in ring.groups.values():
            assert groups.members(b"g") == (BOB, CARL)
            groups.invariants()

    def test_its_own_sessions_are_no_longer_members(self, ring: Ring) -> None:
        outcomes = self.outcomes(ring)

        assert outcomes[0].fault == "a message of 8 bytes"
        assert outcomes[-1].expelled == ((AMY, b"g"),)

    def test_members_that_stay_get_a_signal_and_a_view(self, ring: Ring) -> None:
        self.outcomes(ring)

        kinds = [type(notice) for notice in ring.take(1)]
        assert kinds == [Signal, View]


class TestNamesThatNoDaemonLetsIn:
    @pytest.mark.parametrize(
        "member",
        [
            b"",
            b"#",
            b"amy",
            b"#amy",
            b"#amy#",
            b"##d1",
            b"#amy#d4",
            b"x#amy#d1",
            b"#a#b#d1",
            b"#" + b"n" * 28 + b"#d1",
        ],
    )
    def test_their_requests_change_nothing(self, ring: Ring, member: bytes) -> None:
        groups = ring.groups[0]

        assert groups.join(member, b"g") == []
        assert groups.leave(member, b"g") == (False, [])
        assert groups.end(member) == []
        assert groups.of(member) == frozenset()
        assert len(groups) == 0

    def test_a_group_name_that_fills_its_field_cannot_be_joined(self, ring: Ring) -> None:
        assert ring.groups[0].join(AMY, b"g" * 32) == []

    def test_a_daemon_outside_the_ring_has_no_members(self) -> None:
        groups = Groups(RingId(1, 1), [b"d1", b"d2"])

        assert groups.join(BOB, b"g") == []


class TestOtherNumbers:
    def test_members_keep_their_groups_and_views_go_on(self, ring: Ring) -> None:
        for group in (b"g", b"h"):
            ring.join(AMY, group)
        ring.join(DAVE, b"g")
        alone = ring.part(0)
        alone.take(0)
        groups = alone.groups[0]
        before = groups.id(b"g")

        groups.renumber([b"new", b"d3", b"d1"], 2)

        groups.invariants()
        assert groups.members(b"g") == (AMY, DAVE)
        assert groups.of(AMY) == {b"g", b"h"}
        assert groups.id(b"g") == before
        was_member, (view,) = groups.leave(DAVE, b"g")
        assert was_member
        assert isinstance(view, View)
        assert view.members == (AMY,)

    def test_members_of_daemons_with_other_numbers_come_in(self, ring: Ring) -> None:
        ring.join(AMY, b"g")
        alone = ring.part(0)
        groups = alone.groups[0]
        groups.renumber([b"new", b"d3", b"d1"], 2)

        assert groups.join(CARL, b"g") == []
        groups.transitional((2,), RingId(5, 1000))
        outcome = groups.regular((1, 2), RingId(5, 1001))

        assert groups.stage is Stage.GATHERING
        assert outcome.submissions

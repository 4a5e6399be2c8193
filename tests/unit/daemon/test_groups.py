"""Members of groups, the order they are shown in, and the ids of their views."""

import tracemalloc

import pytest

from spread.daemon import groups as module
from spread.daemon.groups import Groups, Notice, Stage, Unheard
from spread.daemon.views import GroupId, RingId, View
from spread.service import Cause

RING = RingId(0x7F000001, 0x6B02DC52)
ALICE, BOB, ZOE = b"#alice#d1", b"#bob#d1", b"#zoe#d1"


@pytest.fixture
def groups() -> Groups:
    return Groups(RING, (b"d1", b"d2", b"d3"))


def joined(groups: Groups, *members: bytes, group: bytes = b"g") -> View:
    """Let all join; return the last view."""
    notices = [notice for member in members for notice in groups.join(member, group)]
    return the_view(notices)


def the_view(notices: list[Notice]) -> View:
    """Return the last of some notices, which must be a view."""
    assert isinstance(notices[-1], View)
    return notices[-1]


def of_daemons(*names: bytes) -> Groups:
    """Return groups of the first of these daemons, which form a ring."""
    ring = range(len(names))
    groups = Groups(RING, names)
    groups.transitional((0,), RING)
    (mine,) = groups.regular(ring, RING).submissions
    groups.state(0, mine)
    for me in ring[1:]:
        others = Groups(RING, names, me)
        others.transitional((me,), RING)
        groups.state(me, others.regular(ring, RING).submissions[0])
    assert groups.stage is Stage.OPERATIONAL
    return groups


def ended(groups: Groups, *members: bytes) -> None:
    for member in members:
        groups.end(member)


def test_the_first_join_makes_the_group(groups: Groups) -> None:
    assert groups.join(ALICE, b"g") == [
        View(
            group=b"g",
            id=GroupId(RING, 1),
            cause=Cause.JOIN,
            members=(ALICE,),
            together=((ALICE,),),
        )
    ]
    assert len(groups) == 1


def test_members_are_in_the_order_of_their_names_as_bytes(groups: Groups) -> None:
    view = joined(groups, b"#b#d1", b"#a#d1", b"#B#d1", b"#aa#d1", b"#a$#d1", b"#~#d1", b"#0#d1")

    assert view.members == (
        b"#0#d1",
        b"#B#d1",
        b"#a#d1",
        b"#a$#d1",
        b"#aa#d1",
        b"#b#d1",
        b"#~#d1",
    )


def test_daemons_come_in_the_order_of_the_configuration_before_names() -> None:
    groups = of_daemons(b"zulu", b"alpha", b"mike")

    view = joined(groups, b"#a#alpha", b"#a#mike", b"#z#zulu", b"#b#alpha", b"#a#zulu")

    assert view.members == (b"#a#zulu", b"#z#zulu", b"#a#alpha", b"#b#alpha", b"#a#mike")


def test_a_second_join_changes_nothing(groups: Groups) -> None:
    groups.join(ALICE, b"g")

    assert groups.join(ALICE, b"g") == []
    assert joined(groups, BOB).id.index == 2


def test_names_of_groups_are_bytes_and_nothing_else(groups: Groups) -> None:
    for name in (b"g", b"G", b"", b"#g", b"g ", b"\xff" * 31):
        assert joined(groups, ALICE, group=name).group == name

    assert len(groups) == 6
    assert groups.of(ALICE) == {b"g", b"G", b"", b"#g", b"g ", b"\xff" * 31}


def test_a_leave_shows_the_leaver_in_a_set_but_not_among_the_members(groups: Groups) -> None:
    joined(groups, ALICE, BOB)

    was_member, notices = groups.leave(ALICE, b"g")

    assert was_member
    assert notices == [View(b"g", GroupId(RING, 3), Cause.LEAVE, (BOB,), ((ALICE,),))]


@pytest.mark.parametrize("group", [b"g", b"other"])
def test_a_leave_of_somebody_else_changes_nothing(groups: Groups, group: bytes) -> None:
    joined(groups, ALICE)

    assert groups.leave(BOB, group) == (False, [])
    assert groups.members(b"g") == (ALICE,)


def test_the_last_leave_gives_no_view_and_ends_the_group(groups: Groups) -> None:
    joined(groups, ALICE)

    assert groups.leave(ALICE, b"g") == (True, [])
    assert len(groups) == 0
    assert groups.members(b"g") == ()
    assert groups.of(ALICE) == frozenset()


def test_a_disconnect_changes_all_groups_in_the_order_of_their_names(groups: Groups) -> None:
    for name in (b"b", b"B", b"a", b"ab", b"", b"alone"):
        groups.join(ALICE, name)
        if name != b"alone":
            groups.join(BOB, name)

    views = [the_view([notice]) for notice in groups.end(ALICE)]

    assert [view.group for view in views] == [b"", b"B", b"a", b"ab", b"b"]
    assert {(view.cause, view.members, view.together) for view in views} == {
        (Cause.DISCONNECT, (BOB,), ((ALICE,),))
    }
    assert len(groups) == 5


def test_the_end_of_somebody_without_groups_changes_nothing(groups: Groups) -> None:
    joined(groups, ALICE)

    assert groups.end(BOB) == []


def test_every_change_counts_the_index_on(groups: Groups) -> None:
    indexes = [joined(groups, ALICE).id.index, joined(groups, BOB).id.index]
    _, left = groups.leave(ALICE, b"g")
    indexes += [the_view(left).id.index, joined(groups, ZOE).id.index]
    indexes += [view.id.index for view in groups.end(BOB)]

    assert indexes == [1, 2, 3, 4, 5]


def test_groups_count_for_themselves(groups: Groups) -> None:
    joined(groups, ALICE, BOB, ZOE, group=b"busy")

    assert joined(groups, ALICE, group=b"other").id.index == 1


def test_a_group_that_is_created_again_goes_on_counting(groups: Groups) -> None:
    joined(groups, ALICE, BOB)
    ended(groups, ALICE, BOB)

    view = joined(groups, ALICE)

    assert view.id.index == 4
    assert view.members == (ALICE,)


def test_ids_do_not_repeat_when_more_names_have_vanished_than_are_remembered(
    groups: Groups, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FORGOTTEN_MAX", 10)
    for _ in range(5):
        joined(groups, ALICE, group=b"first")
        groups.leave(ALICE, b"first")
    for number in range(20):
        joined(groups, ALICE, group=b"g%d" % number)
        groups.leave(ALICE, b"g%d" % number)

    assert joined(groups, ALICE, group=b"first").id.index == 6
    assert joined(groups, ALICE, group=b"g0").id.index > 1


def test_the_names_of_vanished_groups_do_not_pile_up(groups: Groups) -> None:
    def come_and_go(numbers: range) -> int:
        """Let groups come and go; return the bytes in use behind the last one."""
        for number in numbers:
            groups.join(ALICE, b"g%06d" % number)
            groups.leave(ALICE, b"g%06d" % number)
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        full = come_and_go(range(module.FORGOTTEN_MAX + 1_000))
        later = come_and_go(range(100_000, 100_000 + 2 * module.FORGOTTEN_MAX))
    finally:
        tracemalloc.stop()

    assert later < 1.5 * full


def test_a_second_member_of_one_group_does_not_show_in_others(groups: Groups) -> None:
    for name in (b"first", b"second", b"third"):
        groups.join(ALICE, name)

    joined(groups, BOB, group=b"second")
    groups.leave(ALICE, b"third")

    assert groups.members(b"first") == (ALICE,)
    assert groups.members(b"second") == (ALICE, BOB)
    assert groups.members(b"third") == ()
    assert [groups.id(name) for name in (b"first", b"second")] == [
        GroupId(RING, 1),
        GroupId(RING, 2),
    ]
    groups.invariants()


def test_a_group_of_one_member_takes_little_more_than_its_name(groups: Groups) -> None:
    names = [b"g%06d" % number for number in range(50_000)]

    tracemalloc.start()
    try:
        for name in names:
            groups.join(ALICE, name)
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert taken < 200 * len(names)


def test_members_are_not_listed_for_nobody(groups: Groups) -> None:
    joined(groups, ALICE, BOB)
    heard = []

    def nobody(group: bytes) -> bool:
        heard.append(group)
        return False

    assert groups.join(ZOE, b"g", nobody) == [Unheard(b"g", GroupId(RING, 3), Cause.JOIN, 3)]
    assert groups.join(ZOE, b"own", nobody) == [Unheard(b"own", GroupId(RING, 1), Cause.JOIN, 1)]
    assert groups.leave(BOB, b"g", nobody) == (
        True,
        [Unheard(b"g", GroupId(RING, 4), Cause.LEAVE, 2)],
    )
    assert groups.end(ZOE, nobody) == [Unheard(b"g", GroupId(RING, 5), Cause.DISCONNECT, 1)]
    assert heard == [b"g", b"own", b"g", b"g"]

"""The history of views as one story."""

from hypothesis import given
from hypothesis import strategies as st

from spread.monitor.report import Report, RingName, View
from spread.monitor.web.story import STEPS_MAX, Step, Story

DAEMONS = ("a", "b", "c")


def view(time_s: float, members: str, cause: str = "token lost") -> View:
    return View(time_s, RingName(members[0], int(time_s)), tuple(members), cause=cause)


def told(*views: View) -> list[Step]:
    story = Story()
    for each in views:
        story.take(Report(name, "10.0.0.1", views=(each,)) for name in each.members)
    return story.steps(DAEMONS)


def test_a_view_that_all_its_members_report_is_one_step() -> None:
    (step,) = told(view(1, "abc", cause=""))

    assert (step.kind, step.text) == ("first", "a, b and c formed a ring of three.")
    assert step.rings == {"a": 0, "b": 0, "c": 0}


def test_a_loss_leaves_the_lost_one_in_no_ring() -> None:
    step = told(view(1, "abc", cause=""), view(2, "ab"))[1]

    assert step.kind == "loss"
    assert step.text == "a and b go on without c, because the token was lost."
    assert step.rings == {"a": 1, "b": 1, "c": None}


def test_the_cause_is_that_of_who_knows_why() -> None:
    story = Story()
    causes = ("a member looks for a ring: b", "a member cannot be reached: c", "")

    story.take([Report("a", "10.0.0.1", views=(view(1, "abc", cause=""),))])
    for cause in causes:
        story.take([Report("a", "10.0.0.1", views=(view(2, "ab", cause=cause),))])

    text = story.steps(DAEMONS)[1].text
    assert text == "a and b go on without c, because c could no longer be reached."


def test_a_partition_is_one_step_with_both_sides() -> None:
    step = told(view(1, "abc", cause=""), view(2, "c"), view(3, "ab"))[1]

    assert step.kind == "partition"
    assert step.text == "The ring split: a and b; c, because the token was lost."
    assert step.rings == {"a": 2, "b": 2, "c": 1}


def test_a_side_that_forms_much_later_is_a_step_of_its_own() -> None:
    steps = told(view(1, "abc", cause=""), view(2, "ab"), view(60, "c"))

    assert [step.kind for step in steps] == ["first", "loss", "partition"]
    assert steps[2].text == "c formed a ring of its own, because the token was lost."


def test_sides_that_meet_again_merge() -> None:
    step = told(view(1, "abc", cause=""), view(2, "ab"), view(3, "c"), view(4, "abc"))[2]

    assert (step.kind, step.text) == ("merge", "a and b met c: a, b and c formed a ring of three.")
    assert len(set(step.rings.values())) == 1


def test_a_daemon_that_nobody_knew_joins() -> None:
    step = told(view(1, "ab", cause=""), view(2, "abc"))[1]

    assert (step.kind, step.text) == ("join", "c joined a and b.")


def test_the_same_members_once_more_are_told_as_that() -> None:
    step = told(view(1, "abc", cause=""), view(2, "abc"))[1]

    assert step.kind == "change"
    assert "once more, because the token was lost" in step.text


def test_an_account_with_a_cause_replaces_one_without() -> None:
    story = Story()
    story.take([Report("a", "10.0.0.1", views=(view(1, "abc", ""), view(2, "ab", "")))])
    story.take([Report("b", "10.0.0.2", views=(view(2, "ab"),))])

    assert story.steps(DAEMONS)[1].text.endswith("because the token was lost.")


def test_nothing_new_is_no_change() -> None:
    story = Story()
    report = Report("a", "10.0.0.1", views=(view(1, "abc"),))

    assert story.take([report])
    assert not story.take([report])


def test_old_views_are_forgotten() -> None:
    steps = told(*(view(second, "abc") for second in range(1, STEPS_MAX + 50)))

    assert len(steps) == STEPS_MAX
    assert steps[0].time_s == 50


@given(
    st.lists(
        st.tuples(st.integers(1, 50), st.sets(st.sampled_from(DAEMONS), min_size=1)), max_size=12
    )
)
def test_members_of_the_last_view_are_together_whatever_came_before(
    accounts: list[tuple[int, set[str]]],
) -> None:
    steps = told(*(view(second, "".join(sorted(members))) for second, members in accounts))

    for step in steps:
        for side in step.sides:
            assert len({step.rings[name] for name in side}) == 1
            assert step.rings[side[0]] is not None
        assert step.text.endswith(".")


def parted(name: str, ring: View, partition: tuple[int, ...], *before: View) -> Report:
    return Report(name, "10.0.0.1", ring=ring.ring, views=(*before, ring), partition=partition)


def test_a_partition_of_a_monitor_is_the_cause_of_the_rings_that_it_makes() -> None:
    story = Story()
    whole, pair, alone = view(1, "abc", cause=""), view(2, "ab"), view(3, "c")

    reports = [parted(name, pair, (1, 1, 2), whole) for name in "ab"]
    story.take([*reports, parted("c", alone, (1, 1, 2), whole)], DAEMONS)

    step = story.steps(DAEMONS)[1]
    assert step.text == ("The ring split: a and b; c, because a monitor asked for a partition.")


def test_another_partition_is_the_cause_where_daemons_found_each_other_too() -> None:
    story = Story()
    story.take([Report(name, "10.0.0.1", views=(view(1, "ab"),)) for name in "ab"], DAEMONS)
    story.take([Report("c", "10.0.0.1", views=(view(2, "c"),))], DAEMONS)
    pair, alone = view(9, "bc", cause="daemons found each other"), view(9.5, "a")

    story.take([parted(name, pair, (1, 2, 2)) for name in "bc"], DAEMONS)
    story.take([parted("a", alone, (1, 2, 2))], DAEMONS)

    assert story.steps(DAEMONS)[-1].cause == "a monitor asked for a partition"


def test_that_daemons_found_each_other_is_no_cause_of_a_split() -> None:
    whole = view(1, "abc", cause="")

    step = told(whole, view(2, "bc", cause="daemons found each other"), view(3, "a"))[1]

    assert step.text == "The ring split: b and c; a, because the token was lost."


def test_a_ring_that_was_there_before_a_partition_was_not_made_by_it() -> None:
    story = Story()
    pair = view(2, "ab")
    story.take([Report("a", "10.0.0.1", views=(view(1, "abc", cause=""), pair))], DAEMONS)

    story.take([parted("a", pair, (1, 1, 2))], DAEMONS)

    assert story.steps(DAEMONS)[1].cause == "token lost"


def test_a_daemon_that_dies_in_a_partition_is_not_told_as_parted() -> None:
    story = Story()
    story.take([parted("a", view(2, "ab"), (1, 1, 2), view(1, "abc", cause=""))], DAEMONS)

    story.take([parted("a", view(9, "a"), (1, 1, 2))], DAEMONS)

    assert story.steps(DAEMONS)[-1].cause == "token lost"

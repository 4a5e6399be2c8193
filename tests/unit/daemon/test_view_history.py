"""The last rings as those who watch see them."""

from spread.daemon.view_history import VIEWS_MAX, Ending, ViewHistory
from spread.monitor.report import RingName, View

NAMES = ("d1", "d2", "d3")
ADDRESSES = ("10.0.0.1", "10.0.0.2", "10.0.0.3")
FIRST, SECOND = 0x0A000001, 0x0A000002


def history() -> ViewHistory:
    times = iter(range(100, 1000))
    return ViewHistory(NAMES, ADDRESSES, lambda: float(next(times)))


def test_a_view_says_who_came_who_went_and_why() -> None:
    views = history()

    views.installed((FIRST, 7), (0, 1), Ending("start"))
    views.installed((SECOND, 9), (1, 2), Ending("token lost", 1_500_000))

    assert views.views == (
        View(100.0, RingName("d1", 7), ("d1", "d2"), joined=("d1", "d2")),
        View(
            101.0,
            RingName("d2", 9),
            ("d2", "d3"),
            joined=("d3",),
            left=("d1",),
            cause="token lost",
            formed_ms=1.5,
        ),
    )


def test_a_leader_that_is_not_configured_is_named_by_its_address() -> None:
    views = history()

    views.installed((0x7F000009, 7), (0,), Ending())

    assert views.views[0].ring == RingName("127.0.0.9", 7)


def test_only_the_last_views_are_kept() -> None:
    views = history()

    for time in range(VIEWS_MAX + 5):
        views.installed((FIRST, time), (0,), Ending())

    assert [view.ring.time for view in views.views] == list(range(5, VIEWS_MAX + 5))


def test_what_was_handed_out_does_not_change() -> None:
    views = history()
    views.installed((FIRST, 1), (0,), Ending())
    before = views.views

    views.installed((FIRST, 2), (0,), Ending())

    assert len(before) == 1


def test_numbers_mean_other_daemons_after_a_new_configuration() -> None:
    views = history()
    views.installed((FIRST, 1), (0, 1), Ending())

    views.configured(("d2", "d3"), ADDRESSES[1:])
    views.installed((SECOND, 2), (0, 1), Ending())

    assert views.views[1].members == ("d2", "d3")
    assert views.views[1].left == ("d1",)

"""What monitors have the daemon do, handed over to the ring's thread."""

from collections.abc import Callable

import pytest

from spread.config.model import EventPriority, EventType, Options
from spread.daemon.commands import PARTITION_NS, Commands, Means
from spread.daemon.network import windows
from spread.errors import ConfigurationError

NOW_NS = 7
NAMES = ("a", "b", "c")


class Node:
    """Notes what is asked of the core."""

    def __init__(self) -> None:
        self.partitions: list[tuple[tuple[int, ...], int]] = []
        self.windows: list[tuple[tuple[int, ...], tuple[int, ...]]] = []

    def set_partition(self, components: tuple[int, ...], until_ns: int) -> None:
        self.partitions.append((components, until_ns))

    def set_windows(self, base: tuple[int, ...], most: tuple[int, ...]) -> None:
        self.windows.append((base, most))


class Ring:
    """The ring's thread: calls wait until the test runs them."""

    def __init__(self, options: Options | None = None) -> None:
        self.node = Node()
        self.waiting: list[Callable[[], None]] = []
        self.has_room = True
        self.now_ns = NOW_NS
        self.stops = 0
        self.done: list[str] = []
        self.vain = 0
        self.refused: list[object] = []
        means = Means(
            self.node,  # type: ignore[arg-type]  # Only what commands use.
            self._call_soon,
            self._stop,
            windows,
            self,
            lambda: self.now_ns,
        )
        self.commands = Commands(means, options or Options(), NAMES)

    def part(self, *components: int) -> None:
        wanted = dict(zip(NAMES, components, strict=False))
        self.commands.partition(wanted, lambda: self.done.append("partition"))

    def change(self, *given: int | None) -> None:
        window, personal, accelerated = given
        self.commands.windows((window, personal, accelerated), lambda: self.done.append("windows"))

    def event(
        self, _types: EventType, _priority: EventPriority, wording: str, /, **fields: object
    ) -> None:
        if wording == "a monitor ended partitions, and none is in force":
            self.vain += 1
            return
        assert wording == "command of a monitor not carried out"
        self.refused.append(fields["reason"])

    def run(self) -> None:
        while self.waiting:
            self.waiting.pop(0)()

    def _call_soon(self, what: Callable[[], None]) -> bool:
        if self.has_room:
            self.waiting.append(what)
        return self.has_room

    def _stop(self) -> None:
        self.stops += 1


@pytest.fixture
def ring() -> Ring:
    return Ring()


def test_nothing_is_done_outside_the_thread_of_the_ring(ring: Ring) -> None:
    ring.part(0, 0, 1)

    assert ring.node.partitions == []


def test_a_partition_lasts_a_minute(ring: Ring) -> None:
    ring.part(0, -1, 1)
    ring.run()

    assert ring.node.partitions == [((0, 0xFFFF, 1), NOW_NS + PARTITION_NS)]


def test_no_components_end_it(ring: Ring) -> None:
    ring.part()
    ring.run()

    assert ring.node.partitions[0][0] == ()


def test_what_ends_a_partition_is_told_once_and_only_if_there_is_one(ring: Ring) -> None:
    ring.part()
    ring.part(0, 0, 1)
    ring.part()
    ring.part()
    ring.run()

    assert ring.done == ["partition", "partition"]
    assert ring.vain == 2


def test_a_command_is_told_when_it_is_done_and_not_before(ring: Ring) -> None:
    ring.part(0, 0, 1)
    before = list(ring.done)
    ring.run()

    assert (before, ring.done) == ([], ["partition"])


def test_a_partition_goes_by_names_when_the_numbers_change_before_it_is_done(ring: Ring) -> None:
    ring.part(0, 0, 1)

    ring.commands.configured(Options(), ("new", "c", "a"))
    ring.run()

    assert ring.node.partitions == [((0, 1, 0), NOW_NS + PARTITION_NS)]
    assert ring.done == ["partition"]


def test_a_partition_goes_on_under_other_numbers_until_its_time_is_over(ring: Ring) -> None:
    ring.part(0, 2, 1)
    ring.run()
    end_ns = NOW_NS + PARTITION_NS
    ring.now_ns = end_ns - 1
    ring.commands.configured(Options(), ("c", "b"))
    ring.now_ns = end_ns
    ring.commands.configured(Options(), ("b", "c"))

    assert ring.node.partitions == [((0, 2, 1), end_ns), ((1, 2), end_ns)]


def test_a_partition_that_was_ended_is_not_begun_again_by_a_reload(ring: Ring) -> None:
    ring.part(0, 2, 1)
    ring.part()
    ring.run()

    ring.commands.configured(Options(), ("c", "b"))

    assert [components for components, _ in ring.node.partitions] == [(0, 2, 1), ()]


def test_windows_that_are_given_stay_as_they_are(ring: Ring) -> None:
    ring.change(50, 10, 5)
    ring.run()

    assert ring.node.windows == [((50, 10, 5), (50, 10, 5))]


def test_one_that_is_kept_still_adapts(ring: Ring) -> None:
    base, most = windows(Options())

    ring.change(None, None, 3)
    ring.run()

    assert ring.node.windows == [((*base[:2], 3), (*most[:2], 3))]


def test_one_that_is_kept_follows_a_smaller_one_above_it(ring: Ring) -> None:
    ring.change(10, None, None)
    ring.run()

    assert ring.node.windows == [((10, 10, 10), (10, 10, 10))]


def test_what_was_changed_is_kept_by_the_next_change(ring: Ring) -> None:
    ring.change(100, 30, 20)
    ring.change(None, 25, None)
    ring.run()

    assert ring.node.windows[-1] == ((100, 25, 20), (100, 25, 20))


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ((0, None, None), "let nothing pass"),
        ((None, 0, None), "let nothing pass"),
        ((10, 11, None), "personal window 11 is above window 10"),
        ((None, 5, 6), "accelerated window 6 is above personal window 5"),
        ((2000, None, None), "more than a daemon can hold"),
    ],
)
def test_windows_with_which_the_ring_would_not_work_are_refused(
    ring: Ring, given: tuple[int | None, int | None, int | None], reason: str
) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        ring.change(*given)
    ring.run()

    assert ring.node.windows == []


def test_a_configuration_that_comes_into_force_has_its_windows(ring: Ring) -> None:
    ring.change(50, 10, 5)
    ring.run()

    ring.commands.configured(Options(window=30, personal_window=8, accelerated_window=4), NAMES)

    assert ring.node.windows[-1] == ((30, 8, 4), (30, 8, 4))


def test_stop_ends_the_loop_in_its_thread(ring: Ring) -> None:
    ring.commands.stop(lambda: ring.done.append("stop"))
    assert ring.stops == 0

    ring.run()

    assert ring.stops == 1
    assert ring.done == ["stop"]


def test_a_command_that_finds_no_room_says_so(ring: Ring) -> None:
    ring.has_room = False

    with pytest.raises(ConfigurationError, match="ask again"):
        ring.commands.stop(lambda: ring.done.append("stop"))
    assert ring.done == []


def test_windows_of_a_file_that_was_read_meanwhile_are_not_undone(ring: Ring) -> None:
    ring.change(None, None, 3)
    ring.commands.configured(Options(window=90, personal_window=9), NAMES)
    ring.run()
    ring.change(None, None, 2)
    ring.run()

    assert [base for base, _ in ring.node.windows][-2:] == [(90, 9, 3), (90, 9, 2)]


def test_windows_that_a_reload_has_made_impossible_are_refused_with_the_reason(ring: Ring) -> None:
    ring.change(None, 30, None)
    ring.commands.configured(Options(window=20, personal_window=9), NAMES)
    ring.run()

    assert [str(each) for each in ring.refused] == ["personal window 30 is above window 20"]
    assert ring.done == []

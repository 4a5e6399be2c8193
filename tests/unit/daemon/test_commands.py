"""What monitors have the daemon do, handed over to the ring's thread."""

from collections.abc import Callable

import pytest

from spread.config.model import Options
from spread.daemon.commands import PARTITION_NS, Commands, Means
from spread.daemon.network import windows
from spread.errors import ConfigurationError

NOW_NS = 7


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
        self.stops = 0
        means = Means(
            self.node,  # type: ignore[arg-type]  # Only what commands use.
            self._call_soon,
            self._stop,
            windows,
            lambda: NOW_NS,
        )
        self.commands = Commands(means, options or Options(), 3)

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
    ring.commands.partition((0, 0, 1))

    assert ring.node.partitions == []


def test_a_partition_lasts_a_minute(ring: Ring) -> None:
    ring.commands.partition((0, -1, 1))
    ring.run()

    assert ring.node.partitions == [((0, 0xFFFF, 1), NOW_NS + PARTITION_NS)]


def test_no_components_end_it(ring: Ring) -> None:
    ring.commands.partition(())
    ring.run()

    assert ring.node.partitions[0][0] == ()


def test_a_map_of_another_number_of_daemons_is_refused(ring: Ring) -> None:
    with pytest.raises(ConfigurationError, match="2 daemons; the configuration has 3"):
        ring.commands.partition((0, 1))


def test_windows_that_are_given_stay_as_they_are(ring: Ring) -> None:
    ring.commands.windows(50, 10, 5)
    ring.run()

    assert ring.node.windows == [((50, 10, 5), (50, 10, 5))]


def test_one_that_is_kept_still_adapts(ring: Ring) -> None:
    base, most = windows(Options())

    ring.commands.windows(None, None, 3)
    ring.run()

    assert ring.node.windows == [((*base[:2], 3), (*most[:2], 3))]


def test_one_that_is_kept_follows_a_smaller_one_above_it(ring: Ring) -> None:
    ring.commands.windows(10, None, None)
    ring.run()

    assert ring.node.windows == [((10, 10, 10), (10, 10, 10))]


def test_what_was_changed_is_kept_by_the_next_change(ring: Ring) -> None:
    ring.commands.windows(100, 30, 20)
    ring.commands.windows(None, 25, None)
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
        ring.commands.windows(*given)
    ring.run()

    assert ring.node.windows == []


def test_a_configuration_that_comes_into_force_has_its_windows(ring: Ring) -> None:
    ring.commands.windows(50, 10, 5)
    ring.run()

    ring.commands.configured(Options(window=30, personal_window=8, accelerated_window=4), 2)
    ring.commands.partition((0, 1))
    ring.run()

    assert ring.node.windows[-1] == ((30, 8, 4), (30, 8, 4))
    assert ring.node.partitions[-1][0] == (0, 1)


def test_stop_ends_the_loop_in_its_thread(ring: Ring) -> None:
    ring.commands.stop()
    assert ring.stops == 0

    ring.run()

    assert ring.stops == 1


def test_a_command_that_finds_no_room_says_so(ring: Ring) -> None:
    ring.has_room = False

    with pytest.raises(ConfigurationError, match="ask again"):
        ring.commands.stop()


def test_windows_of_a_file_that_was_read_meanwhile_are_not_undone(ring: Ring) -> None:
    ring.commands.windows(None, None, 3)
    ring.commands.configured(Options(window=90, personal_window=9), 3)
    ring.run()
    ring.commands.windows(None, None, 2)
    ring.run()

    assert [base for base, _ in ring.node.windows][-2:] == [(90, 9, 3), (90, 9, 2)]

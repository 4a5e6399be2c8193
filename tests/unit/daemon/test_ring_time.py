"""Times of ring ids: none repeats, whatever the clock, the network and the disk do."""

import errno
from pathlib import Path

import pytest

from spread.daemon.ring_time import (
    AHEAD_MAX,
    TIME_MAX,
    RingTimes,
    StateRecord,
    as_signed,
)
from spread.errors import ConfigurationError


class Clock:
    """Wall seconds that the test sets."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds

    def __call__(self) -> int:
        return self.seconds


class FullDisk:
    """A record on a disk that takes nothing any more."""

    def load(self) -> int:
        return 40

    def save(self, time: int) -> None:
        raise OSError(errno.ENOSPC, f"no space left for {time}")


def test_the_clock_gives_the_time() -> None:
    times = RingTimes(Clock(1000))

    assert times.next() == 1000


def test_a_second_ring_within_one_second_gets_a_later_time() -> None:
    times = RingTimes(Clock(1000))

    assert [times.next(), times.next()] == [1000, 1001]


def test_a_clock_that_steps_back_repeats_no_time() -> None:
    clock = Clock(1000)
    times = RingTimes(clock)
    times.next()
    clock.seconds = 10

    assert times.next() == 1001


def test_several_times_at_once_are_all_used() -> None:
    times = RingTimes(Clock(1000))

    first = times.next(count=2)

    assert (first, times.next()) == (1000, 1002)


def test_no_time_is_below_the_asked_minimum() -> None:
    times = RingTimes(Clock(1000))

    assert [times.next(minimum=5000), times.next(minimum=3)] == [5000, 5001]


def test_a_time_seen_on_the_network_is_not_used_again() -> None:
    times = RingTimes(Clock(1000))

    assert times.note(1500)

    assert times.next() == 1501


def test_an_earlier_time_seen_changes_nothing() -> None:
    times = RingTimes(Clock(1000))
    times.next()

    assert times.note(3)

    assert times.next() == 1001


def test_a_time_far_ahead_is_ignored() -> None:
    times = RingTimes(Clock(1000))

    assert times.note(1000 + AHEAD_MAX)
    assert not times.note(1001 + 2 * AHEAD_MAX)

    assert times.next() == 1001 + AHEAD_MAX


def test_the_last_time_is_the_largest_given_out_or_seen() -> None:
    times = RingTimes(Clock(1000))

    before = times.last
    times.next(count=2)
    given = times.last
    times.note(1005)

    assert (before, given, times.last) == (0, 1001, 1005)


def test_times_stay_32_bit_numbers_at_the_end_of_their_range() -> None:
    times = RingTimes(Clock(TIME_MAX + 5))

    assert times.next(count=2) == TIME_MAX - 1


def test_a_restart_continues_above_the_kept_time(tmp_path: Path) -> None:
    before = StateRecord(str(tmp_path))
    RingTimes(Clock(1000), before).next(count=3)
    before.close()

    after = StateRecord(str(tmp_path))

    assert after.load() == 1002
    assert RingTimes(Clock(7), after).next() == 1003
    after.close()


def test_the_record_is_eight_bytes_whatever_stood_there(tmp_path: Path) -> None:
    (tmp_path / "ring-time").write_text("1700000000 and more\n")

    record = StateRecord(str(tmp_path))
    record.save(1234)
    record.close()

    assert (tmp_path / "ring-time").read_bytes() == bytes.fromhex("d2040000 2dfbffff")


@pytest.mark.parametrize(
    "content",
    [b"", b"170", b"1700000000\n", bytes.fromhex("d2040000 2dfbff00")],
    ids=["empty", "cut", "foreign", "torn"],
)
def test_a_record_that_is_none_counts_as_no_time(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "ring-time").write_bytes(content)

    record = StateRecord(str(tmp_path))

    assert record.load() == 0
    record.close()


def test_a_directory_that_is_not_there_is_an_error_of_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"StateDir .*nowhere.* cannot be used: No such"):
        StateRecord(str(tmp_path / "nowhere"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_a_full_disk_at_the_start_is_an_error_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "ring-time").symlink_to("/dev/full")

    with pytest.raises(ConfigurationError, match="No space left on device; create it"):
        StateRecord(str(tmp_path))


def test_a_ring_forms_although_its_time_cannot_be_kept() -> None:
    errors: list[OSError] = []
    times = RingTimes(Clock(7), FullDisk(), errors.append)

    assert [times.next(), times.next()] == [41, 42]

    assert [error.errno for error in errors] == [errno.ENOSPC] * 2


def test_nobody_needs_to_be_told_that_a_time_was_not_kept() -> None:
    times = RingTimes(Clock(7), FullDisk())

    assert times.next() == 41


@pytest.mark.parametrize(
    ("word", "signed"), [(0, 0), (0x7FFFFFFF, 0x7FFFFFFF), (0x80000000, -0x80000000)]
)
def test_clients_see_signed_words(word: int, signed: int) -> None:
    assert as_signed(word) == signed

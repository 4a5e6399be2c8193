"""The arithmetic of flow control: windows at a scale, shares, room, and how the scale changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spread._ring_probes import next_scale, room, scaled, share

ONE, LEAST, STEP, LARGEST = 16, 4, 2, 128
WORDS = st.integers(0, 2**32 - 1)
WINDOWS = st.integers(1, 65_535)
SCALES = st.integers(LEAST, 0xFFFF)
LONG_NS = 10_000_000


def after(
    scale: int, packets: int = 100, *, lost: int = 0, backlog: int = 0, duration_ns: int = 0
) -> int:
    return next_scale(
        scale, LARGEST, packets=packets, lost=lost, backlog=backlog, duration_ns=duration_ns
    )


@given(WINDOWS, WINDOWS, SCALES, SCALES)
def test_windows_grow_with_the_scale_between_one_and_their_bound(
    base: int, more: int, scale: int, other: int
) -> None:
    most = base + more

    assert 1 <= scaled(base, most, scale) <= most
    assert scaled(base, most, ONE) == base
    assert (scaled(base, most, scale) <= scaled(base, most, other)) or scale > other


@given(WORDS, SCALES)
def test_a_window_of_nothing_stays_one(most: int, scale: int) -> None:
    assert scaled(0, most, scale) == 0


@given(WINDOWS, st.lists(st.integers(0, 100_000), min_size=1, max_size=20))
def test_shares_fit_the_window_and_leave_something_for_everybody(
    window: int, waiting: list[int]
) -> None:
    total = sum(waiting)
    shares = [share(window, mine, total - mine) for mine in waiting]

    if total <= window:
        assert all(each >= mine for each, mine in zip(shares, waiting, strict=True))
    else:
        assert sum(shares) <= window
        assert sum(shares) > window - len(waiting)


@given(
    window=WINDOWS,
    personal=WINDOWS,
    gap=st.integers(1, 2_047),
    fcc=WORDS,
    stable=st.integers(0, 2**63),
    ahead=st.integers(0, 4_096),
    retransmitted=st.integers(0, 1_000),
)
def test_room_keeps_every_bound(  # noqa: PLR0913, PLR0917 - all that flow control counts.
    window: int, personal: int, gap: int, fcc: int, stable: int, ahead: int, retransmitted: int
) -> None:
    found = room(
        window,
        personal,
        gap,
        fcc=fcc,
        stable=stable,
        high=stable + ahead,
        retransmitted=retransmitted,
    )

    assert 0 <= found <= personal
    assert found + ahead <= max(gap, ahead)
    assert found + retransmitted <= max(window - fcc, 1, retransmitted)
    if ahead < gap and retransmitted == 0:
        assert found >= 1


@given(SCALES, SCALES, WORDS, WORDS, WORDS, st.integers(0, 2**62))
def test_the_scale_moves_by_steps_and_halves_within_its_bounds(
    scale: int, most: int, packets: int, lost: int, backlog: int, duration_ns: int
) -> None:
    found = next_scale(
        scale, most, packets=packets, lost=lost, backlog=backlog, duration_ns=duration_ns
    )

    assert found >= LEAST
    assert found in {scale, scale // 2, LEAST, scale + STEP, most}
    assert found <= max(most, scale)


def test_the_scale_grows_while_somebody_has_to_wait() -> None:
    assert after(ONE, 100, backlog=101) == ONE + STEP
    assert after(ONE, 100, backlog=100) == ONE
    assert after(LARGEST - 1, 100, backlog=101) == LARGEST
    assert after(LARGEST, 100, backlog=101) == LARGEST


def test_long_rotations_do_not_become_longer() -> None:
    assert after(ONE, 100, backlog=200, duration_ns=LONG_NS) == ONE + STEP
    assert after(ONE, 100, backlog=200, duration_ns=LONG_NS + 1) == ONE


def test_much_loss_halves_the_scale_and_some_stops_its_growth() -> None:
    assert after(ONE, 96, lost=13, backlog=200) == ONE // 2
    assert after(ONE, 96, lost=12, backlog=200) == ONE
    assert after(ONE, 96, lost=7, backlog=200) == ONE
    assert after(ONE, 96, lost=6, backlog=200) == ONE + STEP
    assert after(LEAST + 1, 96, lost=13) == LEAST
    assert after(LEAST, 96, lost=96) == LEAST


@pytest.mark.parametrize("lost", range(8))
def test_of_a_few_packets_all_may_be_lost_by_chance(lost: int) -> None:
    assert after(ONE, max(lost, 1), lost=lost) == ONE

"""The packet window: holes, the received prefix, and what is given up."""

import pytest

from spread._window import WindowProbe

INSERTED, DUPLICATE, OUT_OF_RANGE = 0, 1, 2
SLOTS = 2_048


def filled(*sequence_numbers: int) -> WindowProbe:
    window = WindowProbe()
    for seq in sequence_numbers:
        assert window.insert(seq) == INSERTED
    return window


def test_an_empty_window_holds_nothing() -> None:
    assert WindowProbe().state() == (0, 0, 0, 0)


def test_packets_in_order_are_received_at_once() -> None:
    assert filled(1, 2, 3).state() == (0, 3, 3, 3)


def test_a_hole_holds_the_received_prefix_back() -> None:
    assert filled(1, 3, 4).state() == (0, 1, 4, 3)


def test_filling_the_hole_receives_all_behind_it_up_to_the_next() -> None:
    assert filled(1, 3, 4, 6, 2).state() == (0, 4, 6, 5)


@pytest.mark.parametrize("seq", [0, 1, 2, 4])
def test_a_packet_that_is_held_already_is_a_duplicate(seq: int) -> None:
    window = filled(1, 2, 4)

    assert window.insert(seq) == DUPLICATE
    assert window.state() == (0, 2, 4, 3)


def test_a_packet_that_has_been_given_up_is_a_duplicate() -> None:
    window = filled(1, 2, 3)
    window.discard(2)

    assert window.insert(1) == DUPLICATE
    assert window.state() == (2, 3, 3, 1)


def test_only_received_packets_are_given_up() -> None:
    window = filled(1, 2, 4)

    window.discard(4)

    assert window.state() == (2, 2, 4, 1)


def test_the_window_reaches_so_many_packets_beyond_those_given_up() -> None:
    window = filled(1)

    assert window.insert(SLOTS + 1) == OUT_OF_RANGE
    assert window.insert(SLOTS) == INSERTED
    window.discard(1)
    assert window.insert(SLOTS + 1) == INSERTED
    assert window.state() == (1, 1, SLOTS + 1, 2)


def test_a_number_without_sense_is_out_of_range() -> None:
    assert filled(1).insert(2**64 - 1) == OUT_OF_RANGE


def test_a_full_window_goes_on_when_room_is_made() -> None:
    window = filled(*range(1, SLOTS + 1))
    assert window.insert(SLOTS + 1) == OUT_OF_RANGE

    window.discard(SLOTS)

    assert window.insert(SLOTS + 1) == INSERTED
    assert window.state() == (SLOTS, SLOTS + 1, SLOTS + 1, 1)

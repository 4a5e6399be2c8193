"""How large a daemon's datagrams are to be."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from spread.config import Configuration, local_ring
from spread.daemon.datagram_size import Way, find_datagram_size, mtu_of
from tests.unit.config.reading import read

ONE_SEGMENT = "Spread_Segment 239.1.1.1:4803 { a 10.0.0.1 b 10.0.0.2 c 10.0.0.3 }\n"
TWO_SEGMENTS = """
Spread_Segment 10.0.0.255:4803 { a 10.0.0.1 b 10.0.0.2 }
Spread_Segment 10.0.1.255:4803 { c 10.0.1.1 }
"""


def configured(text: str) -> Configuration:
    return read(text, name="a").configuration


def sizes(text: str, mtus: Mapping[str, int | None]) -> tuple[tuple[int, ...], int | None, str]:
    """Return sizes, MTU and narrowest way, if the ways to these addresses have these MTUs."""
    found = find_datagram_size(configured(text), lambda _, way: mtus.get(way.address))
    return found.sizes, found.mtu, found.way


@pytest.mark.parametrize(
    ("mtu", "expected"),
    [
        (1_500, (1_472, 1_232, 548)),
        (9_000, (8_972, 1_472, 1_232, 548)),
        (1_400, (1_372, 1_232, 548)),
        (1_280, (1_252, 1_232, 548)),
        (1_260, (1_232, 548)),
        (576, (548,)),
        (400, (548,)),
        (65_535, (65_507, 1_472, 1_232, 548)),
    ],
)
def test_a_datagram_fills_the_frames_of_the_way(mtu: int, expected: tuple[int, ...]) -> None:
    mtus = dict.fromkeys(("239.1.1.1", "10.0.0.2", "10.0.0.3"), mtu)

    assert sizes(ONE_SEGMENT, mtus)[0] == expected


def test_the_narrowest_way_decides() -> None:
    mtus = {"239.1.1.1": 9_000, "10.0.0.2": 9_000, "10.0.0.3": 1_500}

    assert sizes(ONE_SEGMENT, mtus) == ((1_472, 1_232, 548), 1_500, "c")


def test_the_way_of_multicasts_counts_too() -> None:
    mtus = {"239.1.1.1": 1_500, "10.0.0.2": 9_000, "10.0.0.3": 9_000}

    assert sizes(ONE_SEGMENT, mtus) == ((1_472, 1_232, 548), 1_500, "segment")


def test_nobody_knows_more_than_ethernet_of_the_way_to_another_segment() -> None:
    mtus = {"10.0.0.255": 9_000, "10.0.0.2": 9_000, "10.0.1.1": 9_000}

    assert sizes(TWO_SEGMENTS, mtus) == ((1_472, 1_232, 548), 1_500, "c")


def test_ways_that_the_system_does_not_know_do_not_count() -> None:
    assert sizes(ONE_SEGMENT, {"10.0.0.3": 9_000})[0] == (8_972, 1_472, 1_232, 548)
    assert sizes(ONE_SEGMENT, {}) == ((1_472, 1_232, 548), None, "")


@pytest.mark.parametrize(
    ("wanted", "expected", "is_cut"),
    [
        (548, (548,), False),
        (1_400, (1_400, 1_232, 548), False),
        (1_472, (1_472, 1_232, 548), False),
        (8_000, (8_000, 1_472, 1_232, 548), True),
        (65_507, (65_507, 1_472, 1_232, 548), True),
    ],
)
def test_what_the_file_says_is_tried(wanted: int, expected: tuple[int, ...], is_cut: bool) -> None:
    configuration = configured(f"PacketSize = {wanted}\n{ONE_SEGMENT}")

    found = find_datagram_size(configuration, lambda *_: 1_500)

    assert found.sizes == expected
    assert found.is_configured
    assert found.is_cut == is_cut


def test_daemons_of_this_host_have_the_way_of_the_loopback_interface() -> None:
    configuration = local_ring(4803, 2, 1)

    found = find_datagram_size(configuration)

    assert found.mtu is None or found.mtu > 10_000
    assert found.sizes[-1] == 548


def test_a_way_from_an_address_that_is_not_ours_is_not_known() -> None:
    assert mtu_of("192.0.2.1", Way("b", "192.0.2.2", 4803)) is None


def test_the_file_goes_before_a_system_that_knows_nothing() -> None:
    configuration = local_ring(4803, 2, 1)
    options = replace(configuration.options, packet_size=4_000)

    found = find_datagram_size(replace(configuration, options=options), lambda *_: None)

    assert found.sizes == (4_000, 1_472, 1_232, 548)
    assert not found.is_cut

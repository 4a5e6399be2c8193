from dataclasses import replace

import pytest

from spread._packets import VERSION
from spread.config import Configuration, local, local_ring, ring_hash
from spread.config.model import Options, Timeouts
from spread.daemon.network import (
    MAX_SEQ_GAP,
    WINDOW_SLOTS,
    is_ring,
    network_hash,
    network_settings,
    ring_settings,
    ring_timeouts,
    windows_max,
)
from tests.unit.config.reading import read

TWO_SEGMENTS = """
Spread_Segment 10.0.0.255:4803 { a 10.0.0.1 b 10.0.0.2 }
Spread_Segment 10.0.1.255:4803 { c 10.0.1.1 }
"""


def configured(text: str, name: str) -> Configuration:
    return read(text, name=name).configuration


def with_options(configuration: Configuration, **options: object) -> Configuration:
    return replace(configuration, options=replace(configuration.options, **options))


def test_daemons_are_numbered_in_configuration_order_over_all_segments() -> None:
    network = network_settings(configured(TWO_SEGMENTS, "c"), incarnation=7)

    assert network.me == 2
    assert network.names == (b"a", b"b", b"c")
    assert network.ids == (0x0A000001, 0x0A000002, 0x0A000101)
    assert network.segments == (0, 0, 1)
    assert network.incarnation == 7


def test_a_daemon_sends_from_its_addresses_for_daemons() -> None:
    text = (
        "Spread_Segment 10.0.0.255:4803 {\n a 10.0.0.1\n"
        " b 10.1.0.2 { D 10.0.0.2 D 10.0.0.3 C 10.1.0.2 }\n}\n"
    )

    network = network_settings(configured(text, "a"), 1)

    assert network.may_send_from(0, 0x0A000001)
    assert network.may_send_from(1, 0x0A000003)
    assert not network.may_send_from(1, 0x0A010002)
    assert not network.may_send_from(0, 0x0A000003)


def test_all_daemons_of_one_file_have_one_hash() -> None:
    hashes = {network_settings(configured(TWO_SEGMENTS, name), 1).network_hash for name in "abc"}

    assert len(hashes) == 1


def test_another_order_is_another_network() -> None:
    other = TWO_SEGMENTS.replace("a 10.0.0.1 b 10.0.0.2", "b 10.0.0.2 a 10.0.0.1")

    one = network_settings(configured(TWO_SEGMENTS, "c"), 1)

    assert one.network_hash != network_settings(configured(other, "c"), 1).network_hash


def test_the_hash_covers_the_version_that_packets_have() -> None:
    configuration = configured(TWO_SEGMENTS, "c")

    assert network_hash(configuration) == ring_hash(
        configuration,
        max_seq_gap=MAX_SEQ_GAP,
        window_slots=WINDOW_SLOTS,
        format_version=VERSION,
    )


def test_only_several_daemons_are_a_ring() -> None:
    assert not is_ring(local(4803))
    assert is_ring(local_ring(4803, 2, 1))


def test_timeouts_of_the_file_are_milliseconds() -> None:
    timeouts = ring_timeouts(Timeouts(token=1, hurry=2, alive=3, join=4, rep=5, seg=6))

    found = (timeouts.token, timeouts.hurry, timeouts.alive, timeouts.join, timeouts.rep)
    assert found == (1_000_000, 2_000_000, 3_000_000, 4_000_000, 5_000_000)
    assert timeouts.seg == 6_000_000
    assert timeouts.lookup == 30_000_000_000


def test_windows_have_their_defaults() -> None:
    settings = ring_settings(local_ring(4803, 2, 1), incarnation=1, ring_time=2)

    assert (settings.window, settings.personal_window, settings.accelerated_window) == (160, 20, 15)
    assert settings.ring_time == 2


@pytest.mark.parametrize(
    ("option", "wide_area", "expected"),
    [(None, False, True), (None, True, False), (False, False, False), (True, True, True)],
)
def test_the_accelerated_ring_is_that_of_local_networks_unless_the_file_says_otherwise(
    option: bool | None, wide_area: bool, expected: bool
) -> None:
    configuration = replace(local_ring(4803, 2, 1), wide_area=wide_area)

    settings = ring_settings(
        with_options(configuration, accelerated_ring=option), incarnation=1, ring_time=2
    )

    assert settings.accelerated is expected


@pytest.mark.parametrize(("packet_size", "expected"), [(None, 1408), (548, 484), (65_507, 65_443)])
def test_packet_size_counts_the_header(packet_size: int | None, expected: int) -> None:
    configuration = with_options(local_ring(4803, 2, 1), packet_size=packet_size)

    assert ring_settings(configuration, incarnation=1, ring_time=2).payload_max == expected


def test_what_is_handed_in_goes_before_the_file() -> None:
    timeouts = ring_timeouts(Timeouts(token=7))

    settings = ring_settings(
        local_ring(4803, 2, 1), incarnation=1, ring_time=2, sizes=(1_472, 548), timeouts=timeouts
    )

    assert settings.payload_max == 1_408
    assert settings.sizes == (1_472, 548)
    assert settings.timeouts == timeouts


def test_loopback_daemons_send_to_each_other_one_by_one() -> None:
    assert not ring_settings(local_ring(4803, 2, 1), incarnation=1, ring_time=2).multicast
    assert ring_settings(configured(TWO_SEGMENTS, "a"), incarnation=1, ring_time=2).multicast


@pytest.mark.parametrize("options", [Options(), Options(window=4_000), Options(window=65_535)])
def test_a_window_takes_the_gap_and_a_rotation(options: Options) -> None:
    largest, _, _ = windows_max(options)

    assert MAX_SEQ_GAP + largest <= WINDOW_SLOTS


@pytest.mark.parametrize(
    ("lines", "first", "most"),
    [
        ("", (160, 20, 15), (768, 160, 120)),
        ("Window = 200", (160, 20, 15), (200, 160, 120)),
        ("Window = 50", (50, 20, 15), (50, 50, 50)),
        ("PersonalWindow = 10", (160, 10, 10), (768, 10, 10)),
        ("Window = 400\nPersonalWindow = 200", (160, 20, 15), (400, 200, 120)),
        ("AcceleratedWindow = 0", (160, 20, 0), (768, 160, 0)),
    ],
)
def test_windows_that_are_set_are_upper_bounds_and_others_grow(
    lines: str, first: tuple[int, int, int], most: tuple[int, int, int]
) -> None:
    text = f"{lines}\nSpread_Segment 10.0.0.255:4803 {{ a 10.0.0.1 b 10.0.0.2 }}\n"

    settings = ring_settings(configured(text, "a"), incarnation=1, ring_time=2)

    found = (settings.window, settings.personal_window, settings.accelerated_window)
    assert (found, settings.windows_max) == (first, most)
    assert settings.largest_window == most[0]

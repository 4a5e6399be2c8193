"""Whether everything that this daemon sent is with everybody: what a graceful end waits for."""

import pytest

from tests.ring.station import Shape, Station


@pytest.fixture
def station() -> Station:
    return Station.in_ring(1, shape=Shape(personal_window=1))


def test_a_ring_without_messages_is_settled(station: Station) -> None:
    assert station.node.ring_settled()


def test_what_waits_for_the_token_is_not_settled(station: Station) -> None:
    station.submit(b"hello")

    assert not station.node.ring_settled()


def test_what_waits_for_another_visit_is_not_settled(station: Station) -> None:
    station.submit(b"x" * 2_000)
    station.next_token()
    station.next_token(seq=1)

    assert not station.node.ring_settled()


def test_what_not_everybody_has_is_not_settled(station: Station) -> None:
    station.submit(b"hello")
    station.next_token()

    assert not station.node.ring_settled()


def test_what_everybody_has_is_settled(station: Station) -> None:
    station.submit(b"hello")
    station.next_token()
    station.next_token(seq=1)

    assert station.node.ring_settled()


def test_messages_of_others_do_not_matter(station: Station) -> None:
    station.data(0, 1)

    assert station.node.ring_settled()

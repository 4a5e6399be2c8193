"""Whether the driver reads the token before more data: ring protocol, section 3.4."""

import pytest

from spread._ring_probes import prefers_token
from tests.ring.station import POST, RETRANS, Station
from tests.ring.tokens import Token


@pytest.fixture
def station() -> Station:
    """A member that has been visited with token 4 and passed 5 on."""
    station = Station.in_ring(1)
    station.next_token()
    assert not prefers_token(station.node)
    return station


def test_what_follows_the_next_token_of_the_predecessor_shows_that_it_is_there(
    station: Station,
) -> None:
    station.data(0, 1, flags=POST, tenure=6)

    assert prefers_token(station.node)


@pytest.mark.parametrize(
    ("origin", "transmitter", "flags", "tenure"),
    [(0, 0, 0, 6), (0, 0, POST | RETRANS, 6), (2, 2, POST, 6), (0, 2, POST, 6), (0, 0, POST, 3)],
    ids=["before the token", "a copy", "of another", "sent on by another", "of an earlier visit"],
)
def test_nothing_else_does(
    station: Station, origin: int, transmitter: int, flags: int, tenure: int
) -> None:
    station.data(origin, 1, transmitter=transmitter, flags=flags, tenure=tenure)

    assert not prefers_token(station.node)


def test_a_token_makes_data_come_first_again(station: Station) -> None:
    station.data(0, 1, flags=POST, tenure=6)

    station.next_token(seq=1)

    assert not prefers_token(station.node)


def test_a_copy_of_a_token_changes_nothing(station: Station) -> None:
    station.data(0, 1, flags=POST, tenure=6)

    station.token(Token(station.token_number))

    assert prefers_token(station.node)

"""Windows that adapt: who changes the scale, by what the token tells, and who only follows."""

from dataclasses import replace

import pytest

from tests.ring.station import DATA, Shape, Station
from tests.ring.test_flow import BODY, waiting
from tests.ring.tokens import Token

ADAPTIVE = Shape(windows_max=(1_280, 160, 120))
BUSY = {"fcc": 60, "backlog": 100}


def rotate(station: Station, token: Token, **fields: object) -> Token:
    """Let the token come again, with these fields changed."""
    station.token_number += len(station.members)
    token = replace(token, number=station.token_number, quiet=0, requests=(), **fields)  # type: ignore[arg-type]
    station.take_sent()
    station.token(token)
    return station.take_token()


def test_the_leader_lets_windows_grow_while_somebody_waits() -> None:
    leader = Station.in_ring(0, shape=ADAPTIVE)
    token = leader.next_token(scale=0)
    assert token.scale == 16

    scales = [(token := rotate(leader, token, **BUSY)).scale for _ in range(60)]

    assert scales == [*range(18, 128, 2), *[128] * 5]


def test_the_windows_stay_when_nobody_waits() -> None:
    leader = Station.in_ring(0, shape=ADAPTIVE)
    token = leader.next_token(scale=40)

    assert rotate(leader, token, fcc=60, backlog=60).scale == 40
    assert rotate(leader, token, fcc=0, backlog=0).scale == 40


def test_the_leader_halves_the_windows_after_much_loss_and_then_waits() -> None:
    leader = Station.in_ring(0, shape=ADAPTIVE)
    token = leader.next_token(scale=64)

    scales = [(token := rotate(leader, token, lost=20, **BUSY)).scale for _ in range(8)]

    assert scales == [32, 32, 32, 16, 16, 16, 8, 8]
    assert token.lost == 0


@pytest.mark.parametrize("me", [1, 2])
def test_others_follow_the_leader(me: int) -> None:
    station = Station.in_ring(me, shape=ADAPTIVE)

    token = station.next_token(scale=40, lost=20, **BUSY)

    assert (token.scale, token.lost) == (40, 20)


@pytest.mark.parametrize(("scale", "packets"), [(4, 5), (16, 20), (40, 50), (0xFFFF, 160)])
def test_a_visit_keeps_to_the_scale(scale: int, packets: int) -> None:
    station = waiting(ADAPTIVE, 200)

    station.token(Token(4, scale=scale))

    assert len(station.take_sent(DATA)) == packets


def test_what_may_follow_the_token_grows_too() -> None:
    station = waiting(ADAPTIVE, 40)

    station.token(Token(4, scale=32))

    sent = [each.header.flags for each in station.take_sent(DATA)]
    assert sent == [0] * 10 + [1] * 30


@pytest.mark.parametrize("scale", [8, 16, 100])
def test_set_windows_are_upper_bounds(scale: int) -> None:
    shape = Shape(windows_max=(160, 20, 15))
    station = waiting(shape, 40)

    token = station.next_token(scale=scale)

    assert token.seq == min(scale, 16) * 20 // 16
    assert token.scale == min(scale, 16)


def test_a_rotation_fits_the_smallest_receive_buffer() -> None:
    station = waiting(ADAPTIVE.but(receive_buffer=100_000), 200)

    sent = station.next_token(scale=64)

    assert 20 < sent.seq < 60
    assert sent.scale == 64


def test_a_packet_that_is_missing_is_told_once() -> None:
    station = Station.in_ring(1, shape=ADAPTIVE.but(accelerated=False))
    station.data(0, 5)

    token = station.next_token(seq=6, acks=(6, 0, 0), lost=3)
    assert token.lost == 5
    token = rotate(station, token, lost=0)
    assert len(token.requests) > 0
    assert token.lost == 0


def test_the_most_that_one_member_missed_is_what_counts() -> None:
    station = Station.in_ring(1, shape=ADAPTIVE.but(accelerated=False))

    assert station.next_token(seq=6, acks=(6, 0, 0), lost=9).lost == 9


def test_more_losses_than_the_token_can_tell_are_the_most_it_can() -> None:
    station = Station.in_ring(1, shape=ADAPTIVE)

    assert station.next_token(lost=0xFFFF).lost == 0xFFFF


def test_a_new_ring_begins_with_the_windows_of_the_configuration() -> None:
    station = Station.in_ring(1, shape=ADAPTIVE)
    for _ in range(40):
        station.submit(BODY, turn=False)

    assert station.next_token(scale=0).seq == 20

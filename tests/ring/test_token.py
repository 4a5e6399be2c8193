"""The token: who may send it, what makes it a copy, how it goes on, what a malformed one does."""

import pytest

from spread._packets import PacketHeader
from tests.ring.station import (
    DATA,
    GRANT,
    MS,
    RESEND,
    TOKEN,
    TOKEN_ACK,
    TOKEN_CHANNEL,
    Shape,
    Station,
    frame_of,
)
from tests.ring.tokens import OldRequest, Recovery, Request, Token


def test_the_token_goes_to_the_successor_with_the_next_number() -> None:
    station = Station.in_ring(1)

    station.token(Token(7))

    (sent,) = station.take_sent()
    assert (sent.target, sent.channel) == (2, TOKEN_CHANNEL)
    assert sent.header == PacketHeader(TOKEN, 0, 1, 1, *station.ring, number=8)
    assert Token.decode(sent.data) == Token(8, acks=(0, 0, 0))


def test_the_last_member_passes_it_to_the_first() -> None:
    station = Station.in_ring(2)

    station.token(Token(7))

    assert station.take_sent()[0].target == 0


def test_only_the_leader_counts_rotations() -> None:
    assert Station.in_ring(0).next_token(round=4).round == 5
    assert Station.in_ring(1).next_token(round=4).round == 4


def test_what_the_token_knows_of_others_is_merged_by_the_highest() -> None:
    station = Station.in_ring(1)
    station.data(0, 1, ack=0)
    station.data(2, 2, ack=1)

    token = station.next_token(seq=2, acks=(1, 0, 0))

    assert token.acks == (1, 2, 1)


def test_data_tells_what_its_origin_has() -> None:
    station = Station.in_ring(0)
    for seq in (1, 2, 3):
        station.data(1, seq, ack=seq - 1)

    assert station.next_token(seq=3, acks=(0, 0, 0)).acks == (3, 2, 0)


def test_a_lag_beyond_everything_means_nothing_at_all() -> None:
    """A lag has 16 bits: the largest one is "this much or more"."""
    station = Station.in_ring(1)
    for seq in range(1, 6):
        station.data(0, seq)

    token = station.next_token(seq=5, acks=(5 - 0xFFFF, -1, 5 - 0xFFFE))

    assert token.acks == (0, 5, 0)


# -- Copies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 6, 7])
def test_a_token_is_accepted_once(number: int) -> None:
    station = Station.in_ring(1)
    station.token(Token(7))
    station.take_sent()

    station.token(Token(number))

    (sent,) = station.take_sent()
    assert (sent.target, sent.header.kind, sent.header.number) == (0, TOKEN_ACK, number)
    assert station.statistics["tokens_duplicate"] == 1
    assert station.ring_statistics["tok_no"] == 7


def test_a_copy_that_asks_for_it_sends_the_own_token_again() -> None:
    station = Station.in_ring(1)
    station.token(Token(7))
    (own,) = station.take_sent()

    station.token(Token(7), flags=RESEND)

    acknowledgement, again = station.take_sent()
    assert acknowledgement.header.kind == TOKEN_ACK
    assert again.header == own.header._replace(flags=RESEND)
    assert again.target == own.target
    assert again.payload == own.payload


@pytest.mark.parametrize("evidence", ["acknowledgement", "data", "token"])
def test_a_copy_is_not_passed_on_when_the_own_token_is_known_to_have_arrived(
    evidence: str,
) -> None:
    station = Station.in_ring(1)
    station.token(Token(7))
    if evidence == "acknowledgement":
        station.simple(TOKEN_ACK, 2, 8)
    elif evidence == "data":
        station.data(2, 1, tenure=8)
    else:
        station.token(Token(10))
        station.simple(TOKEN_ACK, 2, 11)
    station.take_sent()

    station.token(Token(7), flags=RESEND)

    assert [sent.header.kind for sent in station.take_sent()] == [TOKEN_ACK]


def test_older_evidence_proves_nothing() -> None:
    station = Station.in_ring(1)
    station.token(Token(7))
    station.simple(TOKEN_ACK, 2, 7)
    station.data(2, 1, tenure=7)
    station.take_sent()

    station.token(Token(7), flags=RESEND)

    assert [sent.header.kind for sent in station.take_sent()] == [TOKEN_ACK, TOKEN]


def test_an_acknowledgement_in_another_ring_proves_nothing() -> None:
    station = Station.in_ring(1)
    station.token(Token(7))
    station.packet(PacketHeader(TOKEN_ACK, 0, 2, 2, 100, 99, number=8))
    station.take_sent()

    station.token(Token(7), flags=RESEND)

    assert [sent.header.kind for sent in station.take_sent()] == [TOKEN_ACK, TOKEN]


def test_a_token_without_evidence_is_sent_again_ever_more_slowly() -> None:
    station = Station.in_ring(1)
    start_ns = station.now_ns
    station.token(Token(7))
    station.take_sent()

    times = []
    while station.now_ns < start_ns + 1_200 * MS:
        station.advance(1 * MS)
        times += [
            station.now_ns - start_ns
            for sent in station.take_sent(TOKEN)
            if sent.header.flags == RESEND
        ]

    waits = [after - before for before, after in zip([0, *times], times, strict=False)]
    assert len(times) == 9
    assert waits == sorted(waits)
    assert waits[0] == 2 * MS
    assert station.statistics["token_resends"] == 9


def test_a_resting_token_is_acknowledged_at_once() -> None:
    """If it rests at the leader next, nothing else shows that it arrived."""
    station = Station.in_ring(1)

    station.token(Token(7, quiet=1))

    acknowledgement, token = station.take_sent()
    assert (acknowledgement.header.kind, acknowledgement.target) == (TOKEN_ACK, 0)
    assert token.header.kind == TOKEN


# -- Senders --------------------------------------------------------------------------------------


@pytest.mark.parametrize("transmitter", [2, 3])
def test_a_token_of_another_daemon_than_the_predecessor_is_dropped(transmitter: int) -> None:
    station = Station(1, Shape(daemons=4))
    station.install((100, 2), [0, 1, 2])

    station.token(Token(7), transmitter=transmitter)

    assert not station.take_sent()
    assert station.statistics["tokens_malformed"] == 1


def test_a_grant_comes_from_the_leader_directly() -> None:
    station = Station.in_ring(2)

    station.token(Token(7), transmitter=0, flags=GRANT)

    assert station.take_token().number == 8


def test_a_grant_of_another_daemon_is_dropped() -> None:
    station = Station.in_ring(3, 4)

    station.token(Token(7), transmitter=1, flags=GRANT)

    assert not station.take_sent()
    assert station.statistics["tokens_malformed"] == 1


def test_a_token_of_another_ring_is_dropped() -> None:
    station = Station.in_ring(1)

    station.packet(
        PacketHeader(TOKEN, transmitter=0, leader=100, time=1, number=7),
        Token(7, acks=(0, 0, 0)).encode(),
    )

    assert not station.take_sent()
    assert station.statistics["late"] == 1


def test_a_broken_ring_takes_no_token() -> None:
    station = Station.in_ring(1)
    station.node.ring_lost()

    station.token(Token(7))

    assert not station.take_sent(TOKEN)
    assert station.statistics["late"] == 1


# -- Malformed ------------------------------------------------------------------------------------

SOUND = Token(7, acks=(0, 0, 0), requests=(Request(1),), recovery=Recovery.of(0, 1)).encode()


def changed(at: int, value: int) -> bytes:
    data = bytearray(SOUND)
    data[at] = value
    return bytes(data)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        SOUND[:7],
        SOUND[:-1],
        SOUND + b"\0",
        Token(7, acks=(0, 0, 0)).encode() + b"\0",
        Token(7, acks=(0, 0)).encode(),
        Token(7, acks=(0, 0, 0, 0)).encode(),
        changed(5, 2),
        changed(6, 29),
        changed(6, 2),
        changed(7, 2),
        changed(12 + 6 + 16 + 16, 1),
    ],
    ids=[
        "empty",
        "a byte short of its fixed part",
        "a byte short",
        "a byte more",
        "a byte more, without recovery",
        "a member less",
        "a member more",
        "another number of members",
        "too many requests",
        "requests that are not there",
        "recovery neither 0 nor 1",
        "old requests that are not there",
    ],
)
def test_a_malformed_token_is_dropped_and_counted(payload: bytes) -> None:
    station = Station.in_ring(1)

    station.packet(PacketHeader(TOKEN, transmitter=0, number=7), payload)

    assert not station.take_sent()
    assert station.statistics["tokens_malformed"] == 1
    assert station.next_token().number == 5


def test_more_old_requests_than_a_token_has_are_malformed() -> None:
    station = Station.in_ring(1)
    requests = tuple(OldRequest((1, 1), number) for number in range(19))
    payload = Token(7, acks=(0, 0, 0), recovery=Recovery.of(requests=requests)).encode()

    station.packet(PacketHeader(TOKEN, transmitter=0, number=7), payload)

    assert not station.take_sent()
    assert station.statistics["dropped_malformed"] == 1


def test_a_malformed_token_leaves_the_resting_one_as_it_is() -> None:
    station = Station.in_ring(0)
    station.next_token()
    station.token(Token(7, quiet=1))
    assert station.ring_statistics["is_parked"]
    station.take_sent()
    payload = bytearray(Token(50, acks=(0, 0, 0), recovery=Recovery.of()).encode())
    payload[12 + 6 + 16] = 255

    station.packet(PacketHeader(TOKEN, transmitter=2, number=50), bytes(payload))
    station.node.ring_wake()

    assert station.take_token() == Token(8, acks=(0, 0, 0), quiet=1, round=2)


def test_a_seq_that_no_window_allows_is_malformed() -> None:
    station = Station.in_ring(1)

    station.token(Token(7, seq=2 * 2_048 + 1, acks=(0, 0, 0)))
    assert station.statistics["tokens_malformed"] == 1

    station.token(Token(7, seq=2 * 2_048, acks=(0, 0, 0)))
    assert station.take_token().seq == 2 * 2_048


def test_requests_of_daemons_that_are_not_in_the_ring_are_ignored() -> None:
    station = Station(1, Shape(daemons=4))
    station.install((100, 2), [0, 1, 2])
    station.data(0, 1)

    token = station.next_token(
        seq=2, acks=(2, 0, 0), requests=(Request(2, who=3), Request(2, who=200))
    )

    assert token.requests == ()
    assert not station.take_sent(DATA)


def test_a_request_without_sense_is_ignored() -> None:
    station = Station.in_ring(1)
    station.data(0, 1)

    token = station.next_token(
        seq=1,
        acks=(1, 0, 0),
        requests=(Request(2**64 - 1, 2**32 - 1), Request(0, 0), Request(2**63, 2**32 - 1)),
    )

    assert token.requests == ()


# -- A whole rotation -----------------------------------------------------------------------------


def test_the_first_token_of_a_ring_starts_it() -> None:
    last = Station(2)
    last.node.ring_lost()
    assert last.commit((100, 2), [0, 1, 2])

    last.node.ring_start()

    (sent,) = last.take_sent()
    assert sent.target == 0
    assert Token.decode(sent.data) == Token(1, acks=(0, 0, 0), recovery=Recovery.of(), scale=0)


def test_a_message_is_in_the_order_once_the_token_comes() -> None:
    station = Station.in_ring(1)
    station.submit(b"hello")
    assert station.take_heard() == []

    station.token_number += 3
    station.token(Token(station.token_number))

    data, token = station.take_sent()
    assert (data.header.kind, token.header.kind) == (DATA, TOKEN)
    assert data.header.number == 1
    assert data.payload == frame_of(1, b"hello")
    assert station.take_heard() == [b"hello"]

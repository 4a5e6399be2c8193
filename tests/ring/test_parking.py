"""The resting token: when it rests, how it is woken, and what keeps it alive."""

import pytest

from tests.ring.station import DATA, GRANT, MS, TOKEN, TOKEN_ACK, WANT, Shape, Station
from tests.ring.tokens import Request, Token


@pytest.fixture
def leader() -> Station:
    """A leader where the token rests."""
    station = Station.in_ring(0)
    assert station.next_token().quiet == 1
    rest(station)
    return station


def rest(station: Station) -> None:
    """Let the token come once more without anything to do."""
    station.token_number += len(station.members)
    station.token(Token(station.token_number, seq=station.ring_statistics["seq"], quiet=1))
    assert station.ring_statistics["is_parked"]
    station.take_sent()


def knows_of_rest(station: Station) -> None:
    """Let a token pass that is going to rest."""
    assert station.next_token(quiet=1).quiet == 1


# -- Coming to rest -------------------------------------------------------------------------------


def test_the_token_rests_at_the_second_quiet_visit_of_the_leader() -> None:
    station = Station.in_ring(0)

    assert station.next_token().quiet == 1
    station.token_number += 3
    station.token(Token(station.token_number, quiet=1))

    assert not station.take_sent(TOKEN)
    assert station.ring_statistics["is_parked"]
    assert station.statistics["parks"] == 1


def test_it_rests_at_nobody_else() -> None:
    station = Station.in_ring(1)

    assert station.next_token(quiet=1).quiet == 1
    assert station.next_token(quiet=1).quiet == 1


@pytest.mark.parametrize("activity", ["own packet", "packet of another", "lag", "request", "want"])
def test_whatever_happens_keeps_it_going(activity: str) -> None:
    station = Station.in_ring(0)
    station.next_token()
    token = Token(station.token_number + 3, quiet=1)
    if activity == "own packet":
        station.submit(b"hello")
    elif activity == "packet of another":
        station.data(1, 1)
        token = Token(token.number, seq=1, quiet=1)
    elif activity == "lag":
        station.data(1, 1, turn=False)
        token = Token(token.number, seq=1, acks=(1, 1, 0), quiet=1)
    elif activity == "request":
        token = Token(token.number, seq=1, acks=(0, 1, 1), requests=(Request(1),), quiet=1)
    else:
        station.simple(WANT, 1)

    station.token(token)

    assert station.take_token().quiet == 0


def test_the_ring_is_told_of_the_last_acknowledgements_before_it_rests() -> None:
    station = Station.in_ring(0)
    station.next_token()
    station.data(1, 1)

    assert station.next_token(seq=1, acks=(0, 1, 0)).quiet == 0
    assert station.next_token(seq=1, acks=(1, 1, 1)).quiet == 1
    rest(station)


# -- Waking it ------------------------------------------------------------------------------------


def test_the_leader_visits_its_resting_token_at_once(leader: Station) -> None:
    leader.submit(b"hello")

    data, token = leader.take_sent()
    assert Token.decode(token.data).number == leader.token_number + 1
    assert Token.decode(token.data).seq == 1
    assert data.header.kind == DATA
    assert leader.take_heard() == [b"hello"]


def test_a_woken_token_does_not_rest_in_the_same_visit(leader: Station) -> None:
    leader.node.ring_wake()

    assert leader.take_token().quiet == 1


def test_who_wants_the_resting_token_gets_it_directly(leader: Station) -> None:
    leader.simple(WANT, 2)

    (sent,) = leader.take_sent()
    assert (sent.target, sent.header.flags) == (2, GRANT)
    assert Token.decode(sent.data).quiet == 0
    assert not leader.ring_statistics["is_parked"]


def test_the_successor_needs_no_grant(leader: Station) -> None:
    leader.simple(WANT, 1)

    (sent,) = leader.take_sent()
    assert (sent.target, sent.header.flags) == (1, 0)


def test_a_wish_that_comes_while_it_goes_round_keeps_it_going_once() -> None:
    leader = Station.in_ring(0)
    leader.next_token()
    leader.simple(WANT, 2)
    assert not leader.take_sent()

    assert leader.next_token(quiet=1).quiet == 0
    assert leader.next_token(quiet=0).quiet == 1
    rest(leader)


def test_only_the_leader_is_asked_and_only_by_members() -> None:
    station = Station(0, Shape(daemons=4))
    station.install((100, 2), [0, 1, 2])
    station.next_token()
    rest(station)

    station.simple(WANT, 3)
    assert not station.take_sent()

    member = Station.in_ring(1)
    member.next_token(quiet=1)
    member.simple(WANT, 2)
    assert not member.take_sent()


def test_a_member_asks_for_a_resting_token_until_one_comes() -> None:
    station = Station.in_ring(1)
    knows_of_rest(station)

    station.submit(b"hello")
    (want,) = station.take_sent(WANT)
    assert (want.target, want.header.number) == (0, station.token_number)

    station.advance(4 * MS)
    assert not station.take_sent(WANT)
    station.advance(1 * MS)
    assert len(station.take_sent(WANT)) == 1
    station.advance(5 * MS)
    assert len(station.take_sent(WANT)) == 1

    station.next_token()
    assert station.take_heard() == [b"hello"]
    station.advance(20 * MS)
    assert not station.take_sent(WANT)
    assert station.statistics["wants"] == 3


def test_a_member_asks_once_however_much_it_submits() -> None:
    station = Station.in_ring(1)
    knows_of_rest(station)

    for _ in range(5):
        station.submit(b"hello")

    assert len(station.take_sent(WANT)) == 1


def test_nobody_asks_for_a_token_that_is_busy() -> None:
    station = Station.in_ring(1)
    station.next_token(quiet=0)

    station.submit(b"hello")

    assert not station.take_sent(WANT)


def test_what_is_held_wakes_nobody(leader: Station) -> None:
    leader.node.hold_requests(True)
    leader.submit(b"hello")
    assert not leader.take_sent()

    leader.node.hold_requests(False)
    leader.turn()
    assert len(leader.take_sent(TOKEN)) == 1


def test_a_state_wakes_the_token_while_clients_are_held(leader: Station) -> None:
    leader.node.hold_requests(True)
    leader.node.submit_state(b"table")
    leader.submit(b"hello")

    assert leader.take_heard() == ["state of 0: table"]


def test_membership_can_wake_a_token_that_rests_elsewhere() -> None:
    station = Station.in_ring(1)
    knows_of_rest(station)

    station.node.ring_wake()

    assert len(station.take_sent(WANT)) == 1


@pytest.mark.parametrize("state", ["busy", "lost", "recovering", "alone"])
def test_there_is_nothing_to_wake_otherwise(state: str) -> None:
    station = Station(1, Shape(daemons=3)) if state == "alone" else Station.in_ring(1)
    if state == "lost":
        station.node.ring_lost()
    elif state == "recovering":
        station.commit((100, 3), [0, 1])

    station.node.ring_wake()

    assert not station.take_sent()


# -- Keeping it alive -----------------------------------------------------------------------------


def test_a_resting_token_goes_round_now_and_then(leader: Station) -> None:
    leader.advance(416 * MS)
    assert not leader.take_sent(TOKEN)

    leader.advance(1 * MS)
    token = leader.take_token()
    assert token.quiet == 1
    assert token.number == leader.token_number + 1


def test_its_return_brings_it_to_rest_again(leader: Station) -> None:
    leader.advance(417 * MS)
    leader.take_sent()

    rest(leader)


def test_a_granted_token_comes_to_rest_again(leader: Station) -> None:
    leader.simple(WANT, 2)
    leader.take_sent()

    assert leader.next_token().quiet == 1
    rest(leader)


# -- The wave -------------------------------------------------------------------------------------


def test_a_resent_token_makes_members_resend_up_to_where_one_was_lost() -> None:
    """0 -> 1 -> 2, the token from 1 to 2 lost, and 0 has not heard of its own being visited."""
    zero, one, two = (Station.in_ring(me) for me in range(3))
    zero.token(Token(4))
    (to_one,) = zero.take_sent(TOKEN)
    one.receive(to_one.data)
    one.take_sent()

    zero.advance(2 * MS)
    (again,) = zero.take_sent(TOKEN)
    one.receive(again.data)
    acknowledgement, to_two = one.take_sent()
    zero.receive(acknowledgement.data)
    two.receive(to_two.data)

    assert acknowledgement.header.kind == TOKEN_ACK
    assert two.take_token().number == 7
    zero.advance(50 * MS)
    assert not zero.take_sent(TOKEN)

"""Deadlines: the loss of the token, pauses, heartbeats, and hosts that say that nobody listens."""

import pytest

from tests.ring.station import MS, PING, PROBING_NS, TIMEOUTS, TOKEN, TOKEN_ACK, Shape, Station
from tests.ring.tokens import Recovery, Token

TOKEN_LOST, PAUSED = 1, 3


@pytest.fixture
def station() -> Station:
    station = Station.in_ring(1)
    station.next_token()
    return station


def test_a_ring_without_token_and_packets_is_lost(station: Station) -> None:
    station.advance(TIMEOUTS.token - 1)
    assert station.upcalls.take() == []

    station.advance(1)

    assert station.upcalls.take() == [("lost", TOKEN_LOST)]
    assert station.statistics["token_losses"] == 1


def test_it_is_lost_once(station: Station) -> None:
    station.advance(3 * TIMEOUTS.token)

    assert station.upcalls.take() == [("lost", TOKEN_LOST)]
    assert station.driver.deadline() == 0


def test_packets_show_that_the_ring_lives(station: Station) -> None:
    station.advance(1_000 * MS)
    station.data(0, 1)

    station.advance(1_000 * MS)

    assert station.upcalls.take() == []


def test_answers_of_recovery_show_that_the_forming_ring_lives() -> None:
    station = Station.in_ring(1)
    old = station.ring
    station.node.ring_lost()
    assert station.commit((100, 3), [0, 1, 2], high=1, have=b"\1", transitional=[0, 1, 2])
    station.advance(1_000 * MS)
    station.token(Token(1, recovery=Recovery.of(0)))
    station.advance(1_000 * MS)
    station.recovered(0, 1, old)
    station.token(Token(4, recovery=Recovery.of(0)))

    station.advance(1_000 * MS)

    assert station.upcalls.take() == []


def test_a_forming_ring_without_token_is_lost() -> None:
    station = Station.in_ring(1)
    station.node.ring_lost()
    assert station.commit((100, 3), [0, 1])

    station.advance(TIMEOUTS.token)

    assert station.upcalls.take() == [("lost", TOKEN_LOST)]


# -- Pauses ---------------------------------------------------------------------------------------


def test_who_was_stopped_for_long_knows_that_the_others_went_on(station: Station) -> None:
    station.sleep(2 * TIMEOUTS.token + 1)

    station.turn()

    assert station.upcalls.take() == [("lost", PAUSED)]


def test_a_packet_that_waited_during_the_pause_does_not_hide_it(station: Station) -> None:
    station.sleep(2 * TIMEOUTS.token + 1)

    station.token(Token(station.token_number + 3))

    assert station.upcalls.take() == [("lost", PAUSED)]
    assert not station.take_sent(TOKEN)


def test_a_short_pause_is_no_pause(station: Station) -> None:
    station.sleep(TIMEOUTS.token - 1)

    station.token(Token(station.token_number + 3))

    assert station.upcalls.take() == []
    assert len(station.take_sent(TOKEN)) == 1


def test_a_ring_of_one_outlives_every_pause() -> None:
    station = Station(1)
    station.sleep(100 * TIMEOUTS.token)

    station.turn()

    assert station.upcalls.take() == []


# -- Heartbeats -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("me", "daemons", "targets"),
    [(0, 3, [1]), (1, 3, [2, 0]), (2, 3, [0]), (0, 2, [1]), (1, 2, [0])],
)
def test_successor_and_leader_are_pinged(me: int, daemons: int, targets: list[int]) -> None:
    station = Station.in_ring(me, daemons)

    station.advance(99 * MS)
    assert station.take_sent(PING) == []
    station.advance(1 * MS)
    assert [sent.target for sent in station.take_sent(PING)] == targets
    station.advance(100 * MS)
    assert [sent.target for sent in station.take_sent(PING)] == targets


def test_a_ping_needs_no_answer(station: Station) -> None:
    station.simple(PING, 0)

    assert station.take_sent() == []


def test_a_daemon_alone_pings_nobody_and_has_no_deadline() -> None:
    station = Station(0)
    station.advance(1_000 * MS)

    assert station.take_sent() == []
    assert station.driver.deadline() == 0


# -- Nobody listens there -------------------------------------------------------------------------


def refuse(station: Station, daemon: int, later_ns: int = 0) -> None:
    station.advance(later_ns)
    station.driver.unreachable(daemon, station.now_ns)


def test_one_answer_proves_nothing_and_two_in_a_row_do(station: Station) -> None:
    refuse(station, 2)
    assert station.upcalls.take() == []

    refuse(station, 2, 5 * MS)

    assert station.upcalls.take() == [("unreachable", 2)]


def test_a_first_answer_asks_for_a_second_soon(station: Station) -> None:
    station.take_sent()
    refuse(station, 2)

    station.advance(5 * MS)

    assert [sent.target for sent in station.take_sent(PING)] == [2, 0]


def test_answers_at_once_are_one(station: Station) -> None:
    refuse(station, 2)
    refuse(station, 2, 3 * MS)
    assert station.upcalls.take() == []

    refuse(station, 2, 1 * MS)
    assert station.upcalls.take() == [("unreachable", 2)]


def test_an_old_answer_proves_nothing(station: Station) -> None:
    refuse(station, 2)
    refuse(station, 2, 501 * MS)
    assert station.upcalls.take() == []

    refuse(station, 2, 499 * MS)
    assert station.upcalls.take() == [("unreachable", 2)]


def test_a_packet_in_between_shows_that_somebody_listens(station: Station) -> None:
    refuse(station, 2)
    station.simple(PING, 2)

    refuse(station, 2, 5 * MS)

    assert station.upcalls.take() == []


def test_it_is_told_again_after_two_more(station: Station) -> None:
    for _ in range(4):
        refuse(station, 2, 5 * MS)

    assert station.upcalls.take() == [("unreachable", 2), ("unreachable", 2)]


@pytest.mark.parametrize("daemon", [1, 3, 4, 2**32 - 1])
def test_answers_for_those_who_are_not_in_the_ring_do_not_matter(daemon: int) -> None:
    station = Station(1, Shape(daemons=4))
    station.install((100, 2), [0, 1, 2])

    refuse(station, daemon)
    refuse(station, daemon, 5 * MS)

    assert station.upcalls.take() == []


def test_answers_for_members_of_a_lost_ring_are_told(station: Station) -> None:
    station.node.ring_lost()

    refuse(station, 2)
    refuse(station, 2, 5 * MS)

    assert station.upcalls.take() == [("unreachable", 2)]


def test_members_of_a_lost_ring_are_asked_whether_they_listen(station: Station) -> None:
    station.node.ring_lost()
    station.take_sent()

    station.advance(PROBING_NS)

    assert [sent.target for sent in station.take_sent(PING)] == [0, 2] * 3
    assert station.driver.deadline() == 0


# -- What the core measures -----------------------------------------------------------------------


def test_the_time_of_a_rotation_is_smoothed(station: Station) -> None:
    for _ in range(400):
        station.sleep(3 * MS)
        station.next_token(seq=0)

    assert 2 * MS < station.ring_statistics["rotation_ns"] <= 3 * MS


def test_time_in_which_the_token_rests_is_no_time_of_a_rotation() -> None:
    leader = Station.in_ring(0)

    def rotation(seq: int, quiet: int) -> None:
        """Let the token come back after a millisecond."""
        leader.sleep(MS)
        leader.token_number += len(leader.members)
        leader.token(Token(leader.token_number, seq=seq, quiet=quiet))

    for quiet in (0, 1):
        rotation(0, quiet)
    for seq in range(1, 50):
        assert leader.ring_statistics["is_parked"]
        leader.sleep(100 * MS)
        leader.submit(b"x")
        for quiet in (0, 0, 1):
            rotation(seq, quiet)

    assert 0 < leader.ring_statistics["rotation_ns"] <= MS


def test_copies_come_when_evidence_is_later_than_usual(station: Station) -> None:
    for _ in range(100):
        station.sleep(30 * MS)
        station.next_token(seq=0)

    station.advance(29 * MS)
    assert station.take_sent(TOKEN) == []
    station.advance(5 * MS)
    assert len(station.take_sent(TOKEN)) == 1


def test_copies_wait_where_the_time_until_there_is_evidence_differs(station: Station) -> None:
    for number in range(100):
        station.sleep((10 + 20 * (number % 2)) * MS)
        station.next_token(seq=0)

    station.advance(40 * MS)
    assert station.take_sent(TOKEN) == []
    station.advance(40 * MS)
    assert len(station.take_sent(TOKEN)) == 1


def test_the_first_evidence_is_believed(station: Station) -> None:
    station.sleep(30 * MS)
    station.next_token(seq=0)

    station.advance(20 * MS)

    assert station.take_sent(TOKEN) == []


# -- Where the token was lost ---------------------------------------------------------------------


def test_a_successor_that_takes_no_copy_is_known(station: Station) -> None:
    station.advance(TIMEOUTS.token)

    assert station.upcalls.take() == [("lost", TOKEN_LOST)]
    assert station.node.ring_unanswered() == 2


def test_a_token_that_was_taken_was_lost_elsewhere(station: Station) -> None:
    station.advance(100 * MS)
    station.simple(TOKEN_ACK, 2, station.token_number + 1)

    station.advance(TIMEOUTS.token)

    assert station.upcalls.take() == [("lost", TOKEN_LOST)]
    assert station.node.ring_unanswered() is None


def test_nobody_is_known_while_the_ring_lives(station: Station) -> None:
    station.advance(100 * MS)

    assert station.node.ring_unanswered() is None


# -- What must not hold up the end of a ring, or end it -------------------------------------------


def test_packets_that_are_sent_again_do_not_hide_the_loss_of_the_token() -> None:
    station = Station.in_ring(1)
    station.data(0, 1)

    for _ in range(30):
        station.data(0, 1)
        station.advance(100 * MS)

    assert ("lost", 1) in station.upcalls.take()


def test_a_ring_in_which_nobody_has_a_packet_is_given_up() -> None:
    station = Station.in_ring(1)
    station.data(0, 5)

    for _ in range(40):
        station.token_number += 3
        station.token(Token(station.token_number, seq=5, acks=(0, 0, 0)))
        station.advance(100 * MS)

    assert ("lost", 2) in station.upcalls.take()


def test_a_packet_that_comes_late_does_not_end_the_ring() -> None:
    station = Station.in_ring(1)
    station.data(0, 2)

    for rotation in range(40):
        if rotation == 20:
            station.data(0, 1)
        station.token_number += 3
        station.token(Token(station.token_number, seq=2, acks=(0, 0, 0)))
        station.advance(100 * MS)

    assert [call for call in station.upcalls.take() if call[0] == "lost"] == []

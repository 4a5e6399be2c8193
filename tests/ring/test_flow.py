"""How many packets a visit sends, and which of them before the token."""

import pytest

from tests.ring.station import DATA, POST, TOKEN, Shape, Station
from tests.ring.tokens import Request, Token

BODY = b"x" * 1_328  # Fills a packet with its header and the name of its group.


def waiting(shape: Shape, packets: int, me: int = 1) -> Station:
    """Return a station whose client has sent so many packets' worth of messages."""
    station = Station.in_ring(me, shape=shape)
    for _ in range(packets):
        station.submit(BODY, turn=False)
    return station


def visit(station: Station, **fields: object) -> tuple[int, int, Token]:
    """Let the token come; returns the packets before it, those behind it, and what it says."""
    station.token_number += len(station.members)
    fields.setdefault("seq", station.ring_statistics["seq"])
    station.token(Token(station.token_number, **fields))  # type: ignore[arg-type]
    sent = station.take_sent(DATA, TOKEN)
    at = [each.header.kind for each in sent].index(TOKEN)
    assert not any(each.header.flags & POST for each in sent[:at])
    assert all(each.header.flags & POST for each in sent[at + 1 :])
    return at, len(sent) - at - 1, Token.decode(sent[at].data)


def test_a_visit_sends_at_most_the_personal_window() -> None:
    station = waiting(Shape(personal_window=20), 30)

    assert sum(visit(station)[:2]) == 20
    assert sum(visit(station)[:2]) == 10


def test_the_accelerated_window_follows_the_token() -> None:
    assert visit(waiting(Shape(accelerated_window=15), 20))[:2] == (5, 15)
    assert visit(waiting(Shape(accelerated_window=15), 10))[:2] == (0, 10)
    assert visit(waiting(Shape(accelerated_window=0), 10))[:2] == (10, 0)


@pytest.mark.parametrize(("packets", "behind"), [(1, 0), (2, 0), (3, 3)])
def test_few_packets_arrive_before_the_token(packets: int, behind: int) -> None:
    assert visit(waiting(Shape(accelerated_window=15), packets))[:2] == (packets - behind, behind)


def test_the_classic_ring_sends_everything_before_the_token() -> None:
    assert visit(waiting(Shape(accelerated=False), 20))[:2] == (20, 0)


def test_the_token_claims_what_is_sent_behind_it() -> None:
    _, behind, token = visit(waiting(Shape(), 10))

    assert behind == 10
    assert token.seq == 10
    assert token.acks[1] == 10


def test_the_window_leaves_what_the_others_have_not_used() -> None:
    shape = Shape(window=50, personal_window=20)

    assert sum(visit(waiting(shape, 30), fcc=35)[:2]) == 15


@pytest.mark.parametrize("fcc", [49, 50, 51, 4_000_000_000])
def test_one_packet_is_allowed_whatever_the_others_send(fcc: int) -> None:
    shape = Shape(window=50, personal_window=20)

    assert sum(visit(waiting(shape, 30), fcc=fcc)[:2]) == 1


def test_a_visit_takes_its_part_of_what_waits_at_all_members() -> None:
    shape = Shape(window=40, personal_window=40)

    assert sum(visit(waiting(shape, 30), backlog=10)[:2]) == 30
    assert sum(visit(waiting(shape, 30), backlog=30)[:2]) == 20
    assert sum(visit(waiting(shape, 30), backlog=4_000_000_000)[:2]) == 1


def test_the_own_packets_of_the_last_rotation_leave_the_count() -> None:
    station = waiting(Shape(window=50, personal_window=20), 60)

    assert visit(station, fcc=10)[2].fcc == 30
    assert visit(station, fcc=45)[2].fcc == 45
    assert visit(station, fcc=20)[2].fcc == 20


def test_a_count_below_the_own_share_is_taken_as_none() -> None:
    station = waiting(Shape(personal_window=20), 20)
    visit(station)

    assert visit(station, fcc=5)[2].fcc == 0


def test_answers_use_up_the_visit() -> None:
    station = waiting(Shape(personal_window=20), 30)
    for seq in range(1, 8):
        station.data(0, seq, turn=False)

    before, behind, token = visit(station, seq=7, acks=(7, 0, 0), requests=(Request(1, 7, 2),))

    assert (before, behind) == (7, 13)
    assert token.fcc == 20


def test_more_answers_than_the_visit_allows_leave_no_room() -> None:
    station = waiting(Shape(personal_window=5), 10)
    for seq in range(1, 8):
        station.data(0, seq, turn=False)

    before, behind, token = visit(station, seq=7, acks=(7, 0, 0), requests=(Request(1, 7, 2),))

    assert (before, behind) == (7, 0)
    assert token.fcc == 7


def test_the_newest_packet_keeps_a_distance_to_the_slowest_member() -> None:
    station = waiting(Shape(max_seq_gap=30), 60)

    assert sum(visit(station, acks=(0, 0, 0))[:2]) == 20
    assert sum(visit(station, acks=(20, 20, 0))[:2]) == 10
    assert sum(visit(station, acks=(30, 30, 0))[:2]) == 0
    assert sum(visit(station, acks=(30, 30, 5))[:2]) == 5


def test_a_window_without_room_takes_nothing_until_the_slowest_member_has_come_further() -> None:
    """The gap allows more than the window can hold, because a claim of others is not held here."""
    station = waiting(Shape(max_seq_gap=1_800, window=160, personal_window=160), 200)

    sent = sum(visit(station, seq=1_790, acks=(0, 0, 0))[:2])

    assert sent == 10
    assert station.ring_statistics["aru"] == 0


def test_the_token_tells_how_much_waits() -> None:
    station = waiting(Shape(personal_window=20), 31)

    assert visit(station, backlog=5)[2].backlog == 36
    assert visit(station, backlog=36)[2].backlog == 16
    assert visit(station, backlog=3)[2].backlog == 0
    assert visit(station, backlog=7)[2].backlog == 7


@pytest.mark.parametrize(
    ("accelerated", "lost", "asked"), [(True, 3, ()), (False, 3, (Request(3, 1, 1),))]
)
def test_both_variants_in_one_visit(
    accelerated: bool, lost: int, asked: tuple[Request, ...]
) -> None:
    station = waiting(Shape(accelerated=accelerated), 2)
    for seq in {1, 2, 3, 4} - {lost}:
        station.data(0, seq, turn=False)

    _, _, token = visit(station, seq=4, acks=(4, 0, 0))

    assert token.requests == asked
    assert token.seq == 6
    assert token.acks == (4, 2, 0)


def test_small_messages_share_a_packet_and_large_ones_are_cut() -> None:
    station = Station.in_ring(1)
    for number in range(10):
        station.submit(b"%d" % number, turn=False)
    station.submit(b"y" * 3_000, turn=False)

    assert sum(visit(station)[:2]) == 3
    assert station.take_heard() == [*(b"%d" % number for number in range(10)), b"y" * 3_000]


def test_states_go_before_what_clients_have_sent_earlier() -> None:
    station = Station.in_ring(1)
    station.submit(b"early")
    station.node.submit_state(b"table")

    visit(station)

    assert station.take_heard() == ["state of 1: table", b"early"]


def test_held_requests_stay_out_of_the_order() -> None:
    station = Station.in_ring(1)
    station.node.hold_requests(True)
    station.submit(b"held")
    assert sum(visit(station)[:2]) == 0

    station.node.hold_requests(False)

    assert sum(visit(station)[:2]) == 1
    assert station.take_heard() == [b"held"]


def test_a_count_that_nobody_sent_is_forgotten_after_a_rotation() -> None:
    leader = Station.in_ring(0)

    sent = leader.next_token(fcc=4_000_000_000, backlog=4_000_000_000)
    sent = leader.next_token(fcc=sent.fcc, backlog=sent.backlog)

    assert (sent.fcc, sent.backlog) == (0, 0)

"""Recovery and installation: what the members of an old ring deliver before the new one begins."""

from dataclasses import replace

import pytest

from spread.errors import MisuseError
from tests.ring.station import (
    DATA,
    MS,
    PROBING_NS,
    RECOVERY,
    REGULAR,
    RETRANS,
    SAFE,
    TOKEN,
    TRANSITIONAL,
    Shape,
    Station,
    frame_of,
)
from tests.ring.tokens import OldRequest, Recovery, Request, Token

OLD = Station.RING
NEW = (100, 3)


def bits(*seqs: int, after: int = 0) -> bytes:
    """Return the numbers as `ring_held` tells them."""
    number = sum(1 << (seq - after - 1) for seq in seqs)
    return number.to_bytes(max(1, (number.bit_length() + 7) // 8), "little")


def old_ring(*packets: tuple[int, int, bytes], me: int = 1, daemons: int = 3) -> Station:
    """Return a station in a ring, with packets (seq, origin, payload), that has lost the token."""
    station = Station.in_ring(me, daemons)
    for seq, origin, payload in packets:
        # Copies: what it sent itself does not come in.
        station.data(origin, seq, payload, transmitter=(me + 1) % daemons)
    station.node.ring_lost()
    station.take_sent()
    return station


def message(seq: int, origin: int, service: int = 0x10) -> tuple[int, int, bytes]:
    return seq, origin, frame_of(origin, b"%d of %d" % (seq, origin), service)


def everybody_done(station: Station, **fields: object) -> None:
    """Hand in a token that says that all members are done."""
    station.token_number += 4
    done = Recovery.of(*range(len(station.members)))
    station.token(Token(station.token_number, recovery=done, **fields))  # type: ignore[arg-type]


# -- Committing -----------------------------------------------------------------------------------


def test_a_frozen_ring_tells_what_it_has() -> None:
    station = old_ring(message(1, 0), message(3, 2), message(4, 0))

    assert station.node.ring_freeze() == (0, 4)
    assert station.node.ring_held(0, 4) == bits(1, 3, 4)
    assert station.node.ring_obligations() == [1]


def test_what_has_been_delivered_and_forgotten_counts_as_held() -> None:
    station = Station.in_ring(1)
    for seq in (1, 2, 3):
        station.data(0, seq)
    station.next_token(seq=3)
    station.node.ring_lost()

    assert station.node.ring_freeze() == (3, 3)
    assert station.node.ring_held(0, 3) == bits(1, 2, 3)
    assert station.node.ring_held(3, 3) == b""


def test_no_more_is_told_than_a_window_holds() -> None:
    with pytest.raises(MisuseError, match="packets 0 to 2049 are more than a window holds"):
        Station(0).node.ring_held(0, 2_049)


def test_late_packets_are_taken_until_the_report_and_not_behind_it() -> None:
    station = old_ring(message(1, 0))
    station.data(0, 2)
    assert station.node.ring_freeze() == (0, 2)

    station.data(0, 3)

    assert station.node.ring_freeze() == (0, 2)
    assert station.statistics["late"] == 1


def test_the_freeze_ends_when_the_attempt_does() -> None:
    station = old_ring()
    station.node.ring_freeze()
    station.node.ring_lost()

    station.data(0, 1)

    assert station.node.ring_freeze() == (0, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"stable": 3},
        {"high": 3},
        {"high": 2_050},
        {"have": b""},
        {"have": b"\1"},
        {"transitional": [1, 3]},
        {"transitional": [0]},
        {"obligations": [3]},
        {"obligations": [5]},
        {"obligations": [-1]},
        {"members": [0]},
        {"members": [1, 0]},
        {"members": [0, 1, 1]},
        {"members": [1, 5]},
        {"members": [-1, 1]},
    ],
    ids=str,
)
def test_a_report_that_cannot_be_true_is_refused_and_changes_nothing(
    wrong: dict[str, object],
) -> None:
    station = Station(1, Shape(daemons=5))
    station.install(OLD, [0, 1, 2])
    station.data(0, 1)
    station.data(0, 2)
    station.data(0, 9)
    station.node.ring_lost()
    right: dict[str, object] = {
        "members": [1, 2],
        "stable": 0,
        "high": 9,
        "have": bits(1, 2, 9),
        "transitional": [1],
        "obligations": [1],
    }
    if "high" in wrong and wrong["high"] != 3:
        right["have"] = b"\xff" * 300

    assert not station.commit(NEW, **(right | wrong))  # type: ignore[arg-type]

    assert station.commit(NEW, **right)  # type: ignore[arg-type]


def test_nothing_is_committed_without_a_report() -> None:
    station = old_ring()

    assert not station.node.ring_commit(
        NEW, [1], stable=0, high=0, have=b"", transitional=[1], obligations=[1]
    )


def test_an_attempt_is_committed_once() -> None:
    station = old_ring()
    assert station.commit(NEW, [0, 1])

    assert not station.node.ring_commit(
        NEW, [0, 1], stable=0, high=0, have=b"", transitional=[1], obligations=[1]
    )


@pytest.mark.parametrize("members", [None, [1]])
def test_only_a_forming_ring_of_several_has_a_first_token(members: list[int] | None) -> None:
    station = old_ring()
    if members is not None:
        assert station.commit(NEW, members)

    with pytest.raises(MisuseError, match="only a forming ring of several daemons"):
        station.node.ring_start()


# -- A ring of one --------------------------------------------------------------------------------


def test_a_ring_of_one_installs_by_itself() -> None:
    station = old_ring(message(1, 0), message(2, 1))

    assert station.commit((101, 3), [1])
    station.turn()

    assert station.take_heard() == [b"1 of 0", b"2 of 1", TRANSITIONAL, REGULAR]
    assert station.upcalls.take() == [(TRANSITIONAL,), (REGULAR,)]
    station.submit(b"alone")
    assert station.take_heard() == [b"alone"]
    station.advance(PROBING_NS)
    assert station.driver.deadline() == 0


# -- The section in the token ---------------------------------------------------------------------


def test_a_member_that_misses_nothing_is_done_at_its_first_visit() -> None:
    station = old_ring(message(1, 0))
    assert station.commit(NEW, [0, 1, 2], transitional=[0, 1])

    station.token(Token(1, recovery=Recovery.of()))

    assert station.take_token().recovery == Recovery.of(1)
    assert station.upcalls.take() == []


def test_what_others_hold_is_asked_for_in_ranges() -> None:
    station = old_ring(message(1, 0), message(4, 0))
    assert station.commit(NEW, [0, 1], high=8, have=bits(1, 2, 3, 4, 6, 8), transitional=[0, 1])

    station.token(Token(1, recovery=Recovery.of(0)))

    requests = (OldRequest(OLD, 2, 2), OldRequest(OLD, 6, 1), OldRequest(OLD, 8, 1))
    assert station.take_token().recovery == Recovery.of(0, requests=requests)


def test_recovered_packets_are_asked_for_no_more() -> None:
    station = old_ring(message(1, 0))
    assert station.commit(NEW, [0, 1], high=3, have=bits(1, 2, 3), transitional=[0, 1])
    station.token(Token(1, recovery=Recovery.of(0)))
    station.take_sent()

    station.recovered(0, 3, OLD)
    station.token(Token(3, recovery=Recovery.of(0, requests=(OldRequest(OLD, 2, 2),))))
    assert station.take_token().recovery == Recovery.of(0, requests=(OldRequest(OLD, 2, 1),))

    station.recovered(2, 2, OLD)
    station.token(Token(5, recovery=Recovery.of(0, requests=(OldRequest(OLD, 2, 1),))))
    assert station.statistics["recovered"] == 2


def test_answers_carry_the_old_ring_and_the_old_place() -> None:
    station = old_ring(message(1, 0), message(2, 2))
    assert station.commit(NEW, [0, 1, 2], transitional=[0, 1, 2])

    station.token(Token(1, recovery=Recovery.of(1, requests=(OldRequest(OLD, 2, 1),))))

    data, token = station.take_sent(DATA, TOKEN)
    assert data.header.kind == DATA
    assert data.header.flags == RECOVERY | RETRANS
    assert (data.header.leader, data.header.time) == NEW
    assert (data.header.origin, data.header.transmitter) == (2, 1)
    assert (data.header.number, data.header.second) == (2, OLD[0] | OLD[1] << 32)
    assert data.payload == frame_of(2, b"2 of 2")
    assert Token.decode(token.data).recovery == Recovery.of(1)


def test_answers_of_one_visit_are_limited() -> None:
    station = Station(1, Shape(daemons=2, personal_window=2))
    station.install(OLD, [0, 1])
    for seq in range(1, 6):
        station.data(0, seq)
    assert station.commit(NEW, [0, 1], transitional=[0, 1])

    station.token(Token(1, recovery=Recovery.of(0, requests=(OldRequest(OLD, 1, 5),))))

    one, two, token = station.take_sent(DATA, TOKEN)
    assert [one.header.number, two.header.number] == [1, 2]
    assert Token.decode(token.data).recovery == Recovery.of(0, 1, requests=(OldRequest(OLD, 3, 3),))


def test_requests_of_other_old_rings_pass_untouched() -> None:
    station = old_ring(message(1, 0))
    other = OldRequest((102, 77), 1, 9)
    assert station.commit(NEW, [0, 1, 2])

    station.token(Token(1, recovery=Recovery.of(requests=(other, OldRequest(OLD, 1, 1)))))

    (token,) = station.take_sent(TOKEN)
    assert Token.decode(token.data).recovery == Recovery.of(1, requests=(other,))


def test_no_more_is_asked_for_than_the_token_has_room_for() -> None:
    station = old_ring()
    seqs = range(2, 80, 2)
    assert station.commit(NEW, [0, 1], high=80, have=bits(*seqs), transitional=[0, 1])

    station.token(Token(1, recovery=Recovery.of(0)))

    recovery = station.take_token().recovery
    assert recovery is not None
    assert [request.first for request in recovery.requests] == list(range(2, 38, 2))
    assert len(recovery.requests) == 18


@pytest.mark.parametrize(
    ("seq", "ring"),
    [(9, OLD), (1, OLD), (3, OLD), (2, (100, 77)), (2, (102, 2))],
    ids=["beyond the end", "stable", "a hole", "another time", "another leader"],
)
def test_only_what_is_missing_is_taken_from_answers(seq: int, ring: tuple[int, int]) -> None:
    station = Station.in_ring(1)
    station.data(0, 1)
    station.next_token(seq=1)
    assert station.commit(NEW, [0, 1], high=4, have=bits(2, 4, after=1), transitional=[0, 1])

    station.recovered(0, seq, ring)

    assert station.statistics["recovered"] == 0
    station.token(Token(1, recovery=Recovery.of(0)))
    recovery = station.take_token().recovery
    assert recovery is not None
    assert [request.first for request in recovery.requests] == [2, 4]


def test_answers_are_late_when_no_ring_is_forming() -> None:
    station = Station.in_ring(1)

    station.recovered(0, 1, OLD)

    assert station.statistics["late"] == 1


def test_answers_of_another_attempt_are_late() -> None:
    station = old_ring()
    assert station.commit(NEW, [0, 1], high=1, have=bits(1), transitional=[0, 1])
    station.ring = (100, 99)

    station.recovered(0, 1, OLD)

    assert station.statistics["late"] == 1


def test_new_messages_are_not_sent_before_the_installation() -> None:
    station = old_ring()
    station.submit(b"mine")
    assert station.commit(NEW, [0, 1])

    station.token(Token(1, recovery=Recovery.of()))

    assert station.take_sent(DATA) == []
    assert station.take_heard() == []


# -- Installation ---------------------------------------------------------------------------------


def test_the_last_one_to_learn_that_all_are_done_installs_with_that_token() -> None:
    station = old_ring(message(1, 0))
    station.submit(b"mine")
    assert station.commit(NEW, [0, 1], transitional=[0, 1])
    station.token(Token(1, recovery=Recovery.of()))
    station.take_sent()

    station.token(Token(3, recovery=Recovery.of(0, 1)))

    data, token = station.take_sent(DATA, TOKEN)
    assert Token.decode(token.data).recovery == Recovery.of(0, 1)
    assert Token.decode(token.data).seq == 1
    assert data.payload == frame_of(1, b"mine")
    assert station.take_heard() == [b"1 of 0", TRANSITIONAL, REGULAR, b"mine"]


def test_the_leader_takes_the_section_out_once_all_have_seen_it() -> None:
    station = old_ring(me=0)
    assert station.commit(NEW, [0, 1], transitional=[0])
    station.token(Token(2, recovery=Recovery.of(1)))

    assert station.take_token().recovery is None
    assert (REGULAR,) in station.upcalls.calls


def test_a_token_without_the_section_installs() -> None:
    station = old_ring(message(1, 0))
    assert station.commit(NEW, [0, 1])

    station.token(Token(3))

    assert station.take_heard() == [b"1 of 0", TRANSITIONAL, REGULAR]
    assert station.take_token().recovery is None


def test_messages_of_the_new_ring_wait_for_its_installation() -> None:
    station = old_ring(message(1, 0))
    assert station.commit(NEW, [0, 1])
    station.data(0, 1, frame_of(0, b"of the new ring"))
    assert station.take_heard() == [b"1 of 0"]

    everybody_done(station, seq=1)

    assert station.take_heard() == [TRANSITIONAL, REGULAR, b"of the new ring"]


def test_safe_messages_that_not_all_are_known_to_have_come_behind_the_signal() -> None:
    station = old_ring(message(1, 0), message(2, 0, SAFE), message(3, 0))
    assert station.take_heard() == [b"1 of 0"]
    assert station.commit(NEW, [1, 2], transitional=[1, 2])

    everybody_done(station)

    assert station.take_heard() == [TRANSITIONAL, b"2 of 0", b"3 of 0", REGULAR]


def test_safe_messages_that_all_have_come_before_the_signal() -> None:
    station = old_ring(message(1, 0, SAFE), message(2, 0, SAFE))
    assert station.commit(NEW, [0, 1], stable=1, transitional=[0, 1])
    station.turn()
    assert station.take_heard() == [b"1 of 0"]

    everybody_done(station)

    assert station.take_heard() == [TRANSITIONAL, b"2 of 0", REGULAR]


def test_behind_a_hole_only_messages_of_obliged_daemons_are_delivered() -> None:
    station = old_ring(*(message(seq, seq % 4) for seq in (1, 3, 4, 5, 6, 7)), daemons=4)
    held = bits(1, 3, 4, 5, 6, 7)
    assert station.take_heard() == [b"1 of 1"]
    assert station.commit(NEW, [1, 2], high=7, have=held, transitional=[1, 2], obligations=[1, 2])

    everybody_done(station)

    assert station.take_heard() == [TRANSITIONAL, b"5 of 1", b"6 of 2", REGULAR]


def test_parts_from_before_a_hole_are_completed_only_for_those_who_stay() -> None:
    halves = {origin: frame_of(origin, b"part of %d" % origin) for origin in (0, 1, 2)}
    station = old_ring(
        (1, 0, halves[0][:50]),
        (2, 2, halves[2][:50]),
        (4, 2, halves[2][50:]),
        (5, 0, halves[0][50:]),
    )
    station.node.ring_lost()
    assert station.commit(
        NEW, [1, 2], high=5, have=bits(1, 2, 4, 5), transitional=[1, 2], obligations=[0, 1, 2]
    )

    everybody_done(station)

    assert station.take_heard() == [TRANSITIONAL, b"part of 2", REGULAR]


def test_a_hole_stays_one_whatever_comes_late() -> None:
    station = old_ring(message(1, 0), message(3, 1))
    assert station.commit(NEW, [0, 1], high=3, have=bits(1, 3), transitional=[0, 1])
    station.recovered(0, 2, OLD)

    everybody_done(station)

    assert station.take_heard() == [b"1 of 0", TRANSITIONAL, b"3 of 1", REGULAR]


def test_incomplete_messages_of_the_old_ring_are_forgotten() -> None:
    half = frame_of(0, b"half")
    station = old_ring((1, 0, half[:50]))
    assert station.commit(NEW, [0, 1], transitional=[0, 1])
    everybody_done(station)
    station.take_heard()

    station.data(0, 1, half)

    assert station.take_heard() == [b"half"]


def test_a_message_sent_in_part_is_sent_again_from_its_first_byte() -> None:
    station = Station.in_ring(1, shape=Shape(personal_window=2, payload_max=1_408))
    station.submit(b"before", turn=False)
    station.submit(b"y" * 5_000)
    station.next_token()
    assert station.take_heard() == [b"before"]
    station.node.ring_lost()
    assert station.commit(NEW, [0, 1], transitional=[0, 1])
    everybody_done(station)
    assert station.take_heard() == [TRANSITIONAL, REGULAR]

    for _ in range(3):
        station.next_token(seq=station.ring_statistics["seq"])

    assert station.take_heard() == [b"y" * 5_000]


def test_it_is_sent_again_however_often_rings_break() -> None:
    station = Station.in_ring(1, shape=Shape(personal_window=1))
    station.submit(b"z" * 4_000, turn=False)
    station.submit(b"after")
    for attempt in range(4):
        station.next_token(seq=station.ring_statistics["seq"])
        station.node.ring_lost()
        assert station.commit((100, 3 + attempt), [0, 1], transitional=[0, 1])
        everybody_done(station)
    station.take_heard()

    for _ in range(6):
        station.next_token(seq=station.ring_statistics["seq"])

    assert station.take_heard() == [b"z" * 4_000, b"after"]


def test_a_message_sent_whole_is_not_sent_again() -> None:
    station = Station.in_ring(1)
    station.submit(b"once")
    station.next_token()
    station.node.ring_lost()
    assert station.commit(NEW, [0, 1], transitional=[0, 1])
    everybody_done(station)
    station.take_sent()

    station.next_token()

    assert station.take_heard() == [b"once", TRANSITIONAL, REGULAR]
    assert station.take_sent(DATA) == []


def test_states_that_waited_are_of_the_old_ring_and_are_forgotten() -> None:
    station = old_ring()
    station.node.submit_state(b"old table")
    assert station.commit(NEW, [0, 1])
    everybody_done(station)
    station.take_heard()

    station.node.submit_state(b"new table")
    station.next_token()

    assert station.take_heard() == ["state of 1: new table"]


# -- Attempts that fail ---------------------------------------------------------------------------


def test_a_failed_attempt_keeps_what_it_recovered() -> None:
    station = old_ring(message(1, 0))
    assert station.commit(NEW, [0, 1], high=3, have=bits(1, 2, 3), transitional=[0, 1])
    station.recovered(0, 2, OLD)
    station.node.ring_lost()

    assert station.node.ring_freeze() == (0, 2)
    assert station.node.ring_held(0, 2) == bits(1, 2)


def test_a_new_report_gives_an_attempt_up() -> None:
    station = old_ring(message(1, 0))
    assert station.commit(NEW, [0, 1], high=2, have=bits(1, 2), transitional=[0, 1])

    assert station.node.ring_freeze() == (0, 1)

    station.recovered(0, 2, OLD)
    assert station.node.ring_freeze() == (0, 1)
    assert station.commit((100, 4), [0, 1], transitional=[0, 1])


def test_obligations_begin_when_this_daemon_has_said_that_it_is_done() -> None:
    station = old_ring(message(1, 0))
    assert station.commit(NEW, [0, 1], transitional=[0, 1], obligations=[0, 1])
    station.node.ring_lost()
    assert station.node.ring_obligations() == [1]

    assert station.commit((100, 4), [0, 1], transitional=[0, 1], obligations=[0, 1])
    station.token(Token(1, recovery=Recovery.of()))
    station.node.ring_lost()

    assert station.node.ring_obligations() == [0, 1]


def test_obligations_end_with_the_installation() -> None:
    station = old_ring()
    assert station.commit(NEW, [0, 1], transitional=[0, 1], obligations=[0, 1])
    everybody_done(station)

    assert station.node.ring_obligations() == [1]


def test_nothing_is_delivered_twice_when_an_attempt_is_repeated() -> None:
    station = old_ring(message(1, 0, SAFE), message(2, 0, SAFE), message(3, 0))
    assert station.commit(NEW, [0, 1], stable=1, transitional=[0, 1])
    station.turn()
    station.node.ring_lost()

    assert station.commit((100, 4), [0, 1], stable=2, transitional=[0, 1])
    everybody_done(station)

    assert station.take_heard() == [b"1 of 0", b"2 of 0", b"3 of 0", TRANSITIONAL, REGULAR]


def test_a_ring_that_ends_between_its_last_token_and_its_walk_is_given_up() -> None:
    """Datagrams of one batch come before the turn that walks."""
    station = old_ring(message(1, 0, SAFE))
    assert station.commit(NEW, [0, 1], transitional=[0, 1])
    station.token(Token(1, recovery=Recovery.of(0, 1)), turn=False)

    station.node.ring_lost()
    station.turn()

    assert station.upcalls.take() == []
    assert station.commit((100, 4), [0, 1], transitional=[0, 1])
    everybody_done(station)
    assert station.take_heard() == [TRANSITIONAL, b"1 of 0", REGULAR]


def test_a_second_token_before_the_walk_is_late() -> None:
    station = old_ring()
    assert station.commit(NEW, [0, 1])
    station.token(Token(1, recovery=Recovery.of(0, 1)), turn=False)

    station.token(Token(3, recovery=Recovery.of(0, 1)), turn=False)
    station.turn()

    assert station.statistics["late"] == 1
    assert station.take_token().number == 2


def test_the_attempt_ends_when_it_makes_no_progress() -> None:
    station = Station(1, Shape(daemons=2))
    station.install(OLD, [0, 1])
    station.node.ring_lost()
    assert station.commit(NEW, [0, 1], high=1, have=bits(1), transitional=[0, 1])
    number = 1
    for _ in range(13):
        station.token(Token(number, recovery=Recovery.of()))
        number += 2
        station.advance(100 * MS)

    assert station.upcalls.take() == [("lost", 2)]


def test_progress_of_anybody_gives_the_attempt_more_time() -> None:
    station = Station(1, Shape(daemons=2))
    station.install(OLD, [0, 1])
    station.node.ring_lost()
    assert station.commit(NEW, [0, 1], high=1, have=bits(1), transitional=[0, 1])
    for number in range(1, 51, 2):
        done = Recovery.of(0) if number > 20 else Recovery.of()
        station.token(Token(number, recovery=done))
        station.advance(90 * MS)
        if number == 25:
            assert station.upcalls.take() == []

    assert station.upcalls.take() == [("lost", 2)]


def test_in_recovery_nothing_is_delivered_beyond_what_all_have() -> None:
    station = Station.in_ring(1)
    station.data(0, 1, frame_of(0, b"safe", SAFE))
    station.data(0, 2)
    station.node.ring_lost()
    station.data(0, 3)
    station.turn()
    assert station.take_heard() == []

    assert station.commit(NEW, [0, 1], stable=1, transitional=[0, 1])
    station.turn()

    assert station.take_heard() == [b"safe"]


def test_requests_of_the_ring_and_of_recovery_are_apart() -> None:
    station = old_ring(message(1, 0))
    assert station.commit(NEW, [0, 1], transitional=[0, 1])
    station.data(0, 1, frame_of(0, b"new"))

    token = Token(1, seq=1, acks=(1, 0), requests=(Request(1, 1, 0),), recovery=Recovery.of())
    station.token(replace(token))

    sent = station.take_sent(DATA)
    assert [(each.target, each.header.flags) for each in sent] == [(0, RETRANS)]


def test_a_claim_far_ahead_does_not_stand_in_the_way_of_the_next_ring() -> None:
    station = Station.in_ring(1)
    station.next_token(seq=4_000, acks=(0, 0, 0))
    station.node.ring_lost()

    assert station.node.ring_freeze() == (0, 0)
    assert station.commit(NEW, [0, 1])

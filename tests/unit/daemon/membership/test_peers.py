"""What is known of other daemons: restarts, stale packets, mutual hearing, death and doubles."""

import pytest

from spread.daemon.membership.packets import FormMember, Heard
from spread.daemon.membership.peers import INCARNATION_MAX, Peers, Verdict
from spread.daemon.membership.settings import NetworkSettings

ME = 0
PEER = 1
OTHER = 2
MY_INCARNATION = 5000
SOURCE = 0x0A000002
ELSEWHERE = 0x0A0000FF
SECOND = 1_000_000_000


def make_peers() -> Peers:
    return Peers(
        NetworkSettings(
            me=ME,
            ids=(0x0A000001, 0x0A000002, 0x0A000003),
            names=(b"a", b"b", b"c"),
            segments=(0, 0, 0),
            network_hash=1,
            incarnation=MY_INCARNATION,
        )
    )


def hear(
    peers: Peers, daemon: int = PEER, incarnation: int = 10, at: int = 0, counter: int = 1
) -> Verdict:
    return peers.hear(daemon, SOURCE, incarnation, counter, at)


def test_a_first_packet_makes_a_daemon_known() -> None:
    peers = make_peers()

    assert hear(peers, at=7) is Verdict.CURRENT

    assert peers.incarnation_of(PEER) == 10
    assert peers.heard_since(PEER, 7)
    assert not peers.heard_since(PEER, 8)


def test_nothing_is_known_of_who_never_spoke() -> None:
    peers = make_peers()

    assert peers.incarnation_of(PEER) == 0
    assert not peers.heard_since(PEER, 0)


def test_my_own_incarnation_is_known() -> None:
    assert make_peers().incarnation_of(ME) == MY_INCARNATION


def test_further_packets_of_one_incarnation_are_current_in_any_order() -> None:
    peers = make_peers()
    hear(peers, counter=9)

    assert hear(peers, counter=8, at=3) is Verdict.CURRENT

    assert peers.heard_since(PEER, 3)


def test_a_larger_incarnation_is_a_restart() -> None:
    peers = make_peers()
    hear(peers, incarnation=10)

    assert hear(peers, incarnation=11) is Verdict.RESTARTED

    assert peers.incarnation_of(PEER) == 11


def test_a_restart_is_told_once() -> None:
    peers = make_peers()
    hear(peers, incarnation=10)
    hear(peers, incarnation=11)

    assert hear(peers, incarnation=11) is Verdict.CURRENT


def test_a_packet_of_an_earlier_incarnation_is_old_and_is_no_sign_of_life() -> None:
    peers = make_peers()
    hear(peers, incarnation=11, at=0)

    assert hear(peers, incarnation=10, at=5) is Verdict.OLD

    assert not peers.heard_since(PEER, 1)


def test_the_heard_list_names_who_was_heard_lately() -> None:
    peers = make_peers()
    hear(peers, PEER, incarnation=10, at=100)
    hear(peers, OTHER, incarnation=20, at=200)

    assert peers.heard(150) == (Heard(OTHER, 20),)
    assert peers.heard(100) == (Heard(PEER, 10), Heard(OTHER, 20))


# -- Mutual hearing -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heard", "hears_me"),
    [
        ((Heard(OTHER, 20), Heard(ME, MY_INCARNATION)), True),
        ((Heard(ME, MY_INCARNATION - 1),), False),
        ((Heard(OTHER, MY_INCARNATION),), False),
        ((), False),
    ],
    ids=["mine", "my predecessor", "another", "nobody"],
)
def test_a_daemon_hears_me_when_it_names_my_incarnation(
    heard: tuple[Heard, ...], hears_me: bool
) -> None:
    peers = make_peers()

    peers.hear_list(PEER, heard)

    assert peers.hears_me(PEER) is hears_me


def test_the_last_list_counts() -> None:
    peers = make_peers()
    peers.hear_list(PEER, [Heard(ME, MY_INCARNATION)])

    peers.hear_list(PEER, [])

    assert not peers.hears_me(PEER)


def test_a_restarted_daemon_has_not_heard_me() -> None:
    peers = make_peers()
    hear(peers, incarnation=10)
    peers.hear_list(PEER, [Heard(ME, MY_INCARNATION)])

    hear(peers, incarnation=11)

    assert not peers.hears_me(PEER)


def test_an_attempt_needs_its_own_evidence_of_hearing() -> None:
    peers = make_peers()
    peers.hear_list(PEER, [Heard(ME, MY_INCARNATION)])

    peers.start_attempt(0)

    assert not peers.hears_me(PEER)


# -- Stale packets --------------------------------------------------------------------------------


def test_packets_sent_before_a_daemon_joined_a_form_are_stale() -> None:
    peers = make_peers()
    hear(peers, incarnation=10)

    peers.raise_floors([FormMember(PEER, 10, 7, (1, 1))])

    assert [peers.is_stale(PEER, counter) for counter in (6, 7, 8)] == [True, True, False]


def test_the_counters_of_a_restarted_daemon_start_afresh() -> None:
    peers = make_peers()
    hear(peers, incarnation=10)
    peers.raise_floors([FormMember(PEER, 10, 7, (1, 1))])

    hear(peers, incarnation=11)

    assert not peers.is_stale(PEER, 1)


def test_a_repeated_form_lowers_no_floor() -> None:
    peers = make_peers()
    hear(peers, incarnation=10)
    peers.raise_floors([FormMember(PEER, 10, 7, (1, 1))])

    peers.raise_floors([FormMember(PEER, 10, 3, (1, 1))])

    assert peers.is_stale(PEER, 7)


# -- Failure --------------------------------------------------------------------------------------


def test_a_daemon_at_whose_address_nobody_listens_is_gone() -> None:
    peers = make_peers()

    peers.fail(PEER)

    assert peers.is_gone(PEER)
    assert peers.failed == (PEER,)


def test_a_sign_of_life_refutes_a_failure() -> None:
    peers = make_peers()
    hear(peers)
    peers.fail(PEER)

    hear(peers)

    assert not peers.is_gone(PEER)
    assert peers.failed == ()


def test_what_comes_late_from_a_daemon_that_left_is_stale() -> None:
    peers = make_peers()
    hear(peers, at=0)
    peers.leave(PEER)

    assert hear(peers, at=5) is Verdict.STALE

    assert peers.is_gone(PEER)
    assert peers.failed == (PEER,)


def test_a_daemon_that_left_comes_back_with_its_next_incarnation() -> None:
    peers = make_peers()
    hear(peers, incarnation=10)
    peers.leave(PEER)

    assert hear(peers, incarnation=11) is Verdict.RESTARTED

    assert not peers.is_gone(PEER)


def test_the_failures_that_others_know_are_believed_of_who_is_silent() -> None:
    peers = make_peers()
    hear(peers, PEER, at=10)
    hear(peers, OTHER, at=30)
    peers.start_attempt(20)

    peers.told_failed([ME, PEER, OTHER])

    assert peers.failed == (PEER,)


def test_silence_counts_as_death_after_two_whole_join_rounds() -> None:
    peers = make_peers()
    hear(peers, at=10)
    peers.start_attempt(20)

    gone = []
    for _ in range(3):
        peers.join_round()
        gone.append(peers.is_gone(PEER))

    assert gone == [False, False, True]


def test_who_answered_in_the_attempt_is_not_silent() -> None:
    peers = make_peers()
    peers.start_attempt(20)
    hear(peers, at=20)

    for _ in range(3):
        peers.join_round()

    assert not peers.is_gone(PEER)


def test_each_attempt_waits_anew() -> None:
    peers = make_peers()
    for _ in range(3):
        peers.join_round()

    peers.start_attempt(20)

    assert not peers.is_gone(PEER)


# -- Clocks that went back, and doubles -----------------------------------------------------------


def test_the_incarnation_rises_above_a_larger_one_that_others_know() -> None:
    peers = make_peers()

    taken = peers.larger_incarnation([Heard(PEER, 99999), Heard(ME, 7000)])

    assert (taken, peers.incarnation) == (7001, 7001)
    assert not peers.is_duplicated


def test_a_list_with_my_incarnation_or_without_me_changes_nothing() -> None:
    peers = make_peers()

    assert peers.larger_incarnation([Heard(ME, MY_INCARNATION)]) is None
    assert peers.larger_incarnation([Heard(PEER, 99999)]) is None

    assert peers.incarnation == MY_INCARNATION


def test_the_largest_incarnation_of_all_cannot_be_exceeded() -> None:
    peers = make_peers()

    assert peers.larger_incarnation([Heard(ME, INCARNATION_MAX)]) is None

    assert peers.incarnation == MY_INCARNATION


def test_a_second_larger_incarnation_is_of_another_daemon_with_my_name() -> None:
    peers = make_peers()
    peers.larger_incarnation([Heard(ME, 7000)])

    assert peers.larger_incarnation([Heard(ME, 7002)]) is None

    assert peers.is_duplicated
    assert peers.incarnation == 7001


def verdicts_of(
    peers: Peers, daemon: int, incarnation: int, packets: list[tuple[int, int]]
) -> list[Verdict]:
    """Hear packets, each (counter, time), from another address."""
    return [peers.hear(daemon, ELSEWHERE, incarnation, counter, at) for counter, at in packets]


def test_an_earlier_incarnation_that_keeps_coming_from_elsewhere_is_a_duplicate() -> None:
    peers = make_peers()
    hear(peers, incarnation=10)

    verdicts = verdicts_of(peers, PEER, 9, [(1, 0), (2, SECOND // 2), (3, SECOND), (4, SECOND)])

    assert verdicts == [Verdict.OLD, Verdict.OLD, Verdict.DUPLICATE, Verdict.DUPLICATE]
    assert not peers.is_duplicated


@pytest.mark.parametrize(
    "packets",
    [
        [(1, 0), (2, 0), (3, 0), (4, SECOND - 1)],
        [(1, 0), (1, SECOND), (1, 2 * SECOND)],
        [(1, 0), (2, SECOND), (3, 7 * SECOND), (4, 7 * SECOND)],
    ],
    ids=["within a second", "repeated by the network", "with a long pause"],
)
def test_late_packets_make_no_duplicate(packets: list[tuple[int, int]]) -> None:
    peers = make_peers()
    hear(peers, incarnation=10)

    verdicts = verdicts_of(peers, PEER, 9, packets)

    assert set(verdicts) == {Verdict.OLD}


def test_late_packets_from_the_same_address_make_no_duplicate() -> None:
    peers = make_peers()
    hear(peers, incarnation=10)

    verdicts = [hear(peers, incarnation=9, counter=i, at=i * SECOND) for i in range(1, 6)]

    assert set(verdicts) == {Verdict.OLD}


RIVAL_PACKETS = [(1, 0), (2, SECOND), (3, 2 * SECOND)]


def test_the_later_of_two_daemons_with_my_name_should_give_way() -> None:
    peers = make_peers()

    verdicts = verdicts_of(peers, ME, MY_INCARNATION - 1, RIVAL_PACKETS)

    assert verdicts == [Verdict.OLD, Verdict.OLD, Verdict.DUPLICATE]
    assert peers.is_duplicated


def test_the_earlier_of_two_daemons_with_my_name_may_stay() -> None:
    peers = make_peers()

    verdicts = verdicts_of(peers, ME, MY_INCARNATION + 1, RIVAL_PACKETS)

    assert verdicts[-1] is Verdict.DUPLICATE
    assert not peers.is_duplicated


def test_an_echo_of_my_own_packet_is_stale() -> None:
    peers = make_peers()

    assert verdicts_of(peers, ME, MY_INCARNATION, RIVAL_PACKETS) == [Verdict.STALE] * 3

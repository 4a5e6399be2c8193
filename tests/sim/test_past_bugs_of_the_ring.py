"""Mistakes that rings of this kind have had: tokens, retransmission, recovery, forming.

The numbers are those of the list in the documentation. 16, the wrap of sequence numbers, has no
scenario: they have 64 bits.
"""

import struct
from collections.abc import Iterator

import pytest

from spread.service import AGREED_MESS, RELIABLE_MESS, SAFE_MESS
from spread.sim.agenda import MS
from spread.sim.trace import Viewed
from tests.sim.arena import (
    DATA,
    FORM1,
    FORM2,
    GROUP,
    TOKEN,
    WANT,
    Arena,
    Caught,
    Tap,
    delivered,
    never,
    views,
)

TOKEN_SIZE_MAX = 548


def every(chance: int) -> Iterator[bool]:
    """True once in so many times."""
    while True:
        yield True
        yield from [False] * (chance - 1)


def test_1_tokens_from_elsewhere_and_of_earlier_rings_are_ignored() -> None:
    arena = Arena(4)
    arena.clients_everywhere(GROUP)
    tap = Tap(arena.world, lambda caught: caught.kind == TOKEN)
    arena.talk(20)
    elsewhere = tap.caught[-20:]
    for caught in elsewhere:
        for target in range(4):
            if target != caught.origin:
                tap.replay(caught, target)
        arena.talk(2)

    arena.world.partition([[0, 1], [2, 3]])
    arena.settle()
    for caught in elsewhere:
        tap.replay(caught)
    arena.talk(20)

    assert len(elsewhere) == 20
    arena.finish()


@pytest.mark.parametrize("chance", [2, 3, 5])
def test_2_tokens_sent_again_while_a_ring_is_installed_are_known(chance: int) -> None:
    arena = Arena(3)
    arena.clients_everywhere(GROUP)
    loss = every(chance)
    tap = Tap(arena.world, never, lambda caught: caught.kind == TOKEN and next(loss))
    arena.world.change_weather(repeats=0.5)

    for lonely in (0, 1, 2):
        arena.world.partition([[lonely]])
        arena.talk(150)
        arena.world.partition([])
        arena.talk(150)
    tap.lost = never

    arena.finish()


def test_3_safe_messages_wait_for_all_also_across_recoveries() -> None:
    arena = Arena(4)
    arena.clients_everywhere(GROUP)
    arena.world.change_weather(loss=0.1)

    for lonely in (3, 0, 2):
        arena.world.partition([[lonely]])
        arena.talk(200, gap_ms=0.5, services=[SAFE_MESS])
        arena.world.partition([])
        arena.talk(200, gap_ms=0.5, services=[SAFE_MESS])

    arena.finish()


def test_4_packets_that_come_again_late_are_known() -> None:
    arena = Arena(3)
    clients = arena.clients_everywhere(GROUP)
    tap = Tap(arena.world, lambda caught: caught.kind == DATA)
    arena.talk(20)
    old = list(tap.caught)
    arena.talk(50)

    for caught in old:
        tap.replay(caught)
    arena.talk(50)

    assert len(old) > 10
    assert all(len(set(delivered(client))) == len(delivered(client)) for client in clients)
    arena.finish()


def test_5_form_packets_of_earlier_attempts_are_ignored() -> None:
    arena = Arena(4)
    arena.clients_everywhere(GROUP)
    tap = Tap(arena.world, lambda caught: caught.kind in (FORM1, FORM2))
    arena.world.partition([[0, 1], [2, 3]])
    arena.settle()
    arena.world.partition([])
    arena.settle()
    earlier = list(tap.caught)

    arena.world.partition([[0, 2], [1, 3]])
    for caught in earlier:
        tap.replay(caught)
        arena.talk(3)
    arena.settle()
    for caught in earlier:
        tap.replay(caught)
        arena.talk(3)

    assert {caught.kind for caught in earlier} == {FORM1, FORM2}
    arena.finish()


def test_6_a_packet_that_comes_after_the_report_of_what_is_held_is_refused() -> None:
    """The freeze rule. d3's last packets reach d1 and d2 only when these have reported in FORM1."""
    arena = Arena(3)
    arena.clients_everywhere(GROUP)
    late: list[Caught] = []

    def hold_back(caught: Caught) -> bool:
        if caught.origin == 2 and caught.kind == DATA:
            late.append(caught)
            return True
        return False

    tap = Tap(arena.world, lambda caught: caught.kind == FORM1, hold_back)
    arena.clients[2].multicast(AGREED_MESS, [GROUP])
    arena.clients[2].multicast(SAFE_MESS, [GROUP])
    arena.run_until(lambda: bool(late))
    arena.world.crash(2, silent=True)
    arena.run_until(lambda: bool(tap.caught))
    for caught in late:
        tap.replay(caught, 1 - tap.caught[0].origin)  # It has not reported yet: it is welcome.
        tap.replay(caught, tap.caught[0].origin)  # It has.
    arena.settle()

    first, second = arena.clients[:2]
    assert delivered(first) == delivered(second)
    arena.finish()


@pytest.mark.parametrize("victim", [0, 1, 2, 3])
def test_7_who_installed_alone_and_dies_is_covered_by_the_obligations_of_the_others(
    victim: int,
) -> None:
    """Tokens of the forming ring get lost behind one member, again and again."""
    arena = Arena(5)
    arena.clients_everywhere(GROUP)
    arena.world.change_weather(loss=0.05)
    is_cut = False

    def behind_the_victim(caught: Caught) -> bool:
        return is_cut and caught.origin == victim and caught.kind == TOKEN

    Tap(arena.world, never, behind_the_victim)
    for _ in range(4):
        arena.talk(20, gap_ms=0.3)
        arena.world.partition([[4]])
        is_cut = True
        arena.talk(160, gap_ms=0.5)
        arena.world.pause(victim, 100 * MS)
        is_cut = False
        arena.talk(100)
        arena.world.partition([])
        arena.talk(150)

    arena.finish()


def test_8_rings_that_share_segments_merge_without_listing_anybody_twice() -> None:
    arena = Arena(3, 3)
    arena.clients_everywhere(GROUP)

    for parts in ([[0, 3], [1, 4], [2, 5]], [[0, 1, 3], [2, 4, 5]], [[0], [1, 2, 3, 4, 5]]):
        arena.world.partition(parts)
        arena.talk(250)
        arena.world.partition([])
        arena.talk(250)

    arena.finish()


@pytest.mark.parametrize("segments", [(4,), (2, 2), (1, 1, 2)])
def test_9_members_stand_in_configuration_order_whatever_their_addresses(
    segments: tuple[int, ...],
) -> None:
    arena = Arena(*segments, descends=True)
    clients = arena.clients_everywhere(GROUP)

    arena.world.partition([[0, 2], [1, 3]])
    arena.settle()
    arena.world.partition([])
    arena.settle()

    names = tuple(client.private_group for client in clients)
    assert all(views(client)[-1].members == names for client in clients)
    arena.finish()


@pytest.mark.parametrize("seed", range(4))
def test_10_holes_are_missing_packets_again_after_a_recovery_that_failed(seed: int) -> None:
    """d5 dies with packets that only some have, and recoveries lose their token."""
    arena = Arena(5, seed=seed)
    arena.clients_everywhere(GROUP)
    arena.world.change_weather(loss=0.25)
    is_forming = False
    loss = every(3)
    Tap(arena.world, never, lambda each: is_forming and each.kind == TOKEN and next(loss))

    arena.talk(15, gap_ms=0.2)
    arena.world.crash(4, silent=True)
    is_forming = True
    arena.talk(300)
    arena.world.pause(seed % 4, 80 * MS)
    is_forming = False
    arena.talk(200)

    arena.finish()


def test_11_agreed_messages_stand_on_the_same_side_of_the_signal_everywhere() -> None:
    arena = Arena(5)
    arena.clients_everywhere(GROUP)
    arena.world.change_weather(loss=0.1)

    for parts in ([[0, 1], [2, 3, 4]], [[0, 2, 4], [1, 3]], [[0], [1], [2, 3, 4]]):
        arena.talk(20, gap_ms=0.2, services=[AGREED_MESS])
        arena.world.partition(parts)
        arena.talk(200, gap_ms=1, services=[AGREED_MESS])
        arena.world.partition([])
        arena.talk(200, gap_ms=1, services=[AGREED_MESS])

    arena.finish()


def test_15_two_dozen_daemons_start_at_once() -> None:
    arena = Arena(12, 12)

    assert arena.world.is_whole()
    arena.clients_everywhere(GROUP)
    arena.finish()


def test_17_a_quarter_of_all_packets_lost_stops_nothing() -> None:
    arena = Arena(4)
    clients = arena.clients_everywhere(GROUP)
    arena.world.change_weather(loss=0.25)

    arena.talk(100, gap_ms=0.2)
    sent = len(arena.messages.sent)
    arena.run_until(lambda: all(len(delivered(client)) >= sent // 2 for client in clients), 2000)

    arena.finish()


@pytest.mark.parametrize("loses_wants", [False, True])
def test_18_a_daemon_that_asks_for_a_parked_token_gets_it(loses_wants: bool) -> None:
    arena = Arena(3)
    clients = arena.clients_everywhere(GROUP)
    loss = every(2)
    Tap(arena.world, never, lambda each: loses_wants and each.kind == WANT and next(loss))

    for number in range(60):
        sender = clients[number % 3]
        message = sender.multicast(AGREED_MESS, [GROUP])
        arena.run_until(
            lambda identity=message.identity: all(
                delivered(client)[-1:] == [identity] for client in clients
            ),
            8 if loses_wants else 3,
        )
        arena.run(1 + number % 7 * 3)

    arena.finish()


def test_19_a_token_never_grows_above_what_fits_a_frame() -> None:
    arena = Arena(9)
    arena.clients_everywhere(GROUP)
    tap = Tap(arena.world, lambda caught: caught.kind == TOKEN)
    numbers = every(2)
    tap.lost = lambda caught: caught.kind == DATA and caught.target != 1 and next(numbers)

    arena.talk(60, gap_ms=0.05, size=3000)

    sizes = [len(caught.data) for caught in tap.caught]
    assert max(sizes) > 150  # There were many ranges to ask for.
    assert max(sizes) <= TOKEN_SIZE_MAX
    arena.finish()


@pytest.mark.parametrize("seconds", [-86_400, -30, 30, 86_400])
def test_20_jumps_of_the_wall_clock_change_no_ring(seconds: int) -> None:
    arena = Arena(3)
    clients = arena.clients_everywhere(GROUP)
    rings = len(arena.world.watch.rings)

    arena.world.move_wall_clock(1, seconds)
    arena.talk(200)

    assert len(arena.world.watch.rings) == rings
    assert not [view for client in clients for view in views(client) if len(view.members) < 1]
    arena.world.partition([[1]])
    arena.settle()
    arena.finish()


def test_20_rings_stay_unique_when_a_clock_goes_back_across_a_restart() -> None:
    arena = Arena(2)
    arena.client(0, GROUP)

    for _ in range(3):
        arena.world.move_wall_clock(1, -1000)
        arena.world.crash(1)
        arena.world.restart(1)
        arena.client(1, GROUP)
        arena.settle()

    arena.finish()


def test_12_reliable_messages_keep_to_those_whose_views_agree() -> None:
    arena = Arena(4)
    arena.clients_everywhere(GROUP)

    for _ in range(3):
        arena.world.partition([[0, 1], [2, 3]])
        arena.talk(200, gap_ms=0.5, services=[RELIABLE_MESS])
        arena.world.partition([])
        arena.talk(300, gap_ms=0.5, services=[RELIABLE_MESS])

    arena.finish()


def test_13_members_of_one_group_have_one_id_after_a_merge() -> None:
    arena = Arena(4)
    clients = arena.clients_everywhere(GROUP, b"other")

    arena.world.partition([[0, 1], [2, 3]])
    arena.settle()
    arena.client(0, b"other")
    arena.clients[1].leave(GROUP)
    arena.client(3, GROUP)
    arena.settle()
    arena.world.partition([])
    arena.settle()

    for group in (GROUP, b"other"):
        last = {views(client, group)[-1].group_id for client in clients if group in client.groups}
        assert len(last) == 1
    arena.finish()


def test_forged_headers_of_form_packets_are_survived() -> None:
    """Not of the list: what was recorded comes again with another sender's number."""
    arena = Arena(3)
    arena.clients_everywhere(GROUP)
    tap = Tap(arena.world, lambda caught: caught.kind >= 16)
    arena.world.partition([[0], [1, 2]])
    arena.settle()
    for caught in tap.caught[:200]:
        body = bytearray(caught.data)
        struct.pack_into("<B", body, 6, (body[6] + 1) % 3)
        arena.world.hosts[caught.target % 3].datagram(
            caught.origin, caught.channel, bytes(body), wants_answer=False
        )
        arena.run(0.5)

    assert all(isinstance(view, Viewed) for view in views(arena.clients[0]))
    arena.finish()

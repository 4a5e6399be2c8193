"""Windows in simulated rings: they grow while messages wait, and shrink while much is lost."""

import struct
from collections.abc import Callable

from spread.service import AGREED_MESS, SAFE_MESS
from spread.sim.agenda import MS
from tests.sim.arena import DATA, GROUP, Arena, Caught, Tap, never

SCALE_ONE, SCALE_LEAST, SCALE_MOST = 16, 4, 128
BODY = 1_300  # One message to a packet.


def ring(*options: str) -> Arena:
    """Return three daemons whose tokens overtake data by less than a rotation."""
    return Arena(3, options=options, jitter_ns=MS // 100)


def scales(arena: Arena) -> list[int]:
    """Return the scale of the windows as each daemon has seen it last."""
    return [
        int(host.parts.node.ring_statistics()["scale"])
        for host in arena.world.hosts
        if host.parts is not None
    ]


def load(arena: Arena, milliseconds: int, *, each: int) -> None:
    """Let every client send so many messages at once in each millisecond."""
    for _ in range(milliseconds):
        for number, client in enumerate(arena.clients):
            for _ in range(each):
                client.multicast((AGREED_MESS, SAFE_MESS)[number % 2], (GROUP,), BODY)
        arena.run(1)


def lost_at(daemon: int, share: int) -> Callable[[Caught], bool]:
    """Lose packets at a daemon when they are sent first: `share` of ten, evenly spread."""

    def is_lost(caught: Caught) -> bool:
        if caught.kind != DATA or caught.target != daemon or caught.data[5] & 2:
            return False
        (seq,) = struct.unpack_from("<Q", caught.data, 40)
        return bool(seq % 10 < share)

    return is_lost


def test_windows_grow_while_messages_wait_and_stay_when_none_do() -> None:
    arena = ring()
    arena.clients_everywhere(GROUP)
    assert set(scales(arena)) == {SCALE_ONE}

    load(arena, 30, each=60)

    grown = scales(arena)
    assert min(grown) > 2 * SCALE_ONE
    assert max(grown) <= SCALE_MOST
    arena.settle()
    settled = scales(arena)
    load(arena, 20, each=1)
    assert scales(arena) == settled
    arena.finish()


def test_windows_shrink_while_much_is_lost_and_grow_again() -> None:
    arena = ring()
    arena.clients_everywhere(GROUP)
    tap = Tap(arena.world, never, lost_at(1, 4))

    load(arena, 30, each=40)

    assert max(scales(arena)) < SCALE_ONE
    tap.lost = never
    load(arena, 40, each=60)
    assert min(scales(arena)) > SCALE_ONE
    arena.finish()


def test_a_loss_of_some_percent_does_not_make_windows_small() -> None:
    arena = ring()
    arena.clients_everywhere(GROUP)
    arena.world.network.weather.loss = 0.03

    load(arena, 30, each=40)

    assert min(scales(arena)) >= SCALE_ONE
    arena.finish()


def test_windows_that_are_set_do_not_grow_beyond() -> None:
    arena = ring("Window = 60", "PersonalWindow = 20", "AcceleratedWindow = 15")
    arena.clients_everywhere(GROUP)

    load(arena, 20, each=40)

    assert set(scales(arena)) == {SCALE_ONE}
    arena.finish()


def test_a_new_ring_begins_with_the_first_windows() -> None:
    arena = ring()
    arena.clients_everywhere(GROUP)
    load(arena, 30, each=60)
    assert min(scales(arena)) > SCALE_ONE

    arena.world.hosts[2].crash(silent=False)
    arena.settle()

    assert set(scales(arena)) == {SCALE_ONE}
    arena.finish()

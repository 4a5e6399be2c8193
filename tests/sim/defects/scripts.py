"""Runs for defects that only rare sequences of events bring to light: each brings one about."""

from spread.service import AGREED_MESS, SAFE_MESS
from spread.sim.checkers import check_all
from tests.sim.arena import DATA, GROUP, TOKEN, Arena, Caught, Tap, delivered

__all__ = ["lost_cause", "lost_commit"]


def _maker(caught: Caught) -> int:
    """The daemon that made a packet, whoever sends this copy of it."""
    return caught.data[6]


def _judged(arena: Arena) -> list[str]:
    arena.world.network.drop = None
    arena.settle()
    return [str(violation) for violation in check_all(arena.world.history)]


def lost_cause(seed: int) -> list[str]:
    """Daemon 2 gets an answer of daemon 1, never the question of daemon 0, and is cut off."""
    arena = Arena(3, seed=seed)
    asks, answers, _ = arena.clients_everywhere(GROUP)
    tap = Tap(
        arena.world,
        lambda caught: caught.kind == DATA and caught.target == 2 and _maker(caught) == 1,
        lambda caught: caught.kind == DATA and caught.target == 2 and _maker(caught) == 0,
    )
    before = len(delivered(answers))
    asks.multicast(AGREED_MESS, [GROUP], 64)
    arena.run_until(lambda: len(delivered(answers)) > before)
    tap.caught.clear()
    answers.multicast(AGREED_MESS, [GROUP], 64)
    arena.run_until(lambda: bool(tap.caught))
    arena.run(1)
    arena.world.partition([[0, 1], [2]])
    return _judged(arena)


def lost_commit(seed: int) -> list[str]:
    """Daemon 2 installs a ring with 0 and 1 and is cut off before they can.

    It has delivered its own message behind a packet of daemon 3 that is lost to all three.
    """
    arena = Arena(4, seed=seed)
    *_, commits, loses = arena.clients_everywhere(GROUP)
    world = arena.world

    def is_lost(caught: Caught) -> bool:
        has_installed = world.hosts[2].ring == (0, 1, 2)
        is_last_token = caught.kind == TOKEN and caught.origin == 2 and has_installed
        return is_last_token or (caught.kind == DATA and _maker(caught) == 3)

    tap = Tap(world, lambda caught: caught.kind == DATA, is_lost)
    loses.multicast(AGREED_MESS, [GROUP], 64)
    arena.run_until(lambda: any(_maker(caught) == 3 for caught in tap.caught))
    commits.multicast(SAFE_MESS, [GROUP], 64)
    arena.run_until(lambda: any(_maker(caught) == 2 for caught in tap.caught))
    arena.run(1)
    world.partition([[0, 1, 2], [3]])
    arena.run_until(lambda: world.hosts[2].ring == (0, 1, 2))
    world.partition([[0, 1], [2], [3]])
    return _judged(arena)

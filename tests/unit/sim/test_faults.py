"""What each fault does to a world, and that it ends."""

from collections.abc import Iterator

import pytest

from spread.sim.agenda import MS
from spread.sim.cluster import Cluster, scaled_timeouts
from spread.sim.faults import Fault, Kind, inject
from spread.sim.world import World


@pytest.fixture
def world() -> Iterator[World]:
    world = World(Cluster((3,), scaled_timeouts()), 1)
    world.start()
    yield world
    assert world.watch.violations == []


def fault(kind: Kind, duration_ms: int = 50, **fields: object) -> Fault:
    return Fault(0, kind, duration_ns=duration_ms * MS, **fields)  # type: ignore[arg-type]


def test_a_split_keeps_parts_apart_for_its_time(world: World) -> None:
    inject(world, fault(Kind.SPLIT, parts=((0,), (1, 2))))
    during = [world.network.can_reach(0, 1), world.network.can_reach(1, 2)]
    world.run(50 * MS)

    assert during == [False, True]
    assert world.network.can_reach(0, 1)


def test_a_split_that_was_replaced_does_not_end_the_next(world: World) -> None:
    inject(world, fault(Kind.SPLIT, 20, parts=((0,), (1, 2))))
    inject(world, fault(Kind.MOVE, 100, daemon=2, parts=((3,),)))
    world.run(50 * MS)
    between = list(world.network.parts)
    world.run(100 * MS)

    assert between == [1, 2, 3]
    assert world.network.parts == [0, 0, 0]


def test_a_pause_stops_a_daemon_and_lets_it_go_on(world: World) -> None:
    inject(world, fault(Kind.PAUSE, daemon=1))
    during = world.hosts[1].serves
    world.run(50 * MS)

    assert (during, world.hosts[1].serves, world.hosts[1].life) == (False, True, 1)


@pytest.mark.parametrize(("kind", "is_silent"), [(Kind.CRASH, False), (Kind.SILENCE, True)])
def test_a_crash_ends_a_life_and_another_begins(world: World, kind: Kind, is_silent: bool) -> None:
    inject(world, fault(kind, daemon=1))
    during = (world.hosts[1].is_up, world.hosts[1].is_silent)
    world.run(50 * MS)

    assert during == (False, is_silent)
    assert (world.hosts[1].is_up, world.hosts[1].life) == (True, 2)


def test_a_daemon_that_leaves_ends_after_its_grace(world: World) -> None:
    inject(world, fault(Kind.LEAVE, daemon=1))
    world.run(15 * MS)
    during = world.hosts[1].is_up
    world.run(10 * MS)
    after = world.hosts[1].is_up
    world.run(50 * MS)

    assert (during, after, world.hosts[1].life) == (True, False, 2)


@pytest.mark.parametrize(
    "kind", [Kind.LOSS, Kind.REPEATS, Kind.OVERTAKES, Kind.DAMAGE, Kind.SLOWNESS]
)
def test_bad_weather_ends(world: World, kind: Kind) -> None:
    before = getattr(world.network.weather, kind.value)

    inject(world, fault(kind, amount=0.5))
    during = getattr(world.network.weather, kind.value)
    world.run(50 * MS)

    assert during == 0.5
    assert getattr(world.network.weather, kind.value) == before


@pytest.mark.parametrize(
    ("kind", "cut"),
    [
        (Kind.DEAF, {(0, 1), (2, 1)}),
        (Kind.MUTE, {(1, 0), (1, 2)}),
        (Kind.ONE_WAY, {(2, 1)}),
    ],
)
def test_links_are_cut_in_one_direction_and_mended(
    world: World, kind: Kind, cut: set[tuple[int, int]]
) -> None:
    inject(world, fault(kind, daemon=1, other=2))
    during = set(world.network.cut)
    world.run(50 * MS)

    assert during == cut
    assert world.network.cut == set()


def test_a_jump_moves_the_wall_clock_alone(world: World) -> None:
    host = world.hosts[1]
    before = host.wall_seconds(), host.clock_ns()

    inject(world, fault(Kind.CLOCK, daemon=1, amount=-4.0))

    assert (host.wall_seconds(), host.clock_ns()) == (before[0] - 4, before[1])


def test_healing_ends_everything(world: World) -> None:
    for each in (
        fault(Kind.SPLIT, 1000, parts=((0,), (1, 2))),
        fault(Kind.PAUSE, 1000, daemon=0),
        fault(Kind.SILENCE, 1000, daemon=1),
        fault(Kind.DEAF, 1000, daemon=2),
        fault(Kind.LOSS, 1000, amount=0.9),
    ):
        inject(world, each)

    world.heal()

    assert all(host.serves for host in world.hosts)
    assert world.network.can_reach(0, 1)
    assert world.network.can_reach(1, 2)
    assert world.network.weather.loss == 0.0

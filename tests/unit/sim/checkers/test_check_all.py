"""All checkers together, on histories that keep every guarantee and on one that keeps few."""

from dataclasses import replace

from spread.sim.checkers import CHECKERS, VIOLATIONS_MAX, check_all
from spread.sim.trace import Cause, Closure, GroupId
from tests.unit.sim.checkers.stage import (
    AGREED,
    RELIABLE,
    SAFE,
    A,
    B,
    C,
    D,
    G,
    Stage,
)


def test_every_guarantee_has_one_checker() -> None:
    assert [checker.number for checker in CHECKERS] == [f"S{number}" for number in range(1, 32)]
    assert len({checker.name for checker in CHECKERS}) == len(CHECKERS)


def test_joins_leaves_and_departures_without_faults_pass(stage: Stage) -> None:
    for service in (RELIABLE, AGREED, SAFE):
        stage.deliver(stage.send(stage.a, service), *stage.members)
    quiet = stage.send(stage.b, AGREED, (G, A), discards_self=True)
    stage.deliver(quiet, stage.a, stage.c)
    stage.leave(stage.b)
    stage.left(stage.b)
    stage.view([stage.a, stage.c], 4, (A, C), B, Cause.LEAVE)
    stage.join(stage.d)
    stage.view([stage.a, stage.c, stage.d], 5, (A, C, D), D)
    stage.close(stage.c, Closure.CLIENT, drained=True)
    stage.view([stage.a, stage.d], 6, (A, D), C, Cause.DISCONNECT)
    stage.settle()

    assert check_all(stage.history) == []


def test_a_split_and_a_merge_pass(stage: Stage) -> None:
    first, second, third = stage.send(stage.a, SAFE), stage.send(stage.a), stage.send(stage.a)
    stage.deliver(first, *stage.members)
    stage.deliver(second, stage.a, stage.b)
    stage.signal(*stage.members)
    stage.deliver(second, stage.c)
    stage.network([stage.a, stage.b], (A, B))
    stage.network([stage.c], (C,), ring=(2, 20))
    stage.deliver(third, stage.a, stage.b)
    stage.deliver(stage.send(stage.c, SAFE), stage.c)
    stage.network(stage.members, (A, B), (C,), ring=(1, 30))
    stage.deliver(stage.send(stage.b, SAFE), *stage.members)
    stage.settle()

    assert check_all(stage.history) == []


def test_a_join_behind_the_signal_passes(stage: Stage) -> None:
    neighbour = stage.open(b"#n#d0", 0)
    stage.join(neighbour)
    stage.signal(*stage.members)
    stage.network([stage.a, stage.b, neighbour], (A, B), (C,), (b"#n#d0",), ring=(1, 19), index=2)
    stage.signal(stage.a, stage.b, neighbour, group_id=GroupId(1, 19, 2))
    stage.network([stage.a, stage.b, neighbour], (A, B, b"#n#d0"))
    stage.close(stage.c, Closure.CRASH)
    stage.settle()

    assert check_all(stage.history) == []


def test_violations_name_number_guarantee_and_what_happened(stage: Stage) -> None:
    message = stage.send(stage.a)
    stage.deliver(message, stage.b, stage.b)

    violation = check_all(stage.history)[0]
    assert str(violation).startswith("S2 no duplication: #b#d0 (connection 1) delivered message 1")


def test_one_checker_tells_only_so_much(stage: Stage) -> None:
    message = stage.send(stage.a)
    for identity in range(100, 150):
        stage.deliver(replace(message, identity=identity), stage.d)

    numbers = [violation.number for violation in check_all(stage.history)]
    assert numbers.count("S1") == VIOLATIONS_MAX


def test_an_empty_history_keeps_everything() -> None:
    stage = Stage()
    stage.history.clients.clear()

    assert check_all(stage.history) == []

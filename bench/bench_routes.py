"""The routing table: entering and leaving groups, and finding one among many.

`test_lookup` sends 200 empty messages to the last of many groups through the core, so only the
difference between its rows is the price of the larger table.
"""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.core import Core

MESSAGE_COUNT = 200


def groups(count: int) -> list[bytes]:
    return [b"group-%d" % i for i in range(count)]


@pytest.mark.parametrize("group_count", [100, 10_000])
def test_enter_and_leave_all_groups(benchmark: BenchmarkFixture, group_count: int) -> None:
    core = Core(session_count=1)
    names = groups(group_count)

    def enter_and_leave() -> None:
        for name in names:
            core.node.add_route(name, core.slots[0])
        for name in names:
            core.node.remove_route(name, core.slots[0])

    benchmark(enter_and_leave)


@pytest.mark.parametrize("group_count", [1, 100, 10_000])
def test_lookup(benchmark: BenchmarkFixture, group_count: int) -> None:
    core = Core(session_count=1)
    names = groups(group_count)
    for name in names:
        core.node.add_route(name, core.slots[0])
    data = core.frames(MESSAGE_COUNT, 0, names[-1:])

    size = benchmark(core.pass_through, data)

    assert size == len(data)


def test_message_to_100_groups(benchmark: BenchmarkFixture) -> None:
    core = Core(session_count=1)
    names = groups(100)
    for name in names:
        core.node.add_route(name, core.slots[0])
    data = core.frames(1, 0, names)

    size = benchmark(core.pass_through, data)

    assert size == len(data)

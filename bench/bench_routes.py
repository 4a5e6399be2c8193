"""The routing table: entering and leaving groups, and finding one among many.

`test_message_to_100_groups` goes through the core: one message whose receiver is in all of them.
"""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench._micro import RouteLoop
from bench.core import Core

LOOKUP_COUNT = 10_000


def groups(count: int) -> list[bytes]:
    return [b"group-%d" % i for i in range(count)]


@pytest.mark.parametrize("group_count", [100, 10_000])
def test_enter_and_leave_all_groups(benchmark: BenchmarkFixture, group_count: int) -> None:
    benchmark.extra_info["operations"] = 2 * group_count
    loop = RouteLoop(groups(group_count))

    def enter_and_leave() -> tuple[int, int]:
        return loop.add_all(), loop.remove_all()

    assert benchmark(enter_and_leave) == (group_count, 0)


@pytest.mark.parametrize("group_count", [1, 100, 10_000, 100_000])
def test_lookup(benchmark: BenchmarkFixture, group_count: int) -> None:
    benchmark.extra_info["operations"] = LOOKUP_COUNT
    loop = RouteLoop(groups(group_count))
    loop.add_all()

    found = benchmark(loop.find, LOOKUP_COUNT)

    assert found == LOOKUP_COUNT


def test_message_to_100_groups(benchmark: BenchmarkFixture) -> None:
    core = Core(session_count=1)
    names = groups(100)
    for name in names:
        core.node.add_route(name, core.slots[0])
    data = core.frames(1, 0, names)

    size = benchmark(core.pass_through, data)

    assert size == len(data)

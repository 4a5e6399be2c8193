"""A burst of messages through the daemon's core, from bytes read to bytes to write.

AGREED messages to one group, whose members are 1 or 10 sessions; about as many as one read of a
socket brings. The copies into and out of Python are part of it: two calls per burst and session.
"""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.core import GROUP, Core


@pytest.mark.parametrize(("payload_size", "message_count"), [(100, 200), (1350, 40), (8000, 8)])
@pytest.mark.parametrize("member_count", [1, 10])
def test_burst(
    benchmark: BenchmarkFixture, member_count: int, payload_size: int, message_count: int
) -> None:
    benchmark.extra_info["operations"] = message_count * member_count
    core = Core(session_count=member_count)
    for slot in core.slots:
        core.node.add_route(GROUP, slot)
    data = core.frames(message_count, payload_size, [GROUP])

    size = benchmark(core.pass_through, data)

    assert size == len(data) * member_count

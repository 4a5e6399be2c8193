"""One session may be in many groups, not in any number: its departure leaves them all at once."""

from spread.daemon.control import SESSION_MEMBERSHIPS_MAX
from tests.daemon.harness import wire
from tests.memory.daemon import MemoryDaemon


def test_a_join_beyond_the_bound_of_one_session_is_rejected_and_others_may_join() -> None:
    daemon = MemoryDaemon()
    greedy = daemon.open(b"greedy", membership=False)
    other = daemon.open(b"other")
    greedy.send(
        b"".join(
            wire.request_frame(greedy.private_group, wire.JOIN, b"g%d" % number)
            for number in range(SESSION_MEMBERSHIPS_MAX)
        )
    )
    daemon.advance(0)
    assert greedy.take_frames() == []

    greedy.join(b"one too many")
    other.join(b"one too many")

    assert len(greedy.take_frames()) == 1
    assert daemon.statistics()["rejects"] == 1
    (view,) = other.take_frames()
    assert view.group_names == (other.private_group,)


def test_a_session_at_its_bound_may_join_again_after_a_leave() -> None:
    daemon = MemoryDaemon()
    greedy = daemon.open(b"greedy", membership=False)
    greedy.send(
        b"".join(
            wire.request_frame(greedy.private_group, wire.JOIN, b"g%d" % number)
            for number in range(SESSION_MEMBERSHIPS_MAX)
        )
    )
    daemon.advance(0)

    greedy.leave(b"g7")
    greedy.join(b"another")

    assert daemon.statistics()["rejects"] == 0

"""Names that look like private groups, and who gets what is sent to them."""

import pytest

from tests.daemon.harness import wire
from tests.daemon.harness.process import Daemon


def test_a_private_name_as_group_is_joined_but_never_a_destination(daemon: Daemon) -> None:
    with daemon.connect(b"alice") as alice, daemon.connect(b"bob") as bob:
        bob.join(alice.private_group)
        view = bob.read_view()
        assert wire.stripped(view.name) == alice.private_group
        assert view.group_names == (bob.private_group,)

        bob.multicast(wire.AGREED, (alice.private_group,), b"for alice alone")
        bob.multicast(wire.AGREED, (bob.private_group,), b"next")

        assert alice.read_frame().data == b"for alice alone"
        assert bob.read_frame().data == b"next"


@pytest.mark.parametrize("owner", ["alice", "bob"])
def test_leaving_a_group_with_a_private_name_keeps_private_messages(
    owner: str, daemon: Daemon
) -> None:
    name = f"#{owner}#d1".encode()
    with daemon.connect(b"alice") as alice, daemon.connect(b"bob") as bob:
        alice.join(name)
        alice.leave(name)

        alice.multicast(wire.AGREED, (alice.private_group, bob.private_group), b"private")

        assert alice.read_data().data == b"private"
        assert bob.read_data().data == b"private"


def test_a_disconnect_of_a_member_of_a_private_name_keeps_its_owner_reachable(
    daemon: Daemon,
) -> None:
    with (
        daemon.connect(b"alice") as alice,
        daemon.connect(b"watcher") as watcher,
        daemon.connect(b"bob") as bob,
    ):
        watcher.join(alice.private_group)
        watcher.read_view()
        bob.join(alice.private_group)
        watcher.read_view()

        bob.disconnect()
        assert watcher.read_view().type & wire.CAUSED_BY_DISCONNECT

        watcher.multicast(wire.SAFE, (alice.private_group,), b"still there?")

        assert alice.read_frame().data == b"still there?"


@pytest.mark.parametrize(
    "name",
    [b"#", b"##", b"#alice", b"#alice#", b"#alice#d2", b"#ALICE#d1", b"#alice#d1 ", b"alice"],
)
def test_a_name_that_is_nearly_a_private_group_reaches_nobody(name: bytes, daemon: Daemon) -> None:
    with daemon.connect(b"alice") as alice:
        alice.multicast(wire.AGREED, (name,), b"to nobody")
        alice.multicast(wire.AGREED, (alice.private_group,), b"to alice")

        assert alice.read_frame().data == b"to alice"


def test_bytes_behind_the_end_of_a_name_are_carried_and_ignored(daemon: Daemon) -> None:
    groups = (b"grp\0left over".ljust(32, b"\0"), b"#alice#d1\0junk".ljust(32, b"\0"))
    with daemon.connect(b"alice") as alice, daemon.connect(b"bob") as bob:
        bob.join(b"grp\0other bytes")
        assert wire.stripped(bob.read_view().name) == b"grp"

        bob.multicast(wire.AGREED, groups, b"both")

        assert bob.read_frame().groups == groups
        assert alice.read_frame().groups == groups

"""Notifications, received as a service manager receives them."""

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import spread
from spread.daemon.notify import Notifier

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no Unix sockets here")

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="abstract names are Linux's")


class Manager:
    """The receiving end."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address.replace("@", "\0"))
        self.socket.setblocking(False)

    def received(self) -> list[str]:
        return self.socket.recv(1000).decode().splitlines()


@pytest.fixture
def manager() -> Iterator[Manager]:
    with tempfile.TemporaryDirectory(prefix="s") as directory:
        manager = Manager(f"{directory}/notify")
        yield manager
        manager.socket.close()


def test_every_state_is_told(manager: Manager) -> None:
    with closing(Notifier(manager.address)) as notifier:
        assert notifier.ready()
        assert manager.received() == ["READY=1"]
        assert notifier.reloading(5_000_001_999)
        assert manager.received() == ["RELOADING=1", "MONOTONIC_USEC=5000001"]
        assert notifier.ready("reloaded")
        assert manager.received() == ["READY=1", "STATUS=reloaded"]
        assert notifier.status("3 sessions")
        assert manager.received() == ["STATUS=3 sessions"]
        assert notifier.stopping()
        assert manager.received() == ["STOPPING=1"]


def test_status_cannot_bring_in_other_assignments(manager: Manager) -> None:
    with closing(Notifier(manager.address)) as notifier:
        notifier.status("name\nMAINPID=1\r\nZürich \udcff")

    assert manager.received() == ["STATUS=name MAINPID=1 Zürich \\udcff"]


@linux_only
def test_abstract_name_is_understood() -> None:
    with closing(Manager(f"@spread-test-{os.getpid()}").socket) as listening:
        with closing(Notifier(f"@spread-test-{os.getpid()}")) as notifier:
            assert notifier.is_connected
            notifier.ready()

        assert listening.recv(100) == b"READY=1"


@pytest.mark.parametrize(
    "address", [None, "", "/no/such/socket", "relative", "vsock:2:1234", "/" + "x" * 200, "/\0"]
)
def test_without_a_manager_nothing_happens(address: str | None) -> None:
    with closing(Notifier(address)) as notifier:
        assert not notifier.is_connected
        assert not notifier.ready()


def test_manager_that_does_not_listen_is_not_waited_for(manager: Manager) -> None:
    with closing(Notifier(manager.address)) as notifier:
        accepted = [notifier.status("full") for _ in range(100_000)]

        assert accepted[0]
        assert not accepted[-1]


def test_manager_that_went_away_does_no_harm(manager: Manager) -> None:
    with closing(Notifier(manager.address)) as notifier:
        manager.socket.close()

        assert not notifier.ready()


def test_closed_notifier_tells_nobody(manager: Manager) -> None:
    notifier = Notifier(manager.address)

    notifier.close()
    notifier.close()

    assert not notifier.ready()
    with pytest.raises(BlockingIOError):
        manager.received()


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can change root and user"
)
def test_manager_is_reached_after_a_change_of_root_and_user(manager: Manager) -> None:
    script = """
import os
from spread.daemon.notify import Notifier
notifier = Notifier(os.environ["NOTIFY_SOCKET"])
os.chroot("/var")
os.setgid(12345)
os.setuid(12345)
assert notifier.ready()
notifier.close()
"""

    subprocess.run(
        [sys.executable, "-c", script],
        check=True,
        timeout=20,
        env={
            **os.environ,
            "NOTIFY_SOCKET": manager.address,
            "PYTHONPATH": str(Path(spread.__file__).parents[1]),
        },
    )

    assert manager.received() == ["READY=1"]

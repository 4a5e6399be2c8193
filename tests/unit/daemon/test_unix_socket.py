"""The Unix socket's file: what is replaced, what is refused, what is removed."""

import contextlib
import os
import socket
import stat
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

import spread
from spread.config.listens import Listen, Purpose, Transport
from spread.daemon.listen_errors import AddressInUseError, ListenError
from spread.daemon.unix_socket import open_unix_socket

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no Unix sockets here")

needs_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can change its user"
)


@pytest.fixture
def path() -> Iterator[Path]:
    # The path of a Unix socket has room for 107 bytes; pytest's directories may be longer.
    with tempfile.TemporaryDirectory(prefix="s") as name:
        yield Path(name) / "4803"


class Opened:
    def __init__(self, path: Path) -> None:
        listen = Listen(Transport.UNIX, Purpose.CLIENTS, path=str(path))
        self.socket, self.file = open_unix_socket(listen, 8)

    def __enter__(self) -> "Opened":
        return self

    def __exit__(self, *_: object) -> None:
        self.file.remove()
        self.socket.close()
        self.file.close()


def leave_stale_socket(path: Path, kind: int = socket.SOCK_STREAM) -> None:
    with socket.socket(socket.AF_UNIX, kind) as stale:
        stale.bind(str(path))


def can_connect(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


def test_everybody_may_connect_whatever_the_umask(path: Path) -> None:
    before = os.umask(0o077)
    try:
        with Opened(path) as opened:
            assert stat.S_IMODE(path.stat().st_mode) == 0o666
            assert can_connect(path)
            assert not opened.socket.getblocking()
            assert os.umask(0o077) == 0o077
    finally:
        os.umask(before)


def test_file_is_removed_in_the_end(path: Path) -> None:
    with Opened(path):
        pass

    assert not path.exists()


def test_stale_socket_is_replaced(path: Path) -> None:
    leave_stale_socket(path)

    with Opened(path):
        assert can_connect(path)


def test_living_socket_is_refused_and_goes_on_living(path: Path) -> None:
    with Opened(path):
        with pytest.raises(AddressInUseError, match=f"process {os.getpid()} "):
            Opened(path)

        assert can_connect(path)


def test_living_socket_with_a_full_backlog_is_refused(path: Path) -> None:
    with contextlib.ExitStack() as stack:
        busy = stack.enter_context(socket.socket(socket.AF_UNIX))
        busy.bind(str(path))
        busy.listen(0)
        result = 0
        while result == 0:
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.setblocking(False)
            result = client.connect_ex(str(path))

        with pytest.raises(AddressInUseError):
            Opened(path)


def test_socket_of_another_kind_is_refused(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(str(path))

        with pytest.raises(AddressInUseError):
            Opened(path)

    assert path.is_socket()


def test_file_that_is_no_socket_is_refused_and_left_alone(path: Path) -> None:
    path.write_text("precious")

    with pytest.raises(ListenError, match="the file is no socket"):
        Opened(path)

    assert path.read_text() == "precious"


@pytest.mark.parametrize("target", ["stale", "missing"])
def test_link_is_neither_followed_nor_replaced(path: Path, target: str) -> None:
    leave_stale_socket(path.with_name("stale"))
    path.symlink_to(path.with_name(target))

    with pytest.raises(ListenError, match="the file is no socket"):
        Opened(path)

    assert path.is_symlink()
    assert path.with_name("stale").is_socket()
    assert not path.with_name("missing").exists()


def test_file_of_a_successor_is_not_removed(path: Path) -> None:
    with Opened(path):
        path.unlink()
        leave_stale_socket(path)

    assert path.is_socket()


def test_file_is_removed_although_its_directory_has_moved(path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="s") as other:
        with Opened(path):
            moved = path.parent.rename(Path(other) / "moved")
            path.parent.mkdir()

            assert (moved / "4803").is_socket()

        assert not (moved / "4803").exists()


@pytest.mark.parametrize("name", ["missing/4803", "x" * 120, "nul\0byte"])
def test_path_that_cannot_be_had_is_refused(path: Path, name: str) -> None:
    with pytest.raises(ListenError, match="cannot listen on unix") as caught:
        Opened(path.parent / name)

    assert caught.value.exit_status == 3


@needs_root
def test_file_given_to_another_user_can_be_removed_by_that_user(path: Path) -> None:
    path.parent.chmod(0o1777)
    script = f"""
        import os
        from spread.config.listens import Listen, Purpose, Transport
        from spread.daemon.unix_socket import open_unix_socket
        listen = Listen(Transport.UNIX, Purpose.CLIENTS, path={str(path)!r})
        listener, file = open_unix_socket(listen, 8)
        file.give_to(12345, 12345)
        os.chroot("/var")
        os.setgroups([])
        os.setgid(12345)
        os.setuid(12345)
        file.remove()
        listener.close()
    """

    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        check=True,
        timeout=20,
        env={**os.environ, "PYTHONPATH": str(Path(spread.__file__).parents[1])},
    )

    assert not path.exists()

"""Finding out who holds an address, with sockets of this process and of another one."""

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from spread.config.listens import Listen, Purpose, Transport
from spread.daemon.socket_owner import (
    closing_connection_count,
    find_owners,
    how_to_find_owner,
)

pytestmark = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs Linux's /proc")

ADDRESS = "127.83.0.1"


def tcp(port: int, address: str = ADDRESS) -> Listen:
    return Listen(Transport.TCP, Purpose.CLIENTS, address, port)


def udp(port: int, address: str = ADDRESS) -> Listen:
    return Listen(Transport.UDP, Purpose.DAEMONS, address, port)


def unix(path: str) -> Listen:
    return Listen(Transport.UNIX, Purpose.CLIENTS, path=path)


@pytest.fixture
def short_directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="s") as name:
        yield Path(name)


def owner_ids(listen: Listen) -> list[int]:
    return [owner.process_id for owner in find_owners(listen)]


@pytest.mark.parametrize(
    ("kind", "listen_of"), [(socket.SOCK_STREAM, tcp), (socket.SOCK_DGRAM, udp)]
)
@pytest.mark.parametrize(
    ("asked", "is_found"), [(ADDRESS, True), ("0.0.0.0", True), ("127.83.0.2", False)]
)
def test_holder_of_an_address_is_found_if_the_addresses_overlap(
    kind: socket.SocketKind, listen_of: Callable[..., Listen], asked: str, is_found: bool
) -> None:
    with socket.socket(socket.AF_INET, kind) as holder:
        holder.bind((ADDRESS, 0))
        if kind is socket.SOCK_STREAM:
            holder.listen()

        found = owner_ids(listen_of(holder.getsockname()[1], asked))

    assert found == ([os.getpid()] if is_found else [])


def test_holder_of_all_addresses_by_ipv6_is_found() -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as holder:
        try:
            holder.bind(("::", 0))
        except OSError:
            pytest.skip("no IPv6 here")
        holder.listen()

        assert owner_ids(tcp(holder.getsockname()[1])) == [os.getpid()]


def test_holder_of_a_unix_socket_is_found(short_directory: Path) -> None:
    path = str(short_directory / "a b")
    with socket.socket(socket.AF_UNIX) as holder:
        holder.bind(path)
        holder.listen()

        assert owner_ids(unix(path)) == [os.getpid()]
        assert owner_ids(unix(path + "c")) == []


def test_owner_is_shown_with_its_command_line() -> None:
    script = """
import socket, sys
holder = socket.socket()
holder.bind(("127.83.0.1", 0))
holder.listen()
print(holder.getsockname()[1], flush=True)
sys.stdin.read()
"""
    command = [sys.executable, "-c", script, "daemon"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())

        [owner] = find_owners(tcp(port))
        process.communicate()

    assert str(owner).startswith(f"process {process.pid} ({sys.executable} -c")
    assert "\n" not in str(owner)


def test_free_port_has_no_owner() -> None:
    with socket.socket() as holder:
        holder.bind((ADDRESS, 0))
        port = holder.getsockname()[1]

    assert find_owners(tcp(port)) == ()
    assert closing_connection_count(tcp(port)) == 0


def test_closed_connections_that_hold_the_port_are_counted() -> None:
    with socket.socket() as listener:
        listener.bind((ADDRESS, 0))
        listener.listen()
        port = listener.getsockname()[1]
        with closing(socket.create_connection((ADDRESS, port))) as client:
            listener.accept()[0].close()
            assert client.recv(1) == b""

    assert closing_connection_count(tcp(port)) == 1
    assert find_owners(tcp(port)) == ()


@pytest.mark.parametrize(
    ("listen", "platform", "command"),
    [
        (tcp(4803), "linux", "ss -ltpn 'sport = :4803'"),
        (udp(4803), "linux", "ss -lupn 'sport = :4803'"),
        (unix("/tmp/4803"), "linux", "ss -lpx src /tmp/4803"),
        (tcp(4803), "win32", "netstat -ano -p tcp"),
        (tcp(4803), "darwin", "lsof -nP -i tcp:4803"),
        (unix("/tmp/4803"), "darwin", "lsof -nP /tmp/4803"),
    ],
)
def test_command_that_shows_the_owner_suits_the_system(
    listen: Listen, platform: str, command: str
) -> None:
    assert how_to_find_owner(listen, platform) == command

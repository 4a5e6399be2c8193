"""A port belongs to the daemon alone, whatever other programs ask for."""

import socket
import sys

import pytest

from spread.system import claim_address

EXCLUSIVE = ~socket.SO_REUSEADDR  # SO_EXCLUSIVEADDRUSE, which other systems do not name.


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_claimed_address_is_not_shared_with_who_asks_for_that(
    kind: socket.SocketKind,
) -> None:
    with socket.socket(type=kind) as daemon, socket.socket(type=kind) as stranger:
        claim_address(daemon)
        daemon.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            daemon.listen()
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)

        with pytest.raises(OSError, match=r".+"):
            stranger.bind(daemon.getsockname())


@pytest.mark.skipif(sys.platform != "win32", reason="an option of Windows")
@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_claimed_address_has_the_option_that_forbids_sharing(kind: socket.SocketKind) -> None:
    with socket.socket(type=kind) as daemon:
        claim_address(daemon)

        assert daemon.getsockopt(socket.SOL_SOCKET, EXCLUSIVE) != 0

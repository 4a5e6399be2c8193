"""A port belongs to the daemon alone, whatever other programs ask for."""

import socket

import pytest

from spread.system import claim_address


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

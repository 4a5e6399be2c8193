"""Which sockets and places the ring gets, for configurations with and without interfaces."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from spread.config.listens import ANY_ADDRESS, Transport, listens
from spread.config.model import Configuration
from spread.daemon.listeners import Listeners, multicast_group, open_listeners
from spread.daemon.ring_sockets import ring_sockets
from tests.unit.config.reading import read

SEGMENTS = """
Spread_Segment {segment}:{port} {{
    a 127.86.0.1 {interfaces}
    b 127.86.0.2 {{ 127.86.0.2 }}
}}
Spread_Segment 127.86.1.255:{other_port} {{
    c 127.86.1.1 {{ 127.86.1.1 }}
}}
"""


@pytest.fixture
def port() -> int:
    """Return a port that is free for UDP on all addresses, and so is the next one."""
    while True:
        with ExitStack() as stack:
            first = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
            first.bind((ANY_ADDRESS, 0))
            port: int = first.getsockname()[1]
            try:
                token = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
                token.bind((ANY_ADDRESS, port + 1))
            except (OSError, OverflowError):
                continue
            return port


def configured(
    port: int, interfaces: str, *, name: str = "a", segment: str = "127.86.0.255"
) -> Configuration:
    text = SEGMENTS.format(
        segment=segment, port=port, interfaces=interfaces, other_port=port % 60000 + 1000
    )
    return read(text, name=name).configuration


@contextmanager
def opened(configuration: Configuration) -> Iterator[Listeners]:
    wanted = [each for each in listens(configuration) if each.transport is Transport.UDP]
    with open_listeners(wanted, group=multicast_group(configuration.segment)) as listeners:
        yield listeners


def names(descriptors: tuple[int, ...]) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    for descriptor in descriptors:
        with socket.socket(fileno=socket.dup(descriptor)) as duplicate:
            found.append(duplicate.getsockname())
    return found


def test_places_stand_in_the_order_of_daemon_numbers_with_the_port_of_their_segment(
    port: int,
) -> None:
    configuration = configured(port, "{ 127.86.0.1 }", name="b")
    other_port = configuration.segments[1].port

    with opened(configuration) as listeners:
        sockets = ring_sockets(configuration, listeners, multicast=False)

    assert sockets.me == 1
    assert sockets.data_places == (
        ("127.86.0.1", port),
        ("127.86.0.2", port),
        ("127.86.1.1", other_port),
    )
    assert sockets.token_places == (
        ("127.86.0.1", port + 1),
        ("127.86.0.2", port + 1),
        ("127.86.1.1", other_port + 1),
    )
    assert sockets.neighbours == (0,)


def test_what_is_sent_comes_from_the_address_that_others_know(port: int) -> None:
    configuration = configured(port, "{ C 127.86.0.1 D 127.86.2.1 D 127.86.3.1 }")

    with opened(configuration) as listeners:
        sockets = ring_sockets(configuration, listeners, multicast=False)

        assert sockets.source == "127.86.2.1"
        assert names((sockets.sender,)) == [("127.86.2.1", port)]
        assert sockets.data_places[0] == ("127.86.2.1", port)
        assert names(sockets.data) == [("127.86.2.1", port), ("127.86.3.1", port)]
        assert names(sockets.token) == [("127.86.2.1", port + 1), ("127.86.3.1", port + 1)]


def test_the_first_interface_need_not_be_the_sender(port: int) -> None:
    configuration = configured(port, "{ D 127.86.2.1 D C 127.86.0.1 }")

    with opened(configuration) as listeners:
        sockets = ring_sockets(configuration, listeners, multicast=False)

        assert names((sockets.sender,)) == [("127.86.0.1", port)]


def test_a_daemon_on_all_addresses_leaves_the_source_to_the_system(port: int) -> None:
    configuration = configured(port, "")

    with opened(configuration) as listeners:
        sockets = ring_sockets(configuration, listeners, multicast=False)

        assert sockets.source == ANY_ADDRESS
        assert names(sockets.data) == [(ANY_ADDRESS, port)]


@pytest.mark.parametrize(("multicast", "has_place"), [(True, True), (False, False)])
def test_only_a_segment_that_one_datagram_reaches_has_a_place(
    port: int, multicast: bool, has_place: bool
) -> None:
    configuration = configured(port, "{ 127.86.0.1 }")

    with opened(configuration) as listeners:
        sockets = ring_sockets(configuration, listeners, multicast=multicast)

    assert sockets.segment == (("127.86.0.255", port) if has_place else None)


def test_the_only_daemon_of_a_segment_has_no_neighbours(port: int) -> None:
    configuration = configured(port, "{ 127.86.0.1 }", name="c")

    with opened(configuration) as listeners:
        sockets = ring_sockets(configuration, listeners, multicast=True)

    assert sockets.me == 2
    assert sockets.neighbours == ()
    assert sockets.segment is None

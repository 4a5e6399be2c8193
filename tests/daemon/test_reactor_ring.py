"""Rings of two daemons over real sockets: each with its reactor, in a thread of its own."""

import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from spread._datagrams import Datagrams
from spread._faults import Faults
from spread._reactor import Reactor
from spread.config.listens import Transport, listens
from spread.config.load import local_ring
from spread.daemon import auth
from spread.daemon.access import load_policy
from spread.daemon.access_files import AccessFiles
from spread.daemon.composition import Parts, compose
from spread.daemon.handshake import HandshakeSettings
from spread.daemon.listeners import open_listeners
from spread.daemon.ring_sockets import ring_sockets
from spread.daemon.ring_time import RingTimes
from spread.errors import MisuseError
from tests.daemon.harness.ports import free_port
from tests.daemon.harness.waiting import DEADLINE, wait_until

JUNK = 2_000  # Datagrams.


class Silence:
    """A log that nobody reads."""

    def event(self, *_: object, **__: object) -> None:
        pass


class Daemon:
    """One of two daemons on loopback addresses; serves from `start` to `stop`."""

    def __init__(self, port: int, number: int, faults: str | None, busy_poll_ns: int = 0) -> None:
        self.port = port
        configuration = local_ring(port, 2, number)
        self._stack = ExitStack()
        wanted = [each for each in listens(configuration) if each.transport is Transport.UDP]
        listeners = self._stack.enter_context(open_listeners(wanted))
        self.parts: Parts = compose(
            configuration,
            log=Silence(),
            clock_ns=time.monotonic_ns,
            numbers=random.Random(number),
            incarnation=time.time_ns(),
            ring_times=RingTimes(lambda: int(time.time()), None, lambda _: None),
            handshake=HandshakeSettings(
                daemon_name=b"local%d" % number,
                authentication=auth.Authentication.load(("NULL",), (), AccessFiles(())),
                policy=load_policy("PERMIT"),
            ),
        )
        assert self.parts.ring is not None
        assert self.parts.membership is not None
        self.membership = self.parts.membership
        self.reactor = Reactor(self.parts.node)
        self.reactor.set_busy_poll(busy_poll_ns)
        self.datagrams = Datagrams(
            self.parts.node,
            ring_sockets(configuration, listeners, multicast=False),
            window=self.parts.ring.window,
            report=lambda *_: None,
            faults=None if faults is None else Faults(faults),
        )
        self.reactor.attach_ring(self.datagrams)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        self.membership.start()
        self.reactor.run()

    def stop(self) -> None:
        """Stop serving and close the sockets, without a word to the others."""
        self.reactor.stop()
        self._thread.join(DEADLINE)
        assert not self._thread.is_alive()
        self._stack.close()

    def tokens(self) -> int:
        return int(self.parts.node.ring_statistics()["tok_no"])


@pytest.fixture(params=[None, "loss=0.1,dup=0.05,delay_ms=0.1:1,reorder=0.05,seed=1"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[Daemon, Daemon]]:
    port = free_port()
    with ExitStack() as stack:
        daemons = []
        for number in (1, 2):
            daemon = Daemon(port, number, request.param)
            stack.callback(daemon.stop)
            daemons.append(daemon)
        wait_until(lambda: all(each.membership.members == (0, 1) for each in daemons), "a ring")
        yield daemons[0], daemons[1]


def test_two_daemons_form_a_ring_whose_token_goes_round(pair: tuple[Daemon, Daemon]) -> None:
    first, second = pair
    tokens = first.tokens(), second.tokens()

    wait_until(lambda: first.tokens() > tokens[0], "a token at the first")
    wait_until(lambda: second.tokens() > tokens[1], "a token at the second")

    assert first.membership.ring == second.membership.ring
    assert first.datagrams.statistics()["unsent_other"] == 0


def test_daemons_that_stay_awake_form_a_ring_whose_resting_token_goes_round() -> None:
    port = free_port()
    with ExitStack() as stack:
        first, second = daemons = [
            Daemon(port, number, None, busy_poll_ns=20_000_000) for number in (1, 2)
        ]
        for each in daemons:
            stack.callback(each.stop)
        wait_until(lambda: all(each.membership.members == (0, 1) for each in daemons), "a ring")
        tokens = first.tokens(), second.tokens()

        wait_until(lambda: first.tokens() > tokens[0], "a token at the first")
        wait_until(lambda: second.tokens() > tokens[1], "a token at the second")


def test_a_negative_time_to_stay_awake_is_refused(pair: tuple[Daemon, Daemon]) -> None:
    with pytest.raises(MisuseError):
        pair[0].reactor.set_busy_poll(-1)


def test_junk_at_both_ports_does_not_stop_the_token(pair: tuple[Daemon, Daemon]) -> None:
    first, second = pair
    strangers = first.parts.node.statistics()["strangers"]
    ring = first.membership.ring
    tokens = second.tokens()

    with socket.socket(type=socket.SOCK_DGRAM) as stranger:
        for number in range(JUNK):
            stranger.sendto(bytes(1_400), ("127.0.0.1", first.port + number % 2))
        wait_until(lambda: second.tokens() > tokens, "a token after the junk")

    wait_until(
        lambda: first.parts.node.statistics()["strangers"] > strangers, "strangers to be counted"
    )
    assert first.membership.ring == ring


def test_a_host_that_answers_that_nobody_listens_tells_that_a_daemon_is_gone(
    pair: tuple[Daemon, Daemon],
) -> None:
    first, second = pair

    second.stop()
    wait_until(lambda: first.membership.members == (0,), "a ring of one")

    assert first.datagrams.statistics()["refusals"] >= 2

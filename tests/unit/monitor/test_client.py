"""Asking over real sockets: both faces, lost datagrams, ports that nobody has."""

import asyncio
import contextlib
import itertools
import select
import socket
import threading
from collections.abc import Container, Iterator
from typing import Any

import pytest

from spread.errors import ConfigurationError, PeerError
from spread.monitor.client import AsyncRingClient, NoAnswerError, RingClient
from spread.monitor.protocol import Command, decode_datagram
from spread.monitor.queries import Kind, decode_query, encode_error, encode_reply
from spread.monitor.report import Report, to_json
from spread.monitor.roster import Roster, Target
from spread.monitor.udp import open_socket

DEADLINE = 20.0


@contextlib.contextmanager
def daemon(name: str = "a", lost: Container[int] = (), counters: int = 2000) -> Iterator[Target]:
    """Answer queries like a daemon; those with the numbers `lost`, from 0, never came."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))

        def serve() -> None:
            numbers = itertools.count()
            while data := (received := sock.recvfrom(65536))[0]:
                if decode_datagram(data).command is Command.QUERY and next(numbers) not in lost:
                    for part in answer(data):
                        sock.sendto(part, received[1])

        def answer(data: bytes) -> tuple[bytes, ...]:
            query = decode_query(data)
            if query.kind == Kind.TRACE:
                return encode_error(query, "nothing is recorded", "127.0.0.1")
            large = {f"counter{number}": number * 7919 for number in range(counters)}
            report = Report(name, "127.0.0.1", uptime_s=5.5, counters=large)
            return encode_reply(query, to_json(report), "127.0.0.1")

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield Target(0, name, "127.0.0.1", sock.getsockname()[1], 0, "127.0.0.1")
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
                end.sendto(b"", sock.getsockname())
            thread.join()


@pytest.fixture
def nobody() -> Target:
    """A daemon that does not run."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return Target(0, "a", "127.0.0.1", sock.getsockname()[1], 0, "127.0.0.1")


def test_one_round_brings_reports_of_several_datagrams() -> None:
    with daemon() as target, RingClient(Roster((target,))) as client:
        client.update()

        assert client.watch.reports[0].counters["counter1999"] == 1999 * 7919


def test_a_question_that_is_lost_is_asked_again() -> None:
    with (
        daemon(lost={0}) as target,
        RingClient(Roster((target,))) as client,
    ):
        client.update()

        assert client.watch.daemons["a"].is_answering


def test_an_answer_that_waits_at_the_socket_is_taken_before_its_time_is_over() -> None:
    with daemon(counters=1) as target, RingClient(Roster((target,))) as client:
        client._link.send_due()
        assert select.select([client.fileno()], [], [], DEADLINE)[0]
        for question in client.watch._questions.values():
            question.patience_s = 0.0  # This program did not run for so long.

        client.step(0.0)

        assert client.watch.daemons["a"].is_answering


def test_what_a_daemon_answers_to_a_query_is_returned() -> None:
    with daemon() as target, RingClient(Roster((target,))) as client:
        assert client.query("a", Kind.GROUPS).startswith(b'{"daemon":"a"')


def test_a_query_that_a_daemon_cannot_answer_raises_its_sentence() -> None:
    with (
        daemon() as target,
        RingClient(Roster((target,))) as client,
        pytest.raises(NoAnswerError, match="a: nothing is recorded"),
    ):
        client.query("a", Kind.TRACE)


def test_a_port_that_nobody_has_is_noticed(nobody: Target) -> None:
    with RingClient(Roster((nobody,))) as client:
        client.update()

        assert client.watch.daemons["a"].trouble == "refused"


def test_reports_come_by_themselves_to_the_asyncio_face() -> None:
    async def look(target: Target) -> tuple[Report, ...]:
        async with AsyncRingClient(Roster((target,)), interval_s=0.05) as client:
            while client.watch.daemons["a"].rounds < 3 or not client.watch.reports:
                await asyncio.wait_for(client.changed(), 10)
            return client.watch.reports

    with daemon() as target:
        assert asyncio.run(look(target))[0].daemon == "a"


def test_queries_of_the_asyncio_face_at_once() -> None:
    async def ask(target: Target) -> list[Any]:
        async with AsyncRingClient(Roster((target,))) as client:
            asked = [client.query("a", kind) for kind in (Kind.GROUPS, Kind.TRACE, Kind.SESSIONS)]
            return await asyncio.gather(*asked, return_exceptions=True)

    with daemon() as target:
        groups, trace, sessions = asyncio.run(ask(target))

    assert groups == sessions
    assert isinstance(trace, PeerError)


def test_a_silent_daemon_is_noticed_by_the_asyncio_face(nobody: Target) -> None:
    async def look() -> str:
        async with AsyncRingClient(Roster((nobody,))) as client:
            while not client.watch.silent:
                await asyncio.wait_for(client.changed(), 10)
            return client.watch.daemons["a"].trouble

    assert asyncio.run(look()) == "refused"


def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("0.0.0.0", 0))
        port = other.getsockname()[1]

        with pytest.raises(ConfigurationError, match=f"UDP port {port} for replies cannot be used"):
            open_socket(port)

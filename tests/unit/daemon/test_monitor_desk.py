"""What becomes of a datagram of a monitor, from its arrival to replies and commands."""

import zlib
from collections.abc import Callable

import pytest

from spread.daemon.monitor_decisions import Ask
from spread.daemon.monitor_desk import MonitorDesk
from spread.daemon.monitor_limits import REPLY_BURST, REPLY_RATE
from spread.daemon.observer import Reply, Request
from spread.errors import ConfigurationError
from spread.monitor.protocol import Command
from spread.monitor.queries import Kind, Query, decode_part, encode_query
from tests.unit.daemon import test_monitor_server as of_server
from tests.unit.daemon import test_query_server as of_queries
from tests.unit.daemon import test_responder as of_responder
from tests.unit.daemon.test_commands import Ring
from tests.unit.monitor.test_queries import long_text

HERE, THERE = "127.0.0.1", "127.0.0.2"


class Bench:
    """The desk of a daemon whose ring does what it is told when the test runs it."""

    def __init__(self) -> None:
        self.judging = of_server.Bench(dangerous=True)
        self.answering = of_queries.Desk()
        self.ring = Ring()
        self.desk = MonitorDesk(
            self.judging.server,
            self.answering.server,
            self.ring.commands,
            of_responder.Bench().responder,
            self.judging.log,
        )
        self.state = self.answering.state()

    def take(self, data: bytes, source: str = HERE) -> list[Reply]:
        replies = self.desk.answer(Request(data, source, of_server.PORT), self.state)
        return list(replies)

    def ask(self, kind: Kind, source: str = HERE) -> list[Reply]:
        """Ask with the cookie of the source."""
        query = Query(7, kind, {}, HERE, self.judging.cookie(source))
        return self.take(encode_query(query), source)

    def wait(self, seconds: float) -> None:
        self.judging.clock.now_ns += int(seconds * 1e9)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_query_without_a_cookie_brings_one_datagram_back_to_where_it_came_from(
    bench: Bench,
) -> None:
    (reply,) = bench.take(encode_query(Query(7, Kind.REPORT)), THERE)

    assert (reply.target, reply.port) == (THERE, of_server.PORT)
    assert decode_part(reply.data).kind == Kind.COOKIE


def test_source_is_charged_for_every_datagram_that_answers_it(bench: Bench) -> None:
    bench.answering.server.add(Kind.PROBE, lambda *_: long_text(40_000))
    parts = len(bench.ask(Kind.PROBE))
    told = parts
    while told < REPLY_BURST:
        told += len(bench.ask(Kind.PROBE))

    refused = bench.ask(Kind.PROBE)
    limited = bench.desk.counters["monitor_limited"]
    other = bench.ask(Kind.PROBE, THERE)
    bench.wait((told - REPLY_BURST + 1) / REPLY_RATE)
    later = bench.ask(Kind.PROBE)

    assert parts > 1
    assert refused == []
    assert limited == 1
    assert len(other) == len(later) == parts


def test_query_that_takes_its_time_is_handed_on_and_answered_by_others(bench: Bench) -> None:
    handed_on: list[Ask] = []
    bench.desk.answer_later(Kind.RELOAD, handed_on.append)

    replies = bench.ask(Kind.RELOAD)

    assert replies == []
    assert [(each.address, each.query.kind) for each in handed_on] == [(HERE, Kind.RELOAD)]


def test_query_that_cannot_be_handed_on_is_answered_with_the_reason(bench: Bench) -> None:
    bench.desk.answer_later(Kind.RELOAD, refuse("too many wait"))

    (reply,) = bench.ask(Kind.RELOAD)

    part = decode_part(reply.data)
    assert part.kind == Kind.ERROR
    assert b"too many wait" in zlib.decompress(part.slice)


def test_command_reaches_the_ring_and_one_that_cannot_be_done_is_told(bench: Bench) -> None:
    reloads: list[str] = []
    bench.ring.commands.on_reload(reloads.append)
    bench.take(of_server.request(Command.RELOAD))
    bench.ring.commands.on_reload(refuse("no file"))
    replies = bench.take(of_server.request(Command.RELOAD))

    assert reloads == [f"{HERE}:{of_server.PORT} as {HERE}"]
    assert replies == []
    wording, fields = bench.judging.log.events[-1]
    assert wording == "command of a monitor not carried out"
    assert str(fields["reason"]) == "no file"


def refuse(reason: str) -> Callable[[object], None]:
    def raise_it(_: object) -> None:
        raise ConfigurationError(reason)

    return raise_it

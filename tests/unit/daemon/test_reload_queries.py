"""Queries about reloads: answered from another thread, and charged like all others."""

import threading
from collections.abc import Iterator

import pytest

from spread.daemon.monitor_limits import REPLY_BURST
from spread.daemon.monitor_server import Ask
from spread.daemon.observer import Observer
from spread.daemon.reload_queries import ReloadQueries
from spread.daemon.reloads import Reloads
from spread.monitor.queries import Kind, Query, decode_part, encode_query
from spread.monitor.reload import ReloadOutcome
from tests.unit.daemon import test_monitor_server as of_server
from tests.unit.daemon import test_query_server as of_queries
from tests.unit.daemon.test_observer import Echo
from tests.unit.monitor.test_queries import long_text

HERE = "127.0.0.1"
WAIT_S = 20


class Reader:
    """Finds so much to tell that the answer has several datagrams."""

    def preview(self) -> ReloadOutcome:
        return ReloadOutcome("d1", long_text(40_000).decode())

    def reload(self, asked_by: str) -> ReloadOutcome:
        return ReloadOutcome("d1", asked_by, done=True)


class Bench:
    def __init__(self) -> None:
        self.judging = of_server.Bench()
        answering = of_queries.Desk()
        self.sent: list[tuple[bytes, tuple[str, int]]] = []
        self.observer = Observer(
            Echo(), answering.reports, lambda *each: self.sent.append(each), self.judging.log
        )
        self.reloads = Reloads(Reader(), self.judging.log)
        self.queries = ReloadQueries(
            self.reloads, self.judging.server, answering.server, self.observer
        )

    def ask(self, kind: Kind) -> Ask | None:
        """Return what is decided about a query with the cookie of its source."""
        query = Query(7, kind, {}, HERE, self.judging.cookie())
        decision = self.judging.take(encode_query(query))
        assert decision is None or isinstance(decision, Ask)
        return decision

    def settle(self) -> None:
        """Wait until what has been asked is answered."""
        done = threading.Event()
        self.reloads.reload("the last", lambda _: self.observer.post(done.set))
        assert done.wait(WAIT_S)


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    made.observer.start()
    made.reloads.start()
    yield made
    made.reloads.stop()
    made.observer.stop()


def test_answer_goes_to_who_asked(bench: Bench) -> None:
    ask = bench.ask(Kind.RELOAD)
    assert ask is not None
    bench.queries.reload(ask)
    bench.settle()

    ((data, target),) = bench.sent
    assert target == (HERE, of_server.PORT)
    assert decode_part(data).kind == Kind.RELOAD


def test_source_is_charged_for_what_it_is_told_of_reloads(bench: Bench) -> None:
    ask = bench.ask(Kind.RELOAD_PREVIEW)
    assert ask is not None
    while len(bench.sent) < REPLY_BURST:
        bench.queries.preview(ask)
        bench.settle()

    refused = bench.ask(Kind.REPORT)

    assert refused is None
    assert bench.judging.server.counters["monitor_limited"] == 1

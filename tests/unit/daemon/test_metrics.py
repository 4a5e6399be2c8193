"""The metrics server over real sockets: what it serves, and whom it does not wait for."""

import socket
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from typing import cast

import pytest

from spread.daemon.metrics import STALE_S, Limits, MetricsPages, MetricsServer
from spread.daemon.metrics_http import Answer, Request
from spread.monitor.report import Report
from tests.daemon.harness.waiting import wait_until
from tests.unit.daemon.event_list import EventList
from tests.unit.monitor.reports import report

NOW_S = 1_800_000_000.0


class Published:
    """What the ring's thread has published."""

    def __init__(self) -> None:
        self.report: Report | None = report()

    def __call__(self) -> Report | None:
        return self.report


def listening() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


@pytest.fixture
def published() -> Published:
    return Published()


@pytest.fixture
def pages(published: Published) -> MetricsPages:
    return MetricsPages(published, lambda: NOW_S)


@pytest.fixture
def serve() -> Iterator[Callable[..., MetricsServer]]:
    """Start servers; they end with the test."""
    servers: list[MetricsServer] = []

    def start(answer: Callable[[Request], Answer], limits: Limits | None = None) -> MetricsServer:
        server = MetricsServer(listening(), answer, EventList(), limits)
        servers.append(server)
        server.start()
        return server

    yield start
    for server in servers:
        server.close()


def ok(_request: Request) -> Answer:
    return Answer(200, b"ok\n")


def fetch(server: MetricsServer, path: str) -> tuple[int, bytes]:
    connection = HTTPConnection(*server.address, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def is_closed(client: socket.socket) -> bool:
    """Wait until the other side closes."""
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


# -- Pages -----------------------------------------------------------------------------------------


def get(pages: MetricsPages, path: str) -> tuple[int, str]:
    answer = pages.answer(Request("GET", path))
    return answer.status, answer.body.decode()


def test_metrics_are_those_of_the_last_report(pages: MetricsPages, published: Published) -> None:
    published.report = report(counters={"tokens": 1})
    first = get(pages, "/metrics")
    published.report = report(1, counters={"tokens": 2})
    second = get(pages, "/metrics")

    assert 'spread_tokens_total{daemon="a"} 1.0' in first[1]
    assert 'spread_tokens_total{daemon="a"} 2.0' in second[1]


def test_the_text_of_a_report_is_made_once(pages: MetricsPages) -> None:
    request = Request("GET", "/metrics")

    assert pages.answer(request) is pages.answer(request)


def test_a_daemon_in_its_ring_is_healthy_and_ready(pages: MetricsPages) -> None:
    assert get(pages, "/healthz") == (200, "ok\n")
    assert get(pages, "/readyz") == (200, "ok\n")


def test_a_daemon_that_forms_a_ring_is_healthy_and_not_ready(
    pages: MetricsPages, published: Published
) -> None:
    published.report = report(state="GATHER")

    assert get(pages, "/healthz") == (200, "ok\n")
    assert get(pages, "/readyz") == (503, "membership is in state GATHER\n")


def test_a_daemon_that_looks_for_others_while_its_ring_works_is_ready(
    pages: MetricsPages, published: Published
) -> None:
    published.report = report(state="GATHER", is_looking=True)

    assert get(pages, "/readyz") == (200, "ok\n")


def test_a_daemon_is_not_ready_before_its_groups_are(
    pages: MetricsPages, published: Published
) -> None:
    published.report = report(group_state="GGATHER")

    assert get(pages, "/readyz") == (503, "groups are in state GGATHER\n")


def test_a_daemon_whose_ring_hangs_is_not_healthy(
    pages: MetricsPages, published: Published
) -> None:
    published.report = report(-STALE_S - 1)

    assert get(pages, "/healthz") == (503, "the last report is 6.0 s old\n")
    assert get(pages, "/readyz")[0] == 503


def test_before_the_first_report_nothing_is_told(pages: MetricsPages, published: Published) -> None:
    published.report = None

    assert [get(pages, path)[0] for path in ("/metrics", "/healthz", "/readyz")] == [503] * 3


def test_other_pages_and_methods_are_none(pages: MetricsPages) -> None:
    assert get(pages, "/admin")[0] == 404
    assert pages.answer(Request("POST", "/metrics")).status == 405


# -- Sockets ---------------------------------------------------------------------------------------


def test_a_scraper_gets_its_page_over_http(
    serve: Callable[..., MetricsServer], pages: MetricsPages
) -> None:
    server = serve(pages.answer)

    status, body = fetch(server, "/metrics")

    assert status == 200
    assert b"spread_up" in body
    assert server.counters()["metrics_requests"] == 1


def test_a_page_that_cannot_be_made_says_why_and_the_next_one_is_served(
    serve: Callable[..., MetricsServer],
) -> None:
    def answer(request: Request) -> Answer:
        if request.path == "/metrics":
            raise ModuleNotFoundError("No module named 'x'")
        return ok(request)

    server = serve(answer)

    assert fetch(server, "/metrics") == (500, b"ModuleNotFoundError: No module named 'x'\n")
    assert fetch(server, "/healthz") == (200, b"ok\n")


def test_a_request_in_pieces_is_answered(serve: Callable[..., MetricsServer]) -> None:
    server = serve(ok)

    with socket.create_connection(server.address, timeout=10) as client:
        client.sendall(b"GET / HT")
        client.sendall(b"TP/1.1\r\n\r")
        client.sendall(b"\n")

        assert client.recv(4096).startswith(b"HTTP/1.1 200")


def test_who_sends_nothing_is_closed_and_counted(serve: Callable[..., MetricsServer]) -> None:
    server = serve(ok, Limits(request_s=0.05))

    with socket.create_connection(server.address, timeout=10) as client:
        assert is_closed(client)
    assert server.counters()["metrics_timeouts"] == 1


def test_a_request_without_an_end_is_closed_and_counted(
    serve: Callable[..., MetricsServer],
) -> None:
    server = serve(ok, Limits(request_s=0.2))

    with socket.create_connection(server.address, timeout=10) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n")
        assert is_closed(client)
    assert server.counters()["metrics_timeouts"] == 1


def test_who_does_not_read_is_closed_and_counted(serve: Callable[..., MetricsServer]) -> None:
    large = Answer(200, bytes(64 << 20))
    server = serve(lambda _: large, Limits(answer_s=0.2))

    with socket.create_connection(server.address, timeout=10) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")

        wait_until(lambda: server.counters()["metrics_timeouts"] == 1, "the reader to be closed")


# Nobody's time is over in these.
PATIENT = Limits(connections=3, of_source=2, request_s=600, answer_s=600)


def connected(server: MetricsServer, source: str) -> socket.socket:
    return socket.create_connection(server.address, timeout=10, source_address=(source, 0))


def test_who_has_its_share_makes_room_for_itself(serve: Callable[..., MetricsServer]) -> None:
    server = serve(ok, PATIENT)

    with connected(server, "127.0.0.9") as other:
        mine = [connected(server, "127.0.0.2") for _ in range(3)]

        assert is_closed(mine[0])
        for each in (other, *mine[1:]):
            each.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert each.recv(12) == b"HTTP/1.1 200"
            each.close()
    mine[0].close()
    assert server.counters()["metrics_displaced"] == 1


def test_who_finds_no_place_takes_that_of_the_one_idle_longest(
    serve: Callable[..., MetricsServer],
) -> None:
    server = serve(ok, PATIENT)
    sources = ("127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5")

    idle = [connected(server, source) for source in sources]

    assert is_closed(idle[0])
    assert fetch(server, "/") == (200, b"ok\n")
    assert is_closed(idle[1])
    idle[3].sendall(b"GET / HTTP/1.1\r\n\r\n")
    assert idle[3].recv(12) == b"HTTP/1.1 200"
    assert server.counters()["metrics_displaced"] == 2
    for each in idle:
        each.close()


def test_who_reads_its_answer_keeps_its_place_before_who_asks_for_nothing(
    serve: Callable[..., MetricsServer],
) -> None:
    large = bytes(64 << 20)
    server = serve(lambda _: Answer(200, large), PATIENT)

    with connected(server, "127.0.0.2") as reader:
        reader.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert reader.recv(12) == b"HTTP/1.1 200"
        idle = [connected(server, f"127.0.0.{number}") for number in (3, 4, 5)]
        assert is_closed(idle[0])

        size = 12
        while data := reader.recv(1 << 20):
            size += len(data)

    assert size > len(large)
    for each in idle:
        each.close()


def test_nonsense_is_closed_and_counted(serve: Callable[..., MetricsServer]) -> None:
    server = serve(ok)

    with socket.create_connection(server.address, timeout=10) as client:
        client.sendall(b"\x16\x03\x01")
        assert is_closed(client)

    assert server.counters()["metrics_malformed"] == 1
    assert fetch(server, "/") == (200, b"ok\n")


def test_what_fails_ends_the_connections_and_not_the_server(
    serve: Callable[..., MetricsServer],
) -> None:
    def answer(request: Request) -> Answer:
        # Nothing that is served is like this: it stands for what nobody has thought of.
        return ok(request) if request.path == "/" else cast("Answer", None)

    server = serve(answer)
    with socket.create_connection(server.address, timeout=10) as idle:
        with socket.create_connection(server.address, timeout=10) as client:
            client.sendall(b"GET /defect HTTP/1.1\r\n\r\n")
            assert is_closed(client)
        assert is_closed(idle)

    assert fetch(server, "/") == (200, b"ok\n")
    counters = server.counters()
    assert (counters["metrics_failures"], counters["metrics_timeouts"]) == (1, 0)


def test_more_connections_than_a_second_allows_are_served_later(
    serve: Callable[..., MetricsServer],
) -> None:
    server = serve(ok, Limits(a_second=2))

    statuses = [fetch(server, "/")[0] for _ in range(5)]

    assert statuses == [200] * 5


def test_a_server_ends_with_connections_open() -> None:
    server = MetricsServer(listening(), ok, EventList())
    server.start()

    with socket.create_connection(server.address, timeout=10) as client:
        client.sendall(b"GET")
        server.close()

        assert is_closed(client)
    assert not server.thread.is_alive()


def test_a_server_that_was_never_started_can_be_closed() -> None:
    MetricsServer(listening(), ok, EventList()).close()

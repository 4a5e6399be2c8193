"""The page's server over real connections: who is let in, what every answer says, slow pages."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from http import HTTPStatus

import httpx
import pytest

from spread.monitor.web.access import COOKIE
from spread.monitor.web.app import HEADERS
from spread.monitor.web.connections import Patience
from spread.monitor.web.place import Place
from tests.daemon.harness.waiting import DEADLINE, wait_until
from tests.web.serving import Site, served
from tests.web.synthetic import SyntheticRing

TOKEN = "a token of this test"
OTHERS = "0.0.0.0"
"""An address that other hosts can reach."""

NARROW = 4096
"""Bytes of a receive buffer: a connection that is soon full."""


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with served(SyntheticRing(3)) as running:
        wait_until(lambda: running.get("/readyz").is_success, "the first look")
        yield running


@pytest.fixture(scope="module")
def guarded() -> Iterator[Site]:
    with served(SyntheticRing(3), address=OTHERS, token=TOKEN) as running:
        yield running


def events(site: Site, count: int) -> list[tuple[str, dict[str, object]]]:
    """Return the first events of a stream, by name."""
    found: list[tuple[str, dict[str, object]]] = []
    with httpx.stream("GET", f"{site.address}/stream", timeout=DEADLINE) as answer:
        name = ""
        for line in answer.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            if line.startswith("data: "):
                found.append((name, json.loads(line.removeprefix("data: "))))
            if len(found) == count:
                break
    return found


# What there is.


def test_the_page_and_its_parts_are_served(site: Site) -> None:
    page = site.get("/")

    assert "<h1" in page.text
    for path in ("static/app.js", "static/style.css", "static/icon.svg"):
        assert path in page.text
        assert site.get(f"/{path}").status_code == HTTPStatus.OK


@pytest.mark.parametrize("path", ["/", "/static/app.js", "/nowhere", "/api/groups?offset=x"])
def test_every_answer_keeps_the_page_to_itself(site: Site, path: str) -> None:
    answer = site.get(path)

    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "server" not in answer.headers


def test_a_stream_begins_with_everything_so_far_and_goes_on(site: Site) -> None:
    found = events(site, 4)

    assert [name for name, _ in found] == ["past", "story", "tick", "tick"]
    assert float(str(found[3][1]["time"])) > float(str(found[2][1]["time"]))


def test_groups_come_in_pages(site: Site) -> None:
    page = site.get("/api/groups?offset=10&count=5&prefix=orders").json()

    assert (page["total"], page["offset"], len(page["groups"])) == (12, 10, 2)


@pytest.mark.parametrize(
    "query", ["offset=-1", "offset=x", "count=101", "offset=99999999", "prefix=" + "x" * 65]
)
def test_a_question_that_makes_no_sense_is_refused_with_the_reason(site: Site, query: str) -> None:
    answer = site.get(f"/api/groups?{query}")

    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert answer.json()["error"]


def test_a_daemon_that_there_is_not_is_named(site: Site) -> None:
    answer = site.get("/api/sessions?daemon=nobody")

    assert answer.status_code == HTTPStatus.BAD_GATEWAY
    assert answer.json()["error"] == "the configuration has no daemon 'nobody'"


def test_a_trace_is_one_timeline_of_all_daemons(site: Site) -> None:
    answer = site.get("/api/trace?show=ring").json()

    entries = answer["entries"]
    assert answer["silent"] == []
    assert {each["kind"] for each in entries} == {"TOKEN", "EVENT"}
    assert {each["daemon"] for each in entries} == {"a", "b", "c"}
    assert [each["time_s"] for each in entries] == sorted(each["time_s"] for each in entries)


def test_a_trace_of_what_there_is_not_is_refused_with_the_reason(site: Site) -> None:
    answer = site.get("/api/trace?show=payloads")

    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert answer.json()["error"] == "show is one of all, membership, ring"


def test_metrics_are_those_of_every_daemon(site: Site) -> None:
    text = site.get("/metrics").text

    assert 'spread_up{daemon="c"} 1.0' in text


def test_nothing_outside_of_the_static_files_can_be_read(site: Site) -> None:
    with site.connect() as sock:
        sock.sendall(b"GET /static/../app.py HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = sock.recv(65536)

    assert answer.startswith(b"HTTP/1.1 404")


# Who is let in.


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8803", "127.0.0.1.evil.example"])
def test_a_name_that_was_made_to_point_here_is_refused(site: Site, host: str) -> None:
    for path in ("/", "/stream", "/api/groups", "/metrics"):
        before = site.server.streams.counts.turned_away
        answer = site.get(path, headers={"host": host})
        assert answer.status_code == HTTPStatus.FORBIDDEN
        assert site.server.streams.counts.turned_away == before + 1


@pytest.mark.parametrize(
    "path", ["/stream", "/api/groups", "/metrics", "/readyz", "/static/app.js"]
)
def test_without_the_token_nothing_is_told(guarded: Site, path: str) -> None:
    answer = guarded.get(path)

    assert answer.status_code == HTTPStatus.UNAUTHORIZED
    assert "daemon" not in answer.text


def test_the_token_in_the_address_becomes_a_cookie(guarded: Site) -> None:
    answer = guarded.get(f"/?token={TOKEN}")

    assert answer.status_code == HTTPStatus.SEE_OTHER
    assert answer.headers["location"] == "./"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    value = answer.cookies[COOKIE]
    assert guarded.get("/readyz", cookies={COOKIE: value}).text != "the token is missing or wrong\n"


def test_the_token_can_be_typed_into_the_form(guarded: Site) -> None:
    form = guarded.get("/")
    wrong = httpx.post(f"{guarded.address}/enter", data={"token": "not the token"})
    right = httpx.post(f"{guarded.address}/enter", data={"token": TOKEN})

    assert form.status_code == HTTPStatus.UNAUTHORIZED
    assert 'name="token"' in form.text
    assert "That is not the token" in wrong.text
    assert wrong.status_code == HTTPStatus.UNAUTHORIZED
    assert right.status_code == HTTPStatus.SEE_OTHER


def test_a_form_that_is_far_too_large_is_refused_while_it_comes(guarded: Site) -> None:
    pieces = [b"x" * 1000] * 200

    answer = httpx.post(f"{guarded.address}/enter", content=iter(pieces), timeout=DEADLINE)

    assert answer.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


def test_a_form_that_announces_too_much_is_refused_before_it_comes(guarded: Site) -> None:
    with guarded.connect() as sock:
        sock.sendall(b"POST /enter HTTP/1.1\r\nHost: a\r\nContent-Length: 4097\r\n\r\n")

        assert sock.recv(12) == b"HTTP/1.1 413"


def test_a_scraper_shows_the_token_as_a_bearer(guarded: Site) -> None:
    answer = guarded.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})

    assert answer.status_code == HTTPStatus.OK


def test_a_token_is_made_for_other_hosts_and_told_to_the_operator_only() -> None:
    with served(SyntheticRing(1), address=OTHERS) as site:
        token = site.server.token
        lines = site.server.introduction()

    assert token is not None
    assert lines[0].endswith(f"/?token={token}")
    assert "unencrypted" in lines[1]


def test_no_token_is_logged(guarded: Site, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        guarded.get(f"/?token={TOKEN}")
        guarded.get("/?token=a+wrong+token+of+this+test")

    theirs = [each.getMessage() for each in caplog.records if not each.name.startswith("http")]
    assert not [text for text in theirs if "token" in text]


# Who does not behave.


def test_a_page_that_never_reads_is_dropped_and_others_go_on() -> None:
    ring = SyntheticRing(32)
    with served(ring) as site, site.connect(buffer=NARROW) as sock:
        sock.sendall(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        streams = site.server.streams
        wait_until(lambda: len(streams) == 1, "the page to be open")

        ring.is_restless = True
        wait_until(lambda: streams.counts.dropped == 1, "the page to be dropped")
        ring.is_restless = False

        assert len(streams) == 0
        wait_until(lambda: len(site.server.connections) == 0, "its connection to be closed")
        assert site.get("/").status_code == HTTPStatus.OK


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: a\r\n",
        b"POST /enter HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\ntok",
        b"POST /enter HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
    ],
    ids=["nothing", "half a head", "half a body", "chunks without an end"],
)
def test_a_request_that_is_never_whole_is_closed_and_counted(sent: bytes) -> None:
    hasty = Patience(request_s=0.1)
    with served(SyntheticRing(1), address=OTHERS, token=TOKEN, patience=hasty) as site:
        with site.connect() as sock:
            sock.sendall(sent)

            assert sock.recv(1) == b""
        assert site.server.streams.counts.silent == 1


def test_a_second_request_must_be_whole_in_its_time_as_well() -> None:
    hasty = Patience(request_s=1.0)
    with served(SyntheticRing(1), address=OTHERS, token=TOKEN, patience=hasty) as site:
        with site.connect() as sock:
            sock.sendall(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\nPOST /enter HTTP/1.1\r\n")
            answer = b"".join(iter(lambda: sock.recv(4096), b""))

        assert answer.startswith(b"HTTP/1.1 401")
        assert site.server.streams.counts.silent == 1


def test_who_asks_and_does_not_read_is_closed_and_counted() -> None:
    hasty = Patience(answer_s=1.0)
    with served(SyntheticRing(3), patience=hasty) as site, site.connect(buffer=NARROW) as sock:
        sock.sendall(b"GET /static/style.css HTTP/1.1\r\nHost: localhost\r\n\r\n" * 500)

        wait_until(lambda: site.server.streams.counts.unread == 1, "it to be closed")
        assert site.get("/").status_code == HTTPStatus.OK


def test_a_page_stays_open_for_longer_than_any_answer_may_take() -> None:
    with served(SyntheticRing(1), patience=Patience(answer_s=0.5)) as site:
        found = events(site, 4)

        assert [name for name, _ in found] == ["past", "story", "tick", "tick"]
        assert site.server.streams.counts.unread == 0


def test_who_finds_no_place_takes_that_of_the_one_who_asks_for_nothing() -> None:
    patient = Patience(request_s=600)
    with served(SyntheticRing(1), patience=patient, connections_max=3) as site:
        with ExitStack() as stack:
            page = stack.enter_context(site.connect())
            page.sendall(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert page.recv(12) == b"HTTP/1.1 200"
            idle = [stack.enter_context(site.connect()) for _ in range(3)]

            assert idle[0].recv(1) == b""
            assert site.get("/").status_code == HTTPStatus.OK
            assert idle[1].recv(1) == b""
            idle[2].sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert idle[2].recv(12) == b"HTTP/1.1 200"
        assert site.server.streams.counts.displaced == 2


def test_pages_that_close_leave_nothing_behind(site: Site) -> None:
    for _ in range(3):
        events(site, 1)

    wait_until(lambda: len(site.server.streams) == 0, "the streams to be forgotten")


def test_what_is_no_http_harms_nobody(site: Site) -> None:
    for data in (b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\n" + b"x" * 100_000, b"\0" * 50):
        with site.connect() as sock:
            try:
                sock.sendall(data)
                sock.shutdown(socket.SHUT_WR)
                while sock.recv(65536):
                    pass
            except OSError:
                pass  # Closed in the middle of it: as good as an answer.

    assert site.get("/readyz").status_code == HTTPStatus.OK


# Where it listens.


def test_another_port_is_taken_where_that_is_free_to_choose() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with Place("127.0.0.1", port).open() as listener:
            assert listener.getsockname()[1] != port


def test_the_server_ends_in_order_while_a_page_is_open() -> None:
    with served(SyntheticRing(1)) as site:
        sock = site.connect()
        sock.sendall(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wait_until(lambda: len(site.server.streams) == 1, "the page to be open")
    with sock:
        while sock.recv(65536):
            pass

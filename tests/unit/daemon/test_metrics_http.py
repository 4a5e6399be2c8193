"""HTTP as far as metrics need it: requests come in any pieces, and nonsense is refused."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spread.daemon.metrics_http import (
    REQUEST_SIZE_MAX,
    Answer,
    Request,
    read_request,
    write_answer,
)
from spread.errors import PeerError

WHOLE = b"GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\nACCEPT: text/plain\r\n\r\n"


def test_a_request_is_its_method_path_and_what_it_accepts() -> None:
    assert read_request(WHOLE) == Request("GET", "/metrics", "text/plain")


@given(st.integers(0, len(WHOLE) - 1))
def test_a_request_that_is_not_whole_is_waited_for(size: int) -> None:
    assert read_request(WHOLE[:size]) is None


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00",
        b"get /metrics HTTP/1.1\r\n\r\n",
        b"GET /metrics\r\n\r\n",
        b"GET metrics HTTP/1.1\r\n\r\n",
        b"GET / HTTP/2\r\n\r\n",
        b"GET / HTTP/1.1\r\nx: " + b"y" * REQUEST_SIZE_MAX,
        b"G" * REQUEST_SIZE_MAX,
    ],
)
def test_what_can_be_no_request_is_refused(data: bytes) -> None:
    with pytest.raises(PeerError):
        read_request(data)


@given(st.binary(max_size=200) | st.binary(max_size=100).map(lambda tail: b"GET /" + tail))
def test_any_bytes_are_a_request_or_refused_or_waited_for(data: bytes) -> None:
    with suppress(PeerError):
        assert isinstance(read_request(data), Request | None)


def test_an_answer_says_its_size_and_ends_the_connection() -> None:
    head, _, body = write_answer(Answer(200, b"ok\n")).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nContent-Length: 3\r\n" in head
    assert b"\r\nConnection: close" in head
    assert body == b"ok\n"


def test_an_answer_to_head_has_no_body() -> None:
    assert write_answer(Answer(404, b"none\n"), with_body=False).endswith(b"\r\n\r\n")

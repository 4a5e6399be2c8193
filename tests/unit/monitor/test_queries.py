"""Queries and their replies in parts: what is taken, and what is refused."""

import json
import random
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spread.errors import ArgumentError, PeerError
from spread.monitor.protocol import Command, Datagram, encode_datagram
from spread.monitor.queries import (
    COOKIE,
    COOKIE_SIZE,
    DATAGRAM_SIZE_MAX,
    PARTS_MAX,
    REQUEST_SIZE_MIN,
    Kind,
    Part,
    Query,
    decode_part,
    decode_query,
    encode_cookie,
    encode_query,
    encode_reply,
)

DAEMON = "10.0.0.1"
QUERY = Query(nonce=77, kind=Kind.REPORT)
SOME_COOKIE = bytes(range(COOKIE_SIZE))

NONCE = st.integers(0, 0xFFFFFFFF)
SCALAR = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=20)


def long_text(size: int) -> bytes:
    """Return JSON that does not compress well."""
    return json.dumps(random.Random(1).randbytes(size // 2).hex()).encode()


@given(
    nonce=NONCE,
    kind=st.integers(0, 65535),
    arguments=st.dictionaries(st.text(max_size=9), SCALAR, max_size=4),
    cookie=st.binary(min_size=COOKIE_SIZE, max_size=COOKIE_SIZE),
)
def test_query_survives_its_bytes(nonce, kind, arguments, cookie):
    query = Query(nonce, kind, arguments, "10.0.0.9", cookie)

    data = encode_query(query)

    assert decode_query(data) == query
    assert data[COOKIE] == cookie
    assert len(data) >= 512


@given(nonce=NONCE, kind=st.integers(0, 65535))
def test_what_brings_a_cookie_is_smaller_than_any_query(nonce, kind):
    query = Query(nonce, kind, cookie=SOME_COOKIE)

    data = encode_cookie(query, DAEMON)

    assert decode_part(data) == Part(nonce, Kind.COOKIE, 0, 1, DAEMON, SOME_COOKIE, b"")
    assert len(data) < REQUEST_SIZE_MIN


def test_parts_bring_the_cookie_for_the_next_query():
    parts = encode_reply(replace(QUERY, cookie=SOME_COOKIE), long_text(5_000), DAEMON)

    assert {decode_part(each).cookie for each in parts} == {SOME_COOKIE}


@given(data=st.binary(max_size=700))
def test_any_bytes_are_refused_or_read(data):
    for decode in (decode_query, decode_part):
        with pytest.raises(PeerError):
            decode(data)


@given(body=st.binary(max_size=1500))
def test_any_body_behind_a_right_header_is_refused_or_read(body):
    data = encode_datagram(
        Datagram("little", Command.QUERY | 0x80000080, body_size=len(body), body=body)
    )

    for decode in (decode_query, decode_part):
        with suppress(PeerError):
            decode(data)


def test_query_that_is_not_padded_is_refused():
    short = encode_datagram(
        Datagram("little", 0x90000080, body_size=10, body=b"\0\0\0\0\1\0\0\0{}")
    )

    with pytest.raises(PeerError, match="padded"):
        decode_query(short)


def test_query_with_long_arguments_is_a_misuse():
    with pytest.raises(ArgumentError, match="1024"):
        encode_query(Query(1, Kind.GROUPS, {"prefix": "x" * 1100}))


def test_reply_that_needs_too_many_parts_is_a_misuse():
    with pytest.raises(ArgumentError, match="room"):
        encode_reply(QUERY, long_text(400_000), DAEMON)


def test_largest_reply_stays_within_its_datagrams():
    parts = encode_reply(QUERY, long_text(140_000), DAEMON)

    assert len(parts) <= PARTS_MAX
    assert max(map(len, parts)) == DATAGRAM_SIZE_MAX

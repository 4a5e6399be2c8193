"""Queries and their replies in parts: what is taken, what is refused, what is kept."""

import json
import random
import struct
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spread.errors import ArgumentError, PeerError
from spread.monitor.protocol import Command, Datagram, encode_datagram
from spread.monitor.queries import (
    DATAGRAM_SIZE_MAX,
    PARTS_MAX,
    PENDING_MAX,
    Kind,
    Query,
    Reassembly,
    decode_part,
    decode_query,
    encode_error,
    encode_query,
    encode_reply,
)

DAEMON = "10.0.0.1"
QUERY = Query(nonce=77, kind=Kind.REPORT)

NONCE = st.integers(0, 0xFFFFFFFF)
SCALAR = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=20)


def long_text(size: int) -> bytes:
    """Return JSON that does not compress well."""
    return json.dumps(random.Random(1).randbytes(size // 2).hex()).encode()


def awaiting(query: Query = QUERY) -> Reassembly:
    reassembly = Reassembly()
    reassembly.expect(query, DAEMON)
    return reassembly


@given(
    nonce=NONCE,
    kind=st.integers(0, 65535),
    arguments=st.dictionaries(st.text(max_size=9), SCALAR, max_size=4),
)
def test_query_survives_its_bytes(nonce, kind, arguments):
    query = Query(nonce, kind, arguments, "10.0.0.9")

    data = encode_query(query)

    assert decode_query(data) == query
    assert len(data) >= 512


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


@given(size=st.integers(1, 60_000), seed=st.integers(0, 1000))
def test_reply_is_put_together_from_parts_in_any_order_with_duplicates(size, seed):
    text = long_text(size)
    parts = list(encode_reply(QUERY, text, DAEMON))
    parts += parts[:3]
    random.Random(seed).shuffle(parts)
    reassembly = awaiting()

    replies = [reply for each in parts if (reply := reassembly.add(each, DAEMON))]

    assert [reply.json for reply in replies] == [text]
    assert (replies[0].nonce, replies[0].kind, replies[0].daemon) == (77, Kind.REPORT, DAEMON)
    assert len(reassembly) == 0


def test_reply_with_a_lost_part_is_not_complete():
    parts = encode_reply(QUERY, long_text(20_000), DAEMON)
    reassembly = awaiting()

    assert [reassembly.add(each, DAEMON) for each in parts[1:]] == [None] * (len(parts) - 1)
    assert len(reassembly) == 1


def test_part_of_a_query_that_nobody_awaits_is_refused():
    reassembly = awaiting(Query(78, Kind.REPORT))

    assert reassembly.add(encode_reply(QUERY, b"{}", DAEMON)[0], DAEMON) is None
    assert reassembly.refused == 1


def test_part_from_another_address_is_refused():
    reassembly = awaiting()

    assert reassembly.add(encode_reply(QUERY, b"{}", DAEMON)[0], "10.0.0.66") is None
    assert reassembly.add(encode_reply(QUERY, b"{}", DAEMON)[0], DAEMON) is not None


def test_part_of_another_kind_is_refused():
    other = Query(QUERY.nonce, Kind.GROUPS)
    reassembly = awaiting()

    assert reassembly.add(encode_reply(other, b"{}", DAEMON)[0], DAEMON) is None
    assert reassembly.refused == 1


def test_error_answers_a_query_of_any_kind():
    reassembly = awaiting()

    reply = reassembly.add(encode_error(QUERY, "no such kind", DAEMON)[0], DAEMON)

    assert reply is not None
    assert reply.kind == Kind.ERROR
    assert json.loads(reply.json) == {"error": "no such kind"}


def test_forged_part_spoils_a_reply_but_not_the_next_of_the_same_query():
    text = long_text(5_000)
    parts = encode_reply(QUERY, text, DAEMON)
    forged = parts[1][:-1] + bytes([parts[1][-1] ^ 1])
    reassembly = awaiting()

    spoilt = [reassembly.add(each, DAEMON) for each in (forged, *parts)]
    replies = [reassembly.add(each, DAEMON) for each in parts]

    assert spoilt == [None] * (len(parts) + 1)
    assert [each.json for each in replies if each] == [text]


def test_part_of_a_reply_with_another_count_does_not_disturb_the_first():
    text = long_text(5_000)
    parts = encode_reply(QUERY, text, DAEMON)
    other = encode_reply(QUERY, long_text(9_000), DAEMON)
    reassembly = awaiting()

    replies = [reassembly.add(each, DAEMON) for each in (parts[0], *other, *parts[1:])]

    assert [each.json for each in replies if each] == [text]


def test_reply_that_unfolds_to_too_much_is_refused():
    folded = zlib.compress(b" " * (5 * 1024 * 1024))
    parts = -(-len(folded) // 1348)
    reassembly = awaiting()

    for part in range(parts):
        body = struct.pack("<IHHHH", 77, Kind.REPORT, part, parts, 0)
        body += folded[part * 1348 : (part + 1) * 1348]
        data = encode_datagram(
            Datagram("little", 0x90000080, process=0x0A000001, body_size=len(body), body=body)
        )
        assert reassembly.add(data, DAEMON) is None

    assert reassembly.refused == 1


def test_reply_that_needs_too_many_parts_is_a_misuse():
    with pytest.raises(ArgumentError, match="room"):
        encode_reply(QUERY, long_text(400_000), DAEMON)


def test_largest_reply_stays_within_its_datagrams():
    parts = encode_reply(QUERY, long_text(140_000), DAEMON)

    assert len(parts) <= PARTS_MAX
    assert max(map(len, parts)) == DATAGRAM_SIZE_MAX


def test_awaited_queries_are_bounded_and_the_oldest_is_given_up():
    reassembly = Reassembly()
    for nonce in range(PENDING_MAX + 1):
        reassembly.expect(Query(nonce, Kind.REPORT), DAEMON)

    assert len(reassembly) == PENDING_MAX
    assert reassembly.add(encode_reply(Query(0, Kind.REPORT), b"{}", DAEMON)[0], DAEMON) is None


def test_forgotten_query_takes_no_reply():
    reassembly = awaiting()
    reassembly.forget(QUERY.nonce)
    reassembly.forget(QUERY.nonce)

    assert reassembly.add(encode_reply(QUERY, b"{}", DAEMON)[0], DAEMON) is None

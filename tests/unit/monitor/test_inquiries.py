"""Queries under way: cookies, replies in parts, what is taken, what is refused, what is kept."""

import json
import random
import struct
import zlib
from collections.abc import Iterable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from spread.monitor.inquiries import AGAIN_MAX, COOKIES_MAX, PENDING_MAX, Again, Inquiries, Reply
from spread.monitor.protocol import Datagram, encode_datagram
from spread.monitor.queries import (
    COOKIE_SIZE,
    NO_COOKIE,
    Kind,
    Query,
    decode_query,
    encode_cookie,
    encode_error,
    encode_reply,
)
from tests.unit.monitor.test_queries import DAEMON, QUERY, long_text

FIRST, SECOND = (bytes([number]) * COOKIE_SIZE for number in (1, 2))


def awaiting(query: Query = QUERY) -> Inquiries:
    inquiries = Inquiries()
    inquiries.ask(query, DAEMON)
    return inquiries


def replies_to(inquiries: Inquiries, parts: Iterable[bytes]) -> list[Reply]:
    found = [inquiries.add(each, DAEMON) for each in parts]
    return [each for each in found if isinstance(each, Reply)]


def cookie(query: Query, value: bytes) -> bytes:
    """Return what a daemon sends to who has not shown where he receives."""
    return encode_cookie(replace(query, cookie=value), DAEMON)


def test_a_query_is_asked_again_with_the_cookie_that_came():
    inquiries = Inquiries()
    first = inquiries.ask(QUERY, DAEMON)

    again = inquiries.add(cookie(QUERY, FIRST), DAEMON)

    assert decode_query(first).cookie == NO_COOKIE
    assert isinstance(again, Again)
    assert decode_query(again.datagram) == replace(QUERY, cookie=FIRST)
    assert len(inquiries) == 1


def test_each_daemon_is_asked_with_the_last_cookie_that_it_has_sent():
    inquiries = awaiting()
    inquiries.add(cookie(QUERY, FIRST), DAEMON)
    inquiries.add(encode_reply(replace(QUERY, cookie=SECOND), b"{}", DAEMON)[0], DAEMON)

    assert decode_query(inquiries.ask(Query(78, 1), DAEMON)).cookie == SECOND
    assert decode_query(inquiries.ask(Query(79, 1), "10.0.0.2")).cookie == NO_COOKIE


def test_cookies_of_strangers_are_refused():
    inquiries = awaiting()

    assert inquiries.add(cookie(QUERY, FIRST), "10.0.0.66") is None
    assert inquiries.add(cookie(Query(78, 1), FIRST), DAEMON) is None
    assert inquiries.refused == 2
    assert decode_query(inquiries.ask(QUERY, DAEMON)).cookie == NO_COOKIE


def test_a_daemon_that_takes_no_cookie_is_not_asked_for_ever():
    inquiries = awaiting()

    answers = [inquiries.add(cookie(QUERY, FIRST), DAEMON) for _ in range(AGAIN_MAX + 2)]

    assert [isinstance(each, Again) for each in answers] == [True] * AGAIN_MAX + [False] * 2


def test_cookies_kept_are_bounded():
    inquiries = Inquiries()
    for number in range(COOKIES_MAX + 1):
        daemon = f"10.1.{number // 256}.{number % 256}"
        inquiries.ask(Query(number, 1), daemon)
        inquiries.add(encode_cookie(Query(number, 1, cookie=FIRST), daemon), daemon)

    assert decode_query(inquiries.ask(Query(5000, 1), "10.1.0.0")).cookie == NO_COOKIE
    assert decode_query(inquiries.ask(Query(5001, 1), "10.1.0.1")).cookie == FIRST


@given(size=st.integers(1, 60_000), seed=st.integers(0, 1000))
def test_reply_is_put_together_from_parts_in_any_order_with_duplicates(size, seed):
    text = long_text(size)
    parts = list(encode_reply(QUERY, text, DAEMON))
    parts += parts[:3]
    random.Random(seed).shuffle(parts)
    inquiries = awaiting()

    replies = replies_to(inquiries, parts)

    assert [reply.json for reply in replies] == [text]
    assert (replies[0].nonce, replies[0].kind, replies[0].daemon) == (77, Kind.REPORT, DAEMON)
    assert len(inquiries) == 0


def test_reply_with_a_lost_part_is_not_complete():
    parts = encode_reply(QUERY, long_text(20_000), DAEMON)
    inquiries = awaiting()

    assert [inquiries.add(each, DAEMON) for each in parts[1:]] == [None] * (len(parts) - 1)
    assert len(inquiries) == 1


def test_part_of_a_query_that_nobody_awaits_is_refused():
    inquiries = awaiting(Query(78, Kind.REPORT))

    assert inquiries.add(encode_reply(QUERY, b"{}", DAEMON)[0], DAEMON) is None
    assert inquiries.refused == 1


def test_part_from_another_address_is_refused():
    inquiries = awaiting()

    assert inquiries.add(encode_reply(QUERY, b"{}", DAEMON)[0], "10.0.0.66") is None
    assert inquiries.add(encode_reply(QUERY, b"{}", DAEMON)[0], DAEMON) is not None


def test_part_of_another_kind_is_refused():
    other = Query(QUERY.nonce, Kind.GROUPS)
    inquiries = awaiting()

    assert inquiries.add(encode_reply(other, b"{}", DAEMON)[0], DAEMON) is None
    assert inquiries.refused == 1


def test_error_answers_a_query_of_any_kind():
    inquiries = awaiting()

    reply = inquiries.add(encode_error(QUERY, "no such kind", DAEMON)[0], DAEMON)

    assert isinstance(reply, Reply)
    assert reply.kind == Kind.ERROR
    assert json.loads(reply.json) == {"error": "no such kind"}


def test_forged_part_spoils_a_reply_but_not_the_next_of_the_same_query():
    text = long_text(5_000)
    parts = encode_reply(QUERY, text, DAEMON)
    forged = parts[1][:-1] + bytes([parts[1][-1] ^ 1])
    inquiries = awaiting()

    spoilt = [inquiries.add(each, DAEMON) for each in (forged, *parts)]
    replies = replies_to(inquiries, parts)

    assert spoilt == [None] * (len(parts) + 1)
    assert [each.json for each in replies] == [text]


def test_part_of_a_reply_with_another_count_does_not_disturb_the_first():
    text = long_text(5_000)
    parts = encode_reply(QUERY, text, DAEMON)
    other = encode_reply(QUERY, long_text(9_000), DAEMON)
    inquiries = awaiting()

    replies = replies_to(inquiries, (parts[0], *other, *parts[1:]))

    assert [each.json for each in replies] == [text]


def test_reply_that_unfolds_to_too_much_is_refused():
    folded = zlib.compress(b" " * (5 * 1024 * 1024))
    parts = -(-len(folded) // 1332)
    inquiries = awaiting()

    for part in range(parts):
        body = struct.pack("<IHHHH16s", 77, Kind.REPORT, part, parts, 0, NO_COOKIE)
        body += folded[part * 1332 : (part + 1) * 1332]
        data = encode_datagram(
            Datagram("little", 0x90000080, process=0x0A000001, body_size=len(body), body=body)
        )
        assert inquiries.add(data, DAEMON) is None

    assert inquiries.refused == 1


def test_awaited_queries_are_bounded_and_the_oldest_is_given_up():
    inquiries = Inquiries()
    for nonce in range(PENDING_MAX + 1):
        inquiries.ask(Query(nonce, Kind.REPORT), DAEMON)

    assert len(inquiries) == PENDING_MAX
    assert inquiries.add(encode_reply(Query(0, Kind.REPORT), b"{}", DAEMON)[0], DAEMON) is None


def test_forgotten_query_takes_no_reply():
    inquiries = awaiting()
    inquiries.forget(QUERY.nonce)
    inquiries.forget(QUERY.nonce)

    assert inquiries.add(encode_reply(QUERY, b"{}", DAEMON)[0], DAEMON) is None

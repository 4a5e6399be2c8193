"""What a daemon asks other daemons itself: cookies, ports, whose answers count, what is kept."""

from dataclasses import replace

import pytest

from spread.daemon.own_questions import ASKED_MAX, BOTH_PORTS, DATA_PORT, OwnQuestions, Target
from spread.monitor.inquiries import Reply
from spread.monitor.queries import (
    COOKIE_SIZE,
    Query,
    decode_query,
    encode_cookie,
    encode_query,
    encode_reply,
)

THERE = Target(2, "10.0.0.3", 4803)
ORDER = {"do": "facts"}
COOKIE = bytes([7]) * COOKIE_SIZE


class Bench:
    """Questions whose network is a list."""

    def __init__(self) -> None:
        self.sent: list[tuple[Query, tuple[str, int]]] = []
        self.answers: list[Reply] = []
        self.questions = OwnQuestions(self.send)
        self.error: OSError | None = None

    def send(self, data: bytes, place: tuple[str, int]) -> None:
        if self.error is not None:
            raise self.error
        self.sent.append((decode_query(data), place))

    def ask(self, ports: tuple[int, ...] = DATA_PORT) -> Query:
        self.questions.ask(THERE, ORDER, ports, self.answers.append)
        return self.sent[-1][0]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_question_goes_to_the_ports_named_and_its_answer_to_who_asked(bench: Bench) -> None:
    query = bench.ask(BOTH_PORTS)

    assert bench.questions.take(encode_reply(query, b"{}", THERE.address)[0], THERE.address)
    assert [place for _, place in bench.sent] == [("10.0.0.3", 4803), ("10.0.0.3", 4804)]
    assert [each.json for each in bench.answers] == [b"{}"]


def test_it_is_asked_again_at_the_same_ports_with_the_cookie_that_came(bench: Bench) -> None:
    query = bench.ask(BOTH_PORTS)
    cookie = encode_cookie(replace(query, cookie=COOKIE), THERE.address)

    assert bench.questions.take(cookie, THERE.address)
    assert [port for _, (_, port) in bench.sent[2:]] == [4803, 4804]
    assert [each for each, _ in bench.sent[2:]] == [replace(query, cookie=COOKIE)] * 2
    assert bench.ask().cookie == COOKIE


def test_other_datagrams_are_left_alone_and_answers_of_others_do_not_count(bench: Bench) -> None:
    query = bench.ask()

    assert not bench.questions.take(encode_query(Query(query.nonce ^ 1, 1)), THERE.address)
    assert not bench.questions.take(b"", THERE.address)
    assert bench.questions.take(encode_reply(query, b"{}", THERE.address)[0], "10.9.9.9")
    assert bench.answers == []


def test_an_answer_counts_once(bench: Bench) -> None:
    (answer,) = encode_reply(bench.ask(), b"{}", THERE.address)

    taken = [bench.questions.take(answer, THERE.address) for _ in range(2)]

    assert taken == [True, False]
    assert len(bench.answers) == 1


def test_the_oldest_question_makes_room(bench: Bench) -> None:
    first = bench.ask()
    for _ in range(ASKED_MAX):
        bench.ask()

    assert not bench.questions.take(encode_reply(first, b"{}", THERE.address)[0], THERE.address)


def test_what_cannot_be_sent_has_no_answer(bench: Bench) -> None:
    bench.error = PermissionError(1, "no")

    bench.questions.ask(THERE, ORDER, BOTH_PORTS, bench.answers.append)

    assert bench.sent == []

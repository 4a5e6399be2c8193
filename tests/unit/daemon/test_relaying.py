"""Questions that are passed on: who is asked, whose answers count, what is kept and told."""

import json
from random import Random
from typing import Any

import pytest

from spread.daemon.own_questions import OwnQuestions, Target
from spread.daemon.relaying import ANSWER_SIZE_MAX, QUESTIONS_MAX, TARGETS_MAX, Relay
from spread.monitor.queries import Query, decode_query, encode_error, encode_reply, filling, fold

THERE = Target(2, "10.0.0.3", 4803)
ORDER = {"do": "facts"}


class Bench:
    """A relay whose network is a list."""

    def __init__(self) -> None:
        self.sent: list[tuple[Query, tuple[str, int]]] = []
        self.questions = OwnQuestions(
            lambda data, place: self.sent.append((decode_query(data), place))
        )
        self.relay = Relay(self.questions)

    def answer(self, text: bytes = b'{"x": 1}', source: str = THERE.address) -> bool:
        """Let an answer to the last question come from an address."""
        parts = encode_reply(self.sent[-1][0], text, THERE.address)
        return all(self.questions.take(each, source) for each in parts)

    def passed(self, number: int) -> dict[str, Any]:
        """Return the answers that are told of a question."""
        answers: dict[str, Any] = json.loads(self.relay.passed(number))["answers"]
        return answers


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_question_goes_to_the_data_port_and_then_to_both(bench: Bench) -> None:
    bench.relay.pass_on(5, [THERE], ORDER)
    bench.relay.pass_on(5, [THERE], ORDER)

    assert [port for _, (_, port) in bench.sent] == [4803, 4803, 4804]
    assert {address for _, (address, _) in bench.sent} == {"10.0.0.3"}


def test_an_answer_is_kept(bench: Bench) -> None:
    bench.relay.pass_on(5, [THERE], ORDER)

    assert bench.sent[0][0].arguments == ORDER
    assert bench.passed(5) == {}
    assert bench.answer()
    assert bench.passed(5) == {"2": {"x": 1}}


def test_who_has_answered_is_not_asked_again(bench: Bench) -> None:
    bench.relay.pass_on(5, [THERE], ORDER)
    bench.answer()
    count = len(bench.sent)

    bench.relay.pass_on(5, [THERE], ORDER)

    assert len(bench.sent) == count


def test_an_answer_from_elsewhere_does_not_count(bench: Bench) -> None:
    bench.relay.pass_on(5, [THERE], ORDER)

    bench.answer(source="10.9.9.9")

    assert bench.passed(5) == {}


def test_an_error_is_no_answer(bench: Bench) -> None:
    bench.relay.pass_on(5, [THERE], ORDER)
    (datagram,) = encode_error(bench.sent[0][0], "no", THERE.address)

    assert bench.questions.take(datagram, THERE.address)
    assert bench.passed(5) == {}


def test_the_oldest_question_makes_room(bench: Bench) -> None:
    bench.relay.pass_on(0, [THERE], ORDER)
    bench.answer()
    for number in range(1, QUESTIONS_MAX + 1):
        bench.relay.pass_on(number, [THERE], ORDER)

    assert bench.passed(0) == {}


def hearing(numbers: Random, count: int) -> bytes:
    """Return what a daemon of a large ring has heard, with figures that do not repeat."""
    heard = [
        {"sender": number % 127, "size": 1_000 + number, "delay_ns": numbers.getrandbits(63)}
        for number in range(count)
    ]
    return json.dumps({"heard": heard}).encode()


def test_answers_of_a_large_ring_are_told_in_as_many_replies_as_have_room_for_them(
    bench: Bench,
) -> None:
    targets = [Target(number, THERE.address, THERE.port) for number in range(TARGETS_MAX)]
    numbers = Random(1)
    texts = []
    for target in targets:
        bench.relay.pass_on(5, [target], {"do": "heard", "run": 1})
        texts.append(hearing(numbers, 800))
        bench.answer(texts[-1])

    told: dict[int, Any] = {}
    replies = 0
    while True:
        text = bench.relay.passed(5, told.keys())
        fold(text)
        found = json.loads(text)
        told |= {int(number): each for number, each in found["answers"].items()}
        replies += 1
        if not found["left"]:
            break
        assert found["answers"]
        assert sorted(found["left"]) == [n for n in range(TARGETS_MAX) if n not in told]

    assert filling(b"".join(texts)) > 1
    assert told == {number: json.loads(text) for number, text in enumerate(texts)}
    assert 1 < replies < TARGETS_MAX


def test_what_has_no_room_in_a_reply_of_its_own_is_told_as_nothing(bench: Bench) -> None:
    bench.relay.pass_on(5, [THERE], ORDER)
    # Each letter becomes an escape of six characters where JSON is to be ASCII.
    letters = "".join(map(chr, Random(1).choices(range(0x100, 0x800), k=45_000)))
    text = json.dumps(letters, ensure_ascii=False).encode()

    assert len(text) < ANSWER_SIZE_MAX
    assert filling(json.dumps(letters).encode()) > 1
    bench.answer(text)

    assert bench.passed(5) == {"2": None}

"""Questions that are passed on: who is asked, whose answers count, what is kept."""

import pytest

from spread.daemon.own_questions import OwnQuestions, Target
from spread.daemon.relaying import QUESTIONS_MAX, Relay
from spread.monitor.queries import Query, decode_query, encode_error, encode_reply

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
        (datagram,) = encode_reply(self.sent[-1][0], text, THERE.address)
        return self.questions.take(datagram, source)


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
    assert bench.relay.passed(5) == {}
    assert bench.answer()
    assert bench.relay.passed(5) == {2: {"x": 1}}


def test_who_has_answered_is_not_asked_again(bench: Bench) -> None:
    bench.relay.pass_on(5, [THERE], ORDER)
    bench.answer()
    count = len(bench.sent)

    bench.relay.pass_on(5, [THERE], ORDER)

    assert len(bench.sent) == count


def test_an_answer_from_elsewhere_does_not_count(bench: Bench) -> None:
    bench.relay.pass_on(5, [THERE], ORDER)

    bench.answer(source="10.9.9.9")

    assert bench.relay.passed(5) == {}


def test_an_error_is_no_answer(bench: Bench) -> None:
    bench.relay.pass_on(5, [THERE], ORDER)
    (datagram,) = encode_error(bench.sent[0][0], "no", THERE.address)

    assert bench.questions.take(datagram, THERE.address)
    assert bench.relay.passed(5) == {}


def test_the_oldest_question_makes_room(bench: Bench) -> None:
    bench.relay.pass_on(0, [THERE], ORDER)
    bench.answer()
    for number in range(1, QUESTIONS_MAX + 1):
        bench.relay.pass_on(number, [THERE], ORDER)

    assert bench.relay.passed(0) == {}

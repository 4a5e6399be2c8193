"""Questions that are passed on: who is asked, whose answers count, what is kept."""

import pytest

from spread.daemon.relaying import QUESTIONS_MAX, Relay, Target
from spread.monitor.queries import Query, decode_query, encode_error, encode_query, encode_reply

THERE = Target(2, "10.0.0.3", 4803)
ORDER = {"do": "facts"}


class Bench:
    """A relay whose network is a list."""

    def __init__(self) -> None:
        self.sent: list[tuple[Query, tuple[str, int]]] = []
        self.relay = Relay(lambda data, place: self.sent.append((decode_query(data), place)))

    def answer(self, text: bytes = b'{"x": 1}', source: str = THERE.address) -> bool:
        """Let an answer to the last question come from an address."""
        (datagram,) = encode_reply(self.sent[-1][0], text, THERE.address)
        return self.relay.take(datagram, source)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_question_goes_to_both_ports_and_its_answer_is_kept(bench: Bench) -> None:
    bench.relay.pass_on(5, [THERE], ORDER)

    assert [place for _, place in bench.sent] == [("10.0.0.3", 4803), ("10.0.0.3", 4804)]
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

    assert bench.relay.take(datagram, THERE.address)
    assert bench.relay.passed(5) == {}


def test_other_datagrams_are_left_alone(bench: Bench) -> None:
    bench.relay.pass_on(5, [THERE], ORDER)

    assert not bench.relay.take(encode_query(Query(1, 1)), THERE.address)
    assert not bench.relay.take(b"", THERE.address)


def test_the_oldest_question_makes_room(bench: Bench) -> None:
    bench.relay.pass_on(0, [THERE], ORDER)
    first = encode_reply(bench.sent[0][0], b"{}", THERE.address)[0]
    for number in range(1, QUESTIONS_MAX + 1):
        bench.relay.pass_on(number, [THERE], ORDER)

    assert not bench.relay.take(first, THERE.address)
    assert bench.relay.passed(0) == {}

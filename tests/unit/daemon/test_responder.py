"""What a daemon does for a doctor: it sends what it is ordered to, and notes what arrives."""

import json
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spread.config import Configuration, local_ring
from spread.daemon.consent import PATIENCE_NS, PERMIT_NS
from spread.daemon.relaying import ANSWER_SIZE_MAX
from spread.daemon.responder import (
    KBYTE,
    KBYTES_AT_ONCE,
    KINDS_MAX,
    PROBES_AT_ONCE,
    RUNS_MAX,
    UNASKED_A_SECOND,
    UNASKED_AT_ONCE,
    Clocks,
    Responder,
)
from spread.errors import ArgumentError
from spread.monitor.doctor_talk import Facts
from spread.monitor.probes import (
    EVERYBODY,
    SIZE_MIN,
    Probe,
    Way,
    decode_probe,
    encode_probe,
    is_probe,
)
from spread.monitor.queries import (
    REQUEST_SIZE_MIN,
    Query,
    decode_query,
    encode_error,
    encode_reply,
    fold,
)

PORT = 4803
RUN = 77
NS_PER_S = 1_000_000_000
SMALL = [1, Way.DATA, SIZE_MIN, 0]
LARGE = [1, Way.DATA, 1472, 0]
NOTHING_LEFT = {"left": [], "failed": []}


@dataclass
class Bench:
    """Daemon local1 of three, whose network is a list."""

    now_ns: int = 1_000
    sent: list[tuple[Probe, tuple[str, int]]] = field(default_factory=list)
    asked: list[tuple[Query, tuple[str, int]]] = field(default_factory=list)
    error: OSError | None = None
    orders: int = 0

    def __post_init__(self) -> None:
        clocks = Clocks(lambda: self.now_ns, lambda: self.now_ns)
        self.responder = Responder(local_ring(PORT, 3, 1), facts, self.send, clocks)

    def send(self, data: bytes, place: tuple[str, int]) -> None:
        if self.error is not None:
            raise self.error
        if is_probe(data):
            self.sent.append((decode_probe(data), place))
        else:
            self.asked.append((decode_query(data), place))

    def order(self, *probes: list[int], number: int | None = None) -> dict[str, Any]:
        self.orders += 1
        order = self.orders if number is None else number
        arguments = {"do": "send", "run": RUN, "order": order, "probes": list(probes)}
        found: dict[str, Any] = json.loads(self.responder.answer(arguments))
        return found

    def agree(self, text: bytes | None = None) -> None:
        """Let the daemon that was asked last agree to all of it, or say something else."""
        query, (address, _) = self.asked[-1]
        text = text or json.dumps({"bytes": query.arguments["bytes"]}).encode()
        (datagram,) = encode_reply(query, text, address)
        assert self.responder.take_reply(datagram, address)

    def heard(self, run: int = RUN) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.responder.answer({"do": "heard", "run": run}))
        return found


def facts(configuration: Configuration) -> Facts:
    return Facts(configuration.me.name, 0)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def arriving(**changes: Any) -> bytes:
    values = {"run": RUN, "sender": 1, "target": 0, "way": Way.DATA, "size": 100, "sent_ns": 400}
    return encode_probe(Probe(**{**values, **changes}))


def test_probes_go_to_the_ports_of_the_daemons_named(bench: Bench) -> None:
    outcome = bench.order([1, Way.DATA, SIZE_MIN, 0], [2, Way.TOKEN, SIZE_MIN, 0])

    assert outcome == NOTHING_LEFT
    assert [place for _, place in bench.sent] == [("127.0.0.2", PORT), ("127.0.0.3", PORT + 1)]
    assert [(each.sender, each.target, each.size) for each, _ in bench.sent] == [
        (0, 1, SIZE_MIN),
        (0, 2, SIZE_MIN),
    ]


def test_what_does_not_leave_is_told(bench: Bench) -> None:
    bench.error = PermissionError(1, "no")

    outcome = bench.order(SMALL)

    assert outcome["left"] == []
    assert [each["index"] for each in outcome["failed"]] == [0]


def test_an_order_that_comes_again_is_answered_and_not_carried_out(bench: Bench) -> None:
    first = bench.order(SMALL, number=5)

    assert bench.order(SMALL, number=5) == first
    assert len(bench.sent) == 1


def test_a_large_probe_waits_until_its_receiver_agrees(bench: Bench) -> None:
    first = bench.order(LARGE, SMALL)
    waiting = [each.size for each, _ in bench.sent]
    bench.agree()

    assert first == {"left": [0], "failed": []}
    assert waiting == [SIZE_MIN]
    assert bench.order(LARGE) == NOTHING_LEFT
    assert [each.size for each, _ in bench.sent] == [SIZE_MIN, 1472]
    ((query, place),) = bench.asked
    assert query.arguments == {"do": "permit", "bytes": 1472}
    assert place == ("127.0.0.2", PORT)


def test_no_more_is_sent_than_the_receiver_agreed_to(bench: Bench) -> None:
    bench.order(LARGE, LARGE)
    bench.agree(b'{"bytes": 2048}')

    assert bench.order(LARGE, LARGE)["left"] == [1]


def test_a_receiver_that_is_silent_is_asked_at_both_ports_and_gets_no_large_probe(
    bench: Bench,
) -> None:
    bench.order(LARGE)
    bench.now_ns += PATIENCE_NS // 2
    again = bench.order(LARGE)
    bench.now_ns += PATIENCE_NS // 2

    outcome = bench.order(LARGE)

    assert again["left"] == [0]
    assert [port for _, (_, port) in bench.asked][:3] == [PORT, PORT, PORT + 1]
    assert [each["is_withheld"] for each in outcome["failed"]] == [True]
    assert bench.sent == []


@pytest.mark.parametrize("text", [b"[]", b'{"bytes": -5}', b'{"bytes": "all"}'])
def test_an_answer_that_makes_no_sense_is_no_consent(bench: Bench, text: bytes) -> None:
    bench.order(LARGE)
    bench.agree(text)

    assert bench.order(LARGE)["failed"][0]["is_withheld"]


def test_a_receiver_that_cannot_answer_has_not_agreed(bench: Bench) -> None:
    bench.order(LARGE)
    query, (address, _) = bench.asked[-1]
    (datagram,) = encode_error(query, "no", address)
    bench.responder.take_reply(datagram, address)

    assert bench.order(LARGE)["failed"][0]["is_withheld"]


def test_what_all_senders_together_are_let_send_is_bounded(bench: Bench) -> None:
    asked = {"do": "permit", "bytes": 65_507}
    granted = [json.loads(bench.responder.answer(asked))["bytes"] for _ in range(100)]

    assert sum(granted) == KBYTES_AT_ONCE * KBYTE
    assert granted[-1] == 0


def test_little_leaves_for_a_daemon_that_was_not_asked(bench: Bench) -> None:
    for _ in range(3):
        for _ in range(PROBES_AT_ONCE // 32):
            bench.order(*[SMALL] * 32)
        bench.now_ns += 1_000_000_000

    size = len(bench.sent) * SIZE_MIN
    assert UNASKED_AT_ONCE < size <= UNASKED_AT_ONCE + 2 * UNASKED_A_SECOND + SIZE_MIN
    assert bench.order([2, Way.DATA, SIZE_MIN, 0]) == NOTHING_LEFT


def test_no_more_leave_than_a_second_allows(bench: Bench) -> None:
    probes = [[1, Way.DATA, SIZE_MIN, 0], [2, Way.DATA, SIZE_MIN, 0]] * 16
    for _ in range(20):
        bench.order(*probes)
    at_once = len(bench.sent)
    bench.now_ns += 1_000_000_000

    assert at_once == PROBES_AT_ONCE
    assert bench.order(SMALL) == NOTHING_LEFT


def test_large_probes_are_bounded_by_their_bytes(bench: Bench) -> None:
    probe = [1, Way.DATA, 65507, 0]
    for _ in range(4):
        bench.order(*[probe] * 32)
        bench.now_ns += 100_000_000
        if bench.asked:
            bench.agree()
            bench.asked.clear()

    assert 32 <= len(bench.sent) <= 40


@pytest.mark.parametrize(
    "probe",
    [
        [9, Way.DATA, 100, 0],
        [1, Way.SEGMENT, 100, 0],
        [1, 3, 100, 0],
        [1, Way.DATA, 10, 0],
        [1, Way.DATA, 65508, 0],
        [1, Way.DATA, 100],
        [1, Way.DATA, "100", 0],
        [-1, Way.DATA, 100, 0],
        "probe",
    ],
)
def test_an_order_that_makes_no_sense_sends_nothing(bench: Bench, probe: Any) -> None:
    with pytest.raises(ArgumentError):
        bench.order(SMALL, probe)

    assert bench.sent == []


@pytest.mark.parametrize(
    "arguments", [{}, {"do": "dance"}, {"do": "heard"}, {"do": "send", "run": 1}, {"do": ["send"]}]
)
def test_other_arguments_are_refused(bench: Bench, arguments: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        bench.responder.answer(arguments)


def test_what_arrives_is_noted_with_the_least_delay_and_never_answered(bench: Bench) -> None:
    bench.responder.take(arriving(sent_ns=400), "127.0.0.2")
    bench.responder.take(arriving(sent_ns=900), "127.0.0.2")
    bench.responder.take(arriving(target=EVERYBODY, way=Way.SEGMENT), "127.0.0.2")

    assert [(each["way"], each["count"], each["delay_ns"]) for each in bench.heard()["heard"]] == [
        (Way.DATA, 2, 100),
        (Way.SEGMENT, 1, 600),
    ]
    assert bench.sent == []
    assert bench.responder.noted == 3


def test_what_comes_from_elsewhere_is_told_in_a_run_that_there_is(bench: Bench) -> None:
    bench.responder.take(arriving(), "10.9.9.9")
    assert bench.heard() == {"heard": [], "strays": []}

    bench.order()
    bench.responder.take(arriving(), "10.9.9.9")

    assert bench.heard()["strays"] == [{"sender": 1, "source": "10.9.9.9"}]


@pytest.mark.parametrize(
    "data", [arriving(sender=9), arriving(target=2), arriving()[:-1], b"", b"\x80" * 99]
)
def test_what_is_no_probe_for_this_daemon_is_counted(bench: Bench, data: bytes) -> None:
    bench.responder.take(data, "127.0.0.2")

    assert bench.responder.refused == 1
    assert bench.heard()["heard"] == []


def test_own_multicasts_that_come_back_are_nothing(bench: Bench) -> None:
    bench.responder.take(arriving(sender=0, target=EVERYBODY), "127.0.0.1")

    assert (bench.responder.refused, bench.responder.noted) == (0, 0)


@pytest.mark.parametrize(
    "arguments",
    [
        {"to": [1], "order": {"do": "pass"}},
        {"to": [1], "order": "facts"},
        {"to": [0], "order": {"do": "facts"}},
        {"to": [7], "order": {"do": "facts"}},
        {"to": [1] * 17, "order": {"do": "facts"}},
    ],
)
def test_only_orders_to_other_daemons_are_passed_on(
    bench: Bench, arguments: dict[str, Any]
) -> None:
    with pytest.raises(ArgumentError):
        bench.responder.answer({"do": "pass", "nonce": 1, **arguments})


def test_few_questions_go_to_a_daemon_that_has_not_agreed(bench: Bench) -> None:
    def pass_on(nonce: int) -> None:
        order = {"do": "pass", "nonce": nonce, "to": [1], "order": {"do": "facts"}}
        bench.responder.answer(order)

    for nonce in range(1_000):
        pass_on(nonce)
    at_once = len(bench.asked)
    bench.order(LARGE)
    with_consent = len(bench.asked)
    bench.now_ns += NS_PER_S
    pass_on(1_000)
    bench.order(LARGE)

    assert 0 < at_once <= 1 + UNASKED_AT_ONCE // (2 * REQUEST_SIZE_MIN)
    assert with_consent == at_once
    assert len(bench.asked) == at_once + 2


def test_consent_runs_out(bench: Bench) -> None:
    bench.order(LARGE)
    bench.agree()
    bench.now_ns += PERMIT_NS

    outcome = bench.order(LARGE)

    assert outcome == {"left": [0], "failed": []}
    assert bench.sent == []


def test_what_a_daemon_has_agreed_to_is_not_its_successors_under_its_number(bench: Bench) -> None:
    bench.order(LARGE)
    bench.agree()
    bench.responder.reconfigure(local_ring(PORT, 4, 1))

    outcome = bench.order(LARGE)

    assert outcome == {"left": [0], "failed": []}
    assert bench.sent == []


def test_the_last_runs_are_kept_only(bench: Bench) -> None:
    for run in range(RUNS_MAX + 1):
        bench.responder.take(arriving(run=run), "127.0.0.2")

    assert bench.heard(0)["heard"] == []
    assert bench.heard(RUNS_MAX)["heard"] != []


def test_a_flood_of_kinds_fills_no_memory(bench: Bench) -> None:
    for number in range(KINDS_MAX + 10):
        bench.now_ns += 10_000_000
        bench.responder.take(arriving(size=64 + number), "127.0.0.2")

    assert len(bench.heard()["heard"]) == KINDS_MAX
    assert bench.responder.refused == 10


def test_all_that_can_be_noted_fits_a_reply_also_one_that_is_passed_on(bench: Bench) -> None:
    numbers = Random(1)
    for number in range(KINDS_MAX):
        bench.now_ns += 10_000_000
        sent_ns = numbers.randrange(1 << 63)
        bench.responder.take(arriving(size=1_000 + number, sent_ns=sent_ns), "127.0.0.2")

    text = bench.responder.answer({"do": "heard", "run": RUN})

    assert len(json.loads(text)["heard"]) == KINDS_MAX
    assert len(text) <= ANSWER_SIZE_MAX
    assert fold(text)


ORDERS = st.sampled_from(("facts", "send", "heard", "permit", "pass", "passed", "dance"))
NUMBERS = st.integers(-1, 4) | st.integers(-(1 << 70), 1 << 70)
VALUES = NUMBERS | st.none() | st.booleans() | st.floats() | st.text(max_size=9)
PROBES = st.lists(
    st.lists(NUMBERS | st.sampled_from((SIZE_MIN, 1472, 65_507)), max_size=5) | VALUES, max_size=6
)


@settings(deadline=None)
@given(
    arguments=st.fixed_dictionaries(
        {"do": ORDERS | VALUES},
        optional={
            "run": VALUES,
            "order": VALUES | st.fixed_dictionaries({"do": ORDERS | VALUES}),
            "nonce": VALUES,
            "bytes": VALUES,
            "known": st.lists(VALUES, max_size=17) | VALUES,
            "to": st.lists(VALUES, max_size=4) | VALUES,
            "probes": PROBES | VALUES,
        },
    )
)
def test_any_order_is_answered_or_refused_and_sends_only_to_other_daemons(
    arguments: dict[str, Any],
) -> None:
    bench = Bench()

    with suppress(ArgumentError):
        assert isinstance(json.loads(bench.responder.answer(arguments)), dict)

    places = [place for _, place in bench.sent] + [place for _, place in bench.asked]
    assert {address for address, _ in places} <= {"127.0.0.1", "127.0.0.2", "127.0.0.3"}
    assert {port for _, port in places} <= {PORT, PORT + 1}
    assert all(probe.size == SIZE_MIN for probe, _ in bench.sent)


@settings(deadline=None)
@given(text=st.binary(max_size=40) | PROBES.map(lambda each: json.dumps(each).encode()))
def test_whatever_a_receiver_answers_nothing_larger_is_sent_than_it_agreed_to(text: bytes) -> None:
    bench = Bench()
    bench.order(LARGE)
    bench.agree(text or b" ")

    bench.order(LARGE)

    assert bench.sent == []

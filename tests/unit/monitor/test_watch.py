"""Watching a ring without I/O: who is asked when; answers, losses, and nonsense."""

import itertools
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spread.config import local_ring
from spread.monitor.protocol import (
    Command,
    StatusRecord,
    StatusReply,
    decode_datagram,
    encode_status,
)
from spread.monitor.queries import Kind, Query, decode_query, encode_error, encode_reply
from spread.monitor.report import Report, to_json
from spread.monitor.roster import Roster, roster_of
from spread.monitor.sender import Oddity, Strange
from spread.monitor.watch import Outgoing, RingWatch

ROSTER = roster_of(local_ring(24000, 3, 1))


@dataclass
class Bench:
    """A watch, its clock, and what it has sent."""

    roster: Roster = ROSTER
    now_s: float = 100.0
    sent: list[Outgoing] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.watch = RingWatch(
            self.roster,
            reply_port=6000,
            random_number=itertools.count(1).__next__,
            wall_clock=lambda: 0.0,
        )

    def turn(self) -> list[Outgoing]:
        """Send what is due; return that."""
        sent = self.watch.due(self.now_s)
        self.sent += sent
        return sent

    def wait(self, seconds: float) -> None:
        """Let time pass, deadline by deadline."""
        end_s = self.now_s + seconds
        while self.watch.next_deadline() <= end_s:
            self.now_s = max(self.now_s, self.watch.next_deadline())
            self.turn()
        self.now_s = end_s

    def queries(self, name: str, kind: Kind = Kind.REPORT) -> list[Query]:
        found = [
            decode_query(each.data)
            for each in self.sent
            if each.target.name == name and command_of(each) is Command.QUERY
        ]
        return [each for each in found if each.kind == kind]

    def answer(self, name: str, query: Query | None = None, **fields: Any) -> None:
        """Let a daemon answer the last query for its report, or another one."""
        query = query or self.queries(name)[-1]
        target = self.roster.named(name)
        assert target is not None
        report = Report(daemon=name, address=target.address, **fields)
        for part in encode_reply(query, to_json(report), target.identity):
            self.watch.receive(part, (target.address, target.port), self.now_s)

    def answer_status(self, name: str, source: str = "", **fields: int) -> None:
        target = self.roster.named(name)
        assert target is not None
        record = StatusRecord(my_id=target.identity, leader_id="127.0.0.1", **fields)
        data = encode_status(StatusReply(target.identity, record))
        self.watch.receive(data, (source or target.address, 31000), self.now_s)


def command_of(outgoing: Outgoing) -> Command | None:
    return decode_datagram(outgoing.data).command


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.turn()
    return bench


def test_all_daemons_are_asked_at_once(bench: Bench) -> None:
    assert {each.target.name for each in bench.sent} == {"local1", "local2", "local3"}


def test_a_status_request_goes_along_until_the_kind_of_daemon_is_known(bench: Bench) -> None:
    bench.answer("local1")
    bench.sent.clear()
    bench.wait(1)

    kinds = {(each.target.name, command_of(each)) for each in bench.sent}
    assert ("local1", Command.STATUS) not in kinds
    assert ("local2", Command.STATUS) in kinds


def test_a_host_without_an_entry_sends_queries_only() -> None:
    bench = Bench(Roster(ROSTER.targets, own=None, own_problem="none"))
    bench.turn()

    assert {command_of(each) for each in bench.sent} == {Command.QUERY}


def test_a_report_that_comes_is_kept(bench: Bench) -> None:
    bench.answer("local2", state="GATHER")

    watched = bench.watch.daemons["local2"]
    assert watched.is_answering
    assert watched.report is not None
    assert watched.report.state == "GATHER"
    assert watched.is_classic is False
    assert [each.daemon for each in bench.watch.reports] == ["local2"]


def test_a_lost_question_is_asked_again_under_another_number(bench: Bench) -> None:
    bench.wait(0.3)

    first, second = bench.queries("local1")
    assert first.nonce != second.nonce


def test_a_late_answer_to_the_first_asking_counts(bench: Bench) -> None:
    bench.wait(0.7)

    bench.answer("local1", bench.queries("local1")[0])

    assert bench.watch.daemons["local1"].is_answering


def test_a_daemon_is_silent_after_its_time_and_since_it_was_asked(bench: Bench) -> None:
    bench.answer("local1")
    bench.answer("local2")
    bench.wait(0.99)
    assert bench.watch.silent == ()

    bench.wait(0.01)

    assert [each.target.name for each in bench.watch.silent] == ["local3"]
    assert bench.watch.daemons["local3"].silent_since_s == 100.0


def test_silence_ends_with_the_next_answer(bench: Bench) -> None:
    bench.wait(5)

    bench.answer("local3")

    assert bench.watch.daemons["local3"].silent_since_s is None


def test_a_daemon_that_answers_status_only_is_a_classic_one(bench: Bench) -> None:
    bench.answer_status("local2", sec=7, num_procs=3, message_delivered=12)
    bench.wait(1)

    watched = bench.watch.daemons["local2"]
    assert watched.is_classic
    assert watched.report is not None
    assert watched.report.daemon == "local2"
    assert watched.report.counters["messages_delivered"] == 12
    assert watched.report.uptime_s == 7


def test_a_report_counts_more_than_a_status_reply_that_came_before_it(bench: Bench) -> None:
    bench.answer_status("local2", sec=7)
    bench.answer("local2", uptime_s=7.5)

    watched = bench.watch.daemons["local2"]
    assert watched.is_classic is False
    assert watched.report is not None
    assert watched.report.uptime_s == 7.5


def test_a_classic_daemon_is_shown_at_once_in_the_next_round(bench: Bench) -> None:
    bench.answer_status("local2", sec=7)
    bench.wait(1)
    bench.answer_status("local2", sec=8)

    report = bench.watch.daemons["local2"].report
    assert report is not None
    assert report.uptime_s == 8


def test_a_classic_daemon_that_was_replaced_is_noticed(bench: Bench) -> None:
    bench.answer_status("local2", sec=7)
    for _ in range(9):
        bench.wait(1)
        bench.answer_status("local2", sec=9)

    bench.answer("local2", bench.queries("local2")[-1])

    assert bench.watch.daemons["local2"].is_classic is False


def test_what_the_system_says_is_kept_until_the_daemon_answers(bench: Bench) -> None:
    bench.watch.failed("127.0.0.3", 24000, "refused")
    bench.wait(2)
    assert bench.watch.daemons["local3"].trouble == "refused"

    bench.answer("local3")

    assert bench.watch.daemons["local3"].trouble == ""


def test_what_the_system_said_long_ago_does_not_count(bench: Bench) -> None:
    bench.watch.failed("127.0.0.3", 24000, "refused")
    bench.wait(13)

    assert bench.watch.daemons["local3"].is_silent
    assert bench.watch.daemons["local3"].trouble == ""


# Something comes back, and it is no answer.


def strange_of(bench: Bench, name: str) -> Strange | None:
    """Return what is told of a daemon once it is silent."""
    bench.wait(1)
    assert bench.watch.daemons[name].is_silent
    return bench.watch.daemons[name].strange


@pytest.mark.parametrize(
    ("daemon", "source", "strange"),
    [
        ("127.0.0.2", "127.0.0.2", Strange(Oddity.OTHER_DAEMON, "local2")),
        ("10.0.0.9", "127.0.0.1", Strange(Oddity.UNKNOWN_DAEMON, "10.0.0.9")),
        ("127.0.0.1", "10.0.0.9", Strange(Oddity.OTHER_ADDRESS, "10.0.0.9")),
    ],
)
def test_who_answered_instead_is_known_by_the_number_of_the_question(
    bench: Bench, daemon: str, source: str, strange: Strange
) -> None:
    query = bench.queries("local1")[-1]
    for part in encode_reply(query, to_json(Report("x", daemon)), daemon):
        bench.watch.receive(part, (source, 24000), bench.now_s)

    assert strange_of(bench, "local1") == strange


def test_a_status_reply_of_an_unknown_daemon_is_told_of_the_one_that_was_asked(
    bench: Bench,
) -> None:
    reply = encode_status(StatusReply("10.0.0.9", StatusRecord(my_id="10.0.0.9")))
    bench.watch.receive(reply, ("127.0.0.2", 31000), bench.now_s)

    assert strange_of(bench, "local2") == Strange(Oddity.UNKNOWN_DAEMON, "10.0.0.9")


def test_an_answer_that_is_none_is_told_of_the_daemon_that_was_asked_there(bench: Bench) -> None:
    bench.watch.receive(b"HTTP/1.1 400", ("127.0.0.2", 24000), bench.now_s)

    strange = strange_of(bench, "local2")

    assert strange is not None
    assert strange.oddity is Oddity.NO_SENSE
    assert bench.watch.daemons["local1"].strange is None


def test_an_answer_that_comes_too_late_is_told(bench: Bench) -> None:
    query = bench.queries("local1")[-1]
    bench.wait(1.5)
    for part in encode_reply(query, to_json(Report("local1", "127.0.0.1")), "127.0.0.1"):
        bench.watch.receive(part, ("127.0.0.1", 24000), bench.now_s)

    assert strange_of(bench, "local1") == Strange(Oddity.LATE)


def test_an_answer_ends_what_was_strange(bench: Bench) -> None:
    bench.watch.receive(b"?", ("127.0.0.2", 24000), bench.now_s)
    bench.wait(1)
    bench.answer("local2")

    assert bench.watch.daemons["local2"].strange is None


def test_a_daemon_that_answers_with_an_error_is_silent_and_its_sentence_is_kept(
    bench: Bench,
) -> None:
    query = bench.queries("local1")[-1]
    for part in encode_error(query, "no report yet", "127.0.0.1"):
        bench.watch.receive(part, ("127.0.0.1", 24000), bench.now_s)

    assert bench.watch.daemons["local1"].is_silent
    assert bench.watch.daemons["local1"].trouble == "it answers: no report yet"


def test_the_answer_to_a_question_is_taken_once(bench: Bench) -> None:
    number = bench.watch.ask("local1", Kind.GROUPS, {"offset": 0}, bench.now_s)
    bench.turn()
    query = bench.queries("local1", Kind.GROUPS)[-1]
    for part in encode_reply(query, b'{"total":0}', "127.0.0.1"):
        bench.watch.receive(part, ("127.0.0.1", 24000), bench.now_s)

    answer = bench.watch.take_answer(number)

    assert query.arguments == {"offset": 0}
    assert answer is not None
    assert answer.json == b'{"total":0}'
    assert bench.watch.take_answer(number) is None


def test_a_question_without_an_answer_says_why(bench: Bench) -> None:
    number = bench.watch.ask("local3", Kind.GROUPS, {}, bench.now_s)
    bench.turn()
    bench.watch.failed("127.0.0.3", 24000, "refused")
    bench.wait(1)

    answer = bench.watch.take_answer(number)

    assert answer is not None
    assert answer.error == "nobody has its UDP port 24000"


def test_an_error_that_a_daemon_answers_is_its_sentence_without_control_characters(
    bench: Bench,
) -> None:
    number = bench.watch.ask("local1", Kind.TRACE, {}, bench.now_s)
    bench.turn()
    query = bench.queries("local1", Kind.TRACE)[-1]
    for part in encode_error(query, "no \x1b[2Jrecorder", "127.0.0.1"):
        bench.watch.receive(part, ("127.0.0.1", 24000), bench.now_s)

    answer = bench.watch.take_answer(number)

    assert answer is not None
    assert answer.error == "no \\x1b[2Jrecorder"


def test_a_reload_keeps_its_number_however_often_it_is_asked(bench: Bench) -> None:
    bench.watch.ask("local1", Kind.RELOAD, {}, bench.now_s)
    bench.turn()
    bench.wait(3)

    numbers = {each.nonce for each in bench.queries("local1", Kind.RELOAD)}
    assert len(bench.queries("local1", Kind.RELOAD)) > 1
    assert len(numbers) == 1


def test_an_answer_of_another_daemon_is_not_taken(bench: Bench) -> None:
    query = bench.queries("local1")[-1]
    for part in encode_reply(query, to_json(Report("local2", "127.0.0.2")), "127.0.0.2"):
        bench.watch.receive(part, ("127.0.0.2", 24000), bench.now_s)

    assert bench.watch.daemons["local1"].report is None
    assert bench.watch.unexpected == 1


def test_an_answer_from_another_address_is_not_taken(bench: Bench) -> None:
    query = bench.queries("local1")[-1]
    for part in encode_reply(query, to_json(Report("local1", "127.0.0.1")), "127.0.0.1"):
        bench.watch.receive(part, ("10.0.0.9", 24000), bench.now_s)

    assert bench.watch.daemons["local1"].report is None
    assert bench.watch.unexpected == 1


@pytest.mark.parametrize("source", ["10.0.0.9", "127.0.0.1"])
def test_a_status_reply_from_another_address_leaves_a_daemon_silent(
    bench: Bench, source: str
) -> None:
    bench.answer_status("local2", source, sec=99)
    bench.wait(1)

    assert bench.watch.daemons["local2"].is_silent
    assert bench.watch.unexpected == 1


def test_a_daemon_may_answer_from_any_of_its_addresses() -> None:
    target = replace(ROSTER.targets[0], others=("10.0.0.1",))
    bench = Bench(replace(ROSTER, targets=(target,)))
    bench.turn()
    bench.answer_status(target.name, "10.0.0.1", sec=99)
    bench.wait(1)

    assert bench.watch.daemons[target.name].is_answering


def test_a_report_that_makes_no_sense_is_said_to_make_none(bench: Bench) -> None:
    query = bench.queries("local1")[-1]
    for part in encode_reply(query, b'{"daemon": 7}', "127.0.0.1"):
        bench.watch.receive(part, ("127.0.0.1", 24000), bench.now_s)

    watched = bench.watch.daemons["local1"]
    assert watched.is_silent
    assert "its report makes no sense" in watched.trouble


def test_a_status_reply_that_nobody_asked_for_is_not_taken(bench: Bench) -> None:
    bench.answer("local1", uptime_s=3.5)

    bench.answer_status("local1", sec=99)

    report = bench.watch.daemons["local1"].report
    assert report is not None
    assert report.uptime_s == 3.5


def test_no_second_round_is_begun_for_a_daemon_that_still_has_time(bench: Bench) -> None:
    bench.watch.begin_round(bench.now_s)
    bench.turn()

    assert len(bench.queries("local1")) == 1


@given(st.lists(st.binary(max_size=120), max_size=20))
def test_no_datagram_breaks_the_watch(datagrams: list[bytes]) -> None:
    bench = Bench()
    bench.turn()

    for data in datagrams:
        bench.watch.receive(data, ("127.0.0.1", 24000), bench.now_s)

    assert bench.watch.reports == ()
    assert bench.watch.unexpected == len(datagrams)


@given(st.binary(max_size=200))
def test_no_body_of_an_awaited_reply_breaks_the_watch(body: bytes) -> None:
    bench = Bench()
    bench.turn()

    for part in encode_reply(bench.queries("local1")[-1], body, "127.0.0.1"):
        bench.watch.receive(part, ("127.0.0.1", 24000), bench.now_s)

    assert not bench.watch.daemons["local1"].is_answering

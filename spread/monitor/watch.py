"""Watching a ring without I/O: whom to ask what and when, and what is known of every daemon.

    due(now)            -> datagrams to send          (questions, and again those without answer)
    receive(data, source, now)  -> takes what came in
    failed(...)         -> takes what the system said of a datagram: nobody has the port, no route
    next_deadline()     -> when `due` has something again

Every daemon is asked for its report once an interval. A question is sent up to three times, each
time under a random number of its own, which the reply repeats. A daemon that does not know
queries is a classic one: as long as that is open, a status request goes along, and its reply
counts if none to the query comes. A status reply goes to the own entry of the configuration;
without one there are queries only.

A daemon may answer from another of its addresses than the one that was asked, so a reply is known
by its number and by the daemon's main address in it, and counts if it came from an address of
that daemon. Other things that come back are kept beside the question, as hints why there is no
answer.

Times are seconds of one clock that does not jump.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from spread.config.diagnostics import printable
from spread.errors import PeerError
from spread.monitor.health import RingHealth
from spread.monitor.inquiries import Again, Inquiries, Reply
from spread.monitor.protocol import (
    Command,
    Request,
    StatusReply,
    decode_datagram,
    decode_status,
    encode_request,
)
from spread.monitor.queries import Kind, Query, decode_part
from spread.monitor.rates import History
from spread.monitor.report import Finding, Report, from_json
from spread.monitor.roster import Roster, Target
from spread.monitor.sender import OddAnswerError, Oddity, Source, Strange, nonsense, sender_of
from spread.monitor.status import report_of

__all__ = ["INTERVAL_S", "PATIENCE_S", "Answer", "Outgoing", "RingWatch", "Watched"]

INTERVAL_S: Final = 1.0
"""Between two questions; a daemon publishes a report once a second."""

PATIENCE_S: Final = 1.0
"""A question without an answer for so long is given up."""

SLOW_S: Final = 10.0
"""The same for what makes a daemon read files: names of hosts may have to be looked up."""

_SLOW: Final = frozenset({Kind.RELOAD, Kind.RELOAD_PREVIEW})

AGAIN_S: Final = 0.3
"""A question without an answer for so long is sent again: a datagram may be lost."""

TROUBLE_S: Final = 10.0
"""How long it is believed why a daemon does not answer, if questions since say nothing of it."""

CLASSIC_ROUNDS: Final = 10
"""A classic daemon is sent a query every so many rounds: it may have been replaced."""

ANSWERS_MAX: Final = 256
"""Answers that nobody has taken; the oldest goes."""

SENTENCE_MAX: Final = 300
"""Characters of a daemon's sentence that are shown."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A datagram to send."""

    data: bytes
    target: Target


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a question: JSON, or why there is none."""

    json: bytes = b""
    error: str = ""


@dataclass(slots=True)
class Watched:
    """What is known of one daemon."""

    target: Target
    history: History = field(default_factory=History)
    report: Report | None = None
    """The last one, however old."""
    heard_s: float | None = None
    """When it came."""
    asked_s: float | None = None
    """When it was asked first."""
    silent_since_s: float | None = None
    """When the first of the questions was sent that have no answer; None while it answers."""
    is_classic: bool | None = None
    """Whether it is a daemon without queries; None while that is open."""
    trouble: str = ""
    """What the system or the daemon itself said about the last question; empty if it answered."""
    strange: Strange | None = None
    """What came back instead of an answer to it; None if nothing did."""
    trouble_s: float = float("-inf")
    """When the question was asked of which these two are known."""
    rounds: int = 0
    """Times that it was asked for a report."""

    @property
    def is_answering(self) -> bool:
        """Whether it has answered, and its time for the present question is not over."""
        return self.heard_s is not None and self.silent_since_s is None

    @property
    def is_silent(self) -> bool:
        """Whether it had its time and did not answer."""
        return self.silent_since_s is not None


@dataclass(slots=True)
class _Question:
    """One question to one daemon, sent up to some times.

    `status` is what a classic status reply said, until it is clear whether the query is answered.
    """

    number: int
    watched: Watched
    kind: Kind
    arguments: Mapping[str, Any]
    asked_s: float
    again_s: float
    patience_s: float = PATIENCE_S
    nonces: list[int] = field(default_factory=list)
    asks_status: bool = False
    asks_query: bool = True
    status: Report | None = None
    trouble: str = ""
    strange: Strange | None = None

    @property
    def end_s(self) -> float:
        return self.asked_s + self.patience_s


class RingWatch:
    """All daemons of a roster, by name in the order of the file."""

    def __init__(
        self,
        roster: Roster,
        *,
        reply_port: int,
        random_number: Callable[[], int],
        wall_clock: Callable[[], float],
        interval_s: float = INTERVAL_S,
    ) -> None:
        """`reply_port` is where status replies go; `random_number` gives numbers of 32 bits.

        `wall_clock` gives seconds since 1970, for findings that say since when.
        """
        self.roster = roster
        self.daemons = {each.name: Watched(each) for each in roster.targets}
        self.findings: tuple[Finding, ...] = ()
        """What is wrong, the worst first: of the ring as a whole, and what daemons find."""
        self.unexpected = 0
        """Datagrams that came in and made no sense."""
        self._reply_port = reply_port
        self._random_number = random_number
        self._wall_clock = wall_clock
        self._health = RingHealth()
        self._interval_s = interval_s
        self._next_round_s = float("-inf")
        self._questions: dict[int, _Question] = {}  # By number, oldest first.
        self._by_nonce: dict[int, _Question] = {}
        self._count = 0
        self._inquiries = Inquiries()
        self._again: list[Outgoing] = []  # What a daemon wants to be asked again.
        self._answers: dict[int, Answer] = {}

    # What there is to know.

    @property
    def reports(self) -> tuple[Report, ...]:
        """The reports of the daemons that answer, in the order of the file."""
        found = (each.report for each in self.daemons.values() if each.is_answering)
        return tuple(report for report in found if report is not None)

    @property
    def silent(self) -> tuple[Watched, ...]:
        """The daemons that had their time and do not answer."""
        return tuple(each for each in self.daemons.values() if each.is_silent)

    def is_waiting(self, asked_by_s: float) -> bool:
        """Tell whether a question asked by then is without an answer and still has time."""
        return any(each.asked_s <= asked_by_s for each in self._questions.values())

    # Asking.

    def begin_round(self, now_s: float) -> None:
        """Ask all daemons for their reports, whenever the last time was; `due` sends it."""
        self._next_round_s = now_s + self._interval_s
        self.judge(now_s)
        asked = {
            each.watched.target.name
            for each in self._questions.values()
            if each.kind is Kind.REPORT
        }
        for name, watched in self.daemons.items():
            if name not in asked:
                watched.rounds += 1
                self._ask(watched, Kind.REPORT, {}, now_s)

    def ask(self, daemon: str, kind: Kind, arguments: Mapping[str, Any], now_s: float) -> int:
        """Ask one daemon something; `due` sends it. Return the number for `take_answer`."""
        question = self._ask(self.daemons[daemon], kind, arguments, now_s)
        if kind in _SLOW:
            question.patience_s = SLOW_S
        return question.number

    def take_answer(self, number: int) -> Answer | None:
        """Return what became of a question, once; None while it is open."""
        return self._answers.pop(number, None)

    def give_up(self, number: int) -> None:
        """Forget a question."""
        question = self._questions.get(number)
        if question is not None:
            self._forget(question)
        self._answers.pop(number, None)

    def due(self, now_s: float) -> list[Outgoing]:
        """Return the datagrams to send; gives up questions whose time is over."""
        for question in list(self._questions.values()):
            if now_s >= question.end_s:
                self._expire(question, now_s)
        if now_s >= self._next_round_s:
            self.begin_round(now_s)
        again, self._again = self._again, []
        return again + [
            outgoing
            for question in self._questions.values()
            if now_s >= question.again_s
            for outgoing in self._send(question, now_s)
        ]

    def next_deadline(self) -> float:
        """Return when to call `due` next; a time that is over for at once."""
        if self._again:
            return float("-inf")
        times = [min(each.again_s, each.end_s) for each in self._questions.values()]
        return min([self._next_round_s, *times])

    def judge(self, now_s: float, *, is_only_look: bool = False) -> None:
        """Judge what is known; done before every round, and by whoever wants to know now.

        With `is_only_look` as `RingHealth.update` has it.
        """
        answers = {
            name: each.report if each.is_answering else None for name, each in self.daemons.items()
        }
        if any(report is not None for report in answers.values()):
            self.findings = self._health.update(
                answers, now_s, self._wall_clock(), is_only_look=is_only_look
            )

    # What came of it.

    def receive(self, data: bytes, source: Source, now_s: float) -> None:
        """Take a datagram that came in from this address and port."""
        try:
            if decode_datagram(data).command is Command.STATUS:
                self._take_status(data, source, now_s)
            else:
                self._take_part(data, source, now_s)
        except OddAnswerError as error:
            self.unexpected += 1
            self._note(source, error.strange)
        except PeerError as error:
            self.unexpected += 1
            self._note(source, nonsense(data, error))

    def failed(self, address: str, port: int, reason: str) -> None:
        """Take what the system says about datagrams to an address: they do not arrive there.

        The question is open until its time is over: a daemon that starts just now answers yet.
        """
        for question in self._questions.values():
            target = question.watched.target
            if target.address == address and target.port == port:
                question.trouble = reason

    # Inside.

    def _ask(
        self, watched: Watched, kind: Kind, arguments: Mapping[str, Any], now_s: float
    ) -> _Question:
        self._count += 1
        question = _Question(self._count, watched, kind, arguments, now_s, now_s)
        if watched.asked_s is None:
            watched.asked_s = now_s
        if kind is Kind.REPORT and self.roster.own is not None:
            question.asks_status = watched.is_classic is not False
            is_turn = watched.rounds % CLASSIC_ROUNDS == 0
            question.asks_query = watched.is_classic is not True or is_turn
        self._questions[question.number] = question
        return question

    def _send(self, question: _Question, now_s: float) -> list[Outgoing]:
        question.again_s = now_s + (AGAIN_S if question.patience_s <= PATIENCE_S else PATIENCE_S)
        target = question.watched.target
        own = self.roster.own
        sent = []
        if question.asks_query:
            # A daemon reloads once for each number, however often it is asked.
            is_same = bool(question.nonces) and question.kind is Kind.RELOAD
            nonce = question.nonces[0] if is_same else self._random_number()
            requester = target.identity if own is None else own.identity
            query = Query(nonce, question.kind, question.arguments, requester)
            question.nonces.append(nonce)
            self._by_nonce[nonce] = question
            sent.append(Outgoing(self._inquiries.ask(query, target.identity), target))
        if question.asks_status and question.status is None and own is not None:
            request = Request(Command.STATUS, own.identity, self._reply_port)
            sent.append(Outgoing(encode_request(request), target))
        return sent

    def _note(self, source: Source, strange: Strange) -> None:
        """Keep what came from there beside the open questions that went there.

        Of a daemon that is alone at its address any port will do: classic ones use another.
        """
        there = [
            each for each in self._questions.values() if each.watched.target.address == source[0]
        ]
        exactly = [each for each in there if each.watched.target.port == source[1]]
        is_one = len({each.watched.target.number for each in there}) == 1
        for question in exactly or (there if is_one else []):
            question.strange = strange

    def _take_status(self, data: bytes, source: Source, now_s: float) -> None:
        reply = decode_status(data)
        target = sender_of(reply.daemon, source[0], self.roster)
        watched = self.daemons[target.name]
        asked = (each for each in self._questions.values() if each.watched is watched)
        question = next((each for each in asked if each.asks_status), None)
        if question is None:
            return  # A second reply to a status request that went out twice.
        question.status = self._report_of(reply, target)
        if watched.is_classic:
            self._take_report(watched, question.status, now_s)
            if not question.asks_query:
                self._forget(question)

    def _report_of(self, reply: StatusReply, target: Target) -> Report:
        names = {each.identity: each.name for each in self.roster.targets}
        report = report_of(reply, names=names, now_s=0.0)
        return replace(
            report, port=target.port, segment=target.segment, release=f"Spread {report.release}"
        )

    def _take_part(self, data: bytes, source: Source, now_s: float) -> None:
        part = decode_part(data)
        question = self._by_nonce.get(part.nonce)
        asked = None if question is None else question.watched.target
        try:
            target = sender_of(part.daemon, source[0], self.roster, asked)
        except OddAnswerError as error:
            if question is not None:
                question.strange = error.strange
            raise
        if question is None:
            raise OddAnswerError(Oddity.LATE, "", f"{target.name} is not asked this")
        refused = self._inquiries.refused
        reply = self._inquiries.add(data, part.daemon)
        if isinstance(reply, Again):
            self._again.append(Outgoing(reply.datagram, question.watched.target))
        elif reply is not None:
            self._take_reply(question, reply, now_s)
        elif self._inquiries.refused != refused:
            raise PeerError("no part of a reply that is awaited")

    def _take_reply(self, question: _Question, reply: Reply, now_s: float) -> None:
        watched = question.watched
        self._forget(question)
        if reply.kind == Kind.ERROR:
            sentence = _sentence_of(reply.json)
            if question.kind is Kind.REPORT:
                self._fall_silent(question, f"it answers: {sentence}")
            self._finish(question, Answer(error=sentence))
            return
        watched.is_classic = False
        if question.kind is not Kind.REPORT:
            self._finish(question, Answer(json=reply.json))
            return
        try:
            self._take_report(watched, from_json(Report, reply.json), now_s)
        except PeerError as error:
            self._fall_silent(question, f"its report makes no sense: {error}")
            raise

    def _take_report(self, watched: Watched, report: Report, now_s: float) -> None:
        watched.report = report
        watched.heard_s = now_s
        watched.silent_since_s = None
        watched.trouble = ""
        watched.strange = None
        watched.history.add(report, now_s)

    def _expire(self, question: _Question, now_s: float) -> None:
        self._forget(question)
        watched = question.watched
        if question.kind is not Kind.REPORT:
            trouble = question.trouble or watched.trouble
            port = watched.target.port
            reason = f"nobody has its UDP port {port}" if trouble == "refused" else trouble
            self._finish(question, Answer(error=reason or "no answer"))
        elif question.status is not None:
            # The query had its time: what the status reply said is all there is.
            watched.is_classic = True
            self._take_report(watched, question.status, now_s)
        else:
            watched.is_classic = None
            self._fall_silent(question, question.trouble)

    def _fall_silent(self, question: _Question, trouble: str) -> None:
        """Take it that the daemon does not answer; what is known of this question says why.

        Hosts do not tell of each datagram that nobody has its port: what they said counts for
        some time, unless something else comes back.
        """
        watched = question.watched
        is_old = question.asked_s > watched.trouble_s + TROUBLE_S
        if trouble or question.strange or is_old:
            watched.trouble = trouble
            watched.trouble_s = question.asked_s
            watched.strange = question.strange
        if watched.silent_since_s is None:
            watched.silent_since_s = question.asked_s

    def _finish(self, question: _Question, answer: Answer) -> None:
        if question.kind is Kind.REPORT:
            return
        while len(self._answers) >= ANSWERS_MAX:
            del self._answers[next(iter(self._answers))]
        self._answers[question.number] = answer

    def _forget(self, question: _Question) -> None:
        self._questions.pop(question.number, None)
        for nonce in question.nonces:
            self._by_nonce.pop(nonce, None)
            self._inquiries.forget(nonce)


def _sentence_of(text: bytes) -> str:
    """Return the sentence of an error reply, which is as strange as its sender."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    sentence = value.get("error") if isinstance(value, dict) else None
    return printable(str(sentence)[:SENTENCE_MAX]) if sentence else "an error without a reason"

"""The visit of `spread doctor`: asks daemons what they know, has them send, and hears what came.

    facts     from all, by the data port and, where nothing comes back, by the token port
    send      small probes by every way, then large ones; what did not arrive, again
    heard     from all, after each of these rounds
    facts     once more: a clock that was set meanwhile shows

All of it takes a few seconds at most, however many daemons are silent.
"""

import json
import secrets
import select
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self, TypeVar

from spread.errors import PeerError
from spread.monitor.doctor_evidence import Check, Entry, Evidence, Key
from spread.monitor.doctor_sizes import sizes_to_try
from spread.monitor.doctor_talk import PROBES_MAX, Facts, Heard, Hearing, Sending
from spread.monitor.inquiries import Again, Inquiries
from spread.monitor.probes import SIZE_MIN, Way
from spread.monitor.queries import Kind, Query
from spread.monitor.report import from_json
from spread.monitor.udp import MonitorSocket

__all__ = ["Asker", "Visit"]

TRIES_S: Final = (0.15, 0.3, 0.6)
"""How long an answer is waited for, each time that a question is asked."""

LINGER_S: Final = 0.15
"""What is on the way arrives within this."""

ROUNDS: Final = 3
"""What does not arrive so often, does not arrive."""

SENDING_S: Final = 8.0
"""Daemons that are many are asked for no more probes after this."""

PAUSE_S: Final = 0.05

RELAYS_MAX: Final = 3
PASSED_MAX: Final = 16
RELAY_S: Final = (0.05, 0.2)
"""How long an answer through another daemon is waited for, each time that it is asked for."""

Progress = Callable[[str], None]
Record = TypeVar("Record")
WAYS: Final = frozenset(int(each) for each in Way)


@dataclass(slots=True)
class _Question:
    """Something asked of one daemon."""

    number: int
    query: Query
    text: bytes | None = None
    asked: set[int] = field(default_factory=set)
    """Ports that it went to, as distances from the data port."""
    closed: set[int] = field(default_factory=set)
    """Those at which the host has nobody."""

    @property
    def is_over(self) -> bool:
        """Whether there is nothing to wait for before it is asked elsewhere."""
        return self.text is not None or self.asked <= self.closed


@dataclass(frozen=True, slots=True)
class _Passed:
    """What a relay tells of the answers that it has got."""

    answers: Mapping[str, Any] = field(default_factory=dict)
    """By the numbers of daemons."""
    is_left: bool = False
    """Whether there are more, for which its reply had no room."""

    @classmethod
    def of(cls, text: bytes) -> Self:
        """Return what an answer says; one that makes no sense says nothing."""
        try:
            told = json.loads(text)
            answers, left = told["answers"], told.get("left", [])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return cls()
        return cls(answers, bool(left)) if isinstance(answers, dict) else cls()


class Asker:
    """Asks daemons for what a doctor wants, many at a time."""

    def __init__(self, entries: tuple[Entry, ...], sock: MonitorSocket) -> None:
        """Use `sock`, which the asker closes."""
        self._entries = entries
        self._socket = sock
        self._inquiries = Inquiries()
        self._is_shy: set[int] = set()  # Those that do not answer when asked once, at one port.
        self.refused: set[int] = set()
        """Who has nobody at a port, says the host, and does not answer at the other."""
        self.unreachable: dict[int, str] = {}
        """To whom nothing can be sent, and why."""
        self.relays: dict[int, int] = {}
        """Who answers through somebody else only, and through whom."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, orders: Mapping[int, Mapping[str, Any]]) -> dict[int, bytes]:
        """Ask daemons, each its own; return the JSON of those that answered, errors left out."""
        answers = self._ask(
            {number: order for number, order in orders.items() if number not in self.relays}
        )
        for number, order in orders.items():
            if number in self.relays:
                answers |= self._through(self.relays[number], [number], order)
        return answers

    def find_relays(
        self, silent: list[int], others: list[int], order: Mapping[str, Any]
    ) -> dict[int, bytes]:
        """Ask those who do not answer here through some of those who do."""
        answers: dict[int, bytes] = {}
        for relay in others[:RELAYS_MAX]:
            left = [each for each in silent if each not in answers][:PASSED_MAX]
            if not left:
                break
            found = self._through(relay, left, order)
            self.relays |= dict.fromkeys(found, relay)
            answers |= found
        return answers

    def _through(
        self, relay: int, numbers: list[int], order: Mapping[str, Any]
    ) -> dict[int, bytes]:
        nonce = secrets.randbits(32)
        answers: dict[int, bytes] = {}
        for wait_s in RELAY_S:
            self._ask({relay: {"do": "pass", "nonce": nonce, "to": numbers, "order": order}})
            time.sleep(wait_s)
            self._fetch(relay, nonce, numbers, answers)
            if len(answers) == len(numbers):
                break
        return answers

    def _fetch(self, relay: int, nonce: int, numbers: list[int], answers: dict[int, bytes]) -> None:
        """Add the answers that a relay has got and that are not there yet, in as many replies."""
        is_left = True
        while is_left:
            order = {"do": "passed", "nonce": nonce, "known": list(answers)}
            passed = _Passed.of(self._ask({relay: order}).get(relay, b"{}"))
            fresh = {
                each: json.dumps(passed.answers[str(each)]).encode()
                for each in numbers
                if str(each) in passed.answers and each not in answers
            }
            answers |= fresh
            is_left = passed.is_left and bool(fresh)

    def _ask(self, orders: Mapping[int, Mapping[str, Any]]) -> dict[int, bytes]:
        """Ask daemons directly: at the data port first, then at both ports."""
        questions = [
            _Question(number, Query(secrets.randbits(32), Kind.PROBE, order))
            for number, order in orders.items()
        ]
        for number, wait_s in enumerate(TRIES_S):
            for each in questions:
                if each.text is None and each.closed != {0, 1}:
                    self._send(each, is_first=number == 0)
            self._collect(questions, time.monotonic() + wait_s)
            if number == 0:
                self._is_shy |= {each.number for each in questions if each.text is None}
        for each in questions:
            self._inquiries.forget(each.query.nonce)
            if each.closed and each.text is None:  # Hosts say so now and then only.
                self.refused.add(each.number)
        return {each.number: each.text for each in questions if each.text}

    def _send(self, question: _Question, *, is_first: bool) -> None:
        entry = self._entries[question.number]
        data = self._inquiries.ask(question.query, entry.address)
        steps = (0,) if is_first and question.number not in self._is_shy else (0, 1)
        self._send_to(question, data, steps)

    def _send_to(self, question: _Question, data: bytes, steps: Iterable[int]) -> None:
        entry = self._entries[question.number]
        for step in steps:
            failure = self._socket.send(data, entry.address, entry.port + step)
            question.asked.add(step)
            if failure is not None:
                self._failed(question, step, failure.reason)

    def _collect(self, questions: list[_Question], until: float) -> None:
        """Take answers until all are there or the time is over."""
        by_nonce = {each.query.nonce: each for each in questions}
        while not all(each.is_over for each in questions):
            left = until - time.monotonic()
            if left <= 0:
                return
            select.select([self._socket.socket], [], [], left)
            for failure in self._socket.failures():
                for each in questions:
                    entry = self._entries[each.number]
                    if failure.address == entry.address:
                        self._failed(each, failure.port - entry.port, failure.reason)
            while (received := self._socket.receive()) is not None:
                data, (source, _) = received
                reply = self._inquiries.add(data, source)
                if isinstance(reply, Again):
                    question = by_nonce[reply.nonce]
                    self._send_to(question, reply.datagram, sorted(question.asked))
                elif reply is not None:
                    is_error = reply.kind == Kind.ERROR
                    by_nonce[reply.nonce].text = b"" if is_error else reply.json

    def _failed(self, question: _Question, step: int, reason: str) -> None:
        if reason != "refused":
            self.unreachable[question.number] = reason
        elif step in (0, 1):
            question.closed.add(step)


@dataclass(slots=True)
class _Seen:
    """What the visit has gathered so far."""

    facts: dict[int, Facts] = field(default_factory=dict)
    tried: dict[Key, int] = field(default_factory=dict)
    unsent: dict[Key, str] = field(default_factory=dict)
    heard: dict[Key, Heard] = field(default_factory=dict)
    unheard: set[int] = field(default_factory=set)
    strays: dict[tuple[int, int], str] = field(default_factory=dict)
    too_large: set[Key] = field(default_factory=set)
    withheld: set[Key] = field(default_factory=set)


class Visit:
    """One examination of all daemons."""

    def __init__(
        self,
        entries: tuple[Entry, ...],
        asker: Asker,
        *,
        own: int | None = None,
        progress: Progress = lambda _: None,
    ) -> None:
        self._entries = entries
        self._asker = asker
        self._own = own
        self._progress = progress
        self._run = secrets.randbits(32)
        self._order = 0
        self._seen = _Seen()

    def examine(self, checks: tuple[Check, ...], ring_hash: int) -> Evidence:
        """Do all of it and return what was seen."""
        begin_s = time.monotonic()
        seen = self._seen
        seen.facts = self._facts(range(len(self._entries)))
        seen.facts |= self._facts_through_others()
        for number in range(ROUNDS):
            keys = self._wanted(is_first=number == 0)
            if not keys:
                break
            self._progress(f"round {number + 1}: {len(keys)} probes")
            self._send(keys, begin_s + SENDING_S)
            time.sleep(LINGER_S)
            self._hear()
        self._progress("clocks")
        later = self._facts(seen.facts)
        return Evidence(
            entries=self._entries,
            own=self._own,
            ring_hash=ring_hash,
            facts=dict(sorted(seen.facts.items())),
            later=later,
            silence=self._silence(),
            relayed=frozenset(self._asker.relays),
            tried=seen.tried,
            unsent={key: why for key, why in seen.unsent.items() if key not in seen.tried},
            withheld=frozenset(seen.withheld),
            heard=seen.heard,
            unheard=frozenset(seen.unheard),
            strays=seen.strays,
            checks=checks,
            seconds=time.monotonic() - begin_s,
        )

    # -- Asking -----------------------------------------------------------------------------------

    def _facts(self, numbers: Iterable[int]) -> dict[int, Facts]:
        asked = list(numbers)
        self._progress(f"asking {len(asked)} daemons")
        answers = self._asker.ask({each: {"do": "facts"} for each in asked})
        return _decoded(Facts, answers)

    def _facts_through_others(self) -> dict[int, Facts]:
        """Ask those who do not answer here through the others; a host that refuses is known."""
        silent = [number for number, reason in self._silence().items() if reason != "refused"]
        others = [number for number in self._seen.facts if number != self._own]
        if silent and others:
            self._progress("asking through others")
        return _decoded(Facts, self._asker.find_relays(silent, others, {"do": "facts"}))

    def _silence(self) -> dict[int, str]:
        silent = [each for each in range(len(self._entries)) if each not in self._seen.facts]
        return {
            number: "refused"
            if number in self._asker.refused
            else self._asker.unreachable.get(number, "")
            for number in silent
        }

    def _hear(self) -> None:
        orders = {each: {"do": "heard", "run": self._run} for each in self._seen.facts}
        hearings = _decoded(Hearing, self._asker.ask(orders))
        self._seen.unheard = orders.keys() - hearings.keys()
        for hearer, hearing in hearings.items():
            for each in hearing.heard:
                if each.way not in WAYS or not 0 <= each.sender < len(self._entries):
                    continue
                key = Key(each.sender, hearer, Way(each.way), each.size, each.is_whole)
                self._seen.heard[key] = each
            for stray in hearing.strays:
                if 0 <= stray.sender < len(self._entries):
                    self._seen.strays[stray.sender, hearer] = stray.source

    # -- Sending ----------------------------------------------------------------------------------

    def _wanted(self, *, is_first: bool) -> list[Key]:
        """Return what is to be sent in this round: all, then what has not arrived."""
        found = []
        for sender in self._seen.facts:
            for target in self._seen.facts:
                if sender != target:
                    found += self._keys(sender, target)
        if is_first:
            return found
        over = self._seen.heard.keys() | self._seen.too_large | self._seen.withheld
        return [key for key in found if key not in over]

    def _keys(self, sender: int, target: int) -> list[Key]:
        facts, entry = self._seen.facts[sender], self._entries[sender]
        keys = [Key(sender, target, way, SIZE_MIN) for way in (Way.DATA, Way.TOKEN)]
        if entry.uses_segment and entry.segment == self._entries[target].segment:
            keys.append(Key(sender, target, Way.SEGMENT, SIZE_MIN))
        sizes = sizes_to_try(facts)
        keys += [Key(sender, target, Way.DATA, size) for size in sizes]
        return keys + [
            Key(sender, target, Way.DATA, size, is_whole=True)
            for size in sizes
            if size <= facts.size
        ]

    def _send(self, keys: list[Key], until: float) -> None:
        """Have all senders send theirs, some at a time, none more than its daemon allows."""
        left: dict[int, list[tuple[Key, ...]]] = {}
        for key in keys:
            left.setdefault(key.sender, [])
        for sender in left:
            left[sender] = _datagrams([key for key in keys if key.sender == sender])
        while any(left.values()) and time.monotonic() < until:
            self._order += 1
            batches = {sender: mine[:PROBES_MAX] for sender, mine in left.items() if mine}
            orders = {
                sender: {
                    "do": "send",
                    "run": self._run,
                    "order": self._order,
                    "probes": [_wire(keys[0]) for keys in batch],
                }
                for sender, batch in batches.items()
            }
            answers = _decoded(Sending, self._asker.ask(orders))
            done = 0
            for sender, batch in batches.items():
                answer = answers.get(sender)
                if answer is None:
                    left[sender] = []
                    continue
                waiting = sorted({each for each in answer.left if 0 <= each < len(batch)})
                done += len(batch) - len(waiting)
                self._note(batch, answer, waiting)
                # What waits for its receiver to agree waits behind what does not.
                left[sender] = left[sender][len(batch) :] + [batch[each] for each in waiting]
            if not done:
                time.sleep(PAUSE_S)

    def _note(self, batch: list[tuple[Key, ...]], answer: Sending, waiting: list[int]) -> None:
        failed = {each.index: each for each in answer.failed}
        for index, keys in enumerate(batch):
            outcome = failed.get(index)
            for key in keys if index not in waiting else ():
                if outcome is None:
                    self._seen.tried[key] = self._seen.tried.get(key, 0) + 1
                elif outcome.is_withheld:
                    self._seen.withheld.add(key)
                elif outcome.is_too_large:
                    self._seen.too_large.add(key)
                else:
                    self._seen.unsent[key] = outcome.reason


def _datagrams(keys: list[Key]) -> list[tuple[Key, ...]]:
    """Return the keys that each datagram stands for: one to the segment stands for many."""
    shared = tuple(key for key in keys if key.way is Way.SEGMENT)
    single = [(key,) for key in keys if key.way is not Way.SEGMENT]
    return [*([shared] if shared else []), *single]


def _wire(key: Key) -> list[int]:
    target = 0 if key.way is Way.SEGMENT else key.target
    return [target, int(key.way), key.size, int(key.is_whole)]


def _decoded(kind: type[Record], answers: Mapping[int, bytes]) -> dict[int, Record]:
    """Return the answers that are what was asked for."""
    found = {}
    for number, text in answers.items():
        try:
            found[number] = from_json(kind, text)
        except PeerError:
            continue
    return found

"""Queries answered with what was published."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spread._snapshot import Snapshots
from spread.config import local
from spread.config.model import EventPriority, EventType
from spread.daemon.event_ring import EventRing
from spread.daemon.group_pages import GroupPages
from spread.daemon.observer import State
from spread.daemon.query_server import MADE_MAX, QueryServer
from spread.daemon.reporting import Reports
from spread.daemon.snapshot import Publisher, Snapshot, Sources
from spread.daemon.view_history import Ending, ViewHistory
from spread.daemon.watching import identity_of
from spread.errors import ArgumentError
from spread.monitor.inquiries import Inquiries, Reply
from spread.monitor.queries import Kind, Query
from spread.monitor.report import EventPage, GroupPage, Report, from_json
from tests.memory.daemon import MemoryDaemon
from tests.unit.daemon.event_list import EventList

ADDRESS = "127.0.0.1"


class Desk:
    """A query server of a daemon in memory."""

    def __init__(self) -> None:
        self.daemon = MemoryDaemon()
        self.events = EventRing(EventList())
        groups = self.daemon.control.groups
        self.reports = Reports(self.daemon.control.sessions.named)
        self.server = QueryServer(ADDRESS, self.reports, GroupPages(groups), self.events)
        self._snapshots: list[Snapshot] = []
        views = ViewHistory(("localhost",), (ADDRESS,), lambda: 1.0)
        views.installed((0x7F000001, 5), (0,), Ending())
        sources = Sources(
            snapshots=Snapshots(self.daemon.node),
            groups=groups,
            views=views,
        )
        self._publisher = Publisher(sources, identity_of(local(4803), 1), self._snapshots.append)

    def state(self) -> State:
        self._publisher.publish()
        snapshot = self._snapshots[-1]
        return State(snapshot, self.reports.report(snapshot, {}))

    def ask(self, kind: int, arguments: dict[str, object] | None = None) -> tuple[int, bytes]:
        """Return kind and JSON of the reply, put together as an asker does."""
        query = Query(7, kind, arguments or {}, ADDRESS)
        inquiries = Inquiries()
        inquiries.ask(query, ADDRESS)
        replies = [inquiries.add(each, ADDRESS) for each in self.server.answer(query, self.state())]
        (reply,) = [each for each in replies if isinstance(each, Reply)]
        assert reply.daemon == ADDRESS
        return reply.kind, reply.json


@pytest.fixture
def desk() -> Desk:
    return Desk()


SHARED = Desk()
"""For tests that ask many times and change nothing."""


def test_a_report_is_what_was_published(desk: Desk) -> None:
    desk.daemon.open(b"alice").join(b"tea")

    kind, text = desk.ask(Kind.REPORT)

    report = from_json(Report, text)
    assert kind == Kind.REPORT
    assert (report.daemon, report.members, report.ring.time) == ("localhost", ("localhost",), 5)
    assert (report.sessions, report.groups) == (1, 1)
    assert report.counters["frames_in"] == 1
    assert report.counters["snapshots"] == 0
    assert report.gauges["sessions"] == 1


def test_groups_come_in_pages(desk: Desk) -> None:
    alice = desk.daemon.open(b"alice")
    for name in (b"tea", b"milk", b"teapot"):
        alice.join(name)

    _, text = desk.ask(Kind.GROUPS, {"offset": 1, "count": 1, "prefix": "tea"})

    page = from_json(GroupPage, text)
    assert (page.total, page.offset) == (2, 1)
    assert [group.name for group in page.groups] == ["teapot"]


def test_sessions_that_are_slow_are_named(desk: Desk) -> None:
    alice = desk.daemon.open(b"alice")
    alice.room = 0
    alice.multicast(alice.private_group, b"x" * 20)

    _, text = desk.ask(Kind.SESSIONS)

    (line,) = json.loads(text)
    assert line["name"] == "#alice#d1"
    assert (line["queued_messages"], line["queued_bytes"]) == (1, 48 + 32 + 20)
    assert line["host"] == "127.0.0.1"


def test_events_are_told_from_a_number_on(desk: Desk) -> None:
    for wording in ("one", "two"):
        desk.events.event(EventType.GROUPS, EventPriority.INFO, wording)

    _, text = desk.ask(Kind.EVENTS, {"after": 1})

    page = from_json(EventPage, text)
    assert [event.wording for event in page.events] == ["two"]


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (Kind.GROUPS, {"offset": -1}),
        (Kind.GROUPS, {"offset": "0"}),
        (Kind.GROUPS, {"count": True}),
        (Kind.GROUPS, {"count": 101}),
        (Kind.GROUPS, {"prefix": 5}),
        (Kind.EVENTS, {"after": 1.5}),
        (Kind.EVENTS, {"after": 1 << 70}),
    ],
)
def test_arguments_that_make_no_sense_are_answered_with_a_sentence(
    desk: Desk, kind: Kind, arguments: dict[str, object]
) -> None:
    answered, text = desk.ask(kind, arguments)

    assert answered == Kind.ERROR
    assert "must be" in json.loads(text)["error"]


def test_a_kind_that_is_not_known_is_said_to_be_so(desk: Desk) -> None:
    answered, text = desk.ask(200)

    assert answered == Kind.ERROR
    assert json.loads(text) == {"error": "this daemon does not know queries of kind 200"}


def test_others_can_answer_further_kinds(desk: Desk) -> None:
    desk.server.add(Kind.TRACE, lambda _, state: b'"%s"' % state.report.daemon.encode())

    assert desk.ask(Kind.TRACE) == (Kind.TRACE, b'"localhost"')


def test_an_answer_that_cannot_be_given_is_a_sentence(desk: Desk) -> None:
    def refuse(_: Query, __: State) -> bytes:
        raise ArgumentError("not today")

    desk.server.add(Kind.TRACE, refuse)

    answered, text = desk.ask(Kind.TRACE)

    assert (answered, json.loads(text)) == (Kind.ERROR, {"error": "not today"})


def test_an_answer_that_is_too_long_is_a_sentence(desk: Desk) -> None:
    desk.server.add(Kind.TRACE, lambda _, __: b'"' + b"x" * (5 << 20) + b'"')

    answered, text = desk.ask(Kind.TRACE)

    assert answered == Kind.ERROR
    assert "it has room for" in json.loads(text)["error"]


def test_answers_are_made_once_for_each_snapshot_however_many_ask(desk: Desk) -> None:
    made: list[int] = []

    def answer(query: Query, _: State) -> bytes:
        made.append(query.nonce)
        return b"{}"

    desk.server.add(Kind.GROUPS, answer)
    first, second = desk.state(), desk.state()

    for state in (first, second):
        for nonce in range(3):
            assert desk.server.answer(Query(nonce, Kind.GROUPS, {"offset": 1}), state)
        assert desk.server.answer(Query(9, Kind.GROUPS, {"offset": 2}), state)

    assert made == [0, 9, 0, 9]


SCALARS = (
    st.none() | st.booleans() | st.integers(-(1 << 70), 1 << 70) | st.floats() | st.text(max_size=9)
)
JSON = (
    SCALARS
    | st.lists(SCALARS, max_size=3)
    | st.dictionaries(st.text(max_size=9), SCALARS, max_size=3)
    | st.integers(1, 200).map(lambda depth: json.loads("[" * depth + "]" * depth))
)
NAMES = st.sampled_from(("offset", "count", "prefix", "after", "packets", "texts")) | st.text(
    max_size=9
)


@settings(deadline=None)
@given(
    kind=st.sampled_from((Kind.REPORT, Kind.GROUPS, Kind.SESSIONS, Kind.EVENTS))
    | st.integers(0, 65535),
    arguments=st.dictionaries(NAMES, JSON, max_size=5),
)
def test_any_arguments_are_answered_with_json_or_with_a_sentence(
    kind: int, arguments: dict[str, object]
) -> None:
    answered, text = SHARED.ask(kind, arguments)

    assert answered in (kind, Kind.ERROR)
    assert json.loads(text) is not None


def test_answers_that_are_kept_are_few_whatever_is_asked(desk: Desk) -> None:
    state = desk.state()

    for number in range(10 * MADE_MAX):
        desk.server.answer(Query(number, Kind.GROUPS, {"prefix": str(number)}), state)

    assert len(desk.server._made) == MADE_MAX

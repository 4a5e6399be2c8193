"""The table of connections: names that are taken, deadlines, and who is found where."""

import pytest

from spread.daemon.access import Permit
from spread.daemon.access_files import AccessFiles
from spread.daemon.auth import Authentication, Transport
from spread.daemon.handshake import Accepted, Handshake, HandshakeSettings
from spread.daemon.sessions import Opening, Session, SessionTable
from tests.daemon.harness.handshake import CHOICE_NULL, connect_request

SETTINGS = HandshakeSettings(b"d1", Authentication.load(("NULL",), (), AccessFiles()), Permit())


@pytest.fixture
def table() -> SessionTable:
    return SessionTable()


def opened(table: SessionTable, slot: int, deadline_ns: int = 100) -> Opening:
    def make() -> Handshake:
        return Handshake(
            settings=SETTINGS,
            address="127.0.0.1",
            kind=Transport.TCP,
            name_is_taken=table.is_taken,
            invent_name=lambda: b"r0-0",
        )

    return table.open(slot, "127.0.0.1", deadline_ns, make)


def named(table: SessionTable, slot: int, name: bytes) -> Opening:
    """Open a connection whose handshake knows its name and is not over."""
    opening = opened(table, slot)
    opening.handshake.receive(connect_request(name))
    table.reserve(opening)
    return opening


def accepted(table: SessionTable, slot: int, name: bytes) -> Session:
    opening = named(table, slot, name)
    outcome = opening.handshake.receive(CHOICE_NULL)
    assert isinstance(outcome, Accepted)
    return table.accept(opening, outcome, 7)


def test_an_empty_table_knows_nobody(table: SessionTable) -> None:
    assert len(table) == 0
    assert list(table) == []
    assert table.opening(0) is None
    assert table.at(0) is None
    assert table.named(b"#alice#d1") is None
    assert table.next_deadline_ns() == 0


def test_a_connection_is_found_by_its_slot_until_it_is_a_session(table: SessionTable) -> None:
    opening = named(table, 3, b"alice")
    assert table.opening(3) is opening
    assert table.at(3) is None

    outcome = opening.handshake.receive(CHOICE_NULL)
    assert isinstance(outcome, Accepted)
    session = table.accept(opening, outcome, 7)

    assert table.opening(3) is None
    assert table.at(3) is session
    assert table.named(b"#alice#d1") is session
    assert list(table) == [session]
    assert (session.slot, session.private_name, session.opened_ns) == (3, b"alice", 7)


def test_a_name_is_taken_from_the_moment_it_is_known(table: SessionTable) -> None:
    opening = opened(table, 0)
    opening.handshake.receive(connect_request(b"alice")[:-1])
    table.reserve(opening)
    assert not table.is_taken(b"alice")

    opening.handshake.receive(b"e")
    table.reserve(opening)

    assert table.is_taken(b"alice")
    assert not table.is_taken(b"alic")


def test_a_name_is_free_when_the_connection_is_given_up(table: SessionTable) -> None:
    opening = named(table, 0, b"alice")

    assert table.give_up(0) is opening

    assert not table.is_taken(b"alice")
    assert table.give_up(0) is None


def test_a_refused_rival_does_not_free_the_name(table: SessionTable) -> None:
    accepted(table, 0, b"alice")
    rival = opened(table, 1)
    rival.handshake.receive(connect_request(b"alice"))
    table.reserve(rival)

    table.give_up(1)

    assert table.is_taken(b"alice")


def test_a_name_is_free_when_the_departure_is_ordered(table: SessionTable) -> None:
    session = accepted(table, 0, b"alice")

    assert table.depart(b"#alice#d1") is session

    assert not table.is_taken(b"alice")
    assert table.at(0) is None
    assert len(table) == 0
    assert table.depart(b"#alice#d1") is None


def test_handshakes_fall_due_in_the_order_they_began(table: SessionTable) -> None:
    first, second, third = (opened(table, slot, 100 + slot) for slot in range(3))

    assert table.next_deadline_ns() == 100
    assert table.overdue(99) == []
    assert table.overdue(101) == [first, second]
    assert table.next_deadline_ns() == 102
    assert table.overdue(1_000) == [third]
    assert table.next_deadline_ns() == 0


def test_a_handshake_that_is_over_falls_due_no_more(table: SessionTable) -> None:
    accepted(table, 0, b"alice")
    named(table, 1, b"bob")
    table.give_up(1)
    last = opened(table, 2, 200)

    assert table.next_deadline_ns() == 200
    assert table.overdue(1_000) == [last]

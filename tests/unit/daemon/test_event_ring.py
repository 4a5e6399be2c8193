"""The events that monitors can ask for."""

from random import Random
from threading import Event, Thread

from spread.config.model import EventPriority, EventType
from spread.daemon.event_ring import EVENTS_MAX, PAGE_MAX, TEXT_MAX, EventRing
from spread.monitor.queries import Kind, Query, encode_reply
from spread.monitor.report import EventLine, EventPage, to_json
from tests.unit.daemon.event_list import EventList


def numbers(events: tuple[EventLine, ...]) -> list[int]:
    return [event.number for event in events]


def test_an_event_reaches_the_log_and_can_be_asked_for() -> None:
    log = EventList()
    ring = EventRing(log, lambda: 5.0)

    ring.event(
        EventType.PRINT | EventType.MEMBERSHIP,
        EventPriority.PRINT,
        "membership",
        lines=["  d1 10.0.0.1"],
        daemons=3,
    )

    assert log.wordings == ["membership"]
    page = ring.page(0)
    assert page.last == 1
    assert page.events == (
        EventLine(
            1,
            5.0,
            ("PRINT", "MEMBERSHIP"),
            "PRINT",
            "membership",
            {"daemons": "3"},
            ("  d1 10.0.0.1",),
        ),
    )


def test_only_later_events_are_told() -> None:
    ring = EventRing(EventList())
    for _ in range(5):
        ring.event(EventType.GROUPS, EventPriority.INFO, "something")

    assert numbers(ring.page(3).events) == [4, 5]
    assert ring.page(5).events == ()
    assert ring.page(5).last == 5


def test_sessions_do_not_push_out_what_happened_to_the_daemon() -> None:
    ring = EventRing(EventList())
    ring.event(EventType.MEMBERSHIP, EventPriority.INFO, "ring installed")

    for _ in range(2 * EVENTS_MAX):
        ring.event(EventType.SESSION, EventPriority.INFO, "session opened")

    page = ring.page(0)
    assert page.events[0].wording == "ring installed"
    assert page.last == 2 * EVENTS_MAX + 1
    assert numbers(page.events) == [1, *range(EVENTS_MAX + 2, EVENTS_MAX + 2 + PAGE_MAX - 1)]


def test_a_page_is_bounded_and_the_next_one_goes_on() -> None:
    ring = EventRing(EventList())
    for _ in range(PAGE_MAX + 10):
        ring.event(EventType.GROUPS, EventPriority.INFO, "something")

    first = ring.page(0)
    second = ring.page(first.events[-1].number)

    assert numbers(first.events) + numbers(second.events) == list(range(1, PAGE_MAX + 11))


def test_what_is_for_finding_defects_goes_to_the_log_only() -> None:
    log = EventList()
    ring = EventRing(log)

    ring.event(EventType.DEBUG, EventPriority.DEBUG, "detail")

    assert log.wordings == ["detail"]
    assert ring.page(0).events == ()


def test_long_values_of_clients_are_cut() -> None:
    ring = EventRing(EventList())

    ring.event(EventType.SESSION, EventPriority.INFO, "refused", name="x" * (2 * TEXT_MAX))

    assert ring.page(0).events[0].fields == {"name": "x" * TEXT_MAX}


def test_a_follower_is_told_each_event_in_one_line() -> None:
    told: list[tuple[EventPriority, str]] = []
    ring = EventRing(EventList())
    ring.follow(lambda _, priority, text: told.append((priority, text)))

    ring.event(
        EventType.PRINT, EventPriority.PRINT, "membership", lines=["  d1 1.2.3.4", "  d2"], n="a b"
    )
    ring.event(EventType.PRINT, EventPriority.DEBUG, "for finding defects")
    ring.follow(None)
    ring.event(EventType.PRINT, EventPriority.PRINT, "nobody hears of it")

    assert told == [(EventPriority.PRINT, 'membership n="a b": d1 1.2.3.4; d2')]


def test_a_page_fits_a_reply_whatever_the_events_tell() -> None:
    random = Random(1)
    ring = EventRing(EventList())
    for _ in range(PAGE_MAX):
        texts = {f"field{each}": random.randbytes(300).hex() for each in range(4)}
        ring.event(EventType.PRINT, EventPriority.PRINT, "x", lines=["y" * 5000], **texts)

    told: list[EventLine] = []
    while page := ring.page(told[-1].number if told else 0).events:
        assert encode_reply(Query(1, Kind.EVENTS), to_json(EventPage(0, page)), "127.0.0.1")
        told += page

    assert numbers(tuple(told)) == list(range(1, PAGE_MAX + 1))


def test_answers_to_monitors_do_not_push_out_what_happened_to_the_daemon() -> None:
    log = EventList()
    ring = EventRing(log)
    ring.event(EventType.PRINT, EventPriority.PRINT, "membership")

    for _ in range(2 * EVENTS_MAX):
        ring.event(EventType.STATUS, EventPriority.INFO, "status told to a monitor")
    ring.event(EventType.STATUS, EventPriority.WARNING, "the clock of this host was set")

    assert numbers(ring.page(0).events) == [1, 2]
    assert len(log.wordings) == 2 * EVENTS_MAX + 2


def test_events_of_two_threads_stand_in_the_order_of_their_numbers() -> None:
    here, there = Event(), Event()
    calls = iter((True, False))

    def clock() -> float:
        if next(calls):
            here.set()
            there.wait(0.2)
        return 1.0

    ring = EventRing(EventList(), clock)
    first = Thread(target=ring.event, args=(EventType.PRINT, EventPriority.PRINT, "first"))
    first.start()
    here.wait()
    ring.event(EventType.PRINT, EventPriority.PRINT, "second")
    there.set()
    first.join()

    assert [each.wording for each in ring.page(0).events] == ["first", "second"]

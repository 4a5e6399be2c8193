from spread.counters import FIGURES
from spread.daemon.strangers import (
    CAUSES,
    INTERVAL_NS,
    LATEST_MAX,
    SENDERS_MAX,
    Strangers,
)
from tests.unit.daemon.event_list import EventList

CLASSIC = 2
CONFIGURATION = 4
ADDRESS = 0x0A000001


class Clock:
    def __init__(self) -> None:
        self.now_ns = 1

    def __call__(self) -> int:
        return self.now_ns


def test_the_line_names_sender_reason_and_remedy() -> None:
    log = EventList()

    Strangers(log, Clock()).seen(CLASSIC, ADDRESS)

    ((_, event),) = log.events
    assert event["address"] == "10.0.0.1"
    assert "classic" in str(event["reason"])
    assert "replace all daemons at once" in str(event["remedy"])


def test_one_line_a_minute_and_the_count_of_the_others() -> None:
    log, clock = EventList(), Clock()
    strangers = Strangers(log, clock)

    for _ in range(5):
        strangers.seen(CLASSIC, ADDRESS)
    clock.now_ns += INTERVAL_NS
    strangers.seen(CLASSIC, ADDRESS)

    assert [fields["dropped_since"] for _, fields in log.events] == [0, 4]


def test_senders_and_causes_have_lines_of_their_own() -> None:
    log = EventList()
    strangers = Strangers(log, Clock())

    strangers.seen(CLASSIC, ADDRESS)
    strangers.seen(CONFIGURATION, ADDRESS)
    strangers.seen(CLASSIC, ADDRESS + 1)

    assert len(log.events) == 3


def test_many_senders_do_not_fill_the_memory() -> None:
    log = EventList()
    strangers = Strangers(log, Clock())

    for address in range(2 * SENDERS_MAX):
        strangers.seen(CLASSIC, address)
    strangers.seen(CLASSIC, 0)

    assert len(log.events) == 2 * SENDERS_MAX + 1
    assert len(strangers._told) == SENDERS_MAX


def test_the_latest_lines_are_for_reports() -> None:
    clock = Clock()
    strangers = Strangers(EventList(), clock)

    strangers.seen(CLASSIC, ADDRESS)
    strangers.seen(CONFIGURATION, ADDRESS)
    clock.now_ns += INTERVAL_NS
    strangers.seen(CLASSIC, ADDRESS)
    before = strangers.latest
    for address in range(LATEST_MAX):
        strangers.seen(CLASSIC, address)

    assert before == ((CONFIGURATION, ADDRESS, 1), (CLASSIC, ADDRESS, 1 + INTERVAL_NS))
    assert [source for _, source, _ in strangers.latest] == list(range(LATEST_MAX))


def test_every_fault_of_a_packet_has_a_reason_and_a_remedy() -> None:
    counters = [name for name in FIGURES if name.startswith("dropped_")]

    assert all(each.reason and each.remedy for each in CAUSES[1:])
    assert [each.counter for each in CAUSES[1:]] == counters

"""What a run has seen, in counts and nanoseconds."""

from spread.cli.flood.measurement import Measurement, Span


def test_a_span_counts_from_its_first_message_to_its_last() -> None:
    span = Span()
    span.add(100, now_ns=1_000_000_000)
    span.add(50, now_ns=3_500_000_000)

    assert (span.count, span.size, span.seconds) == (2, 150, 2.5)


def test_sending_ends_when_the_last_message_has_come_back() -> None:
    measurement = Measurement()
    measurement.send(10, 1_000, comes_back=True)
    measurement.send(10, 2_000, comes_back=True)

    assert [measurement.come_back(2_500), measurement.come_back(4_000)] == [1, 2]
    assert measurement.latencies_ns.tolist() == [1_500, 2_000]
    assert measurement.sent.last_ns == 4_000


def test_messages_that_do_not_come_back_are_skipped_when_one_does() -> None:
    measurement = Measurement()
    measurement.send(10, 1_000, comes_back=False)
    measurement.send(10, 2_000, comes_back=True)

    assert measurement.come_back(2_500) == 2


def test_receiving_is_counted_by_sender_and_summed_over_all() -> None:
    measurement = Measurement()
    measurement.receive("#a#d", 10, 2_000)
    measurement.receive("#b#d", 20, 1_000)

    assert measurement.receive("#a#d", 10, 5_000) == 2
    assert measurement.received_in_all() == Span(count=3, size=40, first_ns=1_000, last_ns=5_000)


def test_nothing_received_is_an_empty_span() -> None:
    assert Measurement().received_in_all() == Span()
    assert not Measurement().has_begun

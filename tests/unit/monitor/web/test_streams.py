"""Events to many pages, each with a bounded queue."""

import asyncio

from spread.monitor.web.streams import QUEUE_MAX, STREAMS_MAX, Streams, event_text


def test_every_page_gets_every_text() -> None:
    streams = Streams()
    first, second = streams.add(lambda: None), streams.add(lambda: None)
    assert first is not None
    assert second is not None

    streams.publish("x")

    assert first.queue.get_nowait() == second.queue.get_nowait() == "x"


def test_a_page_that_does_not_read_is_dropped_and_counted_and_others_go_on() -> None:
    dropped: list[str] = []
    streams = Streams()
    slow = streams.add(lambda: dropped.append("slow"))
    quick = streams.add(lambda: dropped.append("quick"))
    assert slow is not None
    assert quick is not None

    for number in range(QUEUE_MAX + 1):
        streams.publish(str(number))
        quick.queue.get_nowait()

    assert dropped == ["slow"]
    assert streams.counts.dropped == 1
    assert len(streams) == 1


def test_more_pages_than_may_be_are_refused() -> None:
    streams = Streams()
    opened = [streams.add(lambda: None) for _ in range(STREAMS_MAX)]

    assert None not in opened
    assert streams.add(lambda: None) is None
    assert streams.counts.refused == 1


def test_a_page_that_has_gone_makes_room() -> None:
    streams = Streams()
    stream = streams.add(lambda: None)
    assert stream is not None

    streams.remove(stream)
    streams.publish("x")

    assert len(streams) == 0
    assert stream.queue.empty()


def test_texts_come_in_the_order_of_their_publication() -> None:
    async def read() -> list[str]:
        streams = Streams()
        stream = streams.add(lambda: None)
        assert stream is not None
        streams.publish("1")
        streams.publish("2")
        texts = stream.texts()
        return [await anext(texts), await anext(texts)]

    assert asyncio.run(read()) == ["1", "2"]


def test_an_event_has_a_name_and_one_line_of_data() -> None:
    assert event_text("tick", "{}") == "event: tick\ndata: {}\n\n"

"""The line that shows how far a run has come."""

import io

import pytest

from spread.cli.flood.progress import Progress, bar, is_wanted_on
from tests.daemon.screen import Screen


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def screen_of(stream: io.StringIO) -> list[str]:
    screen = Screen()
    screen.feed(stream.getvalue())
    return screen.lines


@pytest.mark.parametrize(
    ("done", "total", "rate", "expected"),
    [
        (0, 200, None, "[........................]   0%  0 of 200"),
        (50, 200, 1234.5, "[######..................]  25%  50 of 200  1,234/s"),
        (200, 200, 9.9, "[########################] 100%  200 of 200  10/s"),
        (500, 200, None, "[########################] 100%  500 of 200"),
        (12_345, None, 10.0, "12,345 messages  10/s"),
        (12_345, 0, None, "12,345 messages"),
    ],
)
def test_bar(done: int, total: int | None, rate: float | None, expected: str) -> None:
    assert bar(done, total, rate) == expected


def test_a_line_replaces_the_one_before() -> None:
    stream, clock = io.StringIO(), Clock()
    progress = Progress(stream, clock)

    progress.show("waiting for a writer")
    clock.now = 1.0
    progress.advance(10, 100)
    clock.now = 2.0
    progress.advance(50, 100)

    assert screen_of(stream) == ["[############............]  50%  50 of 100  40/s"]


def test_the_line_is_not_drawn_more_often_than_one_can_read() -> None:
    stream, clock = io.StringIO(), Clock()
    progress = Progress(stream, clock)

    progress.advance(1, 100)
    clock.now = 0.09
    progress.advance(99, 100)

    assert screen_of(stream) == ["[........................]   1%  1 of 100"]


def test_a_cleared_line_leaves_nothing() -> None:
    stream = io.StringIO()
    progress = Progress(stream, Clock())
    progress.show("waiting for a writer")

    progress.clear()

    assert screen_of(stream) == []


def test_a_long_text_is_cut_to_the_terminal() -> None:
    stream = io.StringIO()

    Progress(stream, Clock()).show("x" * 200)

    assert screen_of(stream) == ["x" * 79]


def test_without_a_stream_nothing_happens() -> None:
    progress = Progress(None)

    progress.show("x")
    progress.advance(1, 2)
    progress.clear()


def test_only_a_terminal_gets_a_line() -> None:
    assert not is_wanted_on(io.StringIO())

"""Lines above the one that is being typed, on the screen of a terminal."""

import io

import pytest

from spread.cli.user.display import StreamDisplay, TerminalDisplay, display_on, rows
from tests.daemon.screen import Screen


class Terminal(io.StringIO):
    """A stream that shows what is written on a screen."""

    def __init__(self, screen: Screen) -> None:
        super().__init__()
        self._screen = screen

    def write(self, text: str) -> int:
        self._screen.feed(text)
        return len(text)


@pytest.fixture
def screen() -> Screen:
    return Screen(columns=20, rows=6)


# A terminal without a size counts as one of 80 columns: rows are cut by the screen instead.


def test_a_line_goes_above_the_typed_one_and_the_cursor_stays_in_it(screen: Screen) -> None:
    screen.feed("spuser> abc\b\b")

    TerminalDisplay(Terminal(screen)).show(["hello"])

    assert screen.lines == ["hello", "spuser> abc"]
    assert screen.cursor == (1, 9)


def test_lines_scroll_the_screen_at_its_bottom(screen: Screen) -> None:
    screen.feed("1\r\n2\r\n3\r\n4\r\n5\r\nspuser> abc")

    TerminalDisplay(Terminal(screen)).show(["a", "b"])

    assert screen.lines == ["3", "4", "5", "a", "b", "spuser> abc"]
    assert screen.cursor == (5, 11)


def test_more_lines_than_rows_leave_the_last_ones(screen: Screen) -> None:
    screen.feed("spuser> abc")

    TerminalDisplay(Terminal(screen)).show([str(number) for number in range(10)])

    assert screen.lines == ["5", "6", "7", "8", "9", "spuser> abc"]


def test_a_line_wider_than_it_seems_does_not_touch_the_typed_one(screen: Screen) -> None:
    screen.feed("spuser> abc")

    TerminalDisplay(Terminal(screen)).show(["0123456789" * 3])

    assert screen.lines[1] == "spuser> abc"
    assert screen.cursor == (1, 11)


def test_writing_goes_on_where_it_was(screen: Screen) -> None:
    screen.feed("spuser> abc")

    TerminalDisplay(Terminal(screen)).show(["hello"])
    screen.feed("def")

    assert screen.lines == ["hello", "spuser> abcdef"]


# Rows.


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", [""]),
        ("abc", ["abc"]),
        ("abcde", ["abcde"]),
        ("abcdefghijkl", ["abcde", "fghij", "kl"]),
        ("日本語", ["日本", "語"]),
        ("e\u0301" * 5, ["e\u0301" * 5]),
    ],
    ids=["empty", "short", "exact", "long", "wide", "combining"],
)
def test_rows_take_no_more_columns_than_there_are(line: str, expected: list[str]) -> None:
    assert list(rows(line, 5)) == expected


def test_a_character_wider_than_the_terminal_still_gets_a_row() -> None:
    assert list(rows("日本", 1)) == ["日", "本"]


# Choice.


class Flushed(io.StringIO):
    """Remembers what had been written when it was last flushed."""

    flushed = ""

    def flush(self) -> None:
        self.flushed = self.getvalue()


def test_every_event_on_a_stream_is_flushed() -> None:
    stream = Flushed()

    StreamDisplay(stream).show(["one", "two"])

    assert stream.flushed == "one\ntwo\n"


@pytest.mark.parametrize(
    ("terminal", "is_typed_on", "kind"),
    [
        ("linux", True, TerminalDisplay),
        ("linux", False, StreamDisplay),
        ("dumb", True, StreamDisplay),
    ],
)
def test_only_a_capable_terminal_gets_sequences(
    terminal: str, is_typed_on: bool, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", terminal)

    assert isinstance(display_on(io.StringIO(), is_typed_on=is_typed_on), kind)

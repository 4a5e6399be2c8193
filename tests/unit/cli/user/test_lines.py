"""Lines from a script, and a wait for one that another thread ends."""

import io
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from spread.cli.user.lines import CutShortError, Lines, history_path, input_lines


def test_lines_come_without_their_ends_and_are_counted() -> None:
    lines = input_lines(io.StringIO("one\ntwo \r\n\nthree"))

    assert [lines.next_line("> ") for _ in range(4)] == ["one", "two ", "", "three"]
    assert lines.count == 4


def test_the_end_of_the_script_is_the_end_of_lines() -> None:
    lines = input_lines(io.StringIO(""))

    with pytest.raises(EOFError):
        lines.next_line("> ")


def test_a_wait_in_a_system_call_is_cut_short() -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader) as stream, os.fdopen(writer, "w"), ThreadPoolExecutor() as executor:
        is_reading = threading.Event()

        def read(prompt: str) -> str:  # noqa: ARG001
            is_reading.set()
            return stream.readline()

        lines = Lines(read)

        def cut() -> None:
            is_reading.wait()
            lines.cut_short()

        cutting = executor.submit(cut)
        with pytest.raises(CutShortError):
            lines.next_line("> ")
        cutting.result()


def test_lines_that_are_cut_short_between_waits_end_the_next_one() -> None:
    lines = input_lines(io.StringIO("one\ntwo\n"))
    lines.next_line("> ")

    lines.cut_short()

    with pytest.raises(CutShortError):
        lines.next_line("> ")


def test_history_is_kept_where_the_user_keeps_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/var/state")

    assert history_path() == Path("/var/state/spread/spuser_history")


def test_history_is_kept_at_home_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/home/me")

    assert history_path() == Path("/home/me/.local/state/spread/spuser_history")

"""The HTML page: whole, escaped, and in need of no other file."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("bench._load", reason="build it with: python bench/setup_ext.py")

from bench.document import Run
from bench.html_report import page
from bench.plots import Picture
from tests.unit.bench.documents import curve, curves, document, rates

PICTURE = Picture("curve-100", 'a "caption" & more', b"\x89PNG\r\n")
VOID = {"meta", "img"}


class Reader(HTMLParser):
    """Keeps the text, and fails for tags that do not close what they opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.text: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def test_page_has_machine_commit_figures_limits_and_how_to_repeat_it() -> None:
    rows = rates({"ours": [500_000.0], "other": [40_000.0], "limit": [1_000_000.0]})

    text = " ".join(read(page(document(rows), [])).text)

    assert "a processor, 2 cores" in text
    assert "abc1234+" in text
    assert "1 of 1 targets are met." in text
    assert "500 k" in text
    assert "datagrams/s" in text
    assert "make bench" in text
    assert "git checkout abc1234\n" in text


def test_missed_targets_are_named() -> None:
    text = " ".join(read(page(document(rates({"ours": [100.0]})), [])).text)

    assert "0 of 1 targets are met. Missed: 100 B." in text


def test_pictures_stand_in_the_page_itself() -> None:
    reader = read(page(document(curves({"ours": [curve(100.0, 200.0)]})), [PICTURE]))

    assert reader.addresses == ["data:image/png;base64,iVBORw0K"]
    assert 'a "caption" & more' in reader.text


def test_page_says_why_there_are_no_pictures() -> None:
    reader = read(page(document(rates({"ours": [1.0]})), [], "no matplotlib"))

    assert "no matplotlib" in reader.text
    assert "img" not in reader.seen


def test_rate_that_ended_a_session_is_in_the_points_with_its_reason() -> None:
    stopped = curves({"ours": [curve(100.0, ended="session 0 was closed")]})

    assert "session 0 was closed" in read(page(document(stopped), [])).text


def test_faults_stand_at_the_end() -> None:
    broken = replace(rates({}), faults={"other": "it ended:\n<nothing>"})

    assert "it ended:\n<nothing>" in read(page(document(broken), [])).text


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1))
def test_no_text_of_the_document_becomes_markup(text: str) -> None:
    hostile = f"<script>{text}</script><b a='\"&"
    faulty = replace(rates({"ours": [1.0]}), title=hostile, faults={hostile: hostile})

    reader = read(page(document(faulty, command=hostile), [Picture("x", hostile, b"")]))

    assert not {"script", "b"} & reader.seen


def test_page_has_profiles_as_tables() -> None:
    profile = {
        "sample_count": 10,
        "parts": [["kernel", 1.0]],
        "kernel": [["frames to clients", 1.0]],
        "modules": [],
        "symbols": [["tcp_sendmsg", "kernel", "frames to clients", 0.5]],
    }
    run = Run(values=[], extra={"profile": profile})
    record = replace(rates({}), kind="profile", figures=[], runs={"ours": [run]})

    text = read(page(document(record), [])).text

    assert {"kernel", "- frames to clients", "tcp_sendmsg", "50.0%"} <= set(text)

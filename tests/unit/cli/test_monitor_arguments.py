"""What the commands of spmonitor make of their arguments."""

import argparse
import sys
from dataclasses import replace

import pytest

from spread.cli import monitor_top, spmonitor
from spread.cli.monitor_flow import windows_of
from spread.cli.monitor_partition import parts_of
from spread.cli.monitor_reload import Preview, disagreements_of
from spread.cli.monitoring import add_ring_arguments, confirm, roster_of, targets_of
from spread.errors import ArgumentError, MisuseError
from spread.monitor.reload import ReloadOutcome
from spread.monitor.roster import local_roster

ROSTER = local_roster(3, 24000)


def given(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_ring_arguments(parser)
    return parser.parse_args(arguments)


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["a,b", "c"], [["a", "b"], ["c"]]),
        (["a,b | c"], [["a", "b"], ["c"]]),
        (["a", "b", "|", "c"], [["a", "b"], ["c"]]),
        (["a, b", "c"], [["a", "b"], ["c"]]),
    ],
)
def test_parts_of_a_partition(arguments: list[str], parts: list[list[str]]) -> None:
    assert parts_of(arguments) == parts


@pytest.mark.parametrize("arguments", [["a |"], [","], ["a", ""]])
def test_an_empty_part_is_refused(arguments: list[str]) -> None:
    with pytest.raises(ArgumentError, match="empty part"):
        parts_of(arguments)


@pytest.mark.parametrize("arguments", [["watch", "--count", "0"], ["groups", "--limit", "-1"]])
def test_a_number_below_one_is_wrong_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        spmonitor.arguments(arguments)

    assert ended.value.code == 64
    assert "is no number, at least 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("texts", "windows"),
    [
        ((), [-1, -1, -1]),
        (("20",), [20, 20, 20]),
        (("local2=5",), [-1, 5, -1]),
        (("20", "local3=7"), [20, 20, 7]),
    ],
)
def test_windows_for_all_and_for_one(texts: tuple[str, ...], windows: list[int]) -> None:
    assert windows_of(texts, ROSTER, "--personal") == windows


@pytest.mark.parametrize("text", ["many", "local9=3", "local1=", "=3"])
def test_windows_that_make_no_sense(text: str) -> None:
    with pytest.raises(ArgumentError, match="--personal"):
        windows_of((text,), ROSTER, "--personal")


def test_names_with_commas_or_one_by_one_in_the_order_of_the_file() -> None:
    assert [each.name for each in targets_of(["local3,local1"], ROSTER)] == ["local1", "local3"]
    assert [each.name for each in targets_of(["all"], ROSTER)] == ["local1", "local2", "local3"]


@pytest.mark.parametrize(
    ("text", "port"), [("6543", 6543), ("0x1000", 4096), ("0", 0), ("010", 8), ("00", 0)]
)
def test_ports_are_read_as_spreads_monitor_reads_them(text: str, port: int) -> None:
    assert given("-p", text).reply_port == port


@pytest.mark.parametrize("text", ["65536", "-1", "many", "09", ""])
def test_no_port(text: str) -> None:
    with pytest.raises(argparse.ArgumentError):
        given("-p", text)


def test_the_daemons_of_a_local_ring_can_be_posed_as() -> None:
    own = roster_of(given("--local", "3", "--port", "24000", "-n", "local2")).own

    assert own is not None
    assert own.name == "local2"


def test_nobody_is_asked_where_nobody_is() -> None:
    with pytest.raises(MisuseError, match="Say so with --yes"):
        confirm("Stop all?", is_given=False)


def outcome(daemon: str, hash_after: int, *errors: str) -> ReloadOutcome:
    return ReloadOutcome(daemon, "spread.conf", errors=errors, hash_after=hash_after)


def test_a_reload_is_possible_if_all_can_and_agree() -> None:
    assert Preview({"a": outcome("a", 1), "b": outcome("b", 1)}, {}).is_possible


@pytest.mark.parametrize(
    "preview",
    [
        Preview({"a": outcome("a", 1), "b": outcome("b", 2)}, {}),
        Preview({"a": outcome("a", 1), "b": outcome("b", 1, "broken")}, {}),
        Preview({"a": outcome("a", 1)}, {"b": "b: no answer"}),
    ],
)
def test_a_reload_is_not_possible(preview: Preview) -> None:
    assert not preview.is_possible


def test_daemons_with_different_files_are_named() -> None:
    found = disagreements_of([outcome("a", 1), outcome("b", 2), outcome("c", 1)])

    assert found == ["the daemons would have 2 configurations: a, c | b"]


def test_daemons_that_would_form_no_ring_are_told_so() -> None:
    other = replace(outcome("b", 2), ring_hash_after=7)

    found = disagreements_of([outcome("a", 1), other])

    assert found == ["the daemons would have 2 configurations, and form no ring: a | b"]


def test_top_without_textual_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "textual", None)
    monkeypatch.setitem(sys.modules, "textual.app", None)
    monkeypatch.delitem(sys.modules, "spread.monitor.top", raising=False)

    with pytest.raises(MisuseError, match=r'pip install "spreadring\[top\]"'):
        monitor_top.run(given("--local", "3"))

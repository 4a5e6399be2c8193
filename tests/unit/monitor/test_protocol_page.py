"""The page of the monitor protocol has the layouts that the code has."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from spread.daemon.monitor_decisions import PARTITION_S, WINDOW_MAX
from spread.daemon.monitor_limits import BURST, RATE
from spread.monitor.commands import HELD_MAX
from spread.monitor.protocol import MAGIC, MONITOR_HASH, STATUS_SIZE, Command, StatusRecord
from spread.monitor.queries import (
    ARGUMENTS_SIZE_MAX,
    DATAGRAM_SIZE_MAX,
    PARTS_MAX,
    REQUEST_SIZE_MIN,
    Kind,
)
from spread.monitor.status import GROUP_STATES, STATES

PAGE = (Path(__file__).parents[3] / "docs" / "monitor-protocol.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\d+) \| (\d+) \| (\w+) \|", PAGE, re.MULTILINE)


def test_record_is_described_field_by_field_without_gaps() -> None:
    names = [each.name for each in fields(StatusRecord)]
    rows = [row for row in ROWS if row[2] in names]

    assert [row[2] for row in rows] == names
    sizes = [int(row[1]) for row in rows]
    assert [int(row[0]) for row in rows] == [sum(sizes[:number]) for number in range(len(sizes))]
    assert sum(sizes) == STATUS_SIZE


@pytest.mark.parametrize("command", Command)
def test_every_command_is_named_with_its_bit(command: Command) -> None:
    assert re.search(rf"^\| {command.name}\b.* \| {command:#010x} \|", PAGE, re.MULTILINE)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_query_is_named_with_its_number(kind: Kind) -> None:
    assert f"| {kind.name} | {kind.value} |" in PAGE


@pytest.mark.parametrize(("name", "number"), [*STATES.items(), *GROUP_STATES.items()])
def test_every_state_is_named_with_its_number(name: str, number: int) -> None:
    assert f"{number} {name}" in PAGE


@pytest.mark.parametrize(
    "text",
    [
        f"{MAGIC}",
        f"{MONITOR_HASH}",
        f"at most {DATAGRAM_SIZE_MAX} bytes",
        f"1 to {PARTS_MAX} datagrams",
        f"at most {ARGUMENTS_SIZE_MAX} bytes",
        f"has {REQUEST_SIZE_MIN} at least",
        f"{BURST} datagrams at once and {RATE} a second",
        f"1 to {WINDOW_MAX}",
        f"{PARTITION_S} seconds",
    ],
)
def test_bounds_are_those_in_force(text: str) -> None:
    assert text in PAGE


def test_monitor_refuses_the_windows_that_daemons_refuse():
    assert HELD_MAX == WINDOW_MAX

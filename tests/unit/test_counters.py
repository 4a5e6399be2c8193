"""The one list of figures: whatever the daemon counts is in it, under one name and one meaning."""

import ast
import subprocess
import sys
from pathlib import Path

from spread import counters
from spread._datagrams import COUNTERS as DATAGRAM_COUNTERS
from spread._stats import COUNTERS as NODE_COUNTERS
from spread.counters import ARRIVALS, DEPARTURES, FIGURES, MEMBERSHIP, NODE, Kind, names_of
from spread.daemon.membership.log import Trouble
from spread.system import process_figures
from tests.memory.daemon import MemoryDaemon
from tests.ring.station import Station

MEMBERSHIP_SOURCES = sorted(Path("spread/daemon/membership").glob("*.py"))


def names_counted_in(path: Path) -> set[str]:
    """Return what the calls `....count("name")` of a source count."""
    return {
        node.args[0].value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "count"
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


def test_every_figure_has_one_name_and_one_meaning() -> None:
    figures = [
        each
        for name in vars(counters)
        if name.isupper() and isinstance(section := getattr(counters, name), tuple)
        for each in section
        if isinstance(each, counters.Figure)
    ]

    assert len(figures) == len(FIGURES) == len({each.meaning for each in figures})
    assert all(each.name.isidentifier() and each.name.islower() for each in figures)


def test_the_compiled_parts_count_what_is_defined_here() -> None:
    assert names_of(NODE) == NODE_COUNTERS
    assert names_of((*ARRIVALS, *DEPARTURES)) == DATAGRAM_COUNTERS


def test_all_that_a_node_tells_is_defined() -> None:
    station = Station(0)

    told = MemoryDaemon().statistics() | station.statistics | station.ring_statistics

    assert {name.replace("rotation_ns", "rotation_us") for name in told} <= set(FIGURES)


def test_all_that_membership_counts_is_defined() -> None:
    counted = set().union(*map(names_counted_in, MEMBERSHIP_SOURCES))
    troubles = {name.lower() for name in Trouble.__members__}

    assert counted
    assert counted | troubles == {each.name for each in MEMBERSHIP}


def test_what_the_process_uses_is_defined() -> None:
    assert set(process_figures()) <= set(FIGURES)


def test_a_statistic_is_a_counter_or_a_gauge() -> None:
    told = MemoryDaemon().statistics()

    apart = counters.counters_in(told), counters.gauges_in(told)

    assert set(apart[0]) | set(apart[1]) == set(told)
    assert "frames_in" in apart[0]
    assert "sessions" in apart[1]


def test_units_follow_from_names() -> None:
    assert FIGURES["bytes_in"].unit == "bytes"
    assert FIGURES["stall_ms"].unit == "ms"
    assert FIGURES["requests"].unit == ""
    assert FIGURES["latency_s"].kind is Kind.HISTOGRAM


def test_a_monitor_gets_the_list_without_the_daemon() -> None:
    code = "import sys, spread.counters; print(*(n for n in sys.modules if n.startswith('spread')))"

    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()

    assert "spread.counters" in loaded
    assert not {"spread._node", "spread._reactor", "spread.daemon"} & set(loaded)

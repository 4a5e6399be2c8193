import json
from dataclasses import dataclass

import pytest

pytest.importorskip("bench._load", reason="build it with: python bench/setup_ext.py")

from bench.cell import Effort, Figure, Sample, System, Topology
from bench.machine import describe_machine
from bench.report import document, markdown, quantity, ratios, spread_of
from bench.runs import CellResult
from bench.system import LIMIT, Implementation

TOPOLOGY = Topology()
OURS = Implementation("ours", "true")
OTHER = Implementation("other", "true")


@dataclass(frozen=True)
class FixedCell:
    """A cell whose runs are written down."""

    figures: tuple[Figure, ...]
    name: str = "fixed"
    title: str = "a cell"
    kind: str = "ring"
    topology: Topology = TOPOLOGY
    has_limit: bool = True

    def run(self, system: System, effort: Effort) -> Sample:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.04137, "0.0414"),
        (40, "40"),
        (8192, "8,192"),
        (55_000, "55.0 k"),
        (412_345, "412 k"),
        (1_234_567, "1.23 M"),
    ],
)
def test_quantities_show_three_digits(value: float, text: str) -> None:
    assert quantity(value) == text


def test_runs_are_shown_as_median_and_range() -> None:
    assert spread_of([3, 1, 2]) == "2 (1 to 3)"
    assert spread_of([3]) == "3"
    assert spread_of([]) == "-"


def test_ratios_pair_runs_that_stood_beside_each_other() -> None:
    assert ratios([10, 20, 30], [5, 4]) == [2, 5]


def test_page_compares_with_target_other_daemon_and_limit() -> None:
    cell = FixedCell((Figure(title="rate", unit="messages/s", target=100),))
    result = CellResult(
        cell,
        {
            "ours": [Sample((120,)), Sample((80,)), Sample((110,))],
            "other": [Sample((12,)), Sample((8,)), Sample((10,))],
            "limit": [Sample((240,)), Sample((160,)), Sample((220,))],
        },
    )

    page = markdown(describe_machine(), Effort(), [OURS, OTHER, LIMIT], [result])

    assert (
        "| rate | messages/s | 110 (80 to 120) | ≥ 100 | yes | 10 (8 to 12) | 10 "
        "| 220 (160 to 240) | 0.5 | - | - |"
    ) in page


def test_missed_upper_bound_is_not_met() -> None:
    figure = Figure(title="latency", unit="us", target=40, more_is_better=False)

    assert figure.is_met(40) is True
    assert figure.is_met(41) is False


def test_faults_appear_on_the_page_and_in_the_document() -> None:
    cell = FixedCell((Figure(title="rate", unit="messages/s"),))
    result = CellResult(cell, faults={"ours": "it lost a message"})

    page = markdown(describe_machine(), Effort(), [OURS], [result])
    stored = json.loads(document(describe_machine(), Effort(), [OURS], [result]))

    assert "- fixed, ours: it lost a message" in page
    assert stored["cells"][0]["faults"] == {"ours": "it lost a message"}

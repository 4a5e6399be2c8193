"""The document of a benchmark, and the page that is made from it alone."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

pytest.importorskip("bench._load", reason="build it with: python bench/setup_ext.py")

from bench.cell import Effort, Figure, Sample, System, Topology
from bench.document import (
    Document,
    DocumentError,
    collect,
    dumps,
    ratios,
    read,
    together,
)
from bench.machine import describe_machine
from bench.report import markdown, quantity, spread_of, times_better
from bench.runs import CellResult
from bench.system import LIMIT, Implementation

ONE_DAEMON = Topology()
OURS = Implementation("ours", "true")
OTHER = Implementation("other", "true")


@dataclass(frozen=True)
class FixedCell:
    """A cell whose runs are written down."""

    figures: tuple[Figure, ...]
    name: str = "fixed"
    title: str = "a cell"
    kind: str = "ring"
    topology: Topology = ONE_DAEMON
    has_limit: bool = True

    def run(self, system: System, effort: Effort) -> Sample:
        raise NotImplementedError


def document_of(*results: CellResult) -> Document:
    """A document of these results."""
    limits = {"udp": {"title": "datagrams", "unit": "datagrams/s", "values": [50_000.0]}}
    programs = [OURS, OTHER, LIMIT]
    return collect(describe_machine(), Effort(), programs, {"ours": "4.4.0"}, limits, results)


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


@pytest.mark.parametrize(
    ("reference", "more_is_better", "value", "text"),
    [
        ("24-44 k", True, 440_000, "10 to 18"),
        ("0.5 k", True, 5_000, "10"),
        ("28 k", True, 9_640_000, "344"),
        ("584-597", False, 200, "2.9 to 3"),
        ("> 2.3 k", False, 230, "> 10"),
        ("-", True, 5, "-"),
        ("0", False, 0.1, "-"),
    ],
)
def test_reference_gives_a_factor(
    reference: str, more_is_better: bool, value: float, text: str
) -> None:
    figure = Figure(title="a", unit="b", reference=reference, more_is_better=more_is_better)

    assert times_better(figure, value) == text


def test_page_compares_with_target_other_daemon_limit_and_reference() -> None:
    cell = FixedCell((Figure(title="rate", unit="messages/s", target=100, reference="11"),))
    result = CellResult(
        cell,
        {
            "ours": [Sample((120,)), Sample((80,)), Sample((110,))],
            "other": [Sample((12,)), Sample((8,)), Sample((10,))],
            "limit": [Sample((240,)), Sample((160,)), Sample((220,))],
        },
    )

    page = markdown(document_of(result))

    assert (
        "| rate | messages/s | 110 (80 to 120) | ≥ 100 | yes | 10 (8 to 12) | 10 "
        "| 220 (160 to 240) | 0.5 | 11 | 10 | - |"
    ) in page
    assert "| datagrams | datagrams/s | 50.0 k |" in page


def test_missed_upper_bound_is_not_met() -> None:
    figure = Figure(title="latency", unit="us", target=40, more_is_better=False)

    assert figure.is_met(40) is True
    assert figure.is_met(41) is False


def test_faults_appear_on_the_page() -> None:
    cell = FixedCell((Figure(title="rate", unit="messages/s"),))

    page = markdown(document_of(CellResult(cell, faults={"ours": "it lost a message"})))

    assert "- fixed, ours: it lost a message" in page


def test_stored_document_gives_the_same_page(tmp_path: Path) -> None:
    cell = FixedCell((Figure(title="rate", unit="messages/s"),))
    samples = {"ours": [Sample((1.5,), extra={"curve": [1, 2]})]}
    document = document_of(CellResult(cell, samples, {"other": "it ended"}))
    path = tmp_path / "result.json"

    path.write_text(dumps(document))

    assert read(path) == document
    assert markdown(read(path)) == markdown(document)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": 0}', '{"format": 1, "machine": {}}', "null"]
)
def test_file_that_is_no_result_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "result.json"
    path.write_text(text)

    with pytest.raises(DocumentError, match=r"result\.json"):
        read(path)


def test_documents_of_other_cells_become_one() -> None:
    rate = FixedCell((Figure(title="rate", unit="messages/s"),))
    wait = FixedCell((Figure(title="wait", unit="us"),), name="other")

    whole = together([document_of(CellResult(rate)), document_of(CellResult(wait))])

    assert [cell.name for cell in whole.cells] == ["fixed", "other"]


def test_documents_of_other_effort_stay_apart() -> None:
    document = document_of()

    with pytest.raises(DocumentError, match="effort"):
        together([document, replace(document, effort={"runs": 9})])


def test_targets_stand_in_front_with_what_is_missed() -> None:
    figure = Figure(title="rate", unit="messages/s", target=100, limit_share=0.6)
    samples = {"ours": [Sample((120,))], "limit": [Sample((240,))]}

    page = markdown(document_of(CellResult(FixedCell((figure,)), samples)))

    assert "1 of 2 targets are met. Missed: rate: share of limit." in page
    assert "| rate | 120 messages/s | ≥ 100 | yes | 0.5 (≥ 0.6: no) | - | - |" in page
    assert page.index("### Targets") < page.index("### Ring")


def test_target_of_a_cell_that_failed_is_not_called_met() -> None:
    figure = Figure(title="rate", unit="messages/s", target=100)

    page = markdown(document_of(CellResult(FixedCell((figure,)), faults={"ours": "it ended"})))

    assert "0 of 1 targets are met. Not measured: 1." in page


def test_page_says_when_it_was_stopped() -> None:
    document = replace(document_of(), stopped="stopped at noon after 1 of 2 cells")

    assert "**This run was stopped at noon after 1 of 2 cells.**" in markdown(document)


@pytest.mark.parametrize(("runs", "is_warned"), [(1, True), (3, False)])
def test_single_runs_are_warned_of(runs: int, is_warned: bool) -> None:
    document = document_of()
    page = markdown(replace(document, effort={**document.effort, "runs": runs}))

    assert ("Quotients of single runs say little" in page) == is_warned


def test_machine_that_was_busy_is_warned_of() -> None:
    document = document_of()
    quiet = replace(document, machine={**document.machine, "load_average": 0.1})
    busy = replace(document, machine={**document.machine, "load_average": 1.7})

    assert "start: 1.7. Other work ran" in markdown(busy)
    assert "Other work ran" not in markdown(quiet)


def test_profile_is_a_table_of_parts_and_one_of_functions() -> None:
    profile = {
        "sample_count": 1000,
        "parts": [["kernel", 0.7], ["modules of spread", 0.3]],
        "kernel": [["frames to clients", 0.4], ["waiting for events", 0.001]],
        "modules": [["_delivery", 0.3]],
        "symbols": [["show", "modules of spread", "_delivery", 0.2]],
    }
    cell = FixedCell((), kind="profile")
    result = CellResult(cell, {"ours": [Sample((), None, {"profile": profile})]})

    page = markdown(document_of(result))

    assert "| kernel | 70.0% |\n| - frames to clients | 40.0% |\n| modules of spread" in page
    assert "| show | _delivery | 20.0% |" in page


def test_profile_that_is_not_to_be_had_says_why() -> None:
    samples = {"ours": [Sample((), None, {"note": "no profile: perf is not installed"})]}

    page = markdown(document_of(CellResult(FixedCell((), kind="profile"), samples)))

    assert "a cell: no profile: perf is not installed." in page

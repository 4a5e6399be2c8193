"""Baselines of the micro benchmarks: names, kinds of machines, ratios."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("numpy")

from bench.micro import (
    Baseline,
    Change,
    compare,
    dumps,
    kind_of,
    name_of,
    ns_per_operation,
    read,
    table,
)

TIMES = st.dictionaries(st.text(min_size=1), st.floats(0.01, 1e9), max_size=5)


def baseline(**ns: float) -> Baseline:
    return Baseline(
        kind="one", processor="One", core_count=2, python="3", commit="c0", time="now", ns=ns
    )


@pytest.mark.parametrize(
    ("processor", "core_count", "kind"),
    [
        ("AMD EPYC", 2, "amd-epyc-2-cores"),
        ("Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz", 28, "intel-xeon-e5-2680-v4-28-cores"),
        ("", 1, "1-cores"),
    ],
)
def test_kind_is_a_file_name_of_model_and_cores(processor: str, core_count: int, kind: str) -> None:
    assert kind_of(processor, core_count) == kind


def test_name_is_the_concept_and_the_case() -> None:
    assert name_of("bench/bench_frames.py::test_walk[100]") == "frames walk[100]"


def test_figures_are_per_operation_of_the_fastest_round() -> None:
    report = {
        "benchmarks": [
            {
                "fullname": "bench/bench_pack.py::test_pack[1]",
                "stats": {"min": 2e-6, "median": 3e-6},
                "extra_info": {"operations": 100},
            },
            {
                "fullname": "bench/bench_frames.py::test_encode[1]",
                "stats": {"min": 4e-7},
                "extra_info": {},
            },
        ]
    }

    found = ns_per_operation(report)

    assert found == {"pack pack[1]": pytest.approx(20), "frames encode[1]": pytest.approx(400)}


@given(before=TIMES, after=TIMES)
def test_comparison_has_every_benchmark_of_both_once(
    before: dict[str, float], after: dict[str, float]
) -> None:
    changes = compare(before, after)

    assert sorted(change.name for change in changes) == sorted({*before, *after})


def test_slow_begins_at_half_as_much_again() -> None:
    assert Change("a", 10, 15).is_slow
    assert not Change("a", 10, 14.9).is_slow
    assert not Change("a", None, 15).is_slow
    assert not Change("a", 10, None).is_slow


def test_table_is_loud_about_what_has_become_slower() -> None:
    before = baseline(lookup=10.0, walk=10.0)

    text = table(compare(before.ns, {"lookup": 20.0, "walk": 5.0}), before)

    assert "lookup         10.0         20.0    2.00  <-- SLOWER" in text
    assert "walk           10.0          5.0    0.50" in text
    assert text.endswith("SLOWER by 1.5 or more: lookup")


def test_table_says_when_nothing_has_become_slower() -> None:
    before = baseline(walk=10.0)

    assert table(compare(before.ns, {"walk": 10.0}), before).endswith("none is 1.5 times slower")


def test_stored_baseline_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    path.write_text(dumps(baseline(walk=10.0)))

    assert read(path) == baseline(walk=10.0)


def test_baseline_of_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    path.write_text(json.dumps({"format": 2}))

    with pytest.raises(ValueError, match="no baseline of format 1"):
        read(path)

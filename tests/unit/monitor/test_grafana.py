"""The dashboard asks for metrics and labels that exist, and its panels do not overlap."""

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from spread.counters import FIGURES
from spread.monitor.prometheus import metric_name

ROOT = Path(__file__).resolve().parents[3]
DASHBOARD: dict[str, Any] = json.loads((ROOT / "packaging/grafana/spread.json").read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
QUERIES = [
    (panel["title"], target["expr"], target["legendFormat"])
    for panel in PANELS
    for target in panel.get("targets", ())
]
LABELS = {
    metric_name(figure): {"daemon", *figure.labels}
    | ({"le"} if metric_name(figure).endswith("_bucket") else set())
    for figure in FIGURES.values()
}


def metrics_in(text: str) -> set[str]:
    return set(re.findall(r"\bspread_\w+", text))


@pytest.mark.parametrize(("title", "query", "legend"), QUERIES)
def test_a_query_names_metrics_and_labels_that_exist(title: str, query: str, legend: str) -> None:
    metrics = metrics_in(query)
    assert metrics, title
    assert metrics <= set(LABELS)

    used = {
        label.strip()
        for group in re.findall(r"by \(([^)]*)\)", query)
        for label in group.split(",")
    }
    known = set.intersection(*(LABELS[metric] for metric in metrics))

    assert used | set(re.findall(r"{{(\w+)}}", legend)) <= known
    assert query.count("(") == query.count(")")
    assert query.count("{") == query.count("}")


def test_the_variable_and_the_annotations_name_metrics_that_exist() -> None:
    texts = [each["query"] for each in DASHBOARD["templating"]["list"]]
    texts += [each["expr"] for each in DASHBOARD["annotations"]["list"]]

    assert metrics_in(" ".join(texts)) <= set(LABELS)


def test_counters_are_never_shown_as_they_are() -> None:
    bare = [
        (title, metric)
        for title, query, _ in QUERIES
        for metric in metrics_in(query)
        if metric.endswith(("_total", "_bucket"))
        and not re.search(rf"(rate|increase)\({metric}{{[^}}]*}}\[", query)
    ]

    assert not bare


def test_panels_have_places_and_numbers_of_their_own() -> None:
    places = [panel["gridPos"] for panel in PANELS]
    overlaps = [
        (one, other)
        for one, other in combinations(places, 2)
        if one["x"] < other["x"] + other["w"]
        and other["x"] < one["x"] + one["w"]
        and one["y"] < other["y"] + other["h"]
        and other["y"] < one["y"] + one["h"]
    ]

    assert not overlaps
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    assert all(place["x"] + place["w"] <= 24 for place in places)


def test_the_page_on_metrics_names_those_that_exist() -> None:
    page = (ROOT / "docs/metrics.md").read_text()

    assert metrics_in(page) <= set(LABELS)

"""Metrics: Prometheus' own parser reads them, and each is what the report says."""

import sys

import pytest
from prometheus_client.parser import text_string_to_metric_families

from spread.counters import FIGURES
from spread.errors import ConfigurationError
from spread.monitor.prometheus import ReportCollector, exposition, metric_name, require_client
from spread.monitor.report import Finding, Latency, Peer, Report
from tests.unit.monitor.reports import report


def metrics_of(*reports: Report, silent: tuple[str, ...] = ()) -> dict[str, dict[str, float]]:
    """Return the samples by name, each by its labels as `daemon=a,peer=b`."""
    answers = {each.daemon: each for each in reports} | dict.fromkeys(silent)
    text, _ = exposition(ReportCollector(lambda: answers, lambda: 1_800_000_002))
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sample.labels.items())
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


def test_a_counter_has_the_name_of_its_figure_and_a_total() -> None:
    found = metrics_of(report(counters={"tokens": 17}))

    assert found["spread_tokens_total"] == {"daemon=a": 17}


def test_units_are_those_of_prometheus() -> None:
    found = metrics_of(
        report(counters={"stall_ms": 2500}, gauges={"rotation_us": 250, "resident_peak_kb": 3})
    )

    assert found["spread_stall_seconds_total"] == {"daemon=a": 2.5}
    assert found["spread_rotation_seconds"] == {"daemon=a": 0.00025}
    assert found["spread_resident_peak_bytes"] == {"daemon=a": 3072}


def test_the_state_is_one_of_all_states() -> None:
    found = metrics_of(report(state="GATHER"))["spread_state"]

    assert found["daemon=a,state=GATHER"] == 1
    assert sum(found.values()) == 1
    assert len(found) == 6


def test_packets_are_told_by_the_daemon_that_made_them() -> None:
    peers = (Peer("b", "10.0.0.2", received=9, missed=2, heard_ms=1500), Peer("c", "10.0.0.3"))

    found = metrics_of(report(peers=peers))

    assert found["spread_peer_missed_total"] == {"daemon=a,peer=b": 2, "daemon=a,peer=c": 0}
    assert found["spread_peer_heard_seconds"] == {"daemon=a,peer=b": 1.5}


def test_latency_is_a_histogram_in_seconds() -> None:
    found = metrics_of(report(latency=Latency(agreed=(1, 2, 4), safe=())))

    assert found["spread_latency_seconds_bucket"] == {
        "daemon=a,le=1e-06,service=agreed": 1,
        "daemon=a,le=2e-06,service=agreed": 3,
        "daemon=a,le=+Inf,service=agreed": 7,
    }


def test_times_of_rounds_are_a_histogram() -> None:
    found = metrics_of(report(rotation=(0, 3, 1)))

    assert found["spread_round_seconds_bucket"] == {
        "daemon=a,le=1e-06": 0,
        "daemon=a,le=2e-06": 3,
        "daemon=a,le=+Inf": 4,
    }


def test_what_runs_is_told_in_labels() -> None:
    found = metrics_of(report(release="1.2", ring_hash=(1 << 64) - 1, configuration_hash=16))

    assert found["spread_info"] == {
        "configuration_hash=00000010,daemon=a,release=1.2,ring=a/5,ring_hash=ffffffffffffffff": 1
    }


def test_each_finding_is_a_metric() -> None:
    finding = Finding("lossy-link", "warning", "b -> a", "sentence", "remedy")

    found = metrics_of(report(findings=(finding,)))

    assert found["spread_finding"] == {
        "daemon=a,rule=lossy-link,severity=warning,subject=b -> a": 1
    }


def test_daemons_of_a_ring_share_a_metric_and_a_silent_one_is_down() -> None:
    found = metrics_of(report(groups=3), report(daemon="b", groups=4), silent=("c",))

    assert found["spread_up"] == {"daemon=a": 1, "daemon=b": 1, "daemon=c": 0}
    assert found["spread_groups"] == {"daemon=a": 3, "daemon=b": 4}


def test_figures_of_a_newer_daemon_are_left_out() -> None:
    found = metrics_of(report(counters={"of_tomorrow": 1}))

    assert not [name for name in found if "tomorrow" in name]


def test_names_with_any_characters_stay_one_label() -> None:
    found = metrics_of(report(daemon='a"\n\\b'))

    assert len(found["spread_up"]) == 1


def test_every_figure_has_a_metric_of_its_own() -> None:
    names = {metric_name(figure) for figure in FIGURES.values()}

    assert len(names) == len(FIGURES)


def test_openmetrics_is_given_to_who_asks_for_it() -> None:
    collector = ReportCollector(lambda: {"a": report()}, lambda: 0)

    text, content_type = exposition(collector, "application/openmetrics-text; version=1.0.0")

    assert content_type.startswith("application/openmetrics-text")
    assert text.endswith(b"# EOF\n")


def test_the_missing_package_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)

    with pytest.raises(ConfigurationError, match=r'pip install "spreadring\[metrics\]"'):
        require_client()

"""Metrics of real daemons: scraped over HTTP, asked for by flag or file, refused with reasons."""

import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from spread.counters import FIGURES
from spread.monitor.prometheus import metric_name
from tests.daemon.harness.ports import free_port
from tests.daemon.harness.process import Daemon, configuration, run_daemon
from tests.daemon.harness.waiting import wait_until

CONFIGURATION_WRONG, ADDRESS_TAKEN, USAGE = 1, 3, 64
HISTOGRAMS = {"spread_latency_seconds", "spread_round_seconds", "spread_lateness_seconds"}


def fetch(port: int, path: str, address: str = "127.0.0.1") -> tuple[int, str]:
    connection = HTTPConnection(address, port, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def is_closed(client: socket.socket) -> bool:
    """Wait until the other side closes."""
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


def samples(port: int) -> dict[str, float]:
    """Return the samples that have no label but the daemon's name."""
    _, text = fetch(port, "/metrics")
    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if set(sample.labels) == {"daemon"}
    }


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Daemon]:
    started = Daemon.start(tmp_path_factory.mktemp("metrics"), f"MetricsPort = {port}")
    wait_until(lambda: "metrics served" in started.output(), "metrics to be served")
    yield started
    started.kill()


def test_every_metric_is_one_that_is_defined(daemon: Daemon, port: int) -> None:
    _, text = fetch(port, "/metrics")

    names = {
        sample.name for family in text_string_to_metric_families(text) for sample in family.samples
    }
    assert daemon.is_running()
    assert names
    assert names <= {metric_name(figure) for figure in FIGURES.values()}


def test_what_clients_do_shows_in_the_next_reports(daemon: Daemon, port: int) -> None:
    with daemon.connect(b"alice") as alice:
        alice.join(b"tea")

        wait_until(lambda: samples(port)["spread_groups"] == 1, "the group to show")
        shown = samples(port)

    assert shown["spread_sessions"] == 1
    assert shown["spread_requests_total"] >= 1
    assert shown["spread_up"] == 1


def test_a_daemon_that_serves_is_healthy_and_ready(daemon: Daemon, port: int) -> None:
    assert daemon.is_running()
    assert fetch(port, "/healthz") == (200, "ok\n")
    wait_until(lambda: fetch(port, "/readyz")[0] == 200, "the daemon to be ready")


def test_hung_scrapers_keep_nobody_out_and_are_counted(daemon: Daemon, port: int) -> None:
    with ExitStack() as stack:
        hung = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(40)
        ]
        for each in hung:
            each.sendall(b"GET /metrics HTTP/1.1\r\n")

        with daemon.connect(b"bob") as bob:
            bob.join(b"coffee")
        assert fetch(port, "/healthz") == (200, "ok\n")
        for each in hung:
            each.settimeout(20)
            assert is_closed(each)

    told = ("spread_metrics_displaced_total", "spread_metrics_timeouts_total")
    wait_until(lambda: sum(samples(port)[name] for name in told) >= 40, "them to be counted")
    assert min(samples(port)[name] for name in told) > 0


@pytest.mark.skipif(sys.platform != "linux", reason="threads have files on Linux only")
def test_threads_have_names_that_the_system_shows(daemon: Daemon) -> None:
    names = {
        place.read_text().strip()
        for place in Path(f"/proc/{daemon.process.pid}/task").glob("*/comm")
    }

    assert {"spread-log", "spread-metrics", "spread-watching"} <= names


def test_metrics_are_for_this_host_unless_told(daemon: Daemon, port: int) -> None:
    with socket.socket() as elsewhere:
        refused = elsewhere.connect_ex(("127.0.0.2", port))

    assert daemon.is_running()
    assert refused != 0
    assert "open to everybody" not in daemon.output()


def test_daemons_of_a_local_ring_take_a_port_each(tmp_path: Path) -> None:
    first, port = free_port(), free_port()
    arguments = ["--local", "2", "--port", str(port), "--metrics", f"0.0.0.0:{first}"]
    parent = Daemon.start_with(tmp_path, arguments, port)
    try:
        wait_until(
            lambda: parent.output().count("metrics served") == 2, "both to serve their metrics"
        )
        wait_until(
            lambda: samples(first + 1).get("spread_members") == 2, "the second to see the ring"
        )
        assert fetch(first, "/healthz", "127.0.0.7")[0] == 200
        told = "metrics are open to everybody who can connect"
        wait_until(lambda: told in parent.output(), "a warning")
    finally:
        parent.kill()


def test_metrics_that_cannot_be_had_stop_the_start(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run_daemon(tmp_path, "--local", "--port", str(free_port()), "--metrics", str(port))

    assert ended.returncode == ADDRESS_TAKEN
    assert f"cannot listen on tcp 127.0.0.1:{port}" in ended.stderr
    assert "MetricsPort or --metrics" in ended.stderr


def test_without_the_package_the_start_is_refused_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "prometheus_client.py").write_text("raise ImportError('hidden')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    ended = run_daemon(
        tmp_path, "--local", "--port", str(free_port()), "--metrics", str(free_port())
    )

    assert ended.returncode == CONFIGURATION_WRONG
    assert "metrics need the package prometheus-client" in ended.stderr
    assert 'pip install "spreadring[metrics]"' in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("listen", ["x", "0", "65536", "here:9480", "1.2.3.4:"])
def test_a_place_for_metrics_that_is_none_is_refused(tmp_path: Path, listen: str) -> None:
    ended = run_daemon(tmp_path, "--local", "--metrics", listen)

    assert ended.returncode == USAGE
    assert "--metrics" in ended.stderr


def test_an_address_that_is_none_is_an_error_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "spread.conf"
    path.write_text(configuration(free_port(), 'MetricsAddress = "here"'))

    ended = run_daemon(tmp_path, "--check", str(path))

    assert ended.returncode == CONFIGURATION_WRONG
    assert "'here' is no address" in ended.stdout

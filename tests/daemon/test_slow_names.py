"""A reload that waits for a resolver: everybody else goes on, and no order is lost."""

import subprocess
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from spread.cli import reload
from spread.config import load
from spread.monitor.queries import Kind
from tests.daemon.harness.file_ring import FileRing, Member
from tests.daemon.harness.ports import free_port
from tests.daemon.harness.waiting import wait_until

SILENT = 3
SNAPSHOTS = 3  # So many of them show that the watching thread goes on.


@pytest.fixture
def metrics_port() -> int:
    return free_port()


@pytest.fixture
def ring(tmp_path: Path, metrics_port: int) -> Iterator[FileRing]:
    made = FileRing(tmp_path)
    daemon = made.add(1, made.text((1, 2)))
    daemon.launch_program("tests.daemon.slow_names", str(metrics_port), stdin=subprocess.PIPE)
    daemon.wait_until_ready()
    yield made
    made.close()
    assert daemon.process is not None
    assert daemon.process.stdin is not None
    daemon.process.stdin.close()


def let_go(daemon: Member) -> None:
    """Let look-ups come to their end: this one, and those behind it."""
    assert daemon.process is not None
    assert daemon.process.stdin is not None
    daemon.process.stdin.write(b"\n" * 100)
    daemon.process.stdin.flush()


def reloads(daemon: Member) -> int:
    return daemon.ask(Kind.REPORT)["counters"]["reloads"]


def health(port: int) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status
    finally:
        connection.close()


def test_daemon_is_watched_while_names_are_looked_up_and_does_what_was_ordered_meanwhile(
    ring: FileRing, metrics_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon = ring.members[1]
    configuration = load(str(daemon.file), name="d1").configuration
    text = ring.text((1, 2)).replace("    d2", "    d3\n    d2")
    daemon.file.write_text(text)
    daemon.hang_up()
    wait_until(lambda: "looking up d3" in daemon.output(), "the look-up")
    begun = daemon.ask(Kind.REPORT)["counters"]["snapshots"]

    wait_until(
        lambda: daemon.ask(Kind.REPORT)["counters"]["snapshots"] >= begun + SNAPSHOTS, "reports"
    )
    status = health(metrics_port)
    during = daemon.ask(Kind.REPORT)
    asked = reload.run(configuration, wait_s=0.2)
    daemon.file.write_text(f"Window = 90\n{text}")
    for _ in range(2):
        daemon.hang_up()
    let_go(daemon)
    wait_until(lambda: reloads(daemon) >= 2, "what was ordered meanwhile")
    told = "Window changes from its default to 90"
    wait_until(lambda: told in daemon.output(), "it in the log")

    assert status == 200
    assert asked == SILENT
    assert "answers, and has not reloaded yet" in capsys.readouterr().err
    assert len(during["peers"]) == 1
    assert "daemon d3 is added: 127.0.0.3 in segment" in daemon.output()
    assert [each["name"] for each in daemon.ask(Kind.REPORT)["peers"]] == ["d3", "d2"]

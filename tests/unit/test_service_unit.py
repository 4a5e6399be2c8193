"""The systemd unit file says what the daemon relies on."""

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[2] / "packaging" / "spread.service"


@pytest.fixture
def service() -> configparser.SectionProxy:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(UNIT.read_text())
    return parser["Service"]


def test_clients_find_the_unix_socket_in_the_systems_own_tmp(
    service: configparser.SectionProxy,
) -> None:
    assert service["PrivateTmp"] == "no"
    assert "DynamicUser" not in service


def test_daemon_tells_when_it_is_ready_and_reopens_its_log_on_reload(
    service: configparser.SectionProxy,
) -> None:
    assert service["Type"] == "notify"
    assert "-HUP $MAINPID" in service["ExecReload"]


def test_only_failures_that_may_pass_lead_to_another_start(
    service: configparser.SectionProxy,
) -> None:
    assert service["Restart"] == "on-failure"
    assert service["RestartPreventExitStatus"].split() == ["1", "2", "4", "64"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    text = UNIT.read_text().replace("/usr/local/bin/spread", sys.executable)
    (tmp_path / "spread.service").write_text(text)

    result = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / "spread.service")],
        check=False,
        timeout=60,
        capture_output=True,
        text=True,
    )

    # Other units of the machine may have faults of their own.
    assert [line for line in result.stderr.splitlines() if "spread.service" in line] == []

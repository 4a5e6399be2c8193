import json
from pathlib import Path
from typing import Any

import pytest

from spread.config import check
from spread.config.options import OPTIONS, OWN_OPTIONS
from tests.unit.config.hosts import ScriptedHost
from tests.unit.config.reading import SEGMENT

LAN = "Spread_Segment 10.0.0.255:4803 {\n a 10.0.0.1\n bb 10.0.0.2 { D 10.0.0.2 C 10.1.0.2 }\n}\n"
ON_A = ScriptedHost(local=("127.0.0.1", "10.0.0.1"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "spread.conf"


def as_json(file: Path, name: str | None = None) -> tuple[int, dict[str, Any]]:
    status, text = check(str(file), name, as_json=True, host=ON_A)
    return status, json.loads(text)


def test_usable_file_gives_zero_and_the_network(file: Path) -> None:
    file.write_text(LAN)

    status, text = check(str(file), host=ON_A)

    assert status == 0
    assert text.splitlines()[:10] == [
        f"{file}: usable",
        "",
        "Network",
        "  Segment 10.0.0.255:4803 (broadcast)",
        "    a   10.0.0.1         all addresses  <- this daemon",
        "    bb  10.0.0.2         D 10.0.0.2, C 10.1.0.2",
        "  local area, accelerated ring, hash 1673267588",
        "",
        "Sockets of a",
        "  tcp 0.0.0.0:4803            clients",
    ]


def test_text_lists_every_option_and_marks_those_of_the_file(file: Path) -> None:
    file.write_text("Window = 60\nLinkProtocol = Hop\n" + LAN)

    _, text = check(str(file), host=ON_A)

    lines = text.splitlines()
    assert "* Window                 60 packets at most" in lines
    assert "  PersonalWindow         20 packets at first, up to 160 as the ring allows" in lines
    assert "* LinkProtocol           has no effect" in lines
    shown = {line[2:].split(" ")[0] for line in lines if line[:2] in ("* ", "  ")}
    assert shown >= {*OPTIONS, *OWN_OPTIONS} - {"DebugInitialSequence"}


def test_what_is_seen_of_the_host_is_shown(file: Path) -> None:
    file.write_text(LAN)
    seen = [("socket buffers", {"receive_bytes": 5, "cost": "much"})]

    _, text = check(str(file), host=ON_A, look=lambda _: seen)
    _, report = check(str(file), as_json=True, host=ON_A, look=lambda _: seen)

    assert "This host\n  socket buffers: receive bytes 5, cost much\n" in text
    assert json.loads(report)["host"] == [
        {"finding": "socket buffers", "receive_bytes": 5, "cost": "much"}
    ]


def test_nothing_is_seen_with_a_wrong_file(file: Path) -> None:
    file.write_text("Window = x\n" + LAN)

    _, text = check(str(file), host=ON_A, look=lambda _: [("never", {})])

    assert "This host" not in text


def test_wrong_file_gives_one_and_every_error(file: Path) -> None:
    file.write_text("Window = x\nPersonalWindow = y\n" + LAN)

    status, text = check(str(file), host=ON_A)

    assert status == 1
    assert text.splitlines()[0] == f"{file}: wrong, 2 errors"
    assert len(text.splitlines()) == 3


def test_missing_file_gives_two(file: Path) -> None:
    status, text = check(str(file), host=ON_A)

    assert status == 2
    assert "No such file" in text
    assert as_json(file) == (
        2,
        {"path": str(file), "status": "missing", "reason": "No such file or directory"},
    )


def test_host_without_entry_gives_one_and_still_the_network(file: Path) -> None:
    file.write_text(LAN)

    status, text = check(str(file), host=ScriptedHost())

    assert status == 1
    assert "found no entry for this host" in text
    assert "Segment 10.0.0.255:4803" in text
    assert "<- this daemon" not in text
    assert "Sockets" not in text


def test_warnings_are_counted_and_listed(file: Path) -> None:
    file.write_text("StateDir = /var/lib/spread\nDangerousMonitor = yes\n" + LAN)

    status, text = check(str(file), host=ON_A)

    assert status == 0
    assert text.splitlines()[0] == f"{file}: usable, 2 warnings"
    assert text.splitlines()[-3] == "Warnings"


def test_json_has_the_configuration_and_its_meaning(file: Path) -> None:
    file.write_text("Window = 60\nStateDir = /x\n" + LAN)

    status, record = as_json(file)

    assert status == 0
    assert record["status"] == "usable"
    assert record["me"] == "a"
    assert record["options"] == {"Window": 60, "StateDir": "/x"}
    assert record["own_options"] == ["StateDir"]
    assert record["effective"]["window"] == 60
    assert record["effective"]["ring"] == "accelerated"
    assert record["listens"][0] == "tcp 0.0.0.0:4803"
    assert record["segments"][0]["daemons"][1]["interfaces"][1]["types"] == ["C"]
    assert record["warnings"][0]["line"] == 2


def test_json_of_a_wrong_file_has_its_errors_apart(file: Path) -> None:
    file.write_text("Window = x\n" + LAN)

    status, record = as_json(file)

    assert status == 1
    assert record["status"] == "wrong"
    (error,) = record["errors"]
    assert (error["line"], error["column"], error["stage"]) == (1, 10, "parse")
    assert error["remedy"] == "Window = 160"
    assert "segments" not in record


def test_json_of_an_unknown_name_has_the_network_and_no_own_entry(file: Path) -> None:
    file.write_text(LAN)

    status, record = as_json(file, "c")

    assert status == 1
    assert record["me"] is None
    assert len(record["segments"][0]["daemons"]) == 2


def test_names_that_are_not_utf8_do_not_break_the_report(file: Path) -> None:
    file.write_bytes(SEGMENT.replace("alpha", "caf?").encode().replace(b"?", b"\xe9"))

    _, record = as_json(file)
    _, text = check(str(file), host=ON_A)

    assert record["me"].encode("utf-8", "surrogateescape") == b"caf\xe9"
    assert "caf\\udce9" in text

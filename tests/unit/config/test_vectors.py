"""Every recorded configuration case behaves as recorded, except where the table here says.

The cases tell what Spread 4.4.0 does with a file. Our own behaviour differs where the recorded
one is a trap or a fault; the page "Configuration" of the documentation lists these differences.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from spread.config import (
    ConfigurationErrors,
    Loaded,
    Stage,
    listens,
    parse,
)
from spread.config.effective import effective_record, given_record, network_record
from tests.unit.config.hosts import LOOPBACK, ScriptedHost

DIRECTORY = Path(__file__).parents[2] / "vectors" / "config"
CASES = sorted(path.stem for path in DIRECTORY.glob("*.conf"))

# Refused by the recorded daemon, read by ours: the window of each.
ACCEPTED_BY_US = {
    "number-trailing-blank": 60,
    "number-trailing-tab": 60,
    "number-trailing-comment": 60,
    "number-crlf-blank": 60,
}

# Accepted by the recorded daemon, which then never works or confuses daemons.
REFUSED_BY_US = {
    "interface-client-only": "no interface of this daemon is for other daemons",
    "interface-monitor-only": "no interface of this daemon is for other daemons",
    "duplicate-host-address": "has the address 127.0.0.1 already",
}

# Accepted by both; ours warns.
WARNED_BY_US = {
    "multihomed-documented": "token and data go to 192.168.8.31",
    "window-above-16-bits": "4464 is in force",
    "port-wraps": "5200 is in force",
    "debuginitialsequence": "testing aid",
    "maxsessionmessages-zero": "dropped at its first message",
    "eventlogfile-unopenable": "goes to standard error",
}

# The accelerated window gives way to the personal one while the ring is chosen by the network.
ACCELERATED_WINDOW_OF_OURS = {"accelerated-window-unchecked": 20, "options-between-segments": 10}

# A syntax error whose recorded line does not count line ends inside quotes.
LINES_OF_OURS = {"quote-swallows-file": 5}

# Values that the recorded daemon assumes at its start as root; ours has none for an absent option.
ROOT_DEFAULTS = {
    "runtime_dir": "/var/run/spread",
    "daemon_user": "spread",
    "daemon_group": "spread",
}


@dataclass(frozen=True)
class Case:
    name: str
    data: bytes
    expected: dict[str, Any]

    def read(self) -> Loaded:
        me = self.expected["daemon"] or self.expected.get("me")
        own = [
            address
            for segment in self.expected["segments"]
            for daemon in segment["daemons"]
            if daemon["name"] == me
            for address in (daemon["address"], *(i["address"] for i in daemon["interfaces"]))
        ]
        host = ScriptedHost(local=(LOOPBACK, *own), unwritable=("/no/such/directory/",))
        return parse(self.data, self.name, name=self.expected["daemon"], host=host)


def case(name: str) -> Case:
    expected = json.loads((DIRECTORY / f"{name}.expect.json").read_text(encoding="utf-8"))
    return Case(name, (DIRECTORY / f"{name}.conf").read_bytes(), expected)


ALL = [case(name) for name in CASES]
READ_BY_BOTH = [
    each for each in ALL if each.expected["accepted"] and each.name not in REFUSED_BY_US
]
REFUSED_BY_BOTH = [
    each for each in ALL if not each.expected["accepted"] and each.name not in ACCEPTED_BY_US
]


def identify(case: Case) -> str:
    return case.name


def test_all_recorded_cases_are_here() -> None:
    assert len(ALL) == 207
    assert set(CASES) >= {
        *ACCEPTED_BY_US,
        *REFUSED_BY_US,
        *WARNED_BY_US,
        *ACCELERATED_WINDOW_OF_OURS,
        *LINES_OF_OURS,
    }


@pytest.mark.parametrize("case", READ_BY_BOTH, ids=identify)
def test_segments_and_hash_are_as_recorded(case: Case) -> None:
    record = network_record(case.read().configuration)

    segments = [
        {key: segment[key] for key in ("address", "port", "daemons")}
        for segment in record["segments"]
    ]
    assert segments == case.expected["segments"]
    assert record["hash_string"] == case.expected["hash_string"]
    assert record["hash"] == case.expected["hash"]


@pytest.mark.usefixtures("system_with_all_sockets")  # As where this was recorded.
@pytest.mark.parametrize("case", READ_BY_BOTH, ids=identify)
def test_own_entry_and_sockets_are_as_recorded(case: Case) -> None:
    configuration = case.read().configuration

    assert configuration.me.name == case.expected["me"]
    assert sorted(map(str, listens(configuration))) == case.expected["listens"]


@pytest.mark.parametrize("case", READ_BY_BOTH, ids=identify)
def test_options_set_by_the_file_are_as_recorded(case: Case) -> None:
    assert given_record(case.read().given) == case.expected["options"]


@pytest.mark.parametrize("case", READ_BY_BOTH, ids=identify)
def test_options_in_force_are_as_recorded(case: Case) -> None:
    expected = dict(case.expected["effective"])
    if case.name in ACCELERATED_WINDOW_OF_OURS:
        expected["accelerated_window"] = ACCELERATED_WINDOW_OF_OURS[case.name]

    record = effective_record(case.read().configuration)

    ours = {key: record[key] for key in expected}
    ours |= {key: ours[key] or default for key, default in ROOT_DEFAULTS.items()}
    assert ours == expected


@pytest.mark.parametrize("case", REFUSED_BY_BOTH, ids=identify)
def test_wrong_file_is_refused_at_the_recorded_stage(case: Case) -> None:
    with pytest.raises(ConfigurationErrors) as caught:
        case.read()

    stages = {"crash": "parse"}
    expected = stages.get(case.expected["stage"], case.expected["stage"])
    found = {each.stage.value for each in caught.value.diagnostics}
    # Ours looks names up, and compares windows, with the other checks of its kind.
    assert found <= {expected} | ({"parse"} if expected == "value" else set())


@pytest.mark.parametrize(
    "case",
    [each for each in REFUSED_BY_BOTH if each.expected.get("at", {}).get("kind") == "syntax"],
    ids=identify,
)
def test_first_syntax_error_is_at_the_recorded_token(case: Case) -> None:
    at = case.expected["at"]

    with pytest.raises(ConfigurationErrors) as caught:
        case.read()

    first = caught.value.diagnostics[0]
    shown = "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in at["token"]
    )
    assert first.found == (f"'{shown}'" if shown else "the end of the file")
    assert first.line == LINES_OF_OURS.get(case.name, at["line0"] + 1)


@pytest.mark.parametrize("name", ACCEPTED_BY_US)
def test_number_with_something_behind_it_is_read_by_ours(name: str) -> None:
    configuration = case(name).read().configuration

    assert configuration.options.window == ACCEPTED_BY_US[name]


@pytest.mark.parametrize("name", REFUSED_BY_US)
def test_file_that_cannot_work_is_refused_by_ours(name: str) -> None:
    with pytest.raises(ConfigurationErrors, match=REFUSED_BY_US[name]):
        case(name).read()


@pytest.mark.parametrize("name", WARNED_BY_US)
def test_file_that_will_bite_is_read_with_a_warning(name: str) -> None:
    loaded = case(name).read()

    warnings = [str(each) for each in loaded.warnings if each.stage is Stage.WARNING]
    assert any(WARNED_BY_US[name] in each for each in warnings)

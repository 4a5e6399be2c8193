"""The service manager: what it is told of a service, and what a service does that it asks for."""

import argparse
import os
import sys
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from spread.cli.service_arguments import RUN, Daemon, ServiceCommand
from spread.config.load import local_ring
from spread.winservice.registration import (
    RESET_S,
    RESTART_DELAYS_S,
    SYSTEM_ACCOUNT,
    Registration,
)

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="services of Windows")

if sys.platform == "win32":
    import ctypes
    from typing import Any

    from spread.cli import service_windows
    from spread.winservice import manager
    from spread.winservice.calls import (
        RUNNING,
        START_PENDING,
        STOP_PENDING,
        STOPPED,
        advapi32,
    )
    from spread.winservice.running import Link, run

STOP, INTERROGATE, SHUTDOWN, PARAMETERS_CHANGED, OWN = 1, 4, 5, 6, 128
NOT_IMPLEMENTED = 120
DESCRIPTION, FAILURE_ACTIONS, DELAYED, FAILURE_FLAG = 1, 2, 3, 4
NO_ACTION, RESTART = 0, 1
MS_PER_S = 1_000


class Manager:
    """The manager's side of a service that runs in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.told: list[int] = []
        """States, in order."""
        self.accepted: dict[int, int] = {}
        """By state, what may be asked for."""
        monkeypatch.setattr(advapi32, "StartServiceCtrlDispatcherW", self._dispatch)
        monkeypatch.setattr(advapi32, "RegisterServiceCtrlHandlerExW", self._register)
        monkeypatch.setattr(advapi32, "SetServiceStatus", self._hear)

    def ask(self, control: int) -> int:
        """Ask the service for something; returns its answer."""
        return int(self._handler(control, 0, None, None))

    def _dispatch(self, table: "Any") -> int:
        table[0].main(1, (ctypes.c_wchar_p * 1)("ring2"))
        return 1

    def _register(self, name: str, handler: "Any", context: object) -> int:
        assert (name, context) == ("ring2", None)
        self._handler = handler
        return 1

    def _hear(self, handle: int, status: "Any") -> int:
        assert handle == 1
        self.told.append(status._obj.state)
        self.accepted[status._obj.state] = status._obj.accepted
        return 1


class Wishes:
    """Keeps what the manager wishes for."""

    def __init__(self) -> None:
        self.kept: list[str] = []

    def request_stop(self) -> None:
        self.kept.append("stop")

    def request_hang_up(self) -> None:
        self.kept.append("hang up")


def asked_while_it_runs(asking: Manager, control: int) -> tuple[int, list[str]]:
    """Return the answer of a service that runs, and what its daemon was asked for."""
    answers, wishes = [], Wishes()

    def serve(link: "Link") -> int:
        link.follow(wishes)
        link.ready()
        answers.append(asking.ask(control))
        return 0

    assert run(serve) == 0
    return answers[0], wishes.kept


@pytest.fixture
def asking(monkeypatch: pytest.MonkeyPatch) -> Manager:
    return Manager(monkeypatch)


@pytest.fixture
def name() -> Iterator[str]:
    """The name of a service that no other test has."""
    made = f"spread-test-{uuid.uuid4().hex[:8]}"
    yield made
    with suppress(manager.ServiceError):
        manager.remove(made)


@pytest.mark.parametrize("control", [STOP, SHUTDOWN])
def test_a_service_says_that_it_is_about_to_end(asking: Manager, control: int) -> None:
    assert asked_while_it_runs(asking, control) == (0, ["stop"])

    assert asking.told == [START_PENDING, RUNNING, STOP_PENDING, STOPPED]


@pytest.mark.parametrize(
    ("control", "answer", "wishes"),
    [
        (PARAMETERS_CHANGED, 0, ["hang up"]),
        (INTERROGATE, 0, []),
        (OWN, NOT_IMPLEMENTED, []),
    ],
)
def test_all_else_that_is_asked_for_lets_the_service_run(
    asking: Manager, control: int, answer: int, wishes: list[str]
) -> None:
    assert asked_while_it_runs(asking, control) == (answer, wishes)

    assert asking.told == [START_PENDING, RUNNING, STOPPED]


def test_a_service_can_be_asked_only_while_it_runs(asking: Manager) -> None:
    asked_while_it_runs(asking, STOP)

    may_stop, may_shut_down, may_change = 0x1, 0x4, 0x8
    assert asking.accepted == {
        START_PENDING: 0,
        RUNNING: may_stop | may_shut_down | may_change,
        STOP_PENDING: 0,
        STOPPED: 0,
    }


def places_of_a_daemon(
    monkeypatch: pytest.MonkeyPatch, common: Path, file: Path | None
) -> tuple[Path, str | None]:
    """Be a service; return where its daemon works, and what it has of the place for its state.

    The services of Wine have another environment than its programs, and so other places.
    """
    monkeypatch.setattr(service_windows, "SYSTEM_DIRECTORIES", (str(common),))
    monkeypatch.chdir(common)
    monkeypatch.setenv("STATE_DIRECTORY", "")
    del os.environ["STATE_DIRECTORY"]
    configuration = local_ring(4803, 1, 1)
    if file is not None:
        configuration = replace(configuration, path=str(file))
    found = []

    def serve(_options: argparse.Namespace, _link: object) -> int:
        found.append((Path.cwd(), os.environ.get("STATE_DIRECTORY")))
        return 0

    daemon = Daemon(lambda _: argparse.Namespace(), lambda _: configuration, serve)
    assert service_windows.carry_out(ServiceCommand(RUN, ()), daemon) == 0
    (places,) = found
    return places


@pytest.mark.usefixtures("asking")
def test_a_service_works_where_its_file_is_and_keeps_its_state_in_its_own_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "ring2").mkdir()
    (tmp_path / "file").mkdir()

    found = places_of_a_daemon(monkeypatch, tmp_path, tmp_path / "file" / "spread.conf")

    assert found == (tmp_path / "file", str(tmp_path / "ring2"))


@pytest.mark.usefixtures("asking")
def test_a_service_without_a_file_works_in_its_own_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "ring2").mkdir()

    found = places_of_a_daemon(monkeypatch, tmp_path, None)

    assert found == (tmp_path / "ring2", str(tmp_path / "ring2"))


@pytest.mark.usefixtures("asking")
def test_a_service_whose_place_was_removed_keeps_no_state(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert places_of_a_daemon(monkeypatch, tmp_path, None) == (tmp_path, None)


def told_at_install(
    monkeypatch: pytest.MonkeyPatch, name: str, start: str
) -> "tuple[dict[int, Any], tuple[str, ...]]":
    """Install a service; returns what the manager was told besides, and the warnings.

    Wine's manager refuses some of it, and does not tell what it has kept.
    """
    told = {}
    change = advapi32.ChangeServiceConfig2W

    def keep(service: int, level: int, wish: "Any") -> int:
        told[level] = wish._obj
        return int(change(service, level, wish))

    monkeypatch.setattr(advapi32, "ChangeServiceConfig2W", keep)
    warnings = manager.install(
        Registration(name, r'"C:\none\python.exe" -m spread', start, SYSTEM_ACCOUNT)
    )
    return told, warnings


def test_a_service_that_fails_is_to_be_started_again(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    told, _ = told_at_install(monkeypatch, name, "manual")

    failures = told[FAILURE_ACTIONS]
    actions = [(each.kind, each.delay_ms) for each in failures.actions[: failures.count]]
    restarts = [(RESTART, delay * MS_PER_S) for delay in RESTART_DELAYS_S]
    assert actions == [*restarts, (NO_ACTION, 0)]
    assert failures.reset_after_s == RESET_S
    assert told[FAILURE_FLAG].acts_on_failure_statuses
    assert "group messaging" in told[DESCRIPTION].value


@pytest.mark.parametrize(("start", "is_later"), [("delayed", True), ("auto", False)])
def test_a_service_starts_later_than_others_if_that_is_wanted(
    monkeypatch: pytest.MonkeyPatch, name: str, start: str, is_later: bool
) -> None:
    told, _ = told_at_install(monkeypatch, name, start)

    assert (DELAYED in told and bool(told[DELAYED].value)) is is_later


def test_what_the_manager_refuses_is_told_and_the_rest_is_done(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(advapi32, "ChangeServiceConfig2W", lambda *_: 0)

    warnings = manager.install(Registration(name, "x", "delayed", SYSTEM_ACCOUNT))

    told = [each.partition(":")[0].removeprefix(f"service {name} ") for each in warnings]
    assert told == [
        "shows no description",
        "is not started again when it fails",
        "is started again only when its process vanishes",
        "starts with the others, not later",
    ]
    assert manager.query(name).name == "stopped"

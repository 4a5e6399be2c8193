"""What `spread service install` refuses, and what it warns of."""

import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from spread.cli.spread import main
from spread.system import SYSTEM_DIRECTORIES
from tests.daemon.harness.ports import free_port

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="services of Windows")

if sys.platform == "win32":
    from spread.winservice import manager

Install = Callable[..., tuple[int, str]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A configuration in the directory of a user."""
    made = tmp_path / "users" / "alice" / "spread.conf"
    made.parent.mkdir(parents=True)
    made.write_text(f"Spread_Segment 127.0.0.255:{free_port()} {{ d1 127.0.0.1 }}\n")
    return made


@pytest.fixture
def name() -> Iterator[str]:
    """The name of a service that no other test has."""
    made = f"spread-test-{uuid.uuid4().hex[:8]}"
    yield made
    with suppress(manager.ServiceError):
        manager.remove(made)
    directory = Path(SYSTEM_DIRECTORIES[0], made)
    if directory.is_dir():
        directory.rmdir()


@pytest.fixture
def install(name: str, capfd: pytest.CaptureFixture[str]) -> Install:
    """Install a service that is started by hand; the exit status, and what was told of trouble."""

    def ask(*options: str) -> tuple[int, str]:
        status = main(["service", "install", "--name", name, "--start", "manual", *options])
        return status, capfd.readouterr().err

    return ask


def is_known(name: str) -> bool:
    """Tell whether there is a service with this name."""
    try:
        manager.query(name)
    except manager.ServiceError:
        return False
    return True


@pytest.mark.parametrize("options", [["--local", "3"], ["--check"], ["--reload"]])
def test_what_is_no_daemon_that_serves_is_no_service(
    install: Install, name: str, options: list[str]
) -> None:
    status, told = install("--account", "LocalSystem", *options)

    assert status == 1
    assert "a service is one daemon that serves; leave out other options" in told
    assert not is_known(name)


def test_what_is_a_users_own_is_refused_for_an_account_of_the_system(
    install: Install, name: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USERPROFILE", str(file.parent))

    status, told = install("-c", str(file), "-n", "d1")

    assert status == 1
    assert f"may not read {file.parent}, which belongs to one user" in told
    assert not is_known(name)


def test_a_password_that_nobody_can_be_asked_for_is_to_be_given(
    install: Install, name: str, file: Path
) -> None:
    status, told = install("--account", r".\nobody", "-c", str(file), "-n", "d1")

    assert status == 1
    assert r"account .\nobody has a password" in told
    assert "give it with --password" in told
    assert not is_known(name)


def test_a_file_that_others_may_change_is_told(install: Install, name: str, file: Path) -> None:
    status, told = install("--account", "LocalSystem", "-c", str(file), "-n", "d1")

    assert status == 0
    assert f"spread: warning: {file} may be changed by" in told
    assert is_known(name)

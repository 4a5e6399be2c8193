"""The daemon as a service of Windows, by the commands that an operator uses."""

import shutil
import socket
import subprocess
import sys
import sysconfig
import uuid
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

import spread
from spread.cli.spread import main
from spread.system import SYSTEM_DIRECTORIES, claim_address
from tests.daemon.harness.ports import free_port
from tests.daemon.harness.waiting import DEADLINE, wait_until
from wheels.wine import begun

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="services of Windows")


IS_INSTALLED = Path(spread.__file__).parents[1] == Path(sysconfig.get_path("platlib"))
"""Whether the package is where its Python looks for it without being told."""

NO_ERROR = 0
SERVICE_SPECIFIC_ERROR = 1066


class Service:
    """A service that nobody else has, for a daemon with a file of its own."""

    def __init__(self, directory: Path) -> None:
        self.name = f"spread-test-{uuid.uuid4().hex[:8]}"
        self.port = free_port()
        self.file = directory / "a file.conf"
        self.log = directory / "a log.txt"
        self.directory = Path(SYSTEM_DIRECTORIES[0], self.name)
        own = ("--start", "manual", "--account", "LocalSystem")
        self.options = (*own, "-c", str(self.file), "-n", "d1")
        self.file.write_text(
            f'EventLogFile = "{self.log}"\n'
            "DaemonUser = somebody\n"
            f"Spread_Segment 127.0.0.255:{self.port} {{ d1 127.0.0.1 }}\n"
        )

    def ask(self, word: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one command of `spread service`."""
        command = [sys.executable, "-m", "spread", "service", word, "--name", self.name]
        return begun(
            lambda: subprocess.run(
                [*command, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=4 * DEADLINE,
                check=False,
            )
        )

    def install(self) -> subprocess.CompletedProcess[str]:
        """Install it, by hand and with an account that may read every place of a test."""
        return self.ask("install", *self.options)


def error_of(service: Service) -> int:
    """Return the error that the manager has of a service; it starts one with an error again."""
    from spread.winservice.manager import query

    return query(service.name).exit_code


def tell_of_changes(name: str) -> None:
    """Do what `sc control NAME paramchange` does."""
    import ctypes

    from spread.winservice.calls import ServiceStatus, advapi32, last_error

    may_connect, may_tell, changed = 0x1, 0x40, 6
    services = advapi32.OpenSCManagerW(None, None, may_connect)
    service = advapi32.OpenServiceW(services, name, may_tell)
    try:
        if not advapi32.ControlService(service, changed, ctypes.byref(ServiceStatus())):
            raise last_error(name)
    finally:
        advapi32.CloseServiceHandle(service)
        advapi32.CloseServiceHandle(services)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    made = Service(tmp_path)
    yield made
    made.ask("remove")
    shutil.rmtree(made.directory, ignore_errors=True)


def test_a_service_lives_from_install_to_remove(service: Service) -> None:
    installed = service.install()
    assert installed.returncode == 0, installed.stderr
    isolated = " -I" if IS_INSTALLED else ""
    assert f'{isolated} -m spread --service -c "{service.file}" -n d1' in installed.stdout
    assert "is stopped" in service.ask("status").stdout

    started = service.ask("start")
    assert started.returncode == 0, started.stdout + started.stderr
    assert "is running, process" in started.stdout
    with spread.connect(f"{service.port}@localhost", "a", timeout=DEADLINE) as mailbox:
        mailbox.join("tea")
        assert mailbox.receive(timeout=DEADLINE).members == ("#a#d1",)

    stopped = service.ask("stop")
    assert (stopped.returncode, stopped.stdout) == (0, f"service {service.name} is stopped\n")
    said = service.log.read_text()
    assert "DaemonUser does nothing on this system" in said
    assert "daemon stopped" in said

    removed = service.ask("remove")
    assert removed.returncode == 0
    assert f"its state and log stay in {service.directory}" in removed.stdout
    assert service.directory.is_dir()
    assert service.ask("status").returncode == 1


def test_a_service_that_runs_opens_its_log_anew_and_can_be_removed(service: Service) -> None:
    from spread.winservice import manager

    assert main(["service", "install", "--name", service.name, *service.options]) == 0
    assert manager.start(service.name).name == "running"
    moved = service.log.with_name("moved.txt")
    service.log.rename(moved)

    tell_of_changes(service.name)
    wait_until(service.log.exists, "a new log")
    manager.remove(service.name)

    assert "daemon stopped" in service.log.read_text()
    assert "daemon stopped" not in moved.read_text()


def test_a_daemon_that_cannot_start_gives_its_status(service: Service) -> None:
    service.install()
    service.file.unlink()

    started = service.ask("start")

    assert started.returncode == 2, started.stdout + started.stderr
    assert f"service {service.name} is stopped, status 2" in started.stdout
    assert "Windows event log" in started.stderr
    assert f"service {service.name} is stopped, status 2" in service.ask("status").stdout
    assert error_of(service) == NO_ERROR


def test_a_daemon_whose_port_is_taken_fails_for_the_manager(service: Service) -> None:
    service.install()
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as other:
        claim_address(other)
        other.bind(("127.0.0.1", service.port))
        other.listen()

        started = service.ask("start")

    assert started.returncode == 3, started.stdout + started.stderr
    assert error_of(service) == SERVICE_SPECIFIC_ERROR


def test_a_wrong_file_is_refused_at_once(service: Service) -> None:
    service.file.write_text("Spread_Segment\n")

    assert service.install().returncode == 1
    assert "install it first" in service.ask("status").stderr


@pytest.mark.skipif(find_spec("prometheus_client") is not None, reason="the package is there")
def test_a_package_that_is_missing_is_told_at_once(service: Service) -> None:
    installed = service.ask("install", "--account", "LocalSystem", "--local", "--metrics", "18890")

    assert installed.returncode == 1
    assert "spreadring[metrics]" in installed.stderr
    assert "install it first" in service.ask("status").stderr


def test_a_service_that_is_not_there_is_told_with_what_to_do(service: Service) -> None:
    started = service.ask("start")

    assert started.returncode == 1
    assert f"install it first: spread service install --name {service.name}\n" in started.stderr


def test_words_that_nobody_knows_are_wrong_use(service: Service) -> None:
    started = service.ask("start", "extra", "words")

    assert started.returncode == 64
    assert "extra words: only --name NAME can follow" in started.stderr


def test_only_the_service_manager_starts_a_service() -> None:
    ended = begun(
        lambda: subprocess.run(
            [sys.executable, "-m", "spread", "--service", "--local"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
    )

    assert ended.returncode == 1
    assert "the service manager did not start this process" in ended.stderr

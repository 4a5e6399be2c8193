"""The words of `spread service`, and what it says where there are no such services."""

import sys
from pathlib import Path

import pytest

from spread.cli.service_arguments import (
    COMMANDS,
    RUN,
    ServiceCommand,
    check_options,
    daemon_arguments,
    service_command,
    service_parser,
)
from spread.cli.spread import _arguments, main
from spread.errors import ConfigurationError

elsewhere = pytest.mark.skipif(sys.platform == "win32", reason="Windows has the services")


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("service start", ServiceCommand("start", ())),
        ("service install -n d1", ServiceCommand("install", ("-n", "d1"))),
        ("service", ServiceCommand("", ())),
        ("--install-service -n d1", ServiceCommand("install", ("--start", "manual", "-n", "d1"))),
        ("--UnInstall-Service", ServiceCommand("remove", ())),
        ("--SERVICE -c x", ServiceCommand(RUN, ("-c", "x"))),
    ],
)
def test_a_command_about_the_service(words: str, command: ServiceCommand) -> None:
    assert service_command(words.split()) == command


@pytest.mark.parametrize("words", ["", "-n service", "-c --service", "--local"])
def test_other_command_lines_are_the_daemons(words: str) -> None:
    assert service_command(words.split()) is None


def test_install_leaves_the_options_of_the_daemon_over() -> None:
    given, rest = service_parser("install").parse_known_args(
        ["-n", "d1", "--name", "ring2", "-l", "y", "--account", "localsystem", "-c", "x.conf"]
    )

    assert (given.name, given.start, given.account) == ("ring2", "auto", "LocalSystem")
    assert rest == ["-n", "d1", "-l", "y", "-c", "x.conf"]


def test_a_service_gets_the_whole_name_of_its_file() -> None:
    whole = str(Path("x.conf").absolute())

    assert daemon_arguments(["-n", "d1"], "x.conf") == ["-c", whole, "-n", "d1"]
    given = ["-n", "d1", "-c", "x.conf", "-l", "y"]
    assert daemon_arguments(given, "x.conf") == ["-c", whole, "-n", "d1", "-l", "y"]
    assert daemon_arguments(["--local"], None) == ["--local"]


def test_of_two_files_the_last_one_counts_as_for_the_daemon() -> None:
    given = ["-c", "a.conf", "-n", "d1", "-c", "b.conf"]

    assert daemon_arguments(given, "b.conf") == ["-c", str(Path("b.conf").absolute()), "-n", "d1"]


@pytest.mark.parametrize(
    "words", ["--check", "--check x.conf", "--reload", "--local 3", "--until-input-ends"]
)
def test_no_service_has_such_options(words: str) -> None:
    with pytest.raises(ConfigurationError, match="leave out"):
        check_options(_arguments(words.split()))


@pytest.mark.parametrize("words", ["", "-n d1 -c x.conf -l y", "--local", "--metrics 18890"])
def test_a_service_has_the_options_of_one_daemon(words: str) -> None:
    check_options(_arguments(words.split()))


@pytest.mark.parametrize("words", [["--start", "never"], ["--name"]])
def test_wrong_use_has_the_status_of_the_daemons_command_line(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        service_parser("install").parse_known_args(words)

    assert ended.value.code == 64
    assert "spread service install: " in capsys.readouterr().err


@elsewhere
@pytest.mark.parametrize("words", [["service", "start"], ["--install-service"], ["--service"]])
def test_elsewhere_it_names_the_service_manager(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 64

    assert "systemctl enable --now spread" in capsys.readouterr().err


@pytest.mark.parametrize(("words", "status"), [("service -h", 0), ("service fly", 64)])
def test_every_command_is_shown(
    words: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words.split()) == status

    shown = "".join(capsys.readouterr())
    assert all(word in shown for word in COMMANDS)

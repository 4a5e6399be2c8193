"""The commands of the pages exist: make targets, and the daemon's options."""

import re
import shlex

import pytest

from spread.cli import spmonitor as monitor_program
from spread.cli import spread as daemon_program
from tests.docs.pages import PAGES, REPOSITORY, commands

TARGET = re.compile(r"^([a-z][a-z-]*)(?: [a-z-]+)*:", re.MULTILINE)
OPTION = re.compile(r"(?<!\S)--?[a-z][a-z-]*")


def words(program: str) -> list[tuple[str, list[str]]]:
    """Return page and arguments of every command line that runs `program`."""
    lines = ((page, shlex.split(line, comments=True)) for page in PAGES for line in commands(page))
    return [(page, line[1:]) for page, line in lines if line and line[0] == program]


def test_make_targets_exist() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = set(TARGET.findall(makefile))

    shown = words("make")

    assert shown
    for page, arguments in shown:
        assert arguments[0] in targets, f"{page}: make {arguments[0]}"


def test_options_of_the_daemon_exist(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        daemon_program.main(["--help"])
    known = set(OPTION.findall(capsys.readouterr().out.replace("[", " ").replace("]", " ")))

    shown = words("spread")

    assert shown
    for page, arguments in shown:
        options = {argument for argument in arguments if argument.startswith("-")}
        assert options <= known, f"{page}: spread {shlex.join(arguments)}"


def test_commands_of_the_monitor_can_be_parsed() -> None:
    shown = [
        (page, arguments[: arguments.index("|")] if "|" in arguments else arguments)
        for page, arguments in words("spmonitor")
    ]

    assert shown
    for page, arguments in shown:
        given = [each for each in arguments if each not in (">>", "ring.jsonl")]
        assert monitor_program.arguments(given), f"{page}: spmonitor {shlex.join(arguments)}"

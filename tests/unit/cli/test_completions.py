"""Completion in the shells offers the flags that the programs have."""

import re
import shutil
import subprocess

import pytest

from spread.cli.command_line import SERVICES
from spread.cli.spmonitor import COMMANDS
from tests.unit.cli.programs import PACKAGING, PROGRAMS, flags_of, own_flags_of

COMPLETIONS = PACKAGING / "completions"

needs_fish = pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
needs_zsh = pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")

# Sources the file, completes the words given, prints one candidate a line.
BASH = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
"_$1"
printf '%s\\n' "${COMPREPLY[@]}"
"""


def shell(*command: str) -> list[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1]


def bash(program: str, *words: str) -> list[str]:
    """Return what bash offers for the last of the words."""
    return shell("bash", "-c", BASH, "bash", str(COMPLETIONS / "bash" / program), program, *words)


def fish(program: str, line: str) -> list[str]:
    """Return what fish offers behind a line."""
    path = COMPLETIONS / "fish" / f"{program}.fish"
    shown = shell("fish", "--no-config", "-c", f"source {path}; complete -C '{program} {line}'")
    return [each.partition("\t")[0] for each in shown]


# bash.


@pytest.mark.parametrize("program", PROGRAMS)
def test_bash_offers_every_flag_and_no_other(program: str) -> None:
    assert set(bash(program, "-")) == flags_of(program)


@pytest.mark.parametrize("program", ["spuser", "spflooder"])
def test_bash_offers_the_services(program: str) -> None:
    assert bash(program, "--service", "") == list(SERVICES)
    assert bash(program, "--service", "sa") == ["safe"]


@pytest.mark.parametrize("words", [("-c", "setu"), ("--check", "setu")])
def test_bash_offers_files_where_a_file_is_due(words: tuple[str, ...]) -> None:
    assert "setup.py" in bash("spread", *words)


def test_bash_offers_flags_behind_a_flag_whose_value_can_be_left_out() -> None:
    assert bash("spread", "--check", "--js") == ["--json"]


@pytest.mark.parametrize(
    ("flag", "values"), [("-l", ["y", "n"]), ("--log-format", ["classic", "json"])]
)
def test_bash_offers_the_values_of_the_daemons_flags(flag: str, values: list[str]) -> None:
    assert bash("spread", flag, "") == values


# fish.


@needs_fish
@pytest.mark.parametrize("program", PROGRAMS)
def test_fish_offers_every_flag_and_no_other(program: str) -> None:
    assert set(fish(program, "-")) == flags_of(program)


@needs_fish
@pytest.mark.parametrize("program", ["spuser", "spflooder"])
def test_fish_offers_the_services(program: str) -> None:
    assert sorted(fish(program, "--service ")) == sorted(SERVICES)


# zsh.


@pytest.mark.parametrize("program", PROGRAMS)
def test_zsh_knows_every_flag_and_no_other(program: str) -> None:
    text = (COMPLETIONS / "zsh" / f"_{program}").read_text()

    known = set(re.findall(r"[')](--?[a-z][a-z-]*)\[", text))
    assert known | {"-h", "--help"} == flags_of(program)
    assert text.startswith(f"#compdef {program}\n")


@needs_zsh
@pytest.mark.parametrize("program", PROGRAMS)
def test_zsh_can_read_its_file(program: str) -> None:
    assert shell("zsh", "-n", str(COMPLETIONS / "zsh" / f"_{program}")) == []


# The commands of spmonitor.


def test_bash_offers_the_commands_of_spmonitor() -> None:
    assert set(bash("spmonitor", "")) >= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_bash_offers_the_flags_of_a_command_of_spmonitor(command: str) -> None:
    offered = set(bash("spmonitor", "-c", "spread.conf", command, "-"))

    assert offered == flags_of("spmonitor") | own_flags_of(command)


def test_zsh_knows_the_commands_of_spmonitor() -> None:
    text = (COMPLETIONS / "zsh" / "_spmonitor").read_text()

    assert re.findall(r"^ {8}'(\w+):", text, re.MULTILINE) == list(COMMANDS)


@needs_fish
@pytest.mark.parametrize("command", COMMANDS)
def test_fish_offers_the_flags_of_a_command_of_spmonitor(command: str) -> None:
    offered = set(fish("spmonitor", f"{command} -"))

    assert offered == flags_of("spmonitor") | own_flags_of(command)

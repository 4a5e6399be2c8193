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


def bash(command: str, *words: str) -> list[str]:
    """Return what bash offers behind a command for the last of the words."""
    program, *before = command.split()
    path = COMPLETIONS / "bash" / program
    return shell("bash", "-c", BASH, "bash", str(path), program, *before, *words)


def fish(command: str, line: str) -> list[str]:
    """Return what fish offers behind a command and more of its line."""
    path = COMPLETIONS / "fish" / f"{command.split(maxsplit=1)[0]}.fish"
    shown = shell("fish", "--no-config", "-c", f"source {path}; complete -C '{command} {line}'")
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


def test_the_doctor_is_offered_as_the_first_word_only() -> None:
    assert "doctor" in bash("spread", "")
    assert bash("spread", "do") == ["doctor"]
    assert "doctor" not in bash("spread", "-c", "spread.conf", "do")


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


# Stands in for what zsh's completion offers: notes the arguments. `*::` hands on the command line
# from the command on, as `_arguments` does.
ZSH = r"""
function _arguments { for each in "$@"; do print -r -- "$each"; done
    if [[ ${@[-1]} == '*::'* && $words[2] != -* ]]; then shift words; ${${@[-1]}##*:}; fi }
function _describe { }
path=$1; shift; words=("$@"); CURRENT=$#
source $path
"""


def zsh(command: str, *words: str) -> set[str]:
    """Return the flags that zsh offers behind a command."""
    path = COMPLETIONS / "zsh" / f"_{command.split(maxsplit=1)[0]}"
    told = shell("zsh", "-f", "-c", ZSH, "zsh", str(path), *command.split(), *words, "-")
    return {
        flag for line in told if (flag := re.sub(r"^(\(.*?\)|\*)*", "", line).partition("[")[0])
    }


@needs_zsh
@pytest.mark.parametrize("program", PROGRAMS)
def test_zsh_offers_every_flag_and_no_other(program: str) -> None:
    offered = {each for each in zsh(program) if each.startswith("-")}

    assert offered - {"-S"} == flags_of(program)


@needs_zsh
@pytest.mark.parametrize("program", PROGRAMS)
def test_zsh_can_read_its_file(program: str) -> None:
    path = COMPLETIONS / "zsh" / f"_{program.split(maxsplit=1)[0]}"

    assert shell("zsh", "-n", str(path)) == []
    assert path.read_text().startswith(f"#compdef {path.name[1:]}\n")


# The commands of spmonitor.


def test_bash_offers_the_commands_of_spmonitor() -> None:
    assert set(bash("spmonitor", "")) >= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_bash_offers_the_flags_of_a_command_of_spmonitor(command: str) -> None:
    offered = set(bash("spmonitor", "-c", "spread.conf", command, "-"))

    assert offered == flags_of("spmonitor") | own_flags_of(command)


@needs_zsh
@pytest.mark.parametrize("command", COMMANDS)
def test_zsh_offers_the_flags_of_a_command_of_spmonitor(command: str) -> None:
    offered = {each for each in zsh("spmonitor", command) if each.startswith("-")}

    assert offered - {"-S"} == flags_of("spmonitor") | own_flags_of(command)


def test_zsh_knows_the_commands_of_spmonitor() -> None:
    text = (COMPLETIONS / "zsh" / "_spmonitor").read_text()

    assert re.findall(r"^ {8}'(\w+):", text, re.MULTILINE) == list(COMMANDS)


@needs_fish
@pytest.mark.parametrize("command", COMMANDS)
def test_fish_offers_the_flags_of_a_command_of_spmonitor(command: str) -> None:
    offered = set(fish("spmonitor", f"{command} -"))

    assert offered == flags_of("spmonitor") | own_flags_of(command)

"""The manual pages say what the programs do: flags, commands, options, exit statuses."""

import re
import shutil
import subprocess
from enum import IntEnum
from pathlib import Path

import pytest

from spread.cli.command_line import Exit
from spread.cli.spmonitor import COMMANDS as COMMANDS_OF_MONITOR
from spread.cli.user.conversation import COMMANDS
from spread.config.model import EventPriority, EventType
from spread.config.options import OPTIONS, OWN_OPTIONS, Form, Option
from tests.unit.cli.programs import PACKAGING, PROGRAMS, flags_of, own_flags_of

MANUAL = PACKAGING / "man"
PAGES = {
    "spread": "spread.8",
    "spread doctor": "spread-doctor.8",
    "spuser": "spuser.1",
    "spflooder": "spflooder.1",
    "spmonitor": "spmonitor.1",
}
FLAG = re.compile(r"Fl (\S+)")


def section(page: str, title: str) -> str:
    """Return the lines between one heading and the next, with continued lines joined."""
    text = (MANUAL / page).read_text().replace("\\\n", "")
    _, _, rest = text.partition(f".Sh {title}\n")
    assert rest, f"{page} has no section {title}"
    return rest.partition("\n.Sh ")[0]


def items(text: str) -> list[str]:
    """Return the heads of the items of all lists in a text."""
    return [line.removeprefix(".It ") for line in text.splitlines() if line.startswith(".It ")]


def flags_in(text: str) -> set[str]:
    return {f"-{flag}" for flag in FLAG.findall(text)}


def statuses_in(page: str) -> set[int]:
    return {int(item) for item in items(section(page, "EXIT STATUS"))}


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_flag_is_described_and_no_other(program: str) -> None:
    described = flags_in("\n".join(items(section(PAGES[program], "OPTIONS"))))

    assert described == flags_of(program)


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_synopsis_has_every_flag_and_no_other(program: str) -> None:
    assert flags_in(section(PAGES[program], "SYNOPSIS")) == flags_of(program)


def test_every_command_of_spuser_is_described_in_order() -> None:
    described = [item.split()[1:] for item in items(section("spuser.1", "COMMANDS"))]

    assert described == [
        [
            each.letter,
            *each.arguments.lower().replace("group", "Ar group").replace("...", " ...").split(),
        ]
        for each in COMMANDS
    ]


@pytest.mark.parametrize(
    ("page", "statuses"),
    [
        ("spuser.1", set(Exit)),
        ("spflooder.1", set(Exit) - {Exit.DATA, Exit.TERMINATED}),
        ("spmonitor.1", set(Exit) - {Exit.DATA, Exit.TERMINATED} | {1, 78}),
        ("spread.8", {0, 1, 2, 3, 4, 64, 70}),
        ("spread-doctor.8", {0, 1, 2, 64, 70, 130}),
    ],
)
def test_every_exit_status_is_described(page: str, statuses: set[IntEnum]) -> None:
    assert statuses_in(page) == statuses


def test_every_command_of_spmonitor_is_described_with_its_flags() -> None:
    heads = items(section("spmonitor.1", "COMMANDS"))

    described = {head.split()[1]: flags_in(head) for head in heads}

    assert described == {name: own_flags_of(name) for name in COMMANDS_OF_MONITOR}


def test_every_option_of_the_configuration_is_described_and_no_other() -> None:
    text = section("spread.conf.5", "OPTIONS")

    words = {
        word
        for head in [*items(text), *re.findall(r"^\.Ic (.*)", text, re.MULTILINE)]
        for word in re.findall(r"\b[A-Z][A-Za-z]+\b", head.partition(" No ")[0])
        if word != "Op"
    }
    assert words - {"Ic"} == set(OPTIONS) | set(OWN_OPTIONS) | {"RouteMatrix"}


@pytest.mark.parametrize(
    "option",
    [option for option in OWN_OPTIONS.values() if option.form is Form.NUMBER],
    ids=lambda option: option.word,
)
def test_bounds_of_our_own_options_are_those_in_force(option: Option) -> None:
    described = (
        section("spread.conf.5", "OPTIONS").partition(f".It Ic {option.word} ")[2].split(".It")[0]
    )

    assert f"{option.low} to {option.high}" in described


@pytest.mark.parametrize("names", [EventType, EventPriority])
def test_every_event_type_and_priority_is_listed(names: type[EventType | EventPriority]) -> None:
    text = section("spread.conf.5", "OPTIONS")

    missing = [
        name
        for name in names.__members__
        if name != "DEBUG" and not re.search(rf"\b{name}\b", text)
    ]
    assert not missing


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="mandoc is not installed")
@pytest.mark.parametrize("path", sorted(MANUAL.iterdir()), ids=lambda path: path.name)
def test_a_page_is_well_formed(path: Path) -> None:
    done = subprocess.run(
        ["mandoc", "-Tlint", "-Wwarning", path], capture_output=True, text=True, check=False
    )

    assert done.stdout == ""

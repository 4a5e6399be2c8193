"""The documentation's page on the programs has their flags, commands and exit statuses."""

import re

import pytest

from spread.cli.command_line import Exit
from spread.cli.user.conversation import COMMANDS
from tests.docs.pages import REPOSITORY
from tests.unit.cli.programs import flags_of

PAGE = (REPOSITORY / "docs/programs.md").read_text(encoding="utf-8")
EVERYWHERE = {"-h", "--help", "--version"}


def rows(program: str) -> list[list[str]]:
    """Return the cells of all tables in a program's section."""
    section = PAGE.partition(f"\n## {program}\n")[2].partition("\n## ")[0]
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in section.splitlines()
        if line.startswith("| ")
    ]


@pytest.mark.parametrize("program", ["spuser", "spflooder"])
def test_every_flag_is_in_the_table_and_no_other(program: str) -> None:
    shown = {
        flag for row in rows(program) for flag in re.findall(r"`(--?[a-z][a-z-]*)[ `]", row[0])
    }

    assert shown | EVERYWHERE == flags_of(program)


def test_every_command_is_in_the_table() -> None:
    shown = [row[0] for row in rows("spuser") if re.match(r"`[a-z]( GROUP\S*)?`$", row[0])]

    assert shown == [f"`{f'{each.letter} {each.arguments}'.strip()}`" for each in COMMANDS]


@pytest.mark.parametrize(
    ("program", "statuses"),
    [("spuser", set(Exit)), ("spflooder", set(Exit) - {Exit.DATA, Exit.TERMINATED})],
)
def test_every_exit_status_is_in_the_table(program: str, statuses: set[Exit]) -> None:
    shown = {
        int(number)
        for row in rows(program)
        if re.match(r"\d+(, \d+)*$", row[0])
        for number in row[0].split(", ")
    }

    assert shown == statuses

"""How the commands of the benchmark take their options and refuse what cannot be used."""

import argparse
import sys
from typing import NoReturn

USAGE = 64  # Exit status, as that of the project's other programs.


class UsageError(Exception):
    """An option of the command line that cannot be used."""


class Parser(argparse.ArgumentParser):
    """Parser without abbreviations, whose usage errors are one line and exit with USAGE."""

    def __init__(self, prog: str, description: str | None) -> None:
        super().__init__(prog=prog, description=description, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Print the message, where to find help, and exit."""
        print(f"{self.prog}: {one_line(message)} (--help has all options)", file=sys.stderr)
        self.exit(USAGE)


def one_line(text: str) -> str:
    """Return a text of several lines as one."""
    return " ".join(line.strip() for line in text.splitlines() if line.strip())

"""The programs, and the flags that their own help tells."""

import argparse
import contextlib
import io
import re
from collections.abc import Callable
from pathlib import Path

from spread.cli import spflooder, spmonitor, spread, spread_doctor, spuser

__all__ = ["PACKAGING", "PROGRAMS", "flags_of", "own_flags_of"]

PACKAGING = Path(__file__).resolve().parents[3] / "packaging"

PROGRAMS: dict[str, Callable[[list[str]], int]] = {
    "spread": spread.main,
    "spread doctor": spread_doctor.main,
    "spuser": spuser.main,
    "spflooder": spflooder.main,
    "spmonitor": spmonitor.main,
}

_FLAG = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")


def flags_of(program: str) -> set[str]:
    """Return every flag in the usage of a program."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.suppress(SystemExit):
        PROGRAMS[program](["--help"])
    usage, _, _ = output.getvalue().partition("\n\n")
    return set(_FLAG.findall(usage)) | {"--help"}


def own_flags_of(command: str) -> set[str]:
    """Return the flags of a command of spmonitor beside those of all."""
    parser = argparse.ArgumentParser(add_help=False)
    spmonitor.COMMANDS[command].load().add_arguments(parser)
    return {flag for action in parser._actions for flag in action.option_strings}

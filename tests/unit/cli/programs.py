"""The programs, and the flags that their own help tells."""

import contextlib
import io
import re
from collections.abc import Callable
from pathlib import Path

from spread.cli import spflooder, spmonitor, spread, spuser

__all__ = ["PACKAGING", "PROGRAMS", "flags_of"]

PACKAGING = Path(__file__).resolve().parents[3] / "packaging"

PROGRAMS: dict[str, Callable[[list[str]], int]] = {
    "spread": spread.main,
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

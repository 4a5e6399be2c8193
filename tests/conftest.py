"""Settings of all tests: the same examples in every run, fresh ones when asked for.

`HYPOTHESIS_PROFILE=fresh` looks for new examples; what it finds is printed with the line that
repeats it.
"""

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from spread.system import lock, memory_directory

# How long an example takes says something of the machine, not of the code.
settings.register_profile(
    "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("fixed", settings.get_profile("patient"), derandomize=True)
settings.register_profile("fresh", settings.get_profile("patient"))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))

# Who is started in the background by a shell ignores Ctrl-C, and so would the programs under test.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_LEFT = pytest.StashKey[set[Path]]()


def pytest_configure(config: pytest.Config) -> None:
    """Let the daemons and programs that tests start compile our modules once, not every time.

    Where Python is told to write no byte code, half of a daemon's start is compiling. What is
    written beside the sources would be in the way there, and some daemons have a /tmp of their own.
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        os.environ["PYTHONPYCACHEPREFIX"] = str(config.rootpath / "build" / "byte-code")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Remember what flight recorders left before this run."""
    session.config.stash[_LEFT] = set(memory_directory().glob("*.flight"))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove what flight recorders of killed daemons leave: no next start of them will.

    The first process of a run does so, when all others are through: a test of another one may
    still read what the daemon that it killed has left.
    """
    if hasattr(session.config, "workerinput"):
        return
    for path in set(memory_directory().glob("*.flight")) - session.config.stash[_LEFT]:
        # Gone meanwhile, or of another user.
        with suppress(OSError), path.open("rb") as file:
            if lock(file.fileno()):
                path.unlink()

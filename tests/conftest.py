"""Settings of all tests: the same examples in every run, fresh ones when asked for.

`HYPOTHESIS_PROFILE=fresh` looks for new examples; what it finds is printed with the line that
repeats it.
"""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from spread.system import lock, memory_directory

if sys.platform == "linux":
    import fcntl

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
_RUNNING = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    """Let the daemons and programs that tests start compile our modules once, not every time.

    Where Python is told to write no byte code, half of a daemon's start is compiling. What is
    written beside the sources would be in the way there, and some daemons have a /tmp of their own.
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        os.environ["PYTHONPYCACHEPREFIX"] = str(config.rootpath / "build" / "byte-code")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Remember what flight recorders left before this run, and show others that it is going on."""
    session.config.stash[_LEFT] = set(memory_directory().glob("*.flight"))
    if sys.platform == "linux" and not _is_worker(session):
        directory = os.open(memory_directory(), os.O_RDONLY)
        session.config.stash[_RUNNING] = directory
        with suppress(OSError):  # Another run ends at this moment.
            fcntl.flock(directory, fcntl.LOCK_SH | fcntl.LOCK_NB)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove what flight recorders of killed daemons leave: no next start of them will.

    The first process of a run does so, when all others are through, and no other run goes on: a
    test of another one may still read what the daemon that it killed has left.
    """
    if _is_worker(session) or not _is_alone(session):
        return
    for path in set(memory_directory().glob("*.flight")) - session.config.stash[_LEFT]:
        # Gone meanwhile, or of another user.
        with suppress(OSError), path.open("rb") as file:
            if lock(file.fileno()):
                path.unlink()


def _is_worker(session: pytest.Session) -> bool:
    return hasattr(session.config, "workerinput")


def _is_alone(session: pytest.Session) -> bool:
    """Stop showing that this run goes on; return whether no other one does."""
    if _RUNNING not in session.config.stash:
        return True
    directory = session.config.stash[_RUNNING]
    try:
        fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(directory)
    return True

"""Settings of all tests: the same examples in every run, fresh ones when asked for.

`HYPOTHESIS_PROFILE=fresh` looks for new examples; what it finds is printed with the line that
repeats it.
"""

import os
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import settings

from spread.daemon.flight_place import lock, memory_directory

settings.register_profile("fixed", derandomize=True)
settings.register_profile("fresh", print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))


@pytest.fixture(scope="session", autouse=True)
def _memory_given_back() -> Iterator[None]:
    """Remove what flight recorders of killed daemons leave: no next start of them will."""
    before = set(memory_directory().glob("*.flight"))
    yield
    for path in set(memory_directory().glob("*.flight")) - before:
        # Gone meanwhile, or of another user.
        with suppress(OSError), path.open("rb") as file:
            if lock(file.fileno()):
                path.unlink()

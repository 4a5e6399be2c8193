"""The pytest fixture `spread_ring`: rings of simulated daemons, the same in every run of a test.

Installed with the package as a plugin; a project that disables plugins writes
`pytest_plugins = ["spread.pytest_plugin"]` into its `conftest.py`.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from zlib import crc32

import pytest

if TYPE_CHECKING:
    from spread.testing import Ring

__all__ = ["spread_ring"]


@pytest.fixture
def spread_ring(request: pytest.FixtureRequest) -> Callable[..., "Ring"]:
    """Return a function that makes a `Ring`; see `spread.testing`.

    Its seed is made from the name of the test, if none is given.
    """
    seed_of_test = crc32(request.node.nodeid.encode())

    def make(
        daemons: int = 3, *, segments: Sequence[int] | None = None, seed: int = seed_of_test
    ) -> "Ring":
        from spread.testing import Ring

        return Ring(daemons, segments=segments, seed=seed)

    return make

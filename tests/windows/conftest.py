"""What tests of sockets are made with."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.windows.clock import Clock


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    made = Clock()
    made.ask()
    return made

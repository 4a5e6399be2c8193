"""Fixtures of the tests of configuration files."""

import sys

import pytest


@pytest.fixture
def system_with_all_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for what a system has that knows Unix sockets and can listen at a segment's address."""
    listens = sys.modules["spread.config.listens"]  # The package has a function of this name.
    monkeypatch.setattr(listens, "HAS_UNIX_SOCKETS", True)
    monkeypatch.setattr(listens, "CAN_BIND_SEGMENT", True)

"""Fixtures of the tests that run the real daemon."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from tests.daemon.harness.process import Daemon


class StartDaemon(Protocol):
    """Start a daemon with these lines in its file; see `Daemon.start`."""

    def __call__(
        self,
        *options: str,
        files: Mapping[str, str] | None = None,
        open_files: tuple[int, int] | None = None,
        plugins: Path | None = None,
    ) -> Daemon: ...


@pytest.fixture
def start_daemon(tmp_path: Path) -> Iterator[StartDaemon]:
    """Start daemons in directories of their own; each must stop cleanly at the end of the test.

    A test that ends a daemon in another way waits for its exit itself, and one that makes it
    fail on purpose kills it.
    """
    started: list[Daemon] = []

    def start(
        *options: str,
        files: Mapping[str, str] | None = None,
        open_files: tuple[int, int] | None = None,
        plugins: Path | None = None,
    ) -> Daemon:
        directory = tmp_path / f"daemon{len(started)}"
        daemon = Daemon.start(
            directory, *options, files=files, open_files=open_files, plugins=plugins
        )
        started.append(daemon)
        return daemon

    yield start
    for daemon in started:
        if daemon.process.returncode is None:
            daemon.stop()


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    """Closes the sessions that a test opens in numbers or in the middle, also when it fails."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def daemon(start_daemon: StartDaemon) -> Daemon:
    """A daemon with the defaults and a log of its sessions."""
    return start_daemon("DebugFlags = { PRINT EXIT CONFIGURATION SESSION GROUPS }")

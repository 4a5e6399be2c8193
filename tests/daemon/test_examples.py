"""The examples of the documentation and of the docstrings do what they say."""

import doctest
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.harness.process import REPOSITORY, Daemon

MODULES = [
    "spread",
    "spread.aio",
    "spread.service",
    "spread.client.address",
    "spread.client.aio",
    "spread.client.mailbox",
]
PAGES = ["client.md"]

# What the examples say, and the daemon of the test stands for.
ADDRESS = "4803@localhost"
FENCE = re.compile(r"^```pycon\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def local_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with the name that `spread --local` gives."""
    daemon = Daemon.start(tmp_path_factory.mktemp("daemon"), name="localhost")
    yield daemon
    daemon.stop()


def failures_of(test: doctest.DocTest, daemon: Daemon) -> str:
    """Run the examples against `daemon` and return what was not as written."""
    for example in test.examples:
        example.source = example.source.replace(ADDRESS, f"{daemon.port}@localhost")
    report: list[str] = []
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS)
    runner.run(test, out=report.append)
    return "".join(report)


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(local_daemon: Daemon, name: str) -> None:
    tests = [
        test
        for test in doctest.DocTestFinder().find(importlib.import_module(name))
        if test.examples
    ]

    report = [failures_of(test, local_daemon) for test in tests]

    assert tests
    assert report == [""] * len(tests)


@pytest.mark.parametrize("page", PAGES)
def test_examples_in_pages(local_daemon: Daemon, page: str) -> None:
    path = Path(REPOSITORY, "docs", page)
    blocks = FENCE.findall(path.read_text(encoding="utf-8"))
    test = doctest.DocTestParser().get_doctest("".join(blocks), {}, page, str(path), 0)

    report = failures_of(test, local_daemon)

    assert test.examples
    assert report == ""

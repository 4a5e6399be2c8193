"""The Python programs of the README and of the start page print what the pages say.

Each block marked `python` is run as a program of its own, against a daemon started as the pages
say. A block marked `text` right behind it is what it prints.
"""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import pytest

from tests.daemon.harness.ports import free_port
from tests.daemon.harness.process import Daemon
from tests.docs.pages import REPOSITORY, blocks

PAGES = ("README.md", "docs/start.md")

# The address in the pages, which is that of a daemon started without further arguments.
ADDRESS = "4803@localhost"

PROGRAM_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Example:
    """A program of a page and what it prints."""

    place: str
    source: str
    output: str


def examples() -> list[Example]:
    return [
        Example(f"{page}:{block.line}", block.text, following.text)
        for page in PAGES
        for block, following in pairwise(blocks(page))
        if block.language == "python" and following.language == "text"
    ]


@pytest.fixture(scope="module")
def local_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon started by `spread --local`, but for the port."""
    port = free_port()
    directory = tmp_path_factory.mktemp("local")
    daemon = Daemon.start_with(directory, ["--local", "--port", str(port)], port)
    yield daemon
    daemon.stop()


@pytest.mark.parametrize("page", PAGES)
def test_every_program_shows_its_output(page: str) -> None:
    found = blocks(page)
    programs = [number for number, block in enumerate(found) if block.language == "python"]

    assert programs
    for number in programs:
        following = found[number + 1]
        assert following.language == "text", f"{page}:{found[number].line}"
        assert following.above.strip() == "", f"{page}:{following.line}"


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.place)
def test_a_program_prints_what_the_page_says(example: Example, local_daemon: Daemon) -> None:
    source = example.source.replace(ADDRESS, f"{local_daemon.port}@localhost")

    finished = subprocess.run(
        [sys.executable, "-W", "error", "-c", source],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=PROGRAM_SECONDS,
        check=False,
    )

    assert finished.stderr == ""
    assert finished.stdout == example.output

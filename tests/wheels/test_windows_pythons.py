"""The Windows lane knows its interpreters, and what is installed beside each of them."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent.parent
LANE = REPOSITORY / "wheels" / "windows"
MAKEFILE = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
IN_EACH_RUN = "3.11"

PINNED = {
    path.stem.removeprefix("requirements-python"): path.read_text(encoding="utf-8")
    for path in LANE.glob("requirements-python*.txt")
}


def test_each_interpreter_that_is_known_is_run_by_a_target() -> None:
    further = re.search(r"for minor in ([\d. ]+); do", MAKEFILE)

    assert further is not None
    assert {IN_EACH_RUN, *further[1].split()} == set(PINNED)


@pytest.mark.parametrize("minor", PINNED)
def test_an_interpreter_is_one_file_that_its_hash_names(minor: str) -> None:
    (line,) = (each for each in PINNED[minor].splitlines() if not each.startswith("#"))

    assert re.fullmatch(r"panda3d==[\d.]+ --hash=sha256:[0-9a-f]{64}", line)
    assert sum(line in text for text in PINNED.values()) == 1


def test_what_is_compiled_for_each_interpreter_has_a_hash_for_each() -> None:
    text = (LANE / "requirements-test.txt").read_text(encoding="utf-8").replace("\\\n", "")
    (hypothesis,) = (line for line in text.splitlines() if line.startswith("hypothesis=="))

    assert hypothesis.count("--hash=sha256:") == len(PINNED)

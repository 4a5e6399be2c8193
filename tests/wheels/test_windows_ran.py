"""The Windows lane notices files none of whose tests ran."""

import subprocess
import sys
from pathlib import Path

import pytest

from wheels.windows import ran

REPOSITORY = Path(__file__).resolve().parent.parent.parent
RESULTS = """<testsuites><testsuite name="pytest">
<testcase classname="tests.unit.test_a.TestOne" name="test_x"/>
<testcase classname="tests.unit.test_a" name="test_y">
<skipped type="pytest.skip" message="no addresses">somewhere</skipped></testcase>
<testcase classname="tests.unit.test_b" name="test_y">
<skipped type="pytest.skip" message="no addresses">somewhere</skipped></testcase>
<testcase classname="tests.windows.test_c" name="test_z"><failure message="no"/></testcase>
</testsuite></testsuites>"""


def run(listing: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    (tmp_path / "list.txt").write_text(listing, encoding="utf-8")
    (tmp_path / "results.xml").write_text(RESULTS, encoding="utf-8")
    return subprocess.run(
        [sys.executable, ran.__file__, tmp_path / "list.txt", tmp_path / "results.xml"],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_reasons_are_counted(tmp_path: Path) -> None:
    done = run("tests/unit/test_a.py\ntests/windows\n-k\nnot long\n", tmp_path)

    assert done.returncode == 0
    assert done.stdout.split() == ["2", "skipped:", "no", "addresses"]


@pytest.mark.parametrize("part", ["tests/unit/test_b.py", "tests/unit/test_ab.py", "tests/uni"])
def test_a_file_or_a_folder_without_a_test_that_ran_is_a_failure(part: str, tmp_path: Path) -> None:
    done = run(f"tests/unit/test_a.py\n{part}\n", tmp_path)

    assert done.returncode == 1
    assert done.stderr.split() == ["no", "test", "ran", "of", ran.listed(part)[0]]


@pytest.mark.parametrize("name", ["tests-unit.txt", "tests-more.txt"])
def test_what_is_listed_exists(name: str) -> None:
    text = (REPOSITORY / "wheels" / "windows" / name).read_text(encoding="utf-8")

    for part in ran.listed(text):
        path = REPOSITORY / part.replace(".", "/")
        assert path.is_dir() or path.with_suffix(".py").is_file(), part

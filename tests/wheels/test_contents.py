"""The examiner of wheels and source distributions finds what is too much and what is missing."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from wheels import contents

DIST_INFO = "spreadring-0.1.0.dist-info"
ENTRY_POINTS = "".join(f"{each} = spread.cli.{each}:main\n" for each in contents.SCRIPTS)


def parts_of_a_wheel() -> dict[str, bytes]:
    names = contents.sources("**/*.py", "*.pyi", "py.typed", "monitor/web/static/*")
    modules = contents.sources("_*.pyx")
    names |= {name.replace(".pyx", ".cpython-311-x86_64-linux-gnu.so") for name in modules}
    names |= {f"spreadring-0.1.0.data/data/share/man/{each}" for each in contents.MANUALS}
    names |= {f"{DIST_INFO}/licenses/LICENSE", f"{DIST_INFO}/METADATA"}
    return dict.fromkeys(names, b"") | {f"{DIST_INFO}/entry_points.txt": ENTRY_POINTS.encode()}


def wheel_of(parts: dict[str, bytes], directory: Path) -> Path:
    path = directory / "spreadring-0.1.0-cp311-cp311-linux_x86_64.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, data in parts.items():
            wheel.writestr(name, data)
    return path


def sdist_of(names: set[str], directory: Path) -> Path:
    path = directory / "spreadring-0.1.0.tar.gz"
    with tarfile.open(path, "w:gz") as sdist:
        for name in names:
            sdist.addfile(tarfile.TarInfo(f"spreadring-0.1.0/{name}"), io.BytesIO())
    return path


def test_a_whole_wheel_is_in_order(tmp_path: Path) -> None:
    assert contents.wheel_problems(wheel_of(parts_of_a_wheel(), tmp_path)) == []


@pytest.mark.parametrize(
    "name",
    [
        "spread/py.typed",
        "spread/_ring.cpython-311-x86_64-linux-gnu.so",
        "spread/_node.pyi",
        "spread/monitor/web/static/index.html",
        "spreadring-0.1.0.data/data/share/man/man8/spread.8",
        f"{DIST_INFO}/licenses/LICENSE",
        f"{DIST_INFO}/entry_points.txt",
    ],
)
def test_what_is_missing_is_found(name: str, tmp_path: Path) -> None:
    parts = parts_of_a_wheel()
    del parts[name]

    assert contents.wheel_problems(wheel_of(parts, tmp_path))


@pytest.mark.parametrize(
    "name",
    [
        "spread/_ring.c",
        "spread/_ring.pyx",
        "spread/_gone.cpython-311-x86_64-linux-gnu.so",
        "spread/gone.py",
        "tests/conftest.py",
        "bench/_load.cpython-311-x86_64-linux-gnu.so",
    ],
)
def test_what_does_not_belong_into_a_wheel_is_found(name: str, tmp_path: Path) -> None:
    parts = parts_of_a_wheel() | {name: b""}

    assert contents.wheel_problems(wheel_of(parts, tmp_path)) == [f"{name} does not belong there"]


def test_a_wheel_that_is_too_big_is_found(tmp_path: Path) -> None:
    parts = parts_of_a_wheel() | {"spread/py.typed": bytes(contents.SIZE_MAX)}

    (problem,) = contents.wheel_problems(wheel_of(parts, tmp_path))

    assert "too many" in problem


def test_the_examiner_fails_for_what_is_not_in_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = wheel_of(parts_of_a_wheel() | {"spread/_ring.c": b""}, tmp_path)

    assert contents.main([str(path)]) == 1
    assert "_ring.c does not belong" in capsys.readouterr().out


def test_a_source_distribution_needs_what_builds_and_nothing_that_was_made(tmp_path: Path) -> None:
    made = {"spread/_ring.c", "docs/_build/html/index.html"}

    problems = contents.sdist_problems(sdist_of(made, tmp_path))

    assert "spread/_ring.pyx is missing" in problems
    assert "setup.py is missing" in problems
    assert {f"{name} does not belong there" for name in made} <= set(problems)

"""The examiner of wheels and source distributions finds what is too much and what is missing."""

import io
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from wheels import contents

DIST_INFO = "spreadring-0.1.0.dist-info"
# Written out, so that what is promised cannot shrink together with its examiner.
PROGRAMS = ("spread", "spuser", "spflooder", "spmonitor")
SIZE_MAX = 3_000_000
DATA = (
    *(f"share/man/man1/{each}.1" for each in ("spuser", "spflooder", "spmonitor")),
    "share/man/man5/spread.conf.5",
    "share/man/man8/spread.8",
    "share/man/man8/spread-doctor.8",
    *(f"share/bash-completion/completions/{each}" for each in PROGRAMS),
    *(f"share/zsh/site-functions/_{each}" for each in PROGRAMS),
    *(f"share/fish/vendor_completions.d/{each}.fish" for each in PROGRAMS),
)
METADATA = ("METADATA", "WHEEL", "RECORD", "top_level.txt", "licenses/LICENSE")


def entry_points_of(programs: Iterable[str]) -> bytes:
    return "".join(f"{each} = spread.cli.{each}:main\n" for each in programs).encode()


def parts_of_a_wheel() -> dict[str, bytes]:
    names = contents.sources("**/*.py", "*.pyi", "py.typed", "monitor/web/static/*")
    modules = contents.sources("_*.pyx")
    names |= {name.replace(".pyx", ".cpython-311-x86_64-linux-gnu.so") for name in modules}
    names |= {f"spreadring-0.1.0.data/data/{each}" for each in DATA}
    names |= {f"{DIST_INFO}/{each}" for each in METADATA}
    return dict.fromkeys(names, b"") | {f"{DIST_INFO}/entry_points.txt": entry_points_of(PROGRAMS)}


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
        *(f"spreadring-0.1.0.data/data/{each}" for each in DATA),
        *(f"{DIST_INFO}/{each}" for each in METADATA),
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
        "spreadring-0.1.0.data/scripts/more",
        "spreadring-0.1.0.data/data/share/man/man1/more.1",
        "spreadring-0.1.0.data/data/etc/spread.conf",
        "spreadring-0.1.0.libs/libgcc_s.so.1",
        f"{DIST_INFO}/more",
        "share/man/man8/spread.8",
    ],
)
def test_what_does_not_belong_into_a_wheel_is_found(name: str, tmp_path: Path) -> None:
    parts = parts_of_a_wheel() | {name: b""}

    assert contents.wheel_problems(wheel_of(parts, tmp_path)) == [f"{name} does not belong there"]


@pytest.mark.parametrize("program", PROGRAMS)
def test_each_program_is_looked_for(program: str, tmp_path: Path) -> None:
    others = entry_points_of(each for each in PROGRAMS if each != program)
    parts = parts_of_a_wheel() | {f"{DIST_INFO}/entry_points.txt": others}

    assert contents.wheel_problems(wheel_of(parts, tmp_path)) == [f"no program {program}"]


@pytest.mark.parametrize(("size", "is_too_big"), [(SIZE_MAX - 1, False), (SIZE_MAX, True)])
def test_a_wheel_that_is_too_big_is_found(size: int, is_too_big: bool, tmp_path: Path) -> None:
    parts = parts_of_a_wheel()
    rest = size - wheel_of(parts, tmp_path).stat().st_size

    wheel = wheel_of(parts | {"spread/py.typed": bytes(rest)}, tmp_path)

    assert wheel.stat().st_size == size
    assert any("too many" in each for each in contents.wheel_problems(wheel)) == is_too_big


@pytest.mark.parametrize("order", [1, -1])
def test_the_examiner_fails_for_what_is_not_in_order_wherever_it_stands(
    order: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "whole").mkdir()
    whole = wheel_of(parts_of_a_wheel(), tmp_path / "whole")
    more = wheel_of(parts_of_a_wheel() | {"spread/_ring.c": b""}, tmp_path)

    assert contents.main([str(whole)]) == 0
    assert contents.main([str(whole), str(more)][::order]) == 1
    assert "_ring.c does not belong" in capsys.readouterr().out


def test_a_source_distribution_needs_what_builds_and_nothing_that_was_made(tmp_path: Path) -> None:
    made = {
        "spread/_ring.c",
        "spread/_ring.cpython-311-x86_64-linux-gnu.so",
        "spread/_ring.cp311-win_amd64.pyd",
        "spread/cli/__pycache__/spread.cpython-311.pyc",
        "docs/_build/html/index.html",
        "bench/results/latest.json",
        ".git/config",
    }

    problems = contents.sdist_problems(sdist_of(made, tmp_path))

    assert "spread/_ring.pyx is missing" in problems
    assert "setup.py is missing" in problems
    assert {f"{name} does not belong there" for name in made} <= set(problems)

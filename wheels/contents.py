"""What a wheel and a source distribution hold: `python wheels/contents.py FILE ...`.

Exits non-zero and says what is too much, what is missing, and what is too big.
"""

import re
import sys
import tarfile
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent
SIZE_MAX = 3_000_000
MODULE_SUFFIXES = (".so", ".pyd")

SCRIPTS = ("spread", "spuser", "spflooder", "spmonitor")
MANUALS = (
    "man1/spuser.1",
    "man1/spflooder.1",
    "man1/spmonitor.1",
    "man5/spread.conf.5",
    "man8/spread.8",
    "man8/spread-doctor.8",
)
COMPLETIONS = {
    "bash": "share/bash-completion/completions",
    "zsh": "share/zsh/site-functions",
    "fish": "share/fish/vendor_completions.d",
}
"""Where each shell looks for them, by the folder of `packaging/completions`."""

METADATA = {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "top_level.txt", "licenses/LICENSE"}
METADATA_FOLDER = re.compile(r"^[^/]+\.dist-info/")
DATA_FOLDER = re.compile(r"^[^/]+\.data/data/")


def sources(*patterns: str) -> set[str]:
    """Return the files of the package that match, relative to the root."""
    return {
        path.relative_to(ROOT).as_posix()
        for pattern in patterns
        for path in (ROOT / "spread").glob(pattern)
        if path.is_file()
    }


def wheel_problems(path: Path) -> list[str]:
    """Return what is wrong with a wheel."""
    with zipfile.ZipFile(path) as wheel:
        names = {name for name in wheel.namelist() if not name.endswith("/")}
        entry_points = next((name for name in names if name.endswith("/entry_points.txt")), None)
        programs = wheel.read(entry_points).decode() if entry_points else ""
    problems = [f"{name} is missing" for name in sorted(missing_from_wheel(names))]
    problems += [f"{name} does not belong there" for name in sorted(foreign_to_wheel(names))]
    problems += [
        f"no program {each}" for each in SCRIPTS if f"{each} = spread.cli." not in programs
    ]
    size = path.stat().st_size
    if size >= SIZE_MAX:
        problems.append(f"{size:,} bytes, {SIZE_MAX:,} and more are too many")
    return problems


def module_of(name: str) -> str | None:
    """Return the source of a compiled module: of `spread/_ring.cp311-win_amd64.pyd` the .pyx."""
    if not name.endswith(MODULE_SUFFIXES):
        return None
    return name.partition(".")[0] + ".pyx"


def below(folder: re.Pattern[str], name: str) -> str | None:
    """Return the name without that folder, None when it is not in it."""
    found = folder.match(name)
    return name[found.end() :] if found else None


def missing_from_wheel(names: set[str]) -> set[str]:
    """Return what the tree has for a wheel and the wheel has not."""
    wanted = sources("**/*.py", "*.pyi", "py.typed", "monitor/web/static/*")
    data = data_files() - {below(DATA_FOLDER, name) for name in names}
    modules = sources("_*.pyx") - {source for name in names if (source := module_of(name))}
    metadata = METADATA - {below(METADATA_FOLDER, name) for name in names}
    return (wanted - names) | data | modules | metadata


def data_files() -> set[str]:
    """Return what a wheel brings for the system: manuals and completion for shells."""
    completions = {
        f"{target}/{path.name}"
        for shell, target in COMPLETIONS.items()
        for path in (ROOT / "packaging" / "completions" / shell).iterdir()
    }
    return {f"share/man/{each}" for each in MANUALS} | completions


def foreign_to_wheel(names: Iterable[str]) -> set[str]:
    """Return what a wheel holds and the tree does not have for it."""
    wanted = sources("**/*.py", "*.pyi", "py.typed", "monitor/web/static/*")
    modules = sources("_*.pyx")
    data = data_files()
    return {
        name
        for name in names
        if not (
            name in wanted
            or module_of(name) in modules
            or below(METADATA_FOLDER, name) in METADATA
            or below(DATA_FOLDER, name) in data
        )
    }


def sdist_problems(path: Path) -> list[str]:
    """Return what is wrong with a source distribution."""
    with tarfile.open(path) as sdist:
        names = {
            str(PurePosixPath(*PurePosixPath(member.name).parts[1:]))
            for member in sdist
            if member.isfile()
        }
    wanted = sources("**/*.py", "*.py[xi]", "*.pxd", "*.h", "py.typed", "monitor/web/static/*")
    wanted |= {f"packaging/man/{PurePosixPath(each).name}" for each in MANUALS}
    wanted |= {"LICENSE", "README.md", "CHANGELOG.md", "Makefile", "setup.py", "pyproject.toml"}
    wanted |= {"wheels/smoke.py", "tests/conftest.py", "docs/index.md", "PKG-INFO"}
    problems = [f"{name} is missing" for name in sorted(wanted - names)]
    made = re.compile(r"spread/[^/]*\.c$|.*\.(so|pyd|pyc)$|docs/_build/|bench/results/|\.git/")
    problems += [f"{name} does not belong there" for name in sorted(names) if made.match(name)]
    return problems


def main(argv: Sequence[str]) -> int:
    """Examine files; returns the exit status."""
    status = 0
    for path in map(Path, argv):
        find = sdist_problems if path.name.endswith(".tar.gz") else wheel_problems
        problems = find(path)
        print(f"{path.name}: {path.stat().st_size:,} bytes, {'; '.join(problems) or 'in order'}")
        status |= bool(problems)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

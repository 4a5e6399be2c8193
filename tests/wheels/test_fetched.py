"""What cannot be had is skipped; what is had, but is not what was asked for, is a failure."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from wheels import fetch

REPOSITORY = Path(__file__).resolve().parent.parent.parent
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
WHEEL = "nothing-1.0-py3-none-any.whl"


def fetched(tmp_path: Path, requirement: str, *options: str) -> int:
    """Return the exit status of fetching something with a hash."""
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"{requirement} --hash=sha256:{'0' * 64}\n", encoding="utf-8")
    arguments = ["--no-deps", "--require-hashes", "--requirement", requirements, "--dest", tmp_path]
    return subprocess.run(
        [sys.executable, fetch.__file__, "download", *arguments, *options],
        env=os.environ | {"PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": ""},
        check=False,
        capture_output=True,
        timeout=60,
    ).returncode


def test_a_file_with_another_hash_is_a_failure(tmp_path: Path) -> None:
    offered = tmp_path / "offered"
    offered.mkdir()
    (offered / WHEEL).write_bytes(b"not what was asked for")

    assert fetched(tmp_path, "nothing==1.0", "--no-index", "--find-links", str(offered)) == 1


def test_a_version_that_has_gone_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / WHEEL).touch()

    assert fetched(tmp_path, "nothing==2.0", "--no-index", "--find-links", str(tmp_path)) == 1


def test_an_index_that_does_not_answer_is_none(tmp_path: Path) -> None:
    nobody = ("--index-url", "http://127.0.0.1:9/simple", "--retries", "0")

    assert fetched(tmp_path, "nothing==1.0", *nobody) == 77


@pytest.mark.skipif(
    not KEYRING.exists() or shutil.which("dpkg") is None, reason="this is no Debian"
)
@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("E: Failed to fetch http://mirror/x.deb  Hash Sum mismatch", 1),
        ("W: GPG error: http://mirror sid InRelease: invalid signature\\n404  Not Found", 1),
        ("E: no space left on device", 1),
        ("E: Failed to fetch http://mirror/x.deb  Could not connect to mirror:80", 77),
        ("E: Unable to locate package musl", 77),
    ],
)
def test_packages_that_cannot_be_had_are_told_from_damaged_ones(
    said: str, status: int, tmp_path: Path
) -> None:
    program = tmp_path / "apt-get"
    program.write_text(
        '#!/bin/sh\n[ "$1" = indextargets ] && { echo "Debian Debian http://mirror"; exit; }\n'
        f"printf '{said}\\n' >&2; exit 100\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "XDG_CACHE_HOME": str(tmp_path)}

    done = subprocess.run(
        [REPOSITORY / "wheels" / "debian.sh", "packages", "sid", "musl"],
        env=os.environ | environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == status, done.stderr
    assert ("SKIPPED" in done.stderr) == (status == 77)


@pytest.mark.skipif(sys.platform != "linux", reason="made on Linux only")
@pytest.mark.parametrize(("fetching", "status"), [(77, 77), (3, 1)])
def test_a_compiler_that_cannot_be_had_is_told_from_a_damaged_one(
    fetching: int, status: int, tmp_path: Path
) -> None:
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\nexit {fetching}\n", encoding="utf-8")
    program.chmod(0o755)

    done = subprocess.run(
        [REPOSITORY / "wheels" / "cross.sh", "musl", program, tmp_path / "output"],
        env=os.environ | {"XDG_CACHE_HOME": str(tmp_path)},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == status, done.stderr
    assert ("SKIPPED" in done.stderr) == (status == 77)
    assert list((tmp_path / "spreadring").iterdir()) == []


def test_all_that_is_fetched_by_pip_has_a_hash() -> None:
    for path in (REPOSITORY / "wheels").rglob("requirements*.txt"):
        text = path.read_text(encoding="utf-8").replace("\\\n", "")
        for line in text.splitlines():
            assert line.startswith("#") or ("==" in line and "--hash=sha256:" in line), path

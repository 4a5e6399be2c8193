"""The table of cibuildwheel builds what is promised: each Python, on each platform."""

import re
import shutil
import subprocess
import sys
import tomllib
from itertools import product
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PYTHONS = ("cp311", "cp312", "cp313", "cp314", "cp314t", "cp315", "cp315t")
PLATFORMS = {
    "linux": (
        "manylinux_x86_64",
        "manylinux_aarch64",
        "musllinux_x86_64",
        "musllinux_aarch64",
    ),
    "macos": ("macosx_x86_64", "macosx_arm64"),
    "windows": ("win_amd64", "win_arm64"),
}
CIBUILDWHEEL = shutil.which("cibuildwheel", path=str(Path(sys.executable).parent))

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
TABLE = PROJECT["tool"]["cibuildwheel"]


@pytest.mark.skipif(CIBUILDWHEEL is None, reason="cibuildwheel is not installed: make wheels")
@pytest.mark.parametrize("platform", PLATFORMS)
def test_each_python_is_built_for_each_platform(platform: str) -> None:
    assert CIBUILDWHEEL is not None
    done = subprocess.run(
        [CIBUILDWHEEL, "--print-build-identifiers", "--platform", platform, str(REPOSITORY)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )

    wanted = {f"{python}-{tag}" for python, tag in product(PYTHONS, PLATFORMS[platform])}
    assert set(done.stdout.split()) == wanted


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_linux_wheels_are_for_old_c_libraries(machine: str) -> None:
    assert TABLE["linux"][f"manylinux-{machine}-image"] == "manylinux_2_28"
    assert TABLE["linux"][f"musllinux-{machine}-image"] == "musllinux_1_2"


def test_each_wheel_is_tried_with_the_smoke_test() -> None:
    command = TABLE["test-command"]
    script = command.replace("python {project}/", "")

    assert (REPOSITORY / script).is_file(), command
    assert "test-skip" not in str(TABLE)


def test_classifiers_name_the_pythons_of_the_table() -> None:
    classifiers = " ".join(PROJECT["project"]["classifiers"])
    named = set(re.findall(r":: 3\.(\d+)", classifiers))

    assert named == {re.sub(r"cp3(\d+)t?", r"\1", python) for python in PYTHONS}

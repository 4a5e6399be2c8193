"""The Windows lane refuses modules that load what no Windows and no CPython for it has."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import setuptools

pytest.importorskip("pefile", reason="pefile is not installed: make wheels")

NEEDS = Path(__file__).resolve().parent.parent.parent / "wheels" / "windows" / "needs.py"
# A small program for Windows, which stands for a compiled module.
PROGRAM = (Path(setuptools.__file__).parent / "cli-64.exe").read_bytes()
KERNEL, STRANGER = b"KERNEL32.dll", b"strange1.dll"


def run(tmp_path: Path, **modules: bytes) -> subprocess.CompletedProcess[str]:
    path = tmp_path / "some.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("spread/__init__.py", "")
        for name, data in modules.items():
            wheel.writestr(f"spread/{name}.cp311-win_amd64.pyd", data)
    return subprocess.run(
        [sys.executable, NEEDS, path], check=False, capture_output=True, text=True, timeout=60
    )


def test_what_every_windows_has_is_in_order(tmp_path: Path) -> None:
    done = run(tmp_path, _ring=PROGRAM)

    assert done.returncode == 0, done.stderr
    assert "KERNEL32.dll" in done.stdout


def test_a_stranger_is_found_in_any_module(tmp_path: Path) -> None:
    assert PROGRAM.count(KERNEL) == 1

    done = run(tmp_path, _node=PROGRAM, _ring=PROGRAM.replace(KERNEL, STRANGER), _window=PROGRAM)

    assert done.returncode == 1
    assert "needs strange1.dll" in done.stderr


def test_a_wheel_without_modules_is_no_wheel_for_windows(tmp_path: Path) -> None:
    done = run(tmp_path)

    assert done.returncode == 1
    assert "it has no modules" in done.stderr

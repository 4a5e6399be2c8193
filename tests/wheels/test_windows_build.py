"""What makes the Windows wheel compile its modules again, and what does not."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

build = pytest.importorskip("wheels.windows.build", reason="Cython is not installed")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="built on another system")

Key = Callable[[], str]


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Key:
    """The key of a module, with a compiler that only tells its version, and one header."""
    compiler = tmp_path / build.COMPILER
    compiler.write_text("#!/bin/sh\necho version 12\n", encoding="utf-8")
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "include").mkdir()
    (tmp_path / "include" / "Python.h").write_text("#define A 1\n", encoding="utf-8")
    (tmp_path / "specs").write_text("-lucrt\n", encoding="utf-8")
    (tmp_path / "module.c").write_text("int a;\n", encoding="utf-8")

    def made() -> str:
        name: str = build.key_of(
            tmp_path / "module.c", build.rules_of(tmp_path, tmp_path / "specs")
        )
        return name

    return made


def test_what_has_not_changed_is_not_compiled_again(key: Key, tmp_path: Path) -> None:
    before = key()
    (tmp_path / "include" / "Python.h").touch()

    assert key() == before


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (build.COMPILER, "#!/bin/sh\necho version 13\n"),
        ("include/Python.h", "#define A 2\n"),
        ("include/cpython/object.h", ""),
        ("specs", "-lmsvcrt\n"),
        ("module.c", "int b;\n"),
    ],
)
def test_what_it_is_made_of_is_compiled_again(
    name: str, content: str, key: Key, tmp_path: Path
) -> None:
    before = key()
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(content, encoding="utf-8")

    assert key() != before

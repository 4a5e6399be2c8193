"""What a change of a header of the package compiles again."""

import runpy
from pathlib import Path

from setuptools import Extension

REPOSITORY = Path(__file__).resolve().parent.parent.parent


def test_headers_that_headers_include_are_followed(tmp_path: Path) -> None:
    with_included = runpy.run_path(str(REPOSITORY / "setup.py"), run_name="setup")["with_included"]
    headers = {
        "_a.h": '#include "_b.h"\n#include <stdint.h>\n',
        "_b.h": '#ifdef X\n#include "_c.h"\n#endif\n#include "_a.h"\n',
        "_c.h": "",
        "_d.h": '#include "_c.h"\n',
    }
    for name, text in headers.items():
        (tmp_path / name).write_text(text, encoding="utf-8")

    extension = with_included(Extension("m", ["m.c"], depends=[str(tmp_path / "_a.h")]))

    assert sorted(extension.depends) == [str(tmp_path / name) for name in ("_a.h", "_b.h", "_c.h")]

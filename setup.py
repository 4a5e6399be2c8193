"""Extension modules of ``spreadring``; all metadata stands in ``pyproject.toml``."""

import os
import re
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

WINDOWS = sys.platform == "win32"
DEFECTS = os.environ.get("SPREAD_DEFECTS") == "1"  # Rules that tests of the checkers switch off.
DEBUG = os.environ.get("SPREAD_DEBUG") == "1"  # Bounds checks in the compiled modules.
BUILT = os.environ.get("SPREAD_BUILT") == "1"  # The modules lie in place: an editable install.
OPTIMISATION = ["-O1", "-g1", "-UNDEBUG"] if DEBUG else ["-O3", "-g1"]
PROCESSORS = os.cpu_count() or 1

MODULES = [str(path) for path in sorted(Path("spread").glob("_*.pyx"))]

OWN_HEADER = re.compile(r'^#include "(_\w+\.h)"', re.MULTILINE)

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": DEBUG,
    "wraparound": DEBUG,
    "cdivision": not DEBUG,
    "initializedcheck": DEBUG,
    "freethreading_compatible": True,
}


def extension_of(module: str) -> Extension:
    return Extension(
        module.replace("\\", "/").removesuffix(".pyx").replace("/", "."),
        [module],
        include_dirs=["spread"],
        define_macros=[("SPREAD_DEFECTS", "1")] if DEFECTS else [],
        libraries=["winmm", "ws2_32"] if WINDOWS else [],
        extra_compile_args=[] if WINDOWS else OPTIMISATION,
    )


def with_included(extension: Extension) -> Extension:
    """Let a module be compiled again when a header of ours changes that another one includes.

    Cython notes those that the module names itself.
    """
    unread = list(extension.depends)
    while unread:
        header = Path(unread.pop())
        names = OWN_HEADER.findall(header.read_text(encoding="utf-8"))
        included = {str(header.with_name(name)) for name in names} - set(extension.depends)
        extension.depends += sorted(included)
        unread += included
    return extension


if __name__ == "__main__":  # The processes that translate import this file again.
    setup(
        ext_modules=[
            with_included(extension)
            for extension in cythonize(
                [] if BUILT else [extension_of(module) for module in MODULES],
                compiler_directives=DIRECTIVES,
                show_all_warnings=DEBUG,
                nthreads=0 if WINDOWS else PROCESSORS,
            )
        ],
        options={"build_ext": {"parallel": PROCESSORS}},
    )

"""Extension modules of ``spreadring``; all metadata stands in ``pyproject.toml``."""

import os
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


if __name__ == "__main__":  # The processes that translate import this file again.
    setup(
        ext_modules=cythonize(
            [] if BUILT else [extension_of(module) for module in MODULES],
            compiler_directives=DIRECTIVES,
            show_all_warnings=DEBUG,
            nthreads=0 if WINDOWS else PROCESSORS,
        ),
        options={"build_ext": {"parallel": PROCESSORS}},
    )

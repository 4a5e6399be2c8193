"""Build the extension modules of the benchmark in place: `python bench/setup_ext.py`.

Apart from the package's own setup.py, so that nothing of the benchmark reaches a wheel.
"""

import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Distribution, Extension  # type: ignore[import-untyped]  # It ships no stubs.

ROOT = Path(__file__).resolve().parent.parent
MODULES = [
    "bench._forwarder",
    "bench._limits",
    "bench._load",
    "bench._micro",
    "bench._ring_forwarder",
]
DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": False,
    "freethreading_compatible": True,
}


def main() -> None:
    """Translate and compile what has changed since the last build."""
    if sys.byteorder != "little":
        raise SystemExit("bench: the compiled loops speak the little-endian client protocol only")
    os.chdir(ROOT)
    extensions = cythonize(  # type: ignore[no-untyped-call]  # It has no annotations.
        [
            Extension(
                module,
                [module.replace(".", "/") + ".pyx"],
                extra_compile_args=["-O3", "-fno-strict-aliasing", "-g1"],
            )
            for module in MODULES
        ],
        compiler_directives=DIRECTIVES,
        show_all_warnings=True,
        quiet=True,
    )
    command = Distribution({"name": "bench", "ext_modules": extensions}).get_command_obj(
        "build_ext"
    )
    command.inplace = True
    command.build_temp = "build/bench"
    command.ensure_finalized()
    command.run()


if __name__ == "__main__":
    main()

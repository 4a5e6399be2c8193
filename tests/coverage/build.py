"""Build the ring's compiled core with line tracing, in a copy of a tree that is built already.

    cd COPY && python tests/coverage/build.py build_ext --inplace

Tracing makes compiled code some hundred times slower: all other modules stay as they are.
"""

from Cython.Build import cythonize
from setuptools import Extension, setup

MEASURED = (
    "_delivery",
    "_member",
    "_outbox",
    "_recovery",
    "_ring",
    "_station",
    "_submissions",
    "_token",
    "_window",
)
DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": False,
    "linetrace": True,
}


def extension_of(module: str) -> Extension:
    return Extension(
        f"spread.{module}",
        [f"spread/{module}.pyx"],
        include_dirs=["spread"],
        define_macros=[("CYTHON_TRACE_NOGIL", "1")],
        extra_compile_args=["-O1"],
    )


if __name__ == "__main__":
    setup(
        name="spreadring-traced",
        ext_modules=cythonize(
            [extension_of(module) for module in MEASURED], compiler_directives=DIRECTIVES
        ),
    )

"""Build a wheel for 64-bit Windows on this system: `build.py RUNTIME CACHE FOLDER`.

The same modules with the same directives as `setup.py` has, translated to C here and compiled by
mingw-w64 against the headers and the import library of RUNTIME, which `runtime.py` has made. The C
library is the one that CPython uses (UCRT).

CACHE keeps compiled modules by what they were made of, so a module that has been compiled once,
from whatever copy of the sources, is not compiled again.
"""

import hashlib
import os
import re
import runpy
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from Cython.Build import cythonize

ROOT = Path(__file__).resolve().parents[2]
COMPILER = "x86_64-w64-mingw32-gcc"
FLAGS = (
    *("-O2", "-std=c99", "-Wall", "-Wno-unused-function", "-D_UCRT"),
    *("-shared", "-s", "-static-libgcc"),
)
LIBRARIES = ("-lwinmm", "-lws2_32")
OWN_HEADER = re.compile(r'#include "(_\w+\.h)"')
UNUSED_S_MAX = 14 * 86400


def translate() -> list[Path]:
    """Let Cython write the C of all modules beside their sources; return those files."""
    setup = runpy.run_path(str(ROOT / "setup.py"), run_name="setup")
    extensions = [setup["extension_of"](module) for module in setup["MODULES"]]
    translated = cythonize(extensions, compiler_directives=setup["DIRECTIVES"], quiet=True)
    return [ROOT / each.sources[0] for each in translated]


def write_specs(folder: Path) -> Path:
    """Write the compiler's own rules with the C library of CPython in the place of the old one."""
    rules = subprocess.run([COMPILER, "-dumpspecs"], check=True, capture_output=True, text=True)
    specs = folder / "ucrt.specs"
    specs.write_text(rules.stdout.replace("-lmsvcrt", "-lucrt"), encoding="utf-8")
    return specs


def headers_of(text: str) -> list[Path]:
    """Return the headers of this project that a source includes, and those that these include."""
    found: list[Path] = []
    texts = [text]
    while texts:
        named = (ROOT / "spread" / name for name in OWN_HEADER.findall(texts.pop()))
        new = [path for path in dict.fromkeys(named) if path not in found]
        found += new
        texts += [path.read_text(encoding="utf-8") for path in new]
    return sorted(found)


def rules_of(runtime: Path, specs: Path) -> bytes:
    """Return what all modules are compiled with: the compiler, its rules, the headers of Python."""
    said = subprocess.run([COMPILER, "--version"], check=True, capture_output=True)
    headers = hashlib.sha256()
    for header in sorted((runtime / "include").rglob("*.h")):
        name = header.relative_to(runtime).as_posix().encode()
        content = header.read_bytes()
        headers.update(b"%s\0%d\0%s" % (name, len(content), content))
    options = f"{FLAGS} {LIBRARIES} {headers.hexdigest()}".encode()
    return b"\0".join([options, said.stdout, specs.read_bytes()])


def key_of(source: Path, rules: bytes) -> str:
    """Return a name for what a compiled module is made of."""
    text = source.read_text(encoding="utf-8")
    # What Cython notes about the build that translated the module is not compiled.
    head, _, rest = text.partition("/* BEGIN: Cython Metadata")
    text = head + rest.partition("END: Cython Metadata")[2]
    parts = [text.encode(), rules, *(header.read_bytes() for header in headers_of(text))]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:24]


def compile_module(source: Path, runtime: Path, cache: Path, specs: Path, rules: bytes) -> Path:
    """Compile one module unless that has been done; return its file in the cache."""
    (dll,) = runtime.glob("python3?*.dll")
    compiled = cache / f"{source.stem}-{dll.stem}-{key_of(source, rules)}.pyd"
    if not compiled.exists():
        unfinished = compiled.with_suffix(f".{os.getpid()}")
        subprocess.run(
            [
                *(COMPILER, f"-specs={specs}", *FLAGS, f"-I{ROOT / 'spread'}"),
                *(f"-I{runtime / 'include'}", source, "-o", unfinished),
                *(f"-L{runtime / 'libs'}", f"-l{dll.stem}", *LIBRARIES),
            ],
            check=True,
        )
        unfinished.rename(compiled)
    compiled.touch()
    return compiled


def forget_old(cache: Path) -> None:
    """Remove compiled modules that nobody has used for long."""
    for each in cache.iterdir():
        with suppress(FileNotFoundError):  # Another tree was faster.
            if time.time() - each.stat().st_mtime > UNUSED_S_MAX:
                each.unlink()


def collect(*arguments: str | Path) -> None:
    """Run one of setuptools' commands; what it says matters only if it fails."""
    run = [sys.executable, "-W", "ignore", "setup.py", "--quiet", *arguments]
    done = subprocess.run(run, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{done.stdout}{done.stderr}setup.py {arguments[0]} failed")


def stage(folder: Path) -> None:
    """Collect the Python files, the metadata and the manuals as setuptools does for any wheel."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    collect("build_py", "--build-lib", folder)
    collect("dist_info", "--output-dir", folder)
    (metadata,) = folder.glob("*.dist-info")
    collect("install_data", "--install-dir", metadata.with_suffix(".data") / "data")


def pack(folder: Path, tag: str, target: Path) -> None:
    """Make the wheel of what was collected."""
    (metadata,) = folder.glob("*.dist-info")
    (metadata / "WHEEL").write_text(
        f"Wheel-Version: 1.0\nGenerator: {Path(__file__).name}\nRoot-Is-Purelib: false\n"
        f"Tag: {tag}\n",
        encoding="utf-8",
    )
    subprocess.run(
        [sys.executable, "-m", "wheel", "pack", folder, "--dest-dir", target],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def main() -> None:
    runtime, cache, target = (Path(each).resolve() for each in sys.argv[1:])
    os.chdir(ROOT)
    for folder in (cache, target):
        folder.mkdir(parents=True, exist_ok=True)
    for old in target.glob("*.whl"):  # If this fails, nobody is to take it for the new one.
        old.unlink()
    sources = translate()
    specs = write_specs(target)
    rules = rules_of(runtime, specs)
    with ThreadPoolExecutor(int(os.environ.get("JOBS", "2"))) as pool:
        compiled = list(
            pool.map(lambda at: compile_module(at, runtime, cache, specs, rules), sources)
        )
    stage(target / "stage")
    (dll,) = runtime.glob("python3?*.dll")
    tag = f"cp{dll.stem.removeprefix('python')}"
    for source, module in zip(sources, compiled, strict=True):
        shutil.copy(module, target / "stage" / "spread" / f"{source.stem}.{tag}-win_amd64.pyd")
    pack(target / "stage", f"{tag}-{tag}-win_amd64", target)
    forget_old(cache)


if __name__ == "__main__":
    main()

"""Make a genuine Windows CPython that Wine can run: `runtime.py PYTHON FOLDER`.

The interpreter's DLL and its compiled modules are those of python.org; `panda3d` carries them in
its wheels, signed, for programs that it packs. The rest comes from here: the standard library and
the headers of PYTHON, an interpreter of the same minor version on this system, a `python.exe` of
one line, and an import library made from the DLL's table of exports.

Beside it are installed: pip, and what the tests import. Everything that is downloaded has its hash
in `requirements-*.txt`. Exit status 77: it cannot be had, for nothing answers; whatever else fails
is a failure.
"""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import pefile

HERE = Path(__file__).resolve().parent
COMPILER = "x86_64-w64-mingw32-gcc"
DLL_TOOL = "x86_64-w64-mingw32-dlltool"

CARRIED = "deploy_libs/"
"""Folder of the carrier's wheel with the parts of CPython."""

UNWANTED_DLLS = (
    "api-ms",  # Wine has its own.
    "_wmi.pyd",  # Aborts under Wine; the standard library does without it.
)

UNWANTED_MODULES = shutil.ignore_patterns(
    "__pycache__", "config-*", "_sysconfigdata*", "lib-dynload", "site-packages", "dist-packages",
    "test", "tests", "idlelib", "tkinter", "turtledemo", "lib2to3", "ensurepip", "*.a",
    "sitecustomize.py", "EXTERNALLY-MANAGED",  # What a distribution sets for itself.
)  # fmt: skip

EXECUTABLE_SECTION = 0x20000000


def download(requirements: Path, minor: str, target: Path) -> None:
    """Fetch wheels for 64-bit Windows, each with the hash that is written down for it."""
    done = subprocess.run(
        [
            *(sys.executable, HERE.parent / "fetch.py", "download"),
            *("--platform", "win_amd64", "--python-version", minor, "--only-binary", ":all:"),
            *("--no-deps", "--require-hashes", "--requirement", requirements, "--dest", target),
        ],
        check=False,
    )
    if done.returncode != 0:
        sys.exit(done.returncode)


def place_interpreter(minor: str, target: Path) -> None:
    """Put python3XX.dll beside the program to be, compiled modules and their DLLs into `DLLs`."""
    version = minor.replace(".", "")
    with TemporaryDirectory() as fetched:
        download(HERE / f"requirements-python{minor}.txt", minor, Path(fetched))
        (wheel,) = Path(fetched).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                part = name.removeprefix(CARRIED)
                if part == name or "/" in part or not part.endswith((".dll", ".pyd")):
                    continue
                if part.startswith(UNWANTED_DLLS) or part.endswith("t-win_amd64.pyd"):
                    continue
                is_core = part.startswith(("python3", "VCRUNTIME"))
                if part.startswith("python") and part != f"python{version}.dll":
                    continue
                place = target / part if is_core else target / "DLLs" / part
                place.write_bytes(archive.read(name))


def ask(python: str, expression: str) -> str:
    """Return what an interpreter makes of an expression about `sysconfig`."""
    program = f"import sysconfig; print({expression})"
    answer = subprocess.run([python, "-c", program], check=True, capture_output=True, text=True)
    return answer.stdout.strip()


def place_library(python: str, target: Path) -> None:
    """Copy standard library and headers of the interpreter here."""
    stdlib, include = (ask(python, f"sysconfig.get_path('{x}')") for x in ("stdlib", "include"))
    shutil.copytree(stdlib, target / "Lib", ignore=UNWANTED_MODULES)
    shutil.copytree(include, target / "include")
    shutil.copy(HERE / "pyconfig.h", target / "include")
    (target / "Lib" / "site-packages").mkdir()


def write_exports(dll: Path, definition: Path) -> None:
    """List what a DLL exports, as the linker wants it."""
    image = pefile.PE(dll, fast_load=True)
    image.parse_data_directories([pefile.DIRECTORY_ENTRY["IMAGE_DIRECTORY_ENTRY_EXPORT"]])
    lines = [f"LIBRARY {dll.name}", "EXPORTS"]
    for symbol in image.DIRECTORY_ENTRY_EXPORT.symbols:
        if symbol.name:
            section = image.get_section_by_rva(symbol.address)
            is_code = section is None or section.Characteristics & EXECUTABLE_SECTION
            lines.append(symbol.name.decode() + ("" if is_code else " DATA"))
    image.close()
    definition.write_text("\n".join(lines) + "\n", encoding="ascii")


def make_program(minor: str, target: Path) -> None:
    """Make the import library and `python.exe`."""
    name = f"python{minor.replace('.', '')}"
    libraries = target / "libs"
    definition = libraries / f"{name}.def"
    write_exports(target / f"{name}.dll", definition)
    subprocess.run(
        [DLL_TOOL, "-d", definition, "-D", f"{name}.dll", "-l", libraries / f"lib{name}.a"],
        check=True,
    )
    subprocess.run(
        [
            *(COMPILER, "-municode", "-O2", "-s", HERE / "python_exe.c", f"-L{libraries}"),
            *(f"-l{name}", "-o", target / "python.exe"),
        ],
        check=True,
    )


def place_packages(minor: str, target: Path) -> None:
    """Unpack pip and what the tests import; a wheel is an archive of what is installed."""
    with TemporaryDirectory() as fetched:
        download(HERE / "requirements-test.txt", minor, Path(fetched))
        for wheel in Path(fetched).glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(target / "Lib" / "site-packages")


def compile_library(python: str, target: Path) -> None:
    """Compile once what each start of the interpreter would else compile anew."""
    subprocess.run(
        [
            *(python, "-m", "compileall", "-q", "-j", "2"),
            *("--invalidation-mode", "unchecked-hash", target / "Lib"),
        ],
        check=False,  # Some packages carry files for other versions.
        stdout=subprocess.DEVNULL,
    )


def main() -> None:
    python, folder = sys.argv[1:]
    minor = ask(python, "sysconfig.get_python_version()")
    target = Path(folder).resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="unfinished-", dir=target.parent) as place:
        unfinished = Path(place) / target.name
        for part in ("DLLs", "libs"):
            (unfinished / part).mkdir(parents=True)
        place_interpreter(minor, unfinished)
        place_library(python, unfinished)
        make_program(minor, unfinished)
        place_packages(minor, unfinished)
        compile_library(python, unfinished)
        try:
            unfinished.rename(target)
        except OSError:
            if not target.is_dir():  # Another tree was faster, and may be using it.
                raise


if __name__ == "__main__":
    main()

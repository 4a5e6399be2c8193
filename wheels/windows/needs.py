"""Check what the modules of a Windows wheel load: `needs.py WHEEL`.

That is the system, the C library and the interpreter, nothing that the compiler brought along.
"""

import re
import sys
import zipfile
from pathlib import Path

import pefile

ALLOWED = re.compile(
    r"(kernel32|ws2_32|winmm|vcruntime\d+|python3\d+|api-ms-win-crt-[a-z0-9-]+)\.dll",
    re.IGNORECASE,
)
"""DLLs that each Windows, or each CPython for it, has."""


def needs(module: bytes) -> set[str]:
    """Return the names of the DLLs that a compiled module loads."""
    image = pefile.PE(data=module, fast_load=True)
    image.parse_data_directories([pefile.DIRECTORY_ENTRY["IMAGE_DIRECTORY_ENTRY_IMPORT"]])
    return {each.dll.decode() for each in image.DIRECTORY_ENTRY_IMPORT}


def main() -> None:
    path = Path(sys.argv[1])
    loaded: set[str] = set()
    with zipfile.ZipFile(path) as wheel:
        for name in wheel.namelist():
            if name.endswith(".pyd"):
                loaded |= needs(wheel.read(name))
    strangers = sorted(name for name in loaded if not ALLOWED.fullmatch(name))
    if strangers or not loaded:
        sys.exit(f"{path.name} needs {', '.join(strangers) or 'nothing: it has no modules'}")
    print(f"{path.name}: its modules need {', '.join(sorted(loaded, key=str.lower))}")


if __name__ == "__main__":
    main()

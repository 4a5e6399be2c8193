"""What a child process does to itself before it becomes a daemon on a host of its own."""

import ctypes
import os
import signal
import sys
from collections.abc import Iterable
from pathlib import Path

__all__ = ["SHARED", "die_with_parent", "hide_shared"]

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = Path("/tmp")  # Where daemons have their Unix sockets, named after the port.

PR_SET_PDEATHSIG = 1  # prctl(2).
CLONE_NEWNS = 0x20000
MS_BIND, MS_MOVE, MS_REC, MS_PRIVATE = 0x1000, 0x2000, 0x4000, 0x40000

_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent() -> None:
    """Let this process be killed when the one that made it ends."""
    _call(_libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL), "prctl")


def hide_shared(directory: Path, further: Iterable[Path] = ()) -> None:
    """Put an empty directory in the place of the shared one, with what the daemon needs of it.

    Daemons on several hosts use one port, and so one name for their Unix sockets. What they need
    are the package, the interpreter, their `directory`, and the `further` paths.
    """
    needed = [REPOSITORY, Path(sys.prefix), Path(sys.base_prefix), directory, *further]
    _call(_libc.unshare(CLONE_NEWNS), "unshare")
    _mount(None, Path("/"), MS_REC | MS_PRIVATE)
    empty = directory / "empty"
    empty.mkdir(exist_ok=True)
    _mount("tmpfs", empty, 0, kind=b"tmpfs")
    empty.chmod(0o1777)
    for path in needed:
        if path.is_relative_to(SHARED):
            place = empty / path.relative_to(SHARED)
            _make_like(path, place)
            _mount(path, place, MS_BIND)
    _mount(empty, SHARED, MS_MOVE)


def _make_like(path: Path, place: Path) -> None:
    if path.is_dir():
        place.mkdir(parents=True, exist_ok=True)
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()


def _mount(source: Path | str | None, target: Path, flags: int, kind: bytes | None = None) -> None:
    origin = None if source is None else os.fsencode(source)
    _call(_libc.mount(origin, os.fsencode(target), kind, ctypes.c_ulong(flags), None), "mount")


def _call(result: int, name: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")

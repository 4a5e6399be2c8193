"""Where and with what a result was measured."""

import os
import platform
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.daemon import ROOT
from spread.release import release


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The circumstances of one benchmark run."""

    time: str
    processor: str
    core_count: int
    memory_gb: float
    kernel: str
    load_average: float  # Over the minute before the start: other work disturbs.
    python: str
    numpy: str
    cython: str
    release: str  # Of this package.
    commit: str  # With "+" when the working tree differs from it.


def describe_machine() -> Machine:
    """Return the circumstances as they are now."""
    return Machine(
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        processor=_processor(),
        core_count=os.cpu_count() or 0,
        memory_gb=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        kernel=f"{platform.system()} {platform.release()}",
        load_average=round(os.getloadavg()[0], 2),
        python=platform.python_version(),
        numpy=version("numpy"),
        cython=version("cython"),
        release=release(),
        commit=_commit(),
    )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _commit() -> str:
    commit = _git("rev-parse", "--short", "HEAD")
    return commit + ("+" if commit and _git("status", "--porcelain", "-uno") else "")


def _git(*arguments: str) -> str:
    """Return what git prints, empty outside a repository or without git."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return ""
    return done.stdout.strip()

"""Samples of what processes do, taken by perf, and what they amount to.

A sample counts for the program part whose instruction was met. Time in the kernel counts for what
the process had asked for: on one machine a datagram's way through the bridge into the sockets of
other hosts is time of the call that sends it.
"""

import os
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bench.tracing import TracingError, perf_running

FREQUENCY_HZ = 997  # Not in step with timers.
TIMEOUT_S = 60.0  # Of perf's own report.
SHOWN = 12
FRAME = re.compile(r"\s*[0-9a-f]+ (.+?)(?:\+0x[0-9a-f]+)? \((.*)\)$")
MODULE = re.compile(r"/spread/([\w/]+)\.[^/]*so$")
MANGLED = re.compile(
    r"^__pyx_f\w*?_\d+(?P<module>_[a-z_]+?)_(?:\d+[A-Z]\w*?_)?(?P<name>[a-z_]\w*)$"
)

KERNEL, SPREAD, INTERPRETER, LIBRARY, OTHER = (
    "kernel",
    "modules of spread",
    "interpreter",
    "C library",
    "other",
)
TO_RING = "datagrams to other daemons, up to their sockets"
FROM_RING = "datagrams from other daemons"
TO_CLIENTS = "frames to clients"
FROM_CLIENTS = "frames from clients"
WAITING = "waiting for events"
SWITCHING = "interrupts, scheduling, other calls"
# What is met first in a stack, from its outermost frame on, says what the kernel was asked for.
ASKED = (
    (re.compile("udp_sendmsg|sendmmsg"), TO_RING),
    (re.compile("udp_recvmsg|recvmmsg"), FROM_RING),
    (re.compile("epoll|_poll$|_select"), WAITING),
    (re.compile("sys_send|do_writev|tcp_sendmsg|unix_stream_sendmsg|ksys_write"), TO_CLIENTS),
    (re.compile("sys_recv|do_readv|tcp_recvmsg|unix_stream_read|ksys_read"), FROM_CLIENTS),
)


class Frame(NamedTuple):
    """A function in a stack, and the file that it is of."""

    symbol: str
    file: str


class Symbol(NamedTuple):
    """One line of the list of the most frequent instructions' functions."""

    name: str
    part: str
    purpose: str
    share: float


@dataclass(frozen=True, slots=True)
class Profile:
    """Shares of all samples, each largest first."""

    sample_count: int
    parts: tuple[tuple[str, float], ...]
    kernel: tuple[tuple[str, float], ...]  # By what it was asked for.
    modules: tuple[tuple[str, float], ...]
    symbols: tuple[Symbol, ...]


@contextmanager
def sampled(pids: Sequence[int]) -> Iterator[Callable[[], Profile]]:
    """Take samples of processes meanwhile; what is yielded gives the profile, after the end.

    Raises TracingError where perf cannot.
    """
    found: list[Profile] = []
    with tempfile.TemporaryDirectory() as directory:
        data = Path(directory) / "perf.data"
        command = ["perf", "record", "-g", "-F", str(FREQUENCY_HZ), "-o", str(data)]
        with perf_running(command, pids):
            yield lambda: found[0]
        found.append(summed_up(list(stacks(_printed(data)))))
    if not found[0].sample_count:
        raise TracingError("perf took no samples")


def _printed(data: Path) -> str:
    try:
        done = subprocess.run(
            ["perf", "script", "-i", str(data), "-F", "ip,sym,dso"],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=TIMEOUT_S,
            env={**os.environ, "LC_ALL": "C"},
        )
    except subprocess.TimeoutExpired as error:
        raise TracingError(f"perf printed no samples within {TIMEOUT_S:g} s") from error
    if done.returncode != 0:
        raise TracingError(f"perf printed no samples: {done.stderr.strip()}")
    return done.stdout


def stacks(text: str) -> Iterator[list[Frame]]:
    """Yield the stacks that perf printed, innermost frame first."""
    stack: list[Frame] = []
    for line in text.splitlines():
        match = FRAME.match(line)
        if match:
            stack.append(Frame(match[1], match[2]))
        elif stack:
            yield stack
            stack = []
    if stack:
        yield stack


def summed_up(samples: Sequence[Sequence[Frame]]) -> Profile:
    """Return what the samples amount to."""
    parts: Counter[str] = Counter()
    kernel: Counter[str] = Counter()
    modules: Counter[str] = Counter()
    symbols: Counter[tuple[str, str, str]] = Counter()
    for stack in samples:
        part = part_of(stack[0].file)
        module = module_of(stack[0].file)
        purpose = purpose_of(stack) if part == KERNEL else module
        parts[part] += 1
        kernel[purpose] += part == KERNEL
        modules[module] += part == SPREAD
        symbols[readable(stack[0].symbol), part, purpose] += 1
    count = max(1, len(samples))
    return Profile(
        len(samples),
        _shares(parts, count),
        _shares(kernel, count),
        _shares(modules, count),
        tuple(Symbol(*key, seen / count) for key, seen in symbols.most_common(SHOWN)),
    )


def part_of(file: str) -> str:
    """Return what a file belongs to."""
    name = Path(file).name
    if file.startswith("[") and "unknown" not in file and "vdso" not in file:
        return KERNEL
    if MODULE.search(file):
        return SPREAD
    if name.startswith(("python", "libpython")):
        return INTERPRETER
    return LIBRARY if name.startswith(("libc.", "libc-", "ld-", "[vdso")) else OTHER


def module_of(file: str) -> str:
    """Return the module's name of one of spread, else the file's."""
    match = MODULE.search(file)
    return match[1].replace("/", ".") if match else Path(file).name


def purpose_of(stack: Sequence[Frame]) -> str:
    """Return what the kernel was asked for, by the outermost call that says it."""
    for frame in reversed(stack):
        for pattern, purpose in ASKED:
            if pattern.search(frame.symbol):
                return _of_datagrams(stack) if purpose == TO_CLIENTS else purpose
    return SWITCHING


def _of_datagrams(stack: Sequence[Frame]) -> str:
    """Return TO_RING for a single datagram, which is sent by the same call as frames are."""
    return TO_RING if any("udp_sendmsg" in frame.symbol for frame in stack) else TO_CLIENTS


def readable(symbol: str) -> str:
    """Return the name of a Cython function without what the compiler adds."""
    match = MANGLED.match(symbol)
    return match["name"] if match else re.sub(r"\.(constprop|part|isra)\.\d+", "", symbol)


def _shares(counts: Counter[str], whole: int) -> tuple[tuple[str, float], ...]:
    return tuple((name, seen / whole) for name, seen in counts.most_common() if seen)

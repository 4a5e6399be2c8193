"""Count the system calls of running processes: with perf, else, far slower, with strace."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

EVENT = "raw_syscalls:sys_enter"
TIMEOUT_S = 10.0
STRACE_TOTAL = re.compile(r"^\s*100\.00\s+\S+\s+\S+\s+(\d+)(?:\s+\d+)?\s+total\s*$", re.MULTILINE)


class TracingError(Exception):
    """System calls cannot be counted here; the message says why."""


@dataclass(slots=True)
class SystemCalls:
    """How many there were; known once counting has ended."""

    tool: str  # "perf" or "strace"; under strace a process is many times slower.
    count: int = 0


@contextmanager
def counted_system_calls(pids: Sequence[int]) -> Iterator[SystemCalls]:
    """Count those of all threads of some processes; raises TracingError where neither tool works.

    Both need the right to trace these processes, which root has.
    """
    reasons = []
    for tool, tracer in (("perf", _perf), ("strace", _strace)):
        if shutil.which(tool) is None:
            reasons.append(f"{tool} is not installed")
            continue
        calls = SystemCalls(tool)
        with ExitStack() as stack:
            try:
                stack.enter_context(tracer(pids, calls))
            except TracingError as error:
                reasons.append(str(error))
                continue
            yield calls
        return
    raise TracingError(f"system calls are not measured: {'; '.join(reasons)}")


@contextmanager
def _perf(pids: Sequence[int], calls: SystemCalls) -> Iterator[None]:
    with tempfile.TemporaryDirectory() as directory:
        output = Path(directory) / "perf"
        with perf_running(["perf", "stat", "-x", ",", "-e", EVENT, "-o", str(output)], pids):
            yield
        calls.count = _perf_count(output.read_text())


@contextmanager
def perf_running(command: list[str], pids: Sequence[int]) -> Iterator[None]:
    """Let perf watch processes meanwhile; it has written its output at the end.

    It waits for a word to begin, so that it sees neither its own start nor begins too late. Raises
    TracingError.
    """
    with ExitStack() as stack:
        control, acknowledgement = os.pipe(), os.pipe()
        for end in (*control, *acknowledgement):
            stack.callback(os.close, end)
        command = [*command, "-D", "-1", "--control", f"fd:{control[0]},{acknowledgement[1]}"]
        command += _processes("-p", pids)
        perf = stack.enter_context(_tool(command, (control[0], acknowledgement[1])))
        _tell(control[1], acknowledgement[0], "enable", perf)
        yield
        _tell(control[1], acknowledgement[0], "disable", perf)
        _interrupt(perf)


def _perf_count(text: str) -> int:
    for line in text.splitlines():
        fields = line.split(",")
        if len(fields) > 2 and fields[2] == EVENT and fields[0].isdecimal():
            return int(fields[0])
    raise TracingError(f"perf counted nothing: {text.strip()!r}")


def _tell(control: int, acknowledgement: int, word: str, perf: "subprocess.Popen[bytes]") -> None:
    """Give perf a command and wait until it has done it."""
    os.write(control, f"{word}\n".encode())
    while not _is_readable(acknowledgement):
        if perf.poll() is not None:
            assert perf.stderr is not None
            reason = perf.stderr.read().decode(errors="replace").strip()
            raise TracingError(f"perf ended: {reason or perf.returncode}")
    os.read(acknowledgement, 16)


def _is_readable(descriptor: int, timeout_s: float = 0.1) -> bool:
    import select

    return bool(select.select([descriptor], [], [], timeout_s)[0])


@contextmanager
def _strace(pids: Sequence[int], calls: SystemCalls) -> Iterator[None]:
    """Attach strace to all processes, and let it sum up at the end."""
    with ExitStack() as stack:
        output = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "strace"
        command = ["strace", "-c", "-f", "-o", str(output), *_processes("-p", pids, each=True)]
        strace = stack.enter_context(_tool(command, ()))
        assert strace.stderr is not None
        attached: set[int] = set()
        while not attached >= set(pids):
            line = strace.stderr.readline().decode(errors="replace")
            if not line or "ermitted" in line:
                raise TracingError(f"strace ended: {line.strip() or strace.poll()}")
            found = re.search(r"Process (\d+) attached", line)
            attached |= {int(found[1])} if found else set()
        yield
        _interrupt(strace)
        total = STRACE_TOTAL.search(output.read_text())
        if total is None:
            raise TracingError("strace gave no sum")
        calls.count = int(total[1])


def _processes(option: str, pids: Sequence[int], *, each: bool = False) -> list[str]:
    if each:
        return [part for pid in pids for part in (option, str(pid))]
    return [option, ",".join(map(str, pids))]


@contextmanager
def _tool(command: list[str], inherited: tuple[int, ...]) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a tracer, and end it whatever happens."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        pass_fds=inherited,
        env={**os.environ, "LC_ALL": "C"},
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def _interrupt(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise TracingError(f"the tracer did not end within {TIMEOUT_S:g} s") from error

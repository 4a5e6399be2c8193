"""Counting the system calls of a process that makes a known number of them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from bench.tracing import TracingError, counted_system_calls

# Makes so many calls of getppid as the line says that it reads, and answers when it has.
WORKER = """
import os, sys
for line in sys.stdin:
    for _ in range(int(line)):
        os.getppid()
    print("done", flush=True)
"""


@pytest.fixture
def worker() -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        make_calls(process, 0)
        yield process
        process.kill()


def make_calls(worker: "subprocess.Popen[str]", count: int) -> None:
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(f"{count}\n")
    worker.stdin.flush()
    assert worker.stdout.readline() == "done\n"


def hide(monkeypatch: pytest.MonkeyPatch, hidden: str) -> None:
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda tool: None if tool == hidden else which(tool))


@pytest.mark.parametrize(("tool", "hidden"), [("perf", "strace"), ("strace", "perf")])
def test_calls_of_the_process_in_the_block_are_counted(
    worker: "subprocess.Popen[str]", monkeypatch: pytest.MonkeyPatch, tool: str, hidden: str
) -> None:
    if shutil.which(tool) is None or os.geteuid() != 0:
        pytest.skip(f"{tool} is not installed, or may not trace")
    hide(monkeypatch, hidden)

    make_calls(worker, 10_000)
    with counted_system_calls([worker.pid]) as calls:
        make_calls(worker, 1000)

    assert calls.tool == tool
    assert 1000 <= calls.count <= 1100


def test_without_a_tool_the_reason_names_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _tool: None)

    with (
        pytest.raises(TracingError, match="perf is not installed; strace is not installed"),
        counted_system_calls([1]),
    ):
        raise AssertionError("must not come here")


def test_process_that_is_gone_is_told_with_the_reason_of_each_tool() -> None:
    if shutil.which("perf") is None and shutil.which("strace") is None:
        pytest.skip("neither perf nor strace is installed")
    process = subprocess.Popen(["true"])
    process.wait()

    with (
        pytest.raises(TracingError, match="not measured"),
        counted_system_calls([process.pid]),
    ):
        raise AssertionError("must not come here")

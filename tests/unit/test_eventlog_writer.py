"""Lines to files and pipes that are slow, full or gone."""

import contextlib
import errno
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import pytest

import spread
from spread.eventlog_writer import Limits, Writer

resource = pytest.importorskip("resource", reason="pipes and limits of Unix systems")

EAGER = Limits(retry_s=0.01)
DEADLINE_S = 20.0


def report(count: int) -> bytes:
    return b"lost %d\n" % count


class Pipe:
    """Both ends of a pipe; the writing one is given away."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()

    def read(self, size: int = 1 << 20) -> bytes:
        return os.read(self.reading, size)

    def fill(self) -> int:
        """Write until nothing fits any more, by a description of our own; return the size."""
        own = os.open(f"/proc/self/fd/{self.writing}", os.O_WRONLY | os.O_NONBLOCK)
        size = 0
        for piece in (4096, 1):
            with contextlib.suppress(BlockingIOError):
                while True:
                    size += os.write(own, b"\0" * piece)
        os.close(own)
        return size


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    with contextlib.suppress(OSError):
        os.close(pipe.reading)


def until(condition: Callable[[], bool]) -> None:
    """Wait for `condition`, which threads other than ours make true."""
    deadline = monotonic() + DEADLINE_S
    while not condition():
        assert monotonic() < deadline, "waited in vain"
        os.sched_yield()


def open_file(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def test_lines_reach_a_file_in_their_order(tmp_path: Path) -> None:
    writer = Writer(open_file(tmp_path / "log"), report, EAGER)

    for number in range(10_000):
        writer.submit(b"line %d\n" % number)

    assert writer.flush(DEADLINE_S)
    expected = "".join(f"line {number}\n" for number in range(10_000))
    assert (tmp_path / "log").read_text() == expected
    assert writer.statistics().written == 10_000
    writer.close()


def test_close_writes_what_is_queued_and_closes_the_descriptor(tmp_path: Path) -> None:
    descriptor = open_file(tmp_path / "log")
    writer = Writer(descriptor, report, EAGER)

    writer.submit(b"last words\n")
    writer.close()

    assert (tmp_path / "log").read_bytes() == b"last words\n"
    assert not is_open(descriptor)


def test_writer_without_lines_closes_its_descriptor_without_a_thread(tmp_path: Path) -> None:
    descriptor = open_file(tmp_path / "log")
    writer = Writer(descriptor, report, EAGER)

    writer.close()

    assert not is_open(descriptor)


def test_line_after_close_is_lost_and_counted(tmp_path: Path) -> None:
    writer = Writer(open_file(tmp_path / "log"), report, EAGER)
    writer.close()

    writer.submit(b"too late\n")

    assert writer.statistics().lost == 1
    assert (tmp_path / "log").read_bytes() == b""


def test_line_longer_than_a_pipe_takes_at_once_arrives_whole(pipe: Pipe) -> None:
    line = b"x" * 20_000 + b"\n"
    writer = Writer(pipe.writing, report, EAGER)

    writer.submit(line)

    assert writer.flush(DEADLINE_S)
    assert pipe.read() == line
    writer.close()


def test_full_disk_keeps_lines_and_names_the_failure() -> None:
    writer = Writer(os.open("/dev/full", os.O_WRONLY), report, EAGER)

    writer.submit(b"line\n")

    assert not writer.flush(DEADLINE_S)
    statistics = writer.statistics()
    assert statistics.failure is not None
    assert statistics.failure.errno == errno.ENOSPC
    assert (statistics.written, statistics.lost, statistics.waiting_size) == (0, 0, 5)
    writer.close()
    assert writer.statistics().lost == 1


def test_lines_beyond_the_bound_are_lost_and_counted() -> None:
    writer = Writer(os.open("/dev/full", os.O_WRONLY), report, Limits(50, retry_s=0.01))

    for _ in range(1000):
        writer.submit(b"0123456789")

    assert writer.statistics().lost == 995
    assert writer.statistics().waiting_size == 50
    writer.close()
    assert writer.statistics().lost == 1000


def test_reader_that_closed_its_pipe_does_no_harm(pipe: Pipe) -> None:
    writer = Writer(pipe.writing, report, EAGER)
    os.close(pipe.reading)

    writer.submit(b"line\n")

    assert not writer.flush(DEADLINE_S)
    failure = writer.statistics().failure
    assert isinstance(failure, BrokenPipeError)
    writer.close()
    assert writer.statistics().lost == 1


def test_reader_that_does_not_read_never_makes_the_caller_wait(pipe: Pipe) -> None:
    filled = pipe.fill()
    writer = Writer(pipe.writing, report, Limits(queue_size_max=100, retry_s=0.01))

    for number in range(1000):
        writer.submit(b"line %03d\n" % number)

    assert not writer.flush(0.01)
    assert writer.statistics().written == 0
    assert writer.statistics().lost == 989
    while filled:
        filled -= len(pipe.read(filled))
    assert writer.flush(DEADLINE_S)
    assert pipe.read() == b"".join(b"line %03d\n" % n for n in range(11)) + b"lost 989\n"
    writer.close()


@pytest.mark.parametrize(
    ("queue_size_max", "text"),
    [
        (60, b"first\nlost 1\nnext\n"),
        (30, b"first\nlost 2\n"),  # Still more than half full, so the next line is lost too.
    ],
)
def test_losses_are_reported_where_the_lines_are_missing(
    pipe: Pipe, queue_size_max: int, text: bytes
) -> None:
    filled = pipe.fill()
    writer = Writer(pipe.writing, report, Limits(queue_size_max, retry_s=0.01))

    writer.submit(b"first\n")
    writer.submit(b"x" * 70)
    writer.submit(b"next\n")
    while filled:
        filled -= len(pipe.read(filled))

    assert writer.flush(DEADLINE_S)
    assert pipe.read() == text
    writer.close()


def test_descriptor_with_nonblocking_flag_set_by_others_works(pipe: Pipe) -> None:
    os.set_blocking(pipe.writing, False)
    writer = Writer(pipe.writing, report, EAGER)

    writer.submit(b"x" * 200_000 + b"\n")
    received = 0
    while received < 200_001:
        received += len(pipe.read())

    assert writer.flush(DEADLINE_S)
    writer.close()


def test_flags_of_a_shared_descriptor_stay_as_they_are(pipe: Pipe) -> None:
    shared = os.dup(pipe.writing)
    writer = Writer(pipe.writing, report, EAGER)

    writer.submit(b"line\n")
    writer.close()

    assert os.get_blocking(shared)
    os.close(shared)


def test_file_that_may_grow_again_gets_what_waited(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    descriptor = open_file(tmp_path / "log")
    resource.setrlimit(resource.RLIMIT_FSIZE, (8, hard))
    try:
        writer = Writer(descriptor, report, EAGER)
        writer.submit(b"first\n")
        writer.submit(b"second\n")
        assert not writer.flush(DEADLINE_S)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert writer.flush(DEADLINE_S)
    assert (tmp_path / "log").read_bytes() == b"first\nsecond\n"
    assert writer.statistics().lost == 0
    assert writer.statistics().failure is None
    writer.close()


def test_works_again_without_a_further_line(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    descriptor = open_file(tmp_path / "log")
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        writer = Writer(descriptor, report, Limits(queue_size_max=20, retry_s=0.01))
        writer.submit(b"first\n")
        writer.submit(b"x" * 30)
        assert not writer.flush(DEADLINE_S)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    until(lambda: (tmp_path / "log").read_bytes() == b"first\nlost 1\n")

    writer.close()


def test_successor_writes_what_its_predecessor_could_not(tmp_path: Path) -> None:
    broken = Writer(os.open("/dev/full", os.O_WRONLY), report, Limits(20, retry_s=0.01))
    for line in (b"first\n", b"second\n", b"x" * 30):
        broken.submit(line)

    broken.retire()
    writer = Writer(open_file(tmp_path / "log"), report, EAGER, predecessor=broken)
    writer.submit(b"third\n")

    assert writer.flush(DEADLINE_S)
    assert (tmp_path / "log").read_bytes() in (
        b"first\nsecond\nlost 1\nthird\n",
        b"first\nsecond\nthird\nlost 1\n",
    )
    assert writer.statistics().lost == 1
    writer.close()


def test_predecessor_finishes_before_its_successor_begins(tmp_path: Path) -> None:
    path = tmp_path / "log"
    writer = Writer(open_file(path), report, EAGER)

    for number in range(50):
        writer.submit(b"%d\n" % number)
        writer.retire()
        writer = Writer(open_file(path), report, EAGER, predecessor=writer)
    writer.submit(b"end\n")

    assert writer.flush(DEADLINE_S)
    assert path.read_text().split() == [*map(str, range(50)), "end"]
    assert writer.statistics().written == 51
    writer.close()


def test_half_written_line_of_a_replaced_destination_counts_as_lost(
    tmp_path: Path, pipe: Pipe
) -> None:
    line = b"x" * 300_000 + b"\n"  # More than any pipe holds by default.
    writer = Writer(pipe.writing, report, EAGER)
    writer.submit(line)
    until(lambda: len(pipe.read(1)) == 1)

    writer.retire(0.0)
    writer = Writer(open_file(tmp_path / "log"), report, EAGER, predecessor=writer)
    writer.submit(b"next\n")

    assert writer.flush(DEADLINE_S)
    assert sorted((tmp_path / "log").read_bytes().splitlines()) == [b"lost 1", b"next"]
    writer.close()


def run_script(script: str, **streams: int) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(script)],
        check=False,
        timeout=DEADLINE_S,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(Path(spread.__file__).parents[1])},
        **streams,  # type: ignore[call-overload]
    )


def test_child_of_a_fork_writes_its_own_lines_only(tmp_path: Path) -> None:
    script = f"""
        import os
        from spread.eventlog_writer import Limits, Writer
        log = os.open({str(tmp_path / "log")!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        writer = Writer(log, lambda count: b"", Limits())
        writer.submit(b"before\\n")
        child = os.fork()
        writer.submit(b"parent\\n" if child else b"child\\n")
        writer.close(10.0)
        if child:
            assert os.waitpid(child, 0)[1] == 0
            os._exit(0)
        os._exit(0)
    """

    assert run_script(script).returncode == 0
    assert sorted((tmp_path / "log").read_text().split()) == ["before", "child", "parent"]


def test_lines_are_written_although_no_thread_can_be_had(tmp_path: Path) -> None:
    script = f"""
        import os, threading
        from spread.eventlog_writer import Limits, Writer
        def refuse(self):
            raise RuntimeError("can't start new thread")
        threading.Thread.start = refuse
        log = os.open({str(tmp_path / "log")!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        writer = Writer(log, lambda count: b"", Limits())
        writer.submit(b"line\\n")
        assert not writer.flush(1.0)
        writer.close()
    """

    assert run_script(script).returncode == 0
    assert (tmp_path / "log").read_bytes() == b"line\n"


def test_signal_interrupts_the_main_thread_not_the_writer(pipe: Pipe) -> None:
    script = """
        import os, select, signal
        from spread.eventlog_writer import Limits, Writer
        writer = Writer(os.dup(1), lambda count: b"", Limits())
        writer.submit(b"line\\n")
        assert writer.flush(10.0)
        [other] = set(os.listdir("/proc/self/task")) - {str(os.getpid())}
        status = open(f"/proc/self/task/{other}/status").read()
        blocked = int(status.split("SigBlk:")[1].split()[0], 16)
        assert blocked & 1 << signal.SIGTERM - 1
        assert blocked & 1 << signal.SIGHUP - 1
        assert not blocked & 1 << signal.SIGSEGV - 1
        writer.close()
    """

    result = run_script(script, stdout=pipe.writing)

    os.close(pipe.writing)
    assert result.returncode == 0
    assert pipe.read() == b"line\n"

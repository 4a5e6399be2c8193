"""The files and streams that the event log is written to."""

import os
import stat
from pathlib import Path

import pytest

from spread.eventlog_destinations import Destinations, LogFile

linux_only = pytest.mark.skipif(not hasattr(os, "O_PATH"), reason="needs openat")


def write(descriptor: int, data: bytes) -> None:
    os.write(descriptor, data)
    os.close(descriptor)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("spread.log", "spread.log"),
        ("spread_%h.log", "spread_host1.log"),
        ("log_%h_%H_%%h_%z.txt", "log_host1_host1_%host1_%z.txt"),
        (r"C:\testlog.out", r"C:\testlog.out"),
        ("%", "%"),
    ],
)
def test_only_percent_h_of_a_file_name_is_replaced(
    tmp_path: Path, name: str, expected: str
) -> None:
    destinations = Destinations(hostname="host1")

    file = destinations.file(str(tmp_path / name))

    assert file.path.name == expected
    file.close()
    destinations.close()


def test_file_is_appended_to(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"old\n")
    file = LogFile(tmp_path / "log")

    write(file.open(), b"new\n")

    assert (tmp_path / "log").read_bytes() == b"old\nnew\n"
    file.close()


def test_new_file_is_not_for_everybody(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "log")

    os.close(file.open())

    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) & 0o027 == 0
    file.close()


@linux_only
def test_file_is_found_by_its_directory_when_the_path_has_changed(tmp_path: Path) -> None:
    (tmp_path / "before").mkdir()
    file = LogFile(tmp_path / "before" / "log")
    (tmp_path / "before").rename(tmp_path / "after")

    write(file.open(), b"line\n")

    assert (tmp_path / "after" / "log").read_bytes() == b"line\n"
    file.close()


@linux_only
def test_relative_name_stays_relative_to_the_first_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = LogFile(Path("log"))
    monkeypatch.chdir("/")

    write(file.open(), b"line\n")

    assert (tmp_path / "log").read_bytes() == b"line\n"
    file.close()


@pytest.mark.parametrize("name", ["missing/log", "", ".", ".."])
def test_name_that_cannot_be_a_file_is_refused(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(OSError, match=r"No such file|Is a directory"):
        LogFile(Path(name)).open()


@linux_only
def test_named_pipe_without_reader_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "log")
    file = LogFile(tmp_path / "log")

    with pytest.raises(OSError, match="No such device"):
        file.open()

    file.close()


@linux_only
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
@pytest.mark.parametrize(("existed", "owner"), [(False, 12345), (True, 0)])
def test_only_a_file_created_here_is_given_away(tmp_path: Path, existed: bool, owner: int) -> None:
    if existed:
        (tmp_path / "log").touch()
    file = LogFile(tmp_path / "log")
    descriptor = file.open()

    file.give(descriptor, 12345, 12345)

    assert (tmp_path / "log").stat().st_uid == owner
    os.close(descriptor)
    file.close()


def test_streams_are_those_of_the_start(tmp_path: Path) -> None:
    output = os.open(tmp_path / "output", os.O_WRONLY | os.O_CREAT)
    error = os.open(tmp_path / "error", os.O_WRONLY | os.O_CREAT)
    destinations = Destinations(output=output, error=error)
    os.close(output)
    os.close(error)

    write(destinations.output(), b"out\n")
    write(destinations.error(), b"err\n")

    assert (tmp_path / "output").read_bytes() == b"out\n"
    assert (tmp_path / "error").read_bytes() == b"err\n"
    destinations.close()


def test_closed_stream_is_never_confused_with_what_gets_its_number_later(tmp_path: Path) -> None:
    closed = os.open(tmp_path / "closed", os.O_WRONLY | os.O_CREAT)
    os.close(closed)

    destinations = Destinations(output=closed, error=closed)
    later = os.open(tmp_path / "later", os.O_WRONLY | os.O_CREAT)
    write(destinations.output(), b"line\n")

    assert (tmp_path / "later").read_bytes() == b""
    os.close(later)
    destinations.close()


@pytest.mark.parametrize("undo", ["restore", "close"])
def test_redirected_streams_follow_the_file_until_they_are_given_back(
    tmp_path: Path, undo: str
) -> None:
    output = os.open(tmp_path / "output", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    error = os.open(tmp_path / "error", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    log = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    destinations = Destinations(output=output, error=error, redirects=True)

    destinations.redirect(log)
    os.write(output, b"print\n")
    os.write(error, b"traceback\n")
    getattr(destinations, undo)()
    os.write(output, b"later\n")

    assert (tmp_path / "log").read_bytes() == b"print\ntraceback\n"
    assert (tmp_path / "output").read_bytes() == b"later\n"
    assert (tmp_path / "error").read_bytes() == b""
    destinations.close()
    for descriptor in (output, error, log):
        os.close(descriptor)


def test_streams_stay_as_they_are_unless_told_to_follow(tmp_path: Path) -> None:
    output = os.open(tmp_path / "output", os.O_WRONLY | os.O_CREAT)
    log = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    destinations = Destinations(output=output, error=output)

    destinations.redirect(log)
    os.write(output, b"print\n")

    assert (tmp_path / "output").read_bytes() == b"print\n"
    destinations.close()
    os.close(output)
    os.close(log)

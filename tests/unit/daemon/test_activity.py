"""The activity file, byte for byte."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from spread.daemon.activity import ActivityFile, ActivityRecorder
from spread.errors import ConfigurationError

NOW = 1795350082.9

unix_only = pytest.mark.skipif(sys.platform == "win32", reason="files of Unix systems")


@pytest.fixture
def file(tmp_path: Path) -> Iterator[ActivityFile]:
    file = ActivityFile(tmp_path, "machine1")
    yield file
    file.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "machine1"


def test_start_is_letter_and_time(file: ActivityFile, path: Path) -> None:
    file.started(NOW)

    assert path.read_bytes() == b"B    1795350082\n"


@pytest.mark.parametrize(
    ("present", "members"),
    [
        ((True,), b"  0"),
        ((True, False, True), b"  0 --  2"),
        ((False,) * 10 + (True,), b" --" * 10 + b" 10"),
    ],
)
def test_membership_shows_the_index_of_each_daemon_that_is_present(
    file: ActivityFile, path: Path, present: tuple[bool, ...], members: bytes
) -> None:
    file.membership(NOW, 1795350086, 7, present)

    assert path.read_bytes() == b"M    1795350082    1795350086           7 >" + members + b"\n"


def test_client_is_let_in_with_sequence_number_connection_address_and_name(
    file: ActivityFile, path: Path
) -> None:
    file.session_opened(NOW, 12, 10, "127.0.0.1", "alpha")

    assert path.read_bytes() == b"C    1795350082          12  10 127.0.0.1        alpha     \n"


def test_client_that_is_gone_leaves_the_number_of_undelivered_messages(
    file: ActivityFile, path: Path
) -> None:
    file.session_closed(NOW, 12, 10, "127.0.0.1", "alpha", 42)

    assert path.read_bytes() == b"D    1795350082          12  10 127.0.0.1        alpha      42\n"


def test_long_values_are_written_in_full(file: ActivityFile, path: Path) -> None:
    file.session_opened(NOW, 123456789012, 12345, "255.255.255.255", "a_very_long_name")

    assert path.read_bytes() == (
        b"C    1795350082 123456789012 12345 255.255.255.255  a_very_long_name\n"
    )


@pytest.mark.parametrize("address", ["", "unix", "0.0.0.0"])
def test_client_on_the_unix_socket_has_the_address_of_nobody(
    file: ActivityFile, path: Path, address: str
) -> None:
    file.session_opened(NOW, 0, 1, address, "alpha")

    assert path.read_bytes().split()[4] == b"0.0.0.0"


def test_name_cannot_break_the_line(file: ActivityFile, path: Path) -> None:
    file.session_opened(NOW, 0, 1, "127.0.0.1", "a\nB 1\udcff")

    assert path.read_bytes().count(b"\n") == 1
    assert b"a?B 1?" in path.read_bytes()


def test_alive_record_has_28_bytes(file: ActivityFile, path: Path) -> None:
    file.alive(NOW, 12)

    assert path.read_bytes() == b"A    1795350082          12\n"
    assert len(path.read_bytes()) == 28


def test_next_record_takes_the_place_of_an_alive_record(file: ActivityFile, path: Path) -> None:
    file.started(NOW)
    for second in range(10, 40, 10):
        file.alive(NOW + second, 0)
    file.session_opened(NOW + 45, 0, 1, "127.0.0.1", "alpha")
    file.alive(NOW + 50, 0)

    letters = [line[:1] for line in path.read_bytes().splitlines()]
    assert letters == [b"B", b"C", b"A"]


def test_next_daemon_appends_and_takes_the_place_of_the_last_alive_record(
    tmp_path: Path, path: Path
) -> None:
    for start in (NOW, NOW + 100):
        file = ActivityFile(tmp_path, "machine1")
        file.started(start)
        file.alive(start + 10, 0)
        file.close()

    assert path.read_bytes() == (b"B    1795350082\nB    1795350182\nA    1795350192           0\n")


@pytest.mark.parametrize("torn", [b"C    17953", b"A    1795350082          12", b"A"])
def test_record_torn_by_a_crash_stays_on_a_line_of_its_own(
    tmp_path: Path, path: Path, torn: bytes
) -> None:
    path.write_bytes(b"B    1795350082\n" + torn)

    file = ActivityFile(tmp_path, "machine1")
    file.started(NOW)
    file.close()

    assert path.read_bytes() == b"B    1795350082\n" + torn + b"\nB    1795350082\n"


def test_record_that_finds_no_room_is_left_out_whole(file: ActivityFile, path: Path) -> None:
    resource = pytest.importorskip("resource", reason="needs a limit of the file size")
    file.started(NOW)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, hard))
    try:
        file.session_opened(NOW, 0, 1, "127.0.0.1", "alpha")
        file.session_opened(NOW, 0, 2, "127.0.0.1", "beta")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    file.session_closed(NOW, 0, 1, "127.0.0.1", "alpha", 0)

    assert [line[:1] for line in path.read_bytes().splitlines()] == [b"B", b"D"]
    assert file.lost == 2


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../machine1", "nul\0byte"])
def test_daemon_whose_name_is_no_file_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="leave out -l y"):
        ActivityFile(tmp_path, name)


def test_directory_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot open the activity file"):
        ActivityFile(tmp_path / "missing", "machine1")


@unix_only
def test_link_is_not_followed(tmp_path: Path, path: Path) -> None:
    (tmp_path / "precious").touch()
    path.symlink_to(tmp_path / "precious")

    with pytest.raises(ConfigurationError, match="cannot open the activity file"):
        ActivityFile(tmp_path, "machine1")


@unix_only
def test_named_pipe_is_refused_instead_of_waited_for(tmp_path: Path, path: Path) -> None:
    os.mkfifo(path)

    with pytest.raises(ConfigurationError, match="no ordinary file"):
        ActivityFile(tmp_path, "machine1")


@dataclass
class Session:
    slot: int
    address: str
    private_name: bytes


def test_recorder_adds_time_and_sequence_number(file: ActivityFile, path: Path) -> None:
    recorder = ActivityRecorder(file, clock=lambda: NOW, sequence=lambda: 17)
    session = Session(3, "127.0.0.1", b"alpha")

    recorder.session_opened(session, 1)
    recorder.session_closed(session, 5)

    assert path.read_bytes() == (
        b"C    1795350082          17   3 127.0.0.1        alpha     \n"
        b"D    1795350082          17   3 127.0.0.1        alpha      5\n"
    )

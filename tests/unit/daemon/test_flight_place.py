"""Where files of the flight recorder lie, whose they are, and how many of them stay."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from spread.daemon.flight_place import KEPT_MAX, Directory
from spread.system import memory_directory

OURS = frozenset({os.getuid()}) if hasattr(os, "getuid") else frozenset[int]()


@pytest.fixture
def directory(tmp_path: Path):
    made = Directory(tmp_path, "d1", 4803)
    yield made
    made.close()


def test_memory_file_has_its_size_and_is_nobody_elses(directory: Directory, tmp_path: Path) -> None:
    name, descriptor = directory.create_memory(8192)
    os.close(descriptor)

    found = (tmp_path / name).stat()
    assert name == f"spread-d1-4803-{os.getpid()}.flight"
    assert found.st_size == 8192
    if sys.platform != "win32":
        assert found.st_mode & 0o777 == 0o600


def test_memory_file_of_a_running_process_is_no_leftover(directory: Directory) -> None:
    _, descriptor = directory.create_memory(100)

    assert list(directory.leftovers(OURS)) == []

    os.close(descriptor)


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_memory_file_of_a_killed_process_is_one(directory: Directory, tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from spread.daemon.flight_place import Directory\n"
        "Directory(Path(sys.argv[1]), 'd1', 4803).create_memory(100)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)

    ((name, image),) = directory.leftovers(OURS)

    assert name.startswith("spread-d1-4803-")
    assert image == bytes(100)


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs users")
@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.chmod(0o644),
        lambda path: path.rename(path.with_name("spread-d1-4804-9.flight")),
        lambda path: path.rename(path.with_name("spread-d1-x-4803-9.flight")),
        lambda path: (path.rename(path.with_name("real")), path.symlink_to("real")),
        lambda path: os.link(path, path.with_name("second")),
        lambda path: (path.unlink(), path.mkdir()),
    ],
)
def test_what_may_be_somebody_elses_is_let_alone(
    directory: Directory, tmp_path: Path, spoil
) -> None:
    path = tmp_path / "spread-d1-4803-9.flight"
    path.touch(0o600)
    assert [name for name, _ in directory.leftovers(OURS)] == [path.name]

    spoil(path)

    assert list(directory.leftovers(OURS)) == []


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs users")
def test_file_of_another_user_is_let_alone(directory: Directory, tmp_path: Path) -> None:
    (tmp_path / "spread-d1-4803-9.flight").touch(0o600)

    assert list(directory.leftovers(frozenset({os.getuid() + 1}))) == []


def test_kept_file_is_called_after_daemon_and_time(directory: Directory, tmp_path: Path) -> None:
    first = directory.keep(b"one", 0.0)
    second = directory.keep(b"two", 0.0)

    assert first.parent == tmp_path
    assert first.name.startswith("d1-19")
    assert (first.read_bytes(), second.read_bytes()) == (b"one", b"two")
    assert second.name == first.name.replace(".flight", ".02.flight")


def test_the_oldest_kept_files_make_room(directory: Directory, tmp_path: Path) -> None:
    other = tmp_path / "d2-19700101-000000.flight"
    other.touch()
    kept = [directory.keep(b"", 1e9 + 60 * number) for number in range(KEPT_MAX + 3)]

    assert [each.exists() for each in kept] == [False] * 3 + [True] * KEPT_MAX
    assert other.exists()


def test_a_link_in_the_way_is_not_followed(directory: Directory, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.touch()
    (tmp_path / f"spread-d1-4803-{os.getpid()}.flight").symlink_to(victim)

    with pytest.raises(FileExistsError):
        directory.create_memory(100)

    assert victim.read_bytes() == b""


def test_a_daemons_name_cannot_leave_the_directory(tmp_path: Path) -> None:
    directory = Directory(tmp_path, "../x/y", 1)
    path = directory.keep(b"", 0.0)
    directory.close()

    assert path.parent == tmp_path
    assert path.exists()


def test_memory_directory_can_be_written() -> None:
    assert os.access(memory_directory(), os.W_OK)

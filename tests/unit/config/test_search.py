from pathlib import Path

import pytest

from spread.config import ConfigurationMissing, search


@pytest.fixture
def cwd(tmp_path: Path) -> Path:
    directory = tmp_path / "work"
    directory.mkdir()
    return directory


@pytest.fixture
def system(tmp_path: Path) -> Path:
    directory = tmp_path / "etc"
    directory.mkdir()
    return directory


def test_named_file_is_taken(cwd: Path) -> None:
    (cwd / "other.conf").touch()

    assert search("other.conf", str(cwd), ()) == str(cwd / "other.conf")


def test_named_file_with_a_full_path_is_taken(cwd: Path, system: Path) -> None:
    (system / "x.conf").touch()

    assert search(str(system / "x.conf"), str(cwd), ()) == str(system / "x.conf")


def test_mistyped_name_does_not_fall_back_to_another_file(cwd: Path, system: Path) -> None:
    (cwd / "spread.conf").touch()
    (system / "spread.conf").touch()

    with pytest.raises(ConfigurationMissing, match=r"spread\.cnf: cannot be read: No such file"):
        search("spread.cnf", str(cwd), (str(system),))


def test_file_in_the_working_directory_comes_first(cwd: Path, system: Path) -> None:
    (cwd / "spread.conf").touch()
    (system / "spread.conf").touch()

    assert search(None, str(cwd), (str(system),)) == str(cwd / "spread.conf")


def test_system_directories_follow_in_their_order(cwd: Path, system: Path) -> None:
    (system / "spread.conf").touch()

    found = search(None, str(cwd), (str(cwd / "none"), str(system)))

    assert found == str(system / "spread.conf")


def test_no_file_anywhere_points_to_the_start_without_one(cwd: Path, system: Path) -> None:
    with pytest.raises(ConfigurationMissing, match="spread --local") as caught:
        search(None, str(cwd), (str(system),))

    assert caught.value.exit_status == 2
    assert str(system) in str(caught.value)


def test_directory_in_place_of_the_file_is_no_file(cwd: Path) -> None:
    (cwd / "spread.conf").mkdir()

    with pytest.raises(ConfigurationMissing, match="Is a directory"):
        search(None, str(cwd), ())
    with pytest.raises(ConfigurationMissing, match="Is a directory"):
        search("spread.conf", str(cwd), ())

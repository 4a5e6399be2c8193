"""The configuration file of a running daemon."""

import os
from pathlib import Path

import pytest

from spread.config.diagnostics import ConfigurationMissing
from spread.daemon.configuration_file import ConfigurationFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "etc" / "spread.conf"
    path.parent.mkdir()
    path.write_bytes(b"one")
    return path


def test_file_that_another_took_the_place_of_is_read(path: Path) -> None:
    file = ConfigurationFile(str(path))
    other = path.with_name("new")
    other.write_bytes(b"two")

    before = file.read()
    other.replace(path)

    assert (before, file.read()) == (b"one", b"two")
    file.close()


@pytest.mark.skipif(os.open not in os.supports_dir_fd, reason="directories have no handles here")
def test_file_is_found_in_its_directory_wherever_that_is_now(path: Path) -> None:
    file = ConfigurationFile(str(path))

    path.parent.rename(path.parent.with_name("elsewhere"))

    assert file.read() == b"one"
    file.close()


def test_relative_name_is_that_of_the_start(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    file = ConfigurationFile("spread.conf")

    monkeypatch.chdir("/")

    assert file.read() == b"one"
    assert file.path == "spread.conf"
    file.close()


def test_missing_file_is_told_by_its_given_name(path: Path) -> None:
    file = ConfigurationFile(str(path))
    path.unlink()

    with pytest.raises(ConfigurationMissing, match="cannot be read: No such file"):
        file.read()
    file.close()
    file.close()


def test_directory_that_is_not_there_is_told_when_it_is_read(tmp_path: Path) -> None:
    file = ConfigurationFile(str(tmp_path / "nowhere" / "spread.conf"))

    with pytest.raises(ConfigurationMissing):
        file.read()
    file.close()

from pathlib import Path

import pytest

from spread.daemon.incarnation import FILE_NAME, next_incarnation
from spread.errors import ConfigurationError


def test_without_a_directory_the_clock_decides() -> None:
    assert next_incarnation(5, None) == 5


def test_it_grows_even_when_the_clock_steps_back(tmp_path: Path) -> None:
    first = next_incarnation(1_000, str(tmp_path))

    assert next_incarnation(10, str(tmp_path)) == first + 1


def test_the_clock_goes_first_when_it_is_ahead(tmp_path: Path) -> None:
    next_incarnation(1_000, str(tmp_path))

    assert next_incarnation(5_000, str(tmp_path)) == 5_000


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"12x", b"-5", b"9" * 21])
def test_a_torn_record_tells_nothing(content: bytes, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)

    assert next_incarnation(77, str(tmp_path)) == 77


def test_a_directory_that_is_missing_is_an_error_of_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="StateDir"):
        next_incarnation(1, str(tmp_path / "missing"))

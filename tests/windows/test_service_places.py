"""The directories of a service, made with permissions of their own."""

import sys
from pathlib import Path

import pytest

from spread.errors import ConfigurationError

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="permissions of Windows")

if sys.platform == "win32":
    from spread.winservice.descriptors import make_directory, permissions_of, sid_of
    from spread.winservice.permissions import WRITE, descriptor_of, strangers
    from spread.winservice.places import make_places, warnings_about
    from spread.winservice.registration import ACCOUNT_DEFAULT


def test_a_directory_is_made_with_its_permissions(tmp_path: Path) -> None:
    place = tmp_path / "own"

    assert make_directory(place, descriptor_of("LS", WRITE))

    found = permissions_of(place)
    assert "(A;OICI;FA;;;SY)" in found
    assert not {"Users", "Authenticated Users", "Everyone"} & set(strangers(found))


def test_one_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    before = permissions_of(tmp_path)

    assert not make_directory(tmp_path, descriptor_of("LS", WRITE))

    assert permissions_of(tmp_path) == before


def test_a_service_gets_both_of_its_directories(tmp_path: Path) -> None:
    common = tmp_path / "spread"

    assert make_places(common, common / "ring2", ACCOUNT_DEFAULT) == ()

    assert (common / "ring2").is_dir()


def test_what_others_may_change_is_told_with_the_remedy(tmp_path: Path) -> None:
    made_by_somebody = tmp_path / "spread"
    made_by_somebody.mkdir()

    warnings = make_places(made_by_somebody, made_by_somebody / "ring2", ACCOUNT_DEFAULT)

    assert any(f'icacls "{made_by_somebody}" /inheritance:r' in each for each in warnings)


def test_a_program_that_others_may_change_is_told(tmp_path: Path) -> None:
    (warning,) = warnings_about([str(tmp_path)])

    assert f"{tmp_path} may be changed by" in warning
    assert "C:\\Program Files" in warning


def test_an_account_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nobody-is-called-so"):
        make_places(tmp_path / "a", tmp_path / "a" / "b", "nobody-is-called-so")

    with pytest.raises(OSError, match="nobody-is-called-so"):
        sid_of("nobody-is-called-so")


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    missing = tmp_path / "missing" / "spread"

    with pytest.raises(ConfigurationError, match="cannot be prepared for the service"):
        make_places(missing, missing / "spread", ACCOUNT_DEFAULT)

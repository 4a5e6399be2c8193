"""The directories of a service, for accounts of the system by whatever name, and for files."""

import sys
from pathlib import Path

import pytest

from spread.errors import ConfigurationError

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="permissions of Windows")

if sys.platform == "win32":
    from spread.winservice.descriptors import permissions_of
    from spread.winservice.places import make_places
    from spread.winservice.registration import ACCOUNT_DEFAULT


@pytest.mark.parametrize("account", [r"NT AUTHORITY\SYSTEM", "system"])
def test_the_system_keeps_its_rights_by_whatever_name(account: str, tmp_path: Path) -> None:
    made_by_somebody = tmp_path / "spread"
    made_by_somebody.mkdir()

    (advice,) = make_places(made_by_somebody, made_by_somebody / "ring2", account)

    assert advice.endswith(r'/grant:r "*S-1-5-18:(OI)(CI)F" "*S-1-5-32-544:(OI)(CI)F"')
    assert permissions_of(made_by_somebody / "ring2").count(";SY)") == 1


@pytest.mark.parametrize("account", [r"NT AUTHORITY\LOCAL SERVICE", r"nt authority\local service"])
def test_a_directory_is_judged_the_same_by_each_name_of_an_account(
    account: str, tmp_path: Path
) -> None:
    common = tmp_path / "spread"
    assert make_places(common, common / "ring2", account) == ()

    judged = make_places(common, common / "ring2", account)

    assert judged == make_places(common, common / "ring2", ACCOUNT_DEFAULT)


def test_a_file_is_no_directory_of_a_service(tmp_path: Path) -> None:
    common = tmp_path / "spread"
    common.mkdir()
    (common / "ring2.conf").write_text("")

    with pytest.raises(ConfigurationError, match=r"ring2\.conf is a file.* --name NAME"):
        make_places(common, common / "ring2.conf", ACCOUNT_DEFAULT)

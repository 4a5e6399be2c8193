"""What the service manager is told: command lines, names and accounts, the same on every system."""

import ctypes
import re
import sys
from ctypes import wintypes
from pathlib import Path

import pytest

from spread.errors import ConfigurationError
from spread.winservice.registration import (
    ACCOUNT_DEFAULT,
    LASTING_STATUSES,
    RESET_S,
    RESTART_DELAYS_S,
    Registration,
    account_name,
    check_account,
    check_name,
    check_new_name,
    command_line,
    has_password,
    is_worth_a_start,
    list_of_names,
    name_option,
)

PYTHON = r"C:\Program Files\Python311\python.exe"


def test_a_path_with_blanks_is_quoted_whole() -> None:
    command = command_line(PYTHON, ["-c", r"C:\My rings\spread.conf", "-n", "d1"])

    assert command == (
        r'"C:\Program Files\Python311\python.exe" -m spread --service'
        r' -c "C:\My rings\spread.conf" -n d1'
    )


def test_a_python_without_blanks_is_quoted_too() -> None:
    assert command_line(r"C:\py\python.exe", []).startswith(r'"C:\py\python.exe" -m spread')


def test_an_isolated_python_is_told_before_all_else() -> None:
    command = command_line(r"C:\py\python.exe", ["-l", "y"], is_isolated=True)

    assert command == r'"C:\py\python.exe" -I -m spread --service -l y'


@pytest.mark.skipif(sys.platform != "win32", reason="asks Windows")
def test_windows_takes_the_command_line_apart_as_it_was_meant() -> None:
    arguments = ["-c", 'C:\\odd "name"\\', "", "-n", "a b"]
    count = ctypes.c_int()
    split = ctypes.windll.shell32.CommandLineToArgvW  # type: ignore[attr-defined,unused-ignore]
    split.restype = ctypes.POINTER(wintypes.LPWSTR)

    words = split(command_line(PYTHON, arguments), ctypes.byref(count))

    assert words[: count.value] == [PYTHON, "-m", "spread", "--service", *arguments]


@pytest.mark.parametrize("name", ["spread", "spread-2", "con2", "Spread 4.4", "s" * 80])
def test_a_service_may_be_called_so(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name", ["", " spread", "a/b", "a\\b", "ä", "s" * 81, 'a"b', "..", "con", "Nul.1"]
)
def test_no_service_is_called_so(name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be called"):
        check_name(name)


@pytest.mark.parametrize("name", ["spread.conf", "Spread.Access_IP", "spread.access_pword", "con"])
def test_no_new_service_is_called_so(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"cannot be called '?{name}"):
        check_new_name(name)


def test_a_service_that_is_there_can_be_removed_whatever_its_name() -> None:
    assert check_name("spread.conf") == "spread.conf"
    assert check_new_name("spread.conf.d1") == "spread.conf.d1"


@pytest.mark.parametrize(
    ("name", "option"),
    [("spread", ""), ("ring2", " --name ring2"), ("ring 2", ' --name "ring 2"')],
)
def test_advice_names_the_service_that_it_is_about(name: str, option: str) -> None:
    assert name_option(name) == option


@pytest.mark.parametrize(
    ("given", "account"),
    [
        ("LocalService", r"NT AUTHORITY\LocalService"),
        ("networkservice", r"NT AUTHORITY\NetworkService"),
        ("localsystem", "LocalSystem"),
        ("Local Service", r"NT AUTHORITY\LocalService"),
        (r"nt authority\LOCAL SERVICE", r"NT AUTHORITY\LocalService"),
        (r"NT AUTHORITY\Network Service", r"NT AUTHORITY\NetworkService"),
        (r"NT AUTHORITY\SYSTEM", "LocalSystem"),
        (r".\LocalSystem", "LocalSystem"),
        (r"DOMAIN\system", r"DOMAIN\system"),
        (r".\alice", r".\alice"),
    ],
)
def test_accounts_of_the_system_have_several_names(given: str, account: str) -> None:
    assert account_name(given) == account


def test_an_account_of_the_system_cannot_run_what_belongs_to_a_user() -> None:
    places = [r"C:\Python311", r"c:\users\alice\venv\Lib\site-packages\spread"]

    with pytest.raises(ConfigurationError, match=r"alice\\venv.*--account LocalSystem"):
        check_account(ACCOUNT_DEFAULT, r"C:\Users", places)


@pytest.mark.parametrize("account", ["LocalSystem", r".\alice"])
def test_other_accounts_are_taken_as_they_are(account: str) -> None:
    check_account(account, r"C:\Users", [r"C:\Users\alice\venv"])


@pytest.mark.parametrize(
    ("account", "is_users"),
    [
        (ACCOUNT_DEFAULT, False),
        ("LocalSystem", False),
        (r"NT SERVICE\spread", False),
        (r"DOMAIN\managed$", False),
        (r".\alice", True),
        ("alice@example.org", True),
    ],
)
def test_accounts_of_users_have_passwords(account: str, is_users: bool) -> None:
    assert has_password(account) is is_users


def test_a_second_service_shows_its_name_in_lists() -> None:
    assert Registration("spread", "x").display_name == "Spread Service"
    assert Registration("ring2", "x").display_name == "Spread Service (ring2)"


def test_failures_in_a_row_are_counted_together_over_the_longest_delay() -> None:
    assert max(RESTART_DELAYS_S) < RESET_S


@pytest.mark.parametrize(("status", "is_worth_it"), [(0, False), (2, False), (3, True), (70, True)])
def test_a_daemon_is_started_again_when_that_may_help(status: int, is_worth_it: bool) -> None:
    assert is_worth_a_start(status) is is_worth_it


def test_both_service_managers_let_the_same_daemons_rest() -> None:
    unit = (Path(__file__).parents[3] / "packaging" / "spread.service").read_text("utf-8")
    (listed,) = re.findall("^RestartPreventExitStatus=(.*)$", unit, re.MULTILINE)

    assert {int(status) for status in listed.split()} == LASTING_STATUSES


def test_a_list_of_services_ends_with_an_empty_name() -> None:
    assert list_of_names(("Tcpip", "Afd")) == "Tcpip\0Afd\0\0"

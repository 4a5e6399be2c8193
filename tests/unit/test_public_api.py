"""What `import spread` offers, under which names, and what it does not drag in."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import spread
import spread.aio
import spread.errors
import spread.service

REPOSITORY = Path(spread.__file__).resolve().parents[1]

HISTORICAL_CONSTANTS = {
    "LOW_PRIORITY": 0,
    "MEDIUM_PRIORITY": 1,
    "HIGH_PRIORITY": 2,
    "DEFAULT_SPREAD_PORT": 4803,
    "SPREAD_VERSION": 0x04040000,
    "MAX_GROUP_NAME": 32,
    "MAX_PRIVATE_NAME": 10,
    "MAX_PROC_NAME": 20,
    "UNRELIABLE_MESS": 0x1,
    "RELIABLE_MESS": 0x2,
    "FIFO_MESS": 0x4,
    "CAUSAL_MESS": 0x8,
    "AGREED_MESS": 0x10,
    "SAFE_MESS": 0x20,
    "REGULAR_MESS": 0x3F,
    "SELF_DISCARD": 0x40,
    "DROP_RECV": 0x01000000,
    "REG_MEMB_MESS": 0x1000,
    "TRANSITION_MESS": 0x2000,
    "CAUSED_BY_JOIN": 0x100,
    "CAUSED_BY_LEAVE": 0x200,
    "CAUSED_BY_DISCONNECT": 0x400,
    "CAUSED_BY_NETWORK": 0x800,
    "MEMBERSHIP_MESS": 0x3F00,
    "ENDIAN_RESERVED": 0x80000080,
    "RESERVED": 0x003FC000,
    "REJECT_MESS": 0x00400000,
    "ACCEPT_SESSION": 1,
    "ILLEGAL_SPREAD": -1,
    "COULD_NOT_CONNECT": -2,
    "REJECT_QUOTA": -3,
    "REJECT_NO_NAME": -4,
    "REJECT_ILLEGAL_NAME": -5,
    "REJECT_NOT_UNIQUE": -6,
    "REJECT_VERSION": -7,
    "CONNECTION_CLOSED": -8,
    "REJECT_AUTH": -9,
    "ILLEGAL_SESSION": -11,
    "ILLEGAL_SERVICE": -12,
    "ILLEGAL_MESSAGE": -13,
    "ILLEGAL_GROUP": -14,
    "BUFFER_TOO_SHORT": -15,
    "GROUPS_TOO_SHORT": -16,
    "MESSAGE_TOO_LONG": -17,
    "DEFAULT_BUFFER_SIZE": 10000,
    "DEFAULT_GROUPS_SIZE": 10,
}

HISTORICAL_MAILBOX = (
    "private_group",
    "join",
    "leave",
    "multicast",
    "multigroup_multicast",
    "receive",
    "poll",
    "fileno",
    "disconnect",
)

CODES_OF_ERRORS = {
    spread.AddressError: -1,
    spread.ConnectError: -2,
    spread.ConnectTimeoutError: -2,
    spread.NameNotUniqueError: -6,
    spread.VersionError: -7,
    spread.SessionClosedError: -8,
    spread.AuthenticationError: -9,
    spread.MailboxClosedError: -11,
    spread.ServiceError: -12,
    spread.ProtocolError: -13,
    spread.GroupNameError: -14,
    spread.MessageTooLongError: -17,
    spread.SessionInterruptedError: -18,
}


def place_in_list(name: str) -> tuple[bool, bool, str]:
    """Constants first, then types, then the rest; each part by name."""
    return not name.isupper(), not name[0].isupper(), name


@pytest.mark.parametrize("module", [spread, spread.aio, spread.errors, spread.service])
def test_public_names_are_sorted_and_exist(module: ModuleType) -> None:
    names = module.__all__

    assert names == sorted(names, key=place_in_list)
    assert [name for name in names if not hasattr(module, name)] == []


@pytest.mark.parametrize(("name", "value"), HISTORICAL_CONSTANTS.items())
def test_historical_constant_is_exported_with_its_value(name: str, value: int) -> None:
    assert getattr(spread, name) == value
    assert name in spread.__all__


def test_historical_types_are_those_of_the_objects() -> None:
    assert spread.MailboxType is spread.Mailbox
    assert spread.RegularMsgType is spread.Message
    assert spread.MembershipMsgType is spread.Membership


@pytest.mark.parametrize("name", HISTORICAL_MAILBOX[1:])
def test_historical_mailbox_has_all_its_methods(name: str) -> None:
    assert callable(getattr(spread.Mailbox, name))


def test_version_is_that_of_the_protocol() -> None:
    assert spread.version() == (4, 4, 0)


def test_every_exception_is_a_spread_error() -> None:
    errors = [getattr(spread.errors, name) for name in spread.errors.__all__]

    assert spread.error is spread.SpreadError
    assert [each for each in errors if not issubclass(each, spread.error)] == []


def test_every_exception_says_who_is_to_blame() -> None:
    roots = (spread.MisuseError, spread.PeerError, spread.ConfigurationError)
    errors = [getattr(spread.errors, name) for name in spread.errors.__all__]

    blamed = [each for each in errors if issubclass(each, roots)]

    assert set(errors) - set(blamed) == {spread.SpreadError}


@pytest.mark.parametrize(("kind", "code"), CODES_OF_ERRORS.items())
def test_exception_keeps_the_classic_code(kind: type[spread.SpreadError], code: int) -> None:
    assert kind("text").code == code


def test_exception_with_a_code_has_the_historical_arguments() -> None:
    error = spread.SessionClosedError("gone")

    assert error.args == (-8, "gone")
    assert str(error) == "gone"


def test_exception_without_a_code_has_its_text_alone() -> None:
    assert spread.MailboxClosedError("closed").args == ("closed",)
    assert spread.ConfigurationError("bad file").args == ("bad file",)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = spread.nonsense


def loaded_by(statement: str) -> list[str]:
    """Return the modules that a fresh interpreter holds after `statement`.

    Without `site`, third-party packages cannot even be found.
    """
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return list(json.loads(done.stdout))


def test_import_loads_the_client_and_nothing_else_of_the_package() -> None:
    loaded = [name for name in loaded_by("import spread") if name.startswith("spread.")]

    assert {name.split(".")[1] for name in loaded} == {
        "_decoder",
        "_frames",
        "_message_types",
        "client",
        "errors",
        "service",
    }
    assert "spread.client.aio" not in loaded


@pytest.mark.parametrize("heavy", ["asyncio", "dataclasses", "inspect", "ssl", "logging", "random"])
def test_import_is_cheap(heavy: str) -> None:
    assert heavy not in loaded_by("import spread")


def test_asyncio_client_is_loaded_at_its_first_use() -> None:
    loaded = loaded_by("import spread; spread.aio.connect")

    assert "asyncio" in loaded
    assert "spread.daemon" not in loaded
    assert "spread.config" not in loaded

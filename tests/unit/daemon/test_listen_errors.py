"""What the operator is told about a socket that cannot be had."""

import errno
import os

import pytest

from spread.config.listens import Listen, Purpose, Transport
from spread.daemon.listen_errors import AddressInUseError, ListenError, in_use, refusal
from spread.errors import ConfigurationError

TCP = Listen(Transport.TCP, Purpose.CLIENTS, "127.85.0.1", 803)
SEGMENT = Listen(Transport.UDP, Purpose.SEGMENT, "10.0.0.255", 4803)
TOKEN = Listen(Transport.UDP, Purpose.TOKEN, "127.85.0.1", 65536)
UNIX = Listen(Transport.UNIX, Purpose.CLIENTS, path="/nowhere/4803")


@pytest.mark.parametrize(
    ("listen", "error", "advice"),
    [
        (TCP, OSError(errno.EADDRNOTAVAIL, "no such address"), "correct the address"),
        (SEGMENT, OSError(errno.EADDRNOTAVAIL, "no such address"), "must be the broadcast address"),
        (TCP, OSError(errno.EACCES, "denied"), "ports below 1024"),
        (TOKEN, OverflowError("port must be 0-65535"), "choose a lower port"),
    ],
)
def test_error_says_what_to_do(listen: Listen, error: Exception, advice: str) -> None:
    result = refusal(listen, error)

    assert type(result) is ListenError
    assert str(result).startswith(f"cannot listen on {listen}: ")
    assert advice in str(result)


def test_error_of_another_kind_keeps_the_systems_words() -> None:
    result = refusal(UNIX, OSError(errno.EACCES, os.strerror(errno.EACCES)))

    assert str(result) == "cannot listen on unix /nowhere/4803: Permission denied"


def test_address_in_use_by_nobody_that_shows_comes_with_the_command_to_find_out() -> None:
    result = refusal(TCP, OSError(errno.EADDRINUSE, "in use"))

    assert isinstance(result, AddressInUseError)
    assert "803" in str(result).split('"')[1]
    assert "stop it, or choose another port" in str(result)


def test_every_kind_ends_the_daemon_with_status_3() -> None:
    for error in (refusal(TCP, OSError(errno.EPERM, "no")), in_use(TCP)):
        assert isinstance(error, ConfigurationError)
        assert error.exit_status == 3

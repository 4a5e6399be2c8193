"""Forms of a daemon address."""

import pytest

import spread
from spread.client.address import DaemonAddress, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("4803", DaemonAddress(4803)),
        ("", DaemonAddress(4803)),
        ("4803@localhost", DaemonAddress(4803, "localhost")),
        ("5101@10.0.0.7", DaemonAddress(5101, "10.0.0.7")),
        ("spread://ring.example:5101/", DaemonAddress(5101, "ring.example")),
        ("spread://ring.example:5101", DaemonAddress(5101, "ring.example")),
        ("spread://ring.example/", DaemonAddress(4803, "ring.example")),
        ("ring.example:5101", DaemonAddress(5101, "ring.example")),
        ("65535", DaemonAddress(65535)),
    ],
)
def test_known_forms(text: str, address: DaemonAddress) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "localhost",
        "4803@",
        "@localhost",
        "4803@a@b",
        "4803 @localhost",
        " 4803",
        "-1",
        "spread://",
        "spread://:4803/",
        "spread://host:4803/group",
        "spread://[::1]:4803/",
        "http://host:4803/",
        "\u0664",  # A digit, but none that a port is written with.
    ],
)
def test_other_forms_are_refused_with_the_right_ones(text: str) -> None:
    with pytest.raises(spread.AddressError, match="write for instance 4803@localhost") as caught:
        parse_address(text)

    assert caught.value.code == spread.ILLEGAL_SPREAD
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("text", ["0", "65536", "70637@localhost", "99999999999999999999"])
def test_port_outside_its_range_is_refused(text: str) -> None:
    with pytest.raises(spread.AddressError, match="give 1 to 65535"):
        parse_address(text)


def test_address_is_shown_in_the_classic_form() -> None:
    assert str(parse_address("spread://h:5/")) == "5@h"
    assert str(parse_address("5")) == "5"


def test_unix_socket_bears_the_number_of_the_port() -> None:
    assert parse_address("5101").socket_path == "/tmp/5101"

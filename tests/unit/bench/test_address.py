import pytest

from bench.address import Address, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("/tmp/4803", Address(path="/tmp/4803")),
        ("4803", Address(path="/tmp/4803")),
        ("4803@10.0.0.1", Address(host="10.0.0.1", port=4803)),
        ("localhost:4804", Address(host="localhost", port=4804)),
    ],
)
def test_every_form_of_address_is_understood(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", "host", ":4803", "4803@", "host:0", "host:65536", "x@host"])
def test_an_address_that_names_no_place_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write"):
        parse_address(text)


def test_transport_follows_from_the_form() -> None:
    assert parse_address("4803").transport == "unix"
    assert parse_address("4803@localhost").transport == "tcp"

"""Where the page is served."""

import socket

import pytest

from spread.errors import ArgumentError, ConfigurationError
from spread.monitor.web.place import PORT, Place


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("0.0.0.0:80", Place("0.0.0.0", 80, is_exact=True)),
        ("10.0.0.1", Place("10.0.0.1", PORT)),
        (":9000", Place("127.0.0.1", 9000, is_exact=True)),
        ("[::1]:9000", Place("::1", 9000, is_exact=True)),
        ("[::1]", Place("::1", PORT)),
        ("ring.example:1", Place("ring.example", 1, is_exact=True)),
    ],
)
def test_an_address_may_have_a_port(text: str, place: Place) -> None:
    assert Place.parse(text) == place


@pytest.mark.parametrize("text", ["::1", "a:b", "a:70000", "a:1:2", "[::1"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ArgumentError, match="give ADDRESS:PORT"):
        Place.parse(text)


def test_a_port_that_must_be_and_is_taken_is_an_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(ConfigurationError, match=f"cannot listen on 127.0.0.1:{port}"):
            Place("127.0.0.1", port, is_exact=True).open()


@pytest.mark.parametrize("is_exact", [True, False])
def test_a_name_without_an_address_is_refused_by_that_name(is_exact: bool) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot listen on no\.invalid: no address"):
        Place("no.invalid", is_exact=is_exact).open()


def test_an_address_of_another_host_is_refused_at_the_port_that_was_asked_for() -> None:
    with pytest.raises(ConfigurationError, match=f"cannot listen on 192.0.2.9:{PORT}"):
        Place("192.0.2.9").open()


def test_all_addresses_are_shown_as_the_name_of_this_host() -> None:
    assert Place("0.0.0.0").shown(80) == f"http://{socket.gethostname()}:80/"
    assert Place("::1").shown(80) == "http://[::1]:80/"

"""What the lines of the access files mean, and where the files are found."""

import os
import sys
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from spread.daemon.access_files import (
    AccessDirectory,
    AccessFile,
    AccessFiles,
    AddressRules,
    Passwords,
)
from spread.errors import ConfigurationError

UNIX_CLIENT = "0.0.0.0"


def rules(content: str) -> AddressRules:
    return AddressRules.parse(AccessFile("spread.access_ip", content.encode()))


def passwords(content: bytes) -> Passwords:
    return Passwords.parse(AccessFile("spread.access_pword", content))


@pytest.mark.parametrize(
    ("content", "address"),
    [
        ("unix\n", UNIX_CLIENT),
        ("unix sockets are fine\n", UNIX_CLIENT),
        ("0.0.0.0\n", UNIX_CLIENT),
        ("local\n", "127.0.0.1"),
        ("localhost\n", "127.255.255.255"),
        ("10.1.2.3\n", "10.1.2.3"),
        ("  \t10.1.2.3\n", "10.1.2.3"),
        ("10.1.2.3 the printer\n", "10.1.2.3"),
        ("10.1.2.3/32\n", "10.1.2.3"),
        ("010.001.002.003\n", "10.1.2.3"),
        ("10.0.0.0/8\n", "10.255.0.1"),
        ("10.0.0.0/8 # office\n", "10.255.0.1"),
        ("10.0.0.0/8# office\n", "10.255.0.1"),
        ("10.0.0.0/8\r\n", "10.255.0.1"),
        ("10.0.0.0/8", "10.255.0.1"),
        ("10.0.0.0 /8\n", "10.0.0.0"),
        ("128.0.0.0/1\n", "255.255.255.255"),
        ("0.0.0.0/0\n", "203.0.113.9"),
        ("\n\n# comment\n   # indented\n" + "#" + "x" * 200 + "\n10.1.2.3\n", "10.1.2.3"),
        ("10.1.2.3\n10.1.2.4\n", "10.1.2.3"),
        ("10.1.2.3\n10.1.2.4\n", "10.1.2.4"),
    ],
)
def test_rule_admits_address(content: str, address: str) -> None:
    assert rules(content).admits(IPv4Address(address))


@pytest.mark.parametrize(
    ("content", "address"),
    [
        ("", "127.0.0.1"),
        ("# local\n", "127.0.0.1"),
        ("unix\n", "127.0.0.1"),
        ("local\n", UNIX_CLIENT),
        ("local\n", "128.0.0.1"),
        ("10.1.2.3\n", "10.1.2.4"),
        ("10.0.0.0/8\n", "11.0.0.0"),
        ("10.0.0.0 /8\n", "10.0.0.1"),
    ],
)
def test_rule_does_not_admit_address(content: str, address: str) -> None:
    assert not rules(content).admits(IPv4Address(address))


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("127.0.0.1/8", "127.0.0.1/8 has bits set behind its prefix; write 127.0.0.0/8"),
        ("127.0.0.1/0", "write 0.0.0.0/0"),
        ("127.0.0.300", "octet 300"),
        ("127.0.0.99999999999999999999", "octet 9999"),
        ("10.0.0.0/33", "prefix '33'"),
        ("10.0.0.0/", "prefix ''"),
        ("10.0.0.0/-1", "prefix '-1'"),
        ("10.0.0.0/8x", "prefix '8x'"),
        ("10.0.0.0/²", "prefix '²'"),
        ("10.0.0", "no rule"),
        ("10.0.0.0.0", "no rule"),
        ("10.0.0.5x", "no rule"),
        ("a.b.c.d", "no rule"),
        ("!10.0.0.1", "no rule"),
        ("host.example.org", "no rule"),
        ("Local", "no rule"),
        (" local", "in the first column"),
        ("::1", "no rule"),
    ],
)
def test_bad_rule_is_reported_with_file_and_line(line: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        rules(f"# first\n\n{line}\n")

    assert str(caught.value).startswith("spread.access_ip:3: ")
    assert complaint in str(caught.value)


def test_every_bad_rule_of_a_file_is_reported() -> None:
    with pytest.raises(ConfigurationError) as caught:
        rules("local\nnonsense\n10.0.0.0/8\n10.0.0.1/8\n")

    first, second = str(caught.value).splitlines()
    assert first.startswith("spread.access_ip:2: ")
    assert second.startswith("spread.access_ip:4: ")


def test_rule_of_bytes_that_are_no_text_is_reported() -> None:
    with pytest.raises(ConfigurationError, match=r"spread\.access_ip:1: .* is no rule"):
        AddressRules.parse(AccessFile("spread.access_ip", b"\xff\xfe\n"))


def test_passwords_are_listed_by_user() -> None:
    found = passwords(b"# users\n\njoe:abNANd1rDfiNc\r\nJ\xf6rg:xyZEE6rCYCAv6")

    assert found.crypted == {b"joe": "abNANd1rDfiNc", b"J\xf6rg": "xyZEE6rCYCAv6"}


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b"joe", "no colon"),
        (b":abNANd1rDfiNc", "0 bytes"),
        (b"j" * 33 + b":abNANd1rDfiNc", "33 bytes"),
        (b"joe:", "user 'joe' is not 13 characters"),
        (b"joe:$6$salt$digest", "traditional DES crypt"),
        (b"joe:abNANd1rDfiNcX", "not 13 characters"),
        (b"joe:abNANd1rDfi-c", "not 13 characters"),
        (b"ann:abNANd1rDfiNc", "user 'ann' is listed twice"),
    ],
)
def test_bad_account_is_reported_with_file_and_line(line: bytes, complaint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        passwords(b"ann:xyZEE6rCYCAv6\n" + line + b"\n")

    assert str(caught.value).startswith("spread.access_pword:2: ")
    assert complaint in str(caught.value)


def test_message_about_an_account_does_not_show_its_secret() -> None:
    with pytest.raises(ConfigurationError) as caught:
        passwords(b"joe:inthebadformat\n")

    assert "inthebadformat" not in str(caught.value)


def test_first_directory_that_has_the_file_counts(tmp_path: Path) -> None:
    for name in ("empty", "first", "second"):
        (tmp_path / name).mkdir()
    (tmp_path / "first" / "spread.access_ip").write_bytes(b"local\n")
    (tmp_path / "second" / "spread.access_ip").write_bytes(b"unix\n")
    names = ("absent", "empty", "first", "second")
    files = AccessFiles(tuple(AccessDirectory(tmp_path / name) for name in names))

    found = files.find("spread.access_ip")

    assert found == AccessFile(str(tmp_path / "first" / "spread.access_ip"), b"local\n")


def test_absent_file_is_not_found(tmp_path: Path) -> None:
    assert AccessFiles((AccessDirectory(tmp_path),)).find("spread.access_ip") is None


def test_unreadable_file_is_an_error_although_a_later_directory_has_one(tmp_path: Path) -> None:
    (tmp_path / "spread.access_ip").mkdir()
    later = tmp_path / "later"
    later.mkdir()
    (later / "spread.access_ip").write_bytes(b"local\n")
    files = AccessFiles((AccessDirectory(tmp_path), AccessDirectory(later)))

    with pytest.raises(ConfigurationError, match=r"cannot read .*spread\.access_ip"):
        files.find("spread.access_ip")


@pytest.mark.skipif(sys.platform == "win32", reason="directories have no descriptors")
def test_file_is_found_through_a_handle_opened_before(tmp_path: Path) -> None:
    (tmp_path / "spread.access_ip").write_bytes(b"local\n")
    handle = os.open(tmp_path, os.O_RDONLY)
    try:
        found = AccessFiles((AccessDirectory(Path("/gone"), handle),)).find("spread.access_ip")
    finally:
        os.close(handle)

    assert found == AccessFile("/gone/spread.access_ip", b"local\n")


def test_default_search_is_working_directory_then_etc() -> None:
    assert [directory.path for directory in AccessFiles().directories] == [Path(), Path("/etc")]

"""Who may change a directory, told from what Windows writes about it."""

import pytest

from spread.winservice.permissions import (
    READ,
    WRITE,
    descriptor_of,
    grants_writing,
    letters_of,
    remedy,
    strangers,
)

SERVICE = "LS"


def test_a_directory_of_the_configuration_is_read_by_the_service_only() -> None:
    descriptor = descriptor_of(SERVICE, READ)

    assert descriptor == ("O:BAG:SYD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;LS)")
    assert strangers(descriptor) == ()
    assert not grants_writing(descriptor, SERVICE)


def test_a_directory_for_the_state_is_written_by_the_service_only() -> None:
    descriptor = descriptor_of(SERVICE, WRITE)

    assert strangers(descriptor, SERVICE) == ()
    assert strangers(descriptor) == ("LocalService",)
    assert grants_writing(descriptor, SERVICE)


def test_the_system_needs_no_entry_of_its_own() -> None:
    assert descriptor_of("SY", WRITE) == "O:BAG:SYD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
    assert grants_writing(descriptor_of("SY", WRITE), "SY")


@pytest.mark.parametrize(
    ("descriptor", "found"),
    [
        # As made in C:\, in C:\ProgramData, and as C:\Program Files is.
        (
            "O:BAD:AI(A;ID;FA;;;BA)(A;OICIID;0x1200a9;;;BU)(A;ID;0x1301bf;;;AU)",
            ("Authenticated Users",),
        ),
        ("O:BAD:AI(A;OICIID;FA;;;SY)(A;OICIIOID;GA;;;CO)(A;CIID;DCLCRPCR;;;BU)", ("Users",)),
        ("O:BAD:PAI(A;OICIIO;SDGXGWGR;;;AU)(A;OICI;FA;;;BA)", ("Authenticated Users",)),
        (
            "O:S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"
            "D:PAI(A;;0x1301bf;;;SY)(A;OICIIO;GA;;;CO)(A;;0x1200a9;;;BU)(A;OICIIO;GXGR;;;BU)",
            (),
        ),
        ("O:S-1-5-21-1-2-3-1001G:SYD:P(A;OICI;FA;;;BA)", ("S-1-5-21-1-2-3-1001",)),
        ("O:BAD:P(A;;FRFX;;;WD)(D;;FA;;;BU)", ()),
        ("O:BAD:P(A;;FA;;;WD)", ("Everyone",)),
        ("O:BAD:NO_ACCESS_CONTROL", ("Everyone",)),
        ("O:BA", ("Everyone",)),
    ],
)
def test_strangers_are_owners_and_those_who_may_write(
    descriptor: str, found: tuple[str, ...]
) -> None:
    assert strangers(descriptor) == found


@pytest.mark.parametrize("rights", ["GA", "FA", "FW", "WD", "WO", "SD", "0x2", "0x10000000"])
def test_a_right_to_change_is_seen(rights: str) -> None:
    assert strangers(f"O:BAD:P(A;;{rights};;;BU)") == ("Users",)


@pytest.mark.parametrize("rights", ["FR", "GXGR", "FX", "CCSWWPLORC", hex(READ)])
def test_a_right_to_read_is_none(rights: str) -> None:
    assert strangers(f"O:BAD:P(A;;{rights};;;BU)") == ()


def test_the_remedy_names_accounts_by_number_as_their_names_differ_by_language() -> None:
    assert remedy(r"C:\a b", SERVICE, WRITE) == (
        r'icacls "C:\a b" /setowner "*S-1-5-32-544", then icacls "C:\a b" /inheritance:r /grant:r '
        '"*S-1-5-18:(OI)(CI)F" "*S-1-5-32-544:(OI)(CI)F" "*S-1-5-19:(OI)(CI)M"'
    )


@pytest.mark.parametrize(
    ("sid", "letters"),
    [
        ("S-1-5-18", "SY"),
        ("S-1-5-19", "LS"),
        ("S-1-5-20", "NS"),
        ("S-1-5-21-1-2-3-1001", "S-1-5-21-1-2-3-1001"),
    ],
)
def test_an_account_of_the_system_has_letters(sid: str, letters: str) -> None:
    assert letters_of(sid) == letters


def test_the_remedy_takes_no_right_from_the_system() -> None:
    system = letters_of("S-1-5-18")

    assert remedy("C:\\a", system, READ).endswith('"*S-1-5-18:(OI)(CI)F" "*S-1-5-32-544:(OI)(CI)F"')

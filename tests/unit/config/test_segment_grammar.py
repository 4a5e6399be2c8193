import pytest

from tests.unit.config.reading import SEGMENT, errors_of, places, read


def test_missing_address_does_not_hide_errors_inside_the_segment() -> None:
    text = "Spread_Segment {\n alpha 10.0.0.1\n alpha 10.0.0.2\n}\n"

    assert places(errors_of(text)) == [(1, 16), (3, 2)]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.255",
        "127.0.0.255:",
        "127.0.0.255.1:5200",
        "localhost:5200",
        '"127.0.0.255"',
        "x.2.2.1",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    (error,) = errors_of(f"Spread_Segment {address} {{\n alpha 127.0.0.1\n}}\n")

    assert error.message.startswith("a segment's address is four numbers")


def test_port_behind_a_blank_is_told_to_use_a_colon() -> None:
    (error,) = errors_of("Spread_Segment 127.0.0.255 5200 {\n alpha 127.0.0.1\n}\n")

    assert error.remedy == "127.0.0.255:5200"


def test_missing_opening_brace_is_one_error() -> None:
    (error,) = errors_of("Spread_Segment 127.0.0.255:5200\n alpha 127.0.0.1\n}\n")

    assert (error.line, error.column) == (2, 2)


def test_missing_closing_brace_is_found_at_the_next_segment_which_is_read() -> None:
    text = SEGMENT.replace("}\n", "") + SEGMENT

    errors = errors_of(text)

    assert places(errors) == [(3, 1), (4, 2), (4, 8)]
    assert errors[0].message == "the segment opened in line 1 is not closed yet"
    assert errors[1].message == "line 2 has a daemon of this name already"


def test_missing_closing_brace_is_found_at_an_option_without_brace_behind_it() -> None:
    (error,) = errors_of(SEGMENT.replace("}\n", "") + "Window = 60\nPersonalWindow = 10\n")

    assert error.message == "the segment opened in line 1 is not closed yet"
    assert error.remedy == "} before Window, behind the last daemon"


def test_missing_closing_brace_is_found_at_the_end_of_the_file() -> None:
    (error,) = errors_of("Spread_Segment 127.0.0.255:5200 {\n alpha 127.0.0.1 { D 127.0.0.1 }\n")

    assert error.found == "the end of the file"


def test_options_inside_a_segment_are_one_error_and_still_checked() -> None:
    text = "Spread_Segment 127.0.0.255 {\n Window = 60\n PersonalWindow = x\n alpha 127.0.0.1\n}\n"

    errors = errors_of(text)

    assert places(errors) == [(2, 2), (3, 19)]
    assert errors[0].message == "no option may stand inside a segment"


def test_unknown_option_inside_a_segment_is_one_error() -> None:
    text = "Spread_Segment 127.0.0.255 {\n LinkCrypto = true\n alpha 127.0.0.1\n}\n"

    assert places(errors_of(text)) == [(2, 13)]


def test_address_without_name_is_refused_and_the_rest_is_read() -> None:
    text = "Spread_Segment 127.0.0.255 {\n 127.0.0.1\n a 127.0.0.2\n a 127.0.0.3\n}\n"

    errors = errors_of(text)

    assert places(errors) == [(2, 2), (4, 2)]
    assert errors[0].remedy == "NAME 127.0.0.1"


@pytest.mark.parametrize("name", ["STATUS", "On", "D", "Hop", "INFO", "77", "true"])
def test_reserved_name_is_refused_unless_quoted(name: str) -> None:
    (error,) = errors_of(f"Spread_Segment 127.0.0.255 {{\n {name} 127.0.0.1\n}}\n")
    loaded = read(f'Spread_Segment 127.0.0.255 {{\n "{name}" 127.0.0.1\n}}\n')

    assert error.remedy == f'"{name}"'
    assert loaded.configuration.me.name == name


def test_interface_letters_without_address_are_refused() -> None:
    text = "Spread_Segment 127.0.0.255 {\n multihomed1 127.0.0.1 { D\n C }\n}\n"

    (error,) = errors_of(text)

    assert error.message == "an address must follow the letter C"


@pytest.mark.parametrize(
    ("interface", "remedy"),
    [
        ("DC 127.0.0.1", "D C"),
        ("d 127.0.0.1", "D"),
        ("X 127.0.0.1", "D 192.168.1.10"),
        ("D localhost", "D 192.168.1.10"),
        ("{ D 127.0.0.1 }", "D 192.168.1.10"),
    ],
)
def test_wrong_interface_is_one_error(interface: str, remedy: str) -> None:
    text = f"Spread_Segment 127.0.0.255 {{\n alpha 127.0.0.1 {{ {interface} }}\n}}\n"

    (error,) = errors_of(text)

    assert error.remedy == remedy


def test_interfaces_without_closing_brace_end_at_the_next_statement() -> None:
    text = "Spread_Segment 127.0.0.255 {\n alpha 127.0.0.1 { D 127.0.0.1\nWindow = 60\n"

    (error,) = errors_of(text)

    assert error.message == "the interfaces of alpha, line 2, are not closed"


def test_stray_braces_inside_a_segment_are_one_error() -> None:
    text = "Spread_Segment 127.0.0.255 {\n { D 127.0.0.1 }\n alpha 127.0.0.1\n}\n"

    assert places(errors_of(text)) == [(2, 2)]

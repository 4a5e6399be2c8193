"""Whole files: what is wrong in them is said in one go, in order, without consequences."""

import pytest

from tests.unit.config.reading import SEGMENT, errors_of, places, read


def test_several_independent_errors_come_together() -> None:
    text = (
        "Window = sixty\n"
        "EventPriority = info\n"
        "Spread_Segment 10.0.0.256:4803 {\n"
        "  alpha 10.0.0.1\n"
        "  alpha 10.0.0.2\n"
        "  STATUS 10.0.0.3\n"
        "}\n"
        "MaxMessageSize = 1000\n"
    )

    assert places(errors_of(text)) == [(1, 10), (2, 17), (3, 16), (5, 3), (6, 3), (8, 18)]


def test_error_line_names_place_finding_and_remedy() -> None:
    (error,) = errors_of("Window = 60;\n" + SEGMENT)

    assert str(error) == (
        "spread.conf:1:10: found '60;': Window takes a number of packets; write Window = 60"
    )


def test_unknown_option_gets_the_closest_one() -> None:
    (error,) = errors_of("PersonelWindow = 30\n" + SEGMENT)

    assert error.message == "there is no option of this name"
    assert error.remedy == "PersonalWindow"


def test_value_of_an_unknown_option_is_skipped() -> None:
    assert places(errors_of("LinkCrypto = { a b }\nWindow = x\n" + SEGMENT)) == [(1, 1), (2, 10)]


def test_wrong_capitals_cost_one_error_and_the_segment_is_still_read() -> None:
    text = "spread_segment 10.0.0.255:4803 {\n alpha 10.0.0.1\n alpha 10.0.0.2\n}\n"

    assert places(errors_of(text)) == [(1, 1), (3, 2)]


def test_misspelt_segment_is_read_as_one() -> None:
    (error,) = errors_of("Segment 127.0.0.255:5200 {\n alpha 127.0.0.1\n}\n")

    assert error.remedy == "Spread_Segment"


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("Window=60", "Window = 60"),
        ("Window= 60", "Window = 160"),
        ("Window =60", "Window = 60"),
        ("Window 60", "Window = 60"),
        ("Window : 60", "Window = 160"),
        ("DebugFlags={ PRINT\nEXIT }", "DebugFlags = { PRINT EXIT CONFIGURATION }"),
    ],
)
def test_equals_sign_without_blanks_is_one_error(text: str, remedy: str) -> None:
    (error,) = errors_of(f"{text}\n{SEGMENT}")

    assert error.remedy == remedy


def test_byte_order_mark_is_named_and_the_statement_still_read() -> None:
    (error,) = errors_of(b"\xef\xbb\xbf" + SEGMENT.encode())

    assert "byte order mark" in error.message


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le"])
def test_utf16_file_is_one_or_few_errors(codec: str) -> None:
    errors = errors_of(SEGMENT.encode(codec))

    assert len(errors) <= 3
    assert errors[0].line == 1


def test_wrapped_comments_are_one_error_for_each_line() -> None:
    text = "# one\nof many words here\n# two\nand more { of } them\n" + SEGMENT

    assert places(errors_of(text)) == [(2, 1), (4, 1)]


def test_closing_brace_too_many_is_one_error() -> None:
    (error,) = errors_of(SEGMENT + "}\nWindow = 60\n")

    assert (error.line, error.column) == (4, 1)
    assert error.message == "no brace is open here"


def test_daemon_outside_a_segment_is_named_so() -> None:
    (error,) = errors_of(SEGMENT + "beta 127.0.0.2\n")

    assert error.message == "a daemon may stand inside a segment only"


def test_quote_that_swallowed_lines_is_named_at_the_error_behind_it() -> None:
    text = 'EventTimeStamp = "[%H:%M]\n' + SEGMENT + 'RuntimeDir = "/var/run/spread"\n'

    (error,) = errors_of(text)

    assert (error.line, error.column) == (5, 15)
    assert "the quote opened in line 1 closes just before it" in error.message


def test_own_option_is_read_before_an_equals_sign_only() -> None:
    text = "MaxMessageSize = 200000\n" + SEGMENT.replace("alpha", "MaxMessageSize")

    configuration = read(text).configuration

    assert configuration.options.max_message_size == 200_000
    assert configuration.me.name == "MaxMessageSize"


def test_own_option_without_equals_sign_is_told_so() -> None:
    (error,) = errors_of("StateDir /var/lib/spread\n" + SEGMENT)

    assert error.message == "an equals sign must follow StateDir"


def test_option_of_later_releases_is_named_so() -> None:
    (error,) = errors_of("ActiveIPVersion = IPv4\n" + SEGMENT)

    assert "later releases" in error.message


def test_mark_with_a_value_is_one_error() -> None:
    (error,) = errors_of('EventPreciseTimeStamp = "%S"\n' + SEGMENT)

    assert error.message == "EventPreciseTimeStamp takes no value"


def test_reading_ends_after_many_errors() -> None:
    errors = errors_of("nonsense\n" * 1000)

    assert len(errors) == 100

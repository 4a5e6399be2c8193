import pytest

from spread.config.model import EventType
from tests.unit.config.reading import SEGMENT, errors_of, places, read


def test_every_wrong_event_type_is_an_error_of_its_own() -> None:
    errors = errors_of("DebugFlags = { print EXIT, HOP }\n" + SEGMENT)

    assert places(errors) == [(1, 16), (1, 22), (1, 28)]
    assert errors[0].remedy.startswith("PRINT ")
    assert errors[1].remedy.startswith("EXIT ")


def test_misspelt_event_type_gets_the_closest_one() -> None:
    (error,) = errors_of("DebugFlags = { MEMBERSHIPS }\n" + SEGMENT)

    assert error.remedy == "MEMBERSHIP"


def test_list_of_types_without_its_closing_brace_ends_at_the_next_statement() -> None:
    (error,) = errors_of("DebugFlags = { PRINT\nWindow = 60\n" + SEGMENT)

    assert (error.line, error.column) == (2, 1)
    assert error.message == "the list of event types is not closed"


def test_exclamation_mark_without_a_type_is_one_error() -> None:
    (error,) = errors_of("DebugFlags = { ALL ! }\n" + SEGMENT)

    assert (error.line, error.column) == (1, 22)


def test_types_apply_from_left_to_right() -> None:
    options = read("DebugFlags = { ALL !ALL PRINT ! PRINT EXIT }\n" + SEGMENT).configuration.options

    assert options.debug_flags == EventType.EXIT


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("DangerousMonitor = on", "DangerousMonitor = true"),
        ("DangerousMonitor = 0", "DangerousMonitor = false"),
        ('DangerousMonitor = "yes"', "DangerousMonitor = true"),
        ("SocketPortReuse = true", "SocketPortReuse = ON"),
        ("EventPriority = DEBUG", "EventPriority = pDEBUG"),
        ("EventPriority = { ERROR }", "EventPriority = INFO"),
        ("EventPriority = warning", "EventPriority = WARNING"),
        ("LinkProtocol = hop", "LinkProtocol = Hop"),
        ("RuntimeDir = 5", 'RuntimeDir = "5"'),
        ("DaemonUser = EXIT", 'DaemonUser = "EXIT"'),
        ("DaemonUser = 10.0.0.1", 'DaemonUser = "10.0.0.1"'),
        ("EventLogFile = !x.log", 'EventLogFile = "!x.log"'),
        ("Window = '60'", "Window = 60"),
        ("Window = 60, ", "Window = 60"),
        ("DebugFlags = PRINT EXIT", "DebugFlags = { PRINT ... }"),
    ],
)
def test_wrong_value_gets_what_was_meant(text: str, remedy: str) -> None:
    (error,) = errors_of(f"{text}\n{SEGMENT}")

    assert error.remedy == remedy


@pytest.mark.parametrize("value", ["60 ", "60\t", "60 # packets", "60#packets", "60 \r", "000060"])
def test_number_may_be_followed_by_blanks_and_a_comment(value: str) -> None:
    assert read(f"Window = {value}\n{SEGMENT}").configuration.options.window == 60


@pytest.mark.parametrize("value", ["60 70", "1000000", "0x40", "-1", "6e1"])
def test_what_is_no_number_is_refused(value: str) -> None:
    (error,) = errors_of(f"MaxSessionMessages = {value}\n{SEGMENT}")

    assert error.message.startswith("MaxSessionMessages takes a number")


def test_own_number_may_have_more_than_six_digits() -> None:
    options = read(f"MaxQueuedBytes = 1073741824 # 1 GiB\n{SEGMENT}").configuration.options

    assert options.max_queued_bytes == 1_073_741_824


def test_missing_value_is_found_at_the_next_statement_which_is_read() -> None:
    (error,) = errors_of("Window =\nPersonalWindow = 10\n" + SEGMENT)

    assert (error.line, error.column) == (2, 1)
    assert error.found == "'PersonalWindow'"


def test_option_at_the_end_of_the_file_without_value() -> None:
    (error,) = errors_of(SEGMENT + "Window =")

    assert error.found == "the end of the file"


def test_single_cost_needs_a_blank_behind_it() -> None:
    (error,) = errors_of(SEGMENT + "RouteMatrix {\n 0\n}\n")

    assert error.message == "a single number is no row of costs"


def test_route_matrix_with_equals_sign_is_one_error() -> None:
    (error,) = errors_of(SEGMENT + "RouteMatrix = {\n 0 \n}\n")

    assert error.message == "an opening brace must follow RouteMatrix"


def test_route_matrix_without_its_closing_brace_ends_at_the_next_statement() -> None:
    (error,) = errors_of("RouteMatrix {\n 0 \n" + SEGMENT)

    assert error.message == "the cost matrix is not closed"


def test_short_row_of_costs_is_refused() -> None:
    (error,) = errors_of(
        SEGMENT + SEGMENT.replace("alpha 127.0.0.1", "b 127.0.0.2") + "RouteMatrix {\n 5 \n}"
    )

    assert error.message == "a row has one cost for each of the 2 segments above"

import pytest

from spread.config.options import OWN_OPTIONS, TIMEOUTS
from tests.unit.config.hosts import ScriptedHost
from tests.unit.config.reading import SEGMENT, warnings_of

NINE = "".join(f"{option.word} = {option.example}\n" for option in TIMEOUTS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("EventPriority = ERROR", "nearly no log is left"),
        ("DebugFlags = { EXIT }", "without PRINT"),
        ("DangerousMonitor = true", "monitor commands are not authenticated"),
        ("MaxSessionMessages = 0", "every client is dropped"),
        ('RequiredAuthMethods = "IP"', "no client can connect"),
        ('AllowedAuthMethods = "NULL NIL"', "no authentication method 'NIL'"),
        ("AccessControlPolicy = PERMIT", "the classic spmonitor ends"),
        ("DebugInitialSequence", "testing aid"),
        ("Window = 65696", "160 is in force"),
        ("AcceleratedWindow = 30", "cut to PersonalWindow, 20"),
        ("EventTimeStamp = " + "x" * 40, "cut after 39 bytes"),
        ('EventTimeStamp = ""', "no time stamp"),
        ('EventTimeStamp = "%H:%M:%S %N"', "no conversion '%N'"),
        ('EventTimeStamp = "100%"', "no conversion '%'"),
        ('EventTimeStamp = "%Q"\nEventTimeStamp\nEventPreciseTimeStamp', "no conversion '%Q'"),
        ("EventPreciseTimeStamp\nEventTimeStamp = " + "x" * 37, "too long for microseconds"),
        ('RuntimeDir = "/a"/b', "the quote character is a part of this value"),
        ('RuntimeDir = "/a\n/b"', "runs over the end of its line"),
        ("RouteMatrix {\n 101 0\n}", "count as 100"),
    ],
)
def test_option_that_bites_is_one_warning(text: str, expected: str) -> None:
    (warning,) = warnings_of(f"{text}\n{SEGMENT}")

    assert expected in warning


@pytest.mark.parametrize("stamp", ["%k %l %P %-d %_H %e", "%s", "100%%", "%c %Ec %Oy %^a %10B"])
def test_time_format_of_a_linux_host_is_taken_everywhere(stamp: str) -> None:
    assert not warnings_of(f'EventTimeStamp = "{stamp}"\n{SEGMENT}')


@pytest.mark.parametrize("word", OWN_OPTIONS)
def test_own_option_is_unknown_to_the_classic_programs(word: str) -> None:
    (warning,) = warnings_of(f"{word} = {OWN_OPTIONS[word].example}\n{SEGMENT}")

    assert f"the classic programs do not know {word}" in warning


def test_option_without_meaning_on_this_system_is_told_with_its_line() -> None:
    host = ScriptedHost(meaningless={"DaemonUser": "there are no users"})

    (warning,) = warnings_of("\nDaemonUser = spread\nRuntimeDir = /x\n" + SEGMENT, host=host)

    assert warning.startswith("2:1: warning:")
    assert "DaemonUser does nothing on this system: there are no users" in warning
    assert warning.endswith("; others that share the file may need the line")


def test_log_that_cannot_be_written_goes_to_standard_error() -> None:
    host = ScriptedHost(unwritable=("/nowhere/",))

    (warning,) = warnings_of("EventLogFile = /nowhere/log\n" + SEGMENT, host=host)

    assert "no such directory; it goes to standard error" in warning


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("HurryTimeout", "TokenTimeout"),
        ("AliveTimeout", "SegTimeout"),
        ("JoinTimeout", "GatherTimeout"),
    ],
)
def test_timeout_that_comes_too_late(short: str, long: str) -> None:
    (warning,) = warnings_of(f"{NINE}{short} = 1500\n{SEGMENT}")

    assert f"{short} is not below {long}" in warning


def test_recommended_timeouts_have_no_warning() -> None:
    assert warnings_of(NINE + SEGMENT) == []

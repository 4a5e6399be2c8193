import pytest

from spread.config import ConfigurationErrors, Known, Stage, parse
from spread.config.model import EventStamp, Options, Timeouts
from spread.config.options import OPTIONS, OWN_OPTIONS, TIMEOUTS
from tests.unit.config.hosts import ScriptedHost
from tests.unit.config.reading import SEGMENT, errors_of, places, read, stages

NINE = "".join(f"{option.word} = 700\n" for option in TIMEOUTS)


def options_of(text: str) -> Options:
    return read(text + "\n" + SEGMENT).configuration.options


def test_file_without_options_has_every_default() -> None:
    assert options_of("") == Options()


def test_last_statement_of_an_option_wins() -> None:
    assert options_of("Window = 60\nWindow = 40").window == 40


def test_settings_tell_where_each_option_was_set_last() -> None:
    given = read("Window = 60\n" + SEGMENT + "  Window = 40\nStateDir = /x\n").given

    assert [(each.word, each.value, each.line, each.column, each.is_own) for each in given] == [
        ("Window", 40, 5, 3, False),
        ("StateDir", "/x", 6, 1, True),
    ]


@pytest.mark.parametrize(
    ("text", "stage"),
    [
        ("Window = 0", Stage.VALUE),
        ("PersonalWindow = 0", Stage.VALUE),
        ("Window = 65536", Stage.LOAD),
        ("Window = 40000", Stage.LOAD),
        ("Window = 10", Stage.LOAD),
        ("PersonalWindow = 161", Stage.LOAD),
        ("Window = 65546", Stage.LOAD),
        ("AcceleratedRing = yes\nAcceleratedWindow = 21", Stage.LOAD),
        ("AcceleratedRing = yes\nPersonalWindow = 14", Stage.LOAD),
        ("AcceleratedRing = yes\nWindow = 12\nPersonalWindow = 12", Stage.LOAD),
        ("TokenTimeout = 0\n" + NINE, Stage.VALUE),
        ("TokenTimeout = 1250", Stage.STARTUP),
        ("DaemonUser = " + "u" * 33, Stage.VALUE),
        ("DaemonGroup = " + "g" * 33, Stage.VALUE),
        ("RuntimeDir = /" + "d" * 4096, Stage.VALUE),
        ("AccessControlPolicy = DENY", Stage.PARSE),
        ("MaxMessageSize = 143951", Stage.VALUE),
        ("MaxMessageSize = 16777217", Stage.VALUE),
        ("PacketSize = 65508", Stage.VALUE),
        ('StateDir = ""', Stage.VALUE),
        ("HandshakeTimeout = 0", Stage.VALUE),
        ("MaxMemberships = 0", Stage.VALUE),
        ("BusyPoll = 1000001", Stage.VALUE),
    ],
)
def test_value_out_of_bounds_is_one_error(text: str, stage: Stage) -> None:
    assert stages(errors_of(f"{text}\n{SEGMENT}")) == [stage]


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("Window = 20", "window", 20),
        ("Window = 65556", "window", 20),
        ("PersonalWindow = 160", "personal_window", 160),
        ("AcceleratedWindow = 0", "accelerated_window", 0),
        ("AcceleratedRing = no\nAcceleratedWindow = 500", "accelerated_window", 500),
        ("AcceleratedWindow = 500", "accelerated_window", 20),
        ("MaxMessageSize = 16777216", "max_message_size", 16 * 1024 * 1024),
        ("Multicast = no", "multicast", False),
        ("PacketSize = 8900", "packet_size", 8900),
        ("HandshakeTimeout = 500", "handshake_timeout", 500),
        ("DaemonUser = " + "u" * 32, "daemon_user", "u" * 32),
        ('DaemonUser = ""', "daemon_user", None),
        ('DaemonUser = a\nDaemonUser = ""', "daemon_user", "a"),
    ],
)
def test_value_at_its_bound_is_taken(text: str, field: str, value: object) -> None:
    assert getattr(options_of(text), field) == value


def test_window_that_is_wrong_itself_is_not_compared() -> None:
    assert len(errors_of("Window = x\nPersonalWindow = 200\n" + SEGMENT)) == 1


def test_timeouts_come_together() -> None:
    assert options_of(NINE).timeouts == Timeouts(*[700] * 9)


def test_wrong_timeout_is_not_missing() -> None:
    text = NINE.replace("SegTimeout = 700", "SegTimeout = x") + SEGMENT

    assert places(errors_of(text)) == [(6, 14)]


def test_missing_timeouts_are_named() -> None:
    text = NINE.replace("SegTimeout = 700\n", "").replace("FormTimeout = 700\n", "") + SEGMENT

    (error,) = errors_of(text)

    assert error.remedy == "also SegTimeout, FormTimeout"


def test_timeouts_of_a_wide_area_are_longer() -> None:
    text = (
        "Spread_Segment 10.1.0.255 {\n a 10.1.0.1\n}\nSpread_Segment 10.2.0.255 {\n b 10.2.0.1\n}\n"
    )

    configuration = read(text, name="a").configuration

    assert configuration.wide_area
    assert configuration.options.timeouts.token == 5000


@pytest.mark.parametrize(
    ("text", "stamp"),
    [
        ("EventTimeStamp", EventStamp("%m/%d/%y %H:%M:%S")),
        ("EventTimeStamp = %H", EventStamp("%H")),
        ("EventPreciseTimeStamp", EventStamp("%m/%d/%y %H:%M:%S", microseconds=True)),
        ("EventPreciseTimeStamp\nEventTimeStamp = %H", EventStamp("%H %s", microseconds=True)),
        ('EventTimeStamp = ""', None),
    ],
)
def test_stamp_options_work_together(text: str, stamp: EventStamp | None) -> None:
    assert options_of(text).event_stamp == stamp


@pytest.mark.parametrize(
    ("text", "allowed", "required"),
    [
        ("", ("NULL",), ()),
        ('AllowedAuthMethods = "IP"', ("IP",), ()),
        ('AllowedAuthMethods = "IP NULL"', ("NULL", "IP"), ()),
        ('AllowedAuthMethods = "IP"\nAllowedAuthMethods = NULL', ("NULL", "IP"), ()),
        ('RequiredAuthMethods = "IP"', (), ("IP",)),
        ('RequiredAuthMethods = "   "', (), ()),
        ('AllowedAuthMethods = "NULL\tIP"', (), ()),
        ('AllowedAuthMethods = "' + "x" * 86 + ' NULL"', (), ()),
        ('AllowedAuthMethods = "' + "x" * 85 + ' NULL"', ("NULL",), ()),
    ],
)
def test_authentication_lists(
    text: str, allowed: tuple[str, ...], required: tuple[str, ...]
) -> None:
    options = options_of(text)

    assert options.auth_allowed == allowed
    assert options.auth_required == required


def test_a_required_method_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigurationErrors) as caught:
        read(f'RequiredAuthMethods = "NULL ip"\n{SEGMENT}')

    (error,) = caught.value.diagnostics
    assert (error.line, error.stage) == (1, Stage.VALUE)
    assert "'ip'" in error.message


def test_methods_and_policies_of_extensions_are_known_when_given() -> None:
    text = 'AllowedAuthMethods = "PWORD IP"\nAccessControlPolicy = STAFF\n' + SEGMENT
    known = Known(methods=("NULL", "IP", "PWORD"), policies=("PERMIT", "STAFF"))

    loaded = parse(text.encode(), "spread.conf", host=ScriptedHost(), known=known)

    assert loaded.configuration.options.auth_allowed == ("IP", "PWORD")
    assert loaded.configuration.options.access_policy == "STAFF"


@pytest.mark.parametrize("word", [*OPTIONS, *OWN_OPTIONS])
def test_example_of_every_option_is_a_right_value(word: str) -> None:
    option = OPTIONS.get(word) or OWN_OPTIONS[word]
    rest = NINE if option in TIMEOUTS else ""
    statement = f"{word} = {option.example}" if option.example else word

    given = read(f"{rest}{statement}\n{SEGMENT}").given

    assert word in {each.word for each in given}


def test_networks_of_monitors_add_up() -> None:
    options = options_of(
        'MonitorAllow = 10.0.0.0/8 # office\nMonitorAllow = "10.0.0.0/8 192.168.1.7"'
    )

    assert options.monitor_allow == ("10.0.0.0/8", "192.168.1.7/32")


@pytest.mark.parametrize(
    ("value", "remedy"),
    [("10.0.0.1/8", "MonitorAllow = 10.0.0.0/8"), ("10.0.0.0/33", "MonitorAllow = 10.0.0.0/8")],
)
def test_network_that_is_none_is_refused_with_what_was_meant(value: str, remedy: str) -> None:
    (error,) = errors_of(f"MonitorAllow = {value}\n{SEGMENT}")

    assert error.remedy == remedy


@pytest.mark.parametrize(
    ("written", "path"),
    [
        (r"C:\spread\spread.log", r"C:\spread\spread.log"),
        (r'"C:\Program Files\spread\%h.log"', r"C:\Program Files\spread\%h.log"),
        (r"\\server\logs\new.log", r"\\server\logs\new.log"),
        (r"'D:\it is\a.log'", r"D:\it is\a.log"),
    ],
)
def test_paths_of_windows_are_taken_as_written(written: str, path: str) -> None:
    assert options_of(f"EventLogFile = {written}").event_log_file == path

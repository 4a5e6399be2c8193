"""The command line of the flooder: which plan it asks for."""

import pytest

from spread.cli.command_line import Exit
from spread.cli.flood.plan import Plan, default_window
from spread.cli.spflooder import main, parser, plan_of
from spread.service import Service


def plan(*arguments: str) -> Plan:
    return plan_of(parser().parse_args(arguments))


def test_without_flags_one_member_floods_itself() -> None:
    assert plan() == Plan(
        group="flooder",
        service=Service.AGREED,
        count=10_000,
        size=1000,
        members=1,
        window=200,
        rate=None,
        reads=True,
        writes=True,
    )


def test_classic_flags() -> None:
    found = plan("-u", "me", "-m", "5", "-n", "3", "-b", "0", "-s", "4803@localhost")

    assert (found.count, found.members, found.size) == (5, 3, 0)


def test_a_writer_waits_for_no_reader_unless_told_to() -> None:
    assert plan("-wo").readers_awaited == 0
    assert plan("-wo", "-n", "2").readers_awaited == 2


def test_a_member_waits_for_the_others() -> None:
    assert plan("-n", "3").readers_awaited == 2


def test_a_reader_reads_from_one_writer_to_its_end() -> None:
    found = plan("-ro")

    assert (found.members, found.count, found.writes) == (1, 0, False)


@pytest.mark.parametrize(("writers", "window"), [(1, 200), (4, 200), (5, 160), (1000, 1)])
def test_the_window_shrinks_so_that_all_windows_fit_into_a_queue(writers: int, window: int) -> None:
    assert default_window(writers) == window


def test_a_given_window_stays_as_it_is() -> None:
    assert plan("-n", "100", "--window", "500").window == 500


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["-ro", "-wo"], "not allowed with argument"),
        (["-m", "0"], "'0' is no whole number from 1"),
        (["-m", "many"], "'many' is no whole number"),
        (["-b", "-1"], "-b"),
        (["-n", "0"], "-n 0 is for -wo"),
        (["-s", "nowhere"], "daemon address 'nowhere'"),
        (["--service", "best"], "no service 'best'"),
        (["--window", "65536"], "no whole number from 1 to 65535"),
        (["--rate", "0"], "no number of messages"),
        (["extra"], "unrecognized arguments: extra"),
    ],
)
def test_usage_errors_name_what_is_wrong(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)

    assert caught.value.code == Exit.USAGE
    assert complaint in capsys.readouterr().err

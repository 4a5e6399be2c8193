"""Commands as datagrams: what is refused before it is sent, and in whose name."""

import pytest

from spread.config import local_ring
from spread.errors import ArgumentError
from spread.monitor import commands
from spread.monitor.commands import Flow
from spread.monitor.protocol import components, decode_datagram, pairs
from spread.monitor.roster import Roster, roster_of

ROSTER = roster_of(local_ring(24000, 3, 1))
STRANGER = Roster(ROSTER.targets, own=None, own_problem="no entry")


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([["local1", "local2"], ["local3"]], (0, 0, 1)),
        ([["local3"]], (1, 1, 0)),
        ([["local1"], ["local2"]], (0, 1, 2)),
    ],
)
def test_daemons_that_are_not_named_make_one_more_part(
    parts: list[list[str]], expected: tuple[int, ...]
) -> None:
    assert commands.components_of(parts, ROSTER) == expected


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([["local9"]], "there is no daemon local9"),
        ([["local1"], ["local1"]], "local1 is named twice"),
        ([["local1", "local2", "local3"]], "all daemons in one part"),
    ],
)
def test_parts_that_make_no_partition(parts: list[list[str]], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        commands.components_of(parts, ROSTER)


def test_a_stop_goes_to_those_chosen_and_keeps_the_partition_of_others() -> None:
    sent = commands.stop([ROSTER.targets[1]], (0, 0, 1), ROSTER, 6543)

    assert [each.target.name for each in sent] == ["local2", "local2"]
    assert components(decode_datagram(sent[0].data))[:4] == (0, -1, 1, 0)


def test_windows_stand_behind_the_pairs_of_all_daemons() -> None:
    values = Flow(100, ((15, 10), (-1, -1), (17, 12)))

    sent = commands.flow(values, ROSTER, 6543)

    assert pairs(decode_datagram(sent[0].data))[:5] == (
        (15, 10),
        (-1, -1),
        (17, 12),
        (100, 0),
        (0, 0),
    )


@pytest.mark.parametrize(
    "values", [Flow(0, ((5, 5),) * 3), Flow(-1, ((5, 5), (0, 0), (5, 5))), Flow(-2), Flow(40_000)]
)
def test_windows_that_would_stop_daemons_or_are_none(values: Flow) -> None:
    with pytest.raises(ArgumentError):
        commands.flow(values, ROSTER, 6543)


def test_128_daemons_leave_no_place_for_the_window() -> None:
    with pytest.raises(ArgumentError, match="no place for the window"):
        commands.flow(Flow(100), roster_of(local_ring(24000, 128, 1)), 6543)


def test_a_host_without_an_entry_names_the_daemon_itself() -> None:
    sent = commands.reload(STRANGER, 6543)

    assert [decode_datagram(each.data).process & 0xFF for each in sent] == [1, 2, 3]

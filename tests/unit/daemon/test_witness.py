from pathlib import Path

from spread.config import local_ring
from spread.daemon.activity import ActivityFile
from spread.daemon.witness import DaemonWitness
from tests.unit.config.reading import read
from tests.unit.daemon.event_list import EventList


def test_a_ring_is_listed_with_its_members() -> None:
    log = EventList()
    witness = DaemonWitness(local_ring(4803, 3, 1), log, None, sequence=lambda: 0)

    witness.ring_installed((0x7F000001, 0x90000000), [0, 2])

    assert log.events == [("membership", {"leader": 0x7F000001, "time": -0x70000000, "daemons": 2})]
    assert log.told[0].lines == ("  local1 127.0.0.1", "  local3 127.0.0.3")


def test_members_of_several_segments_are_listed_with_their_segment() -> None:
    text = (
        "Spread_Segment 10.0.0.255:4803 { a 10.0.0.1 }\n"
        "Spread_Segment 10.0.1.255:4803 { b 10.0.1.1 }\n"
    )
    log = EventList()
    witness = DaemonWitness(read(text, name="a").configuration, log, None, sequence=lambda: 0)

    witness.ring_installed((1, 2), [0, 1])

    assert log.told[0].lines == ("  a 10.0.0.1 in segment 0", "  b 10.0.1.1 in segment 1")


def test_the_activity_file_knows_who_is_absent(tmp_path: Path) -> None:
    activity = ActivityFile(tmp_path, "local1")
    witness = DaemonWitness(
        local_ring(4803, 3, 1), EventList(), activity, sequence=lambda: 9, clock=lambda: 100.0
    )

    witness.started()
    witness.ring_installed((1, 50), [0, 2])
    witness.alive()
    activity.close()

    lines = (tmp_path / "local1").read_text().splitlines()
    assert [line.split() for line in lines] == [
        ["B", "100"],
        ["M", "100", "50", "9", ">", "0", "--", "2"],
        ["A", "100", "9"],
    ]


def test_the_largest_time_under_the_own_address_is_remembered() -> None:
    witness = DaemonWitness(local_ring(4803, 3, 2), EventList(), None, sequence=lambda: 0)

    for leader, time in ((0x7F000002, 50), (0x7F000001, 90), (0x7F000002, 40)):
        witness.ring_named((leader, time))

    assert witness.own_time == 50

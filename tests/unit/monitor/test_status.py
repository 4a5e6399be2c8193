"""Reports as classic status records, and back."""

import pytest

from spread.monitor.protocol import StatusRecord, StatusReply
from spread.monitor.report import Report, RingName, Windows
from spread.monitor.status import GROUP_STATES, STATES, report_of, status_record

ADDRESSES = {"alpha": "10.0.0.1", "beta": "10.0.1.2", "gamma": "10.0.1.3"}
SEGMENTS = {"alpha": 0, "beta": 1, "gamma": 1}


def test_record_tells_the_ring_by_addresses_and_counts():
    report = Report(
        daemon="beta",
        address="10.0.1.2",
        ring=RingName("alpha", 7),
        members=("alpha", "beta", "gamma"),
        counters={"installs": 1},
    )

    record = status_record(report, addresses=ADDRESSES, segments=SEGMENTS)

    assert (record.my_id, record.leader_id) == ("10.0.1.2", "10.0.0.1")
    assert (record.num_procs, record.num_segments) == (3, 2)


def test_daemon_that_has_had_no_ring_with_others_tells_of_no_members():
    report = Report(
        daemon="beta",
        address="10.0.1.2",
        state="SEG",
        ring=RingName("beta", 7),
        members=("beta",),
    )

    record = status_record(report, addresses=ADDRESSES, segments=SEGMENTS)

    assert (record.leader_id, record.num_procs, record.num_segments) == ("0.0.0.0", 0, 0)
    assert record.state == 2


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("group_state", GROUP_STATES)
def test_states_survive_the_way_through_the_record(state, group_state):
    report = Report(daemon="alpha", address="10.0.0.1", state=state, group_state=group_state)

    record = status_record(report, addresses=ADDRESSES, segments=SEGMENTS)
    read = report_of(StatusReply("10.0.0.1", record), names={"10.0.0.1": "alpha"}, now_s=1.0)

    assert (read.daemon, read.state, read.group_state) == ("alpha", state, group_state)


def test_report_of_a_classic_daemon_has_its_counters_and_windows():
    record = StatusRecord(
        sec=9, packet_sent=4, packet_recv=-1, aru=12, window=160, personal_window=20,
        accelerated_ring=1, accelerated_window=15, my_id="10.0.0.9", num_procs=3,
    )  # fmt: skip

    report = report_of(StatusReply("10.0.0.9", record), names={}, now_s=5.0)

    assert report.daemon == "10.0.0.9"
    assert report.counters["packets_made"] == 4
    assert report.counters["packets_received"] == 0xFFFFFFFF
    assert report.gauges["stable"] == 12
    assert report.gauges["ring_daemons"] == 3
    assert report.windows == Windows(160, 20, 15, True)
    assert report.release == "4.4.0"


def test_packets_that_came_again_are_not_received_ones():
    counters = {"installs": 1, "packets_received": 10, "duplicates": 2, "out_of_range": 1}
    report = Report(daemon="beta", address="10.0.1.2", counters=counters)

    assert status_record(report, addresses=ADDRESSES, segments=SEGMENTS).packet_recv == 7


def test_only_daemon_of_its_configuration_has_had_one_membership():
    report = Report(daemon="beta", address="10.0.1.2", members=("beta",))

    record = status_record(report, addresses={"beta": "10.0.1.2"}, segments={"beta": 0})

    assert (record.membership_changes, record.num_procs) == (1, 1)

"""Real daemons as monitors see them, and what monitors have them do."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

import spread
from spread.monitor.protocol import (
    KEEP,
    KILL,
    Command,
    Request,
    StatusReply,
    decode_status,
    encode_request,
)
from spread.monitor.queries import Kind
from tests.daemon.harness.file_ring import FileRing, Member
from tests.daemon.harness.waiting import DEADLINE, wait_until

DANGEROUS = "DangerousMonitor = true"


@pytest.fixture
def ring(tmp_path: Path) -> Iterator[FileRing]:
    made = FileRing(tmp_path)
    yield made
    made.close()


@pytest.fixture
def monitor() -> Iterator[socket.socket]:
    with socket.socket(type=socket.SOCK_DGRAM) as opened:
        opened.bind(("127.0.0.1", 0))
        opened.settimeout(DEADLINE)
        yield opened


def command(monitor: socket.socket, members: list[Member], request: Request) -> None:
    """Send a command to all of them, twice, as monitors do."""
    for _ in range(2):
        for each in members:
            monitor.sendto(encode_request(request), (each.address, each.port))


def status(monitor: socket.socket, member: Member) -> StatusReply:
    request = Request(Command.STATUS, "127.0.0.1", monitor.getsockname()[1])
    monitor.sendto(encode_request(request), (member.address, member.port))
    return decode_status(monitor.recv(2000))


def views(member: Member) -> list[tuple[str, ...]]:
    return [tuple(view["members"]) for view in member.ask(Kind.REPORT)["views"]]


def views_seen(mailbox: spread.Mailbox, names: set[str]) -> None:
    """Wait for a view with exactly these private groups."""
    while True:
        event = mailbox.receive(timeout=DEADLINE)
        if isinstance(event, spread.Membership) and set(event.members) == names:
            return


def test_daemons_tell_about_themselves_and_each_other(
    ring: FileRing, monitor: socket.socket
) -> None:
    members = ring.start((1, 2, 3))
    with members[0].connect("a") as one, members[1].connect("b") as two:
        for each in (one, two):
            each.join("tea")
        views_seen(one, {"#a#d1", "#b#d2"})
        for _ in range(20):
            one.multicast(spread.SAFE_MESS, "tea", b"x" * 500)

        report = wait_until(
            lambda: (
                (found := members[0].ask(Kind.REPORT))["counters"]["messages_delivered"] == 20
                and found
            ),
            "the messages in a report",
        )
        groups = members[2].ask(Kind.GROUPS)
        record = wait_until(
            lambda: (found := status(monitor, members[1]).record).num_sessions and found,
            "the session in a status record",
        )

    assert report["members"] == ["d1", "d2", "d3"]
    assert [(peer["name"], peer["is_member"]) for peer in report["peers"]] == [
        ("d2", True),
        ("d3", True),
    ]
    assert (report["sessions"], report["groups"]) == (1, 1)
    assert sum(report["latency"]["safe"]) >= 1
    assert sum(report["rotation"]) >= 1
    assert groups["groups"] == [{"name": "tea", "size": 2, "members": ["#a#d1", "#b#d2"]}]
    assert (record.my_id, record.leader_id, record.num_procs) == ("127.0.0.2", "127.0.0.1", 3)
    assert (record.num_sessions, record.num_groups, record.state) == (1, 1, 1)


def test_a_partition_splits_the_ring_and_its_end_heals_it(
    ring: FileRing, monitor: socket.socket
) -> None:
    members = ring.start((1, 2, 3), DANGEROUS)
    with members[0].connect("a") as one, members[2].connect("c") as three:
        for each in (one, three):
            each.join("tea")
        for each in (one, three):
            views_seen(each, {"#a#d1", "#c#d3"})

        parted = Request(Command.PARTITION, "127.0.0.1", components=(0, 0, 1))
        command(monitor, members, parted)
        views_seen(one, {"#a#d1"})
        views_seen(three, {"#c#d3"})
        reports = [
            wait_until(
                lambda each=each: (
                    (found := each.ask(Kind.REPORT))["partition"] == [0, 0, 1]
                    and len(found["members"]) < 3
                    and found
                ),
                f"{each.name} parted",
            )
            for each in members
        ]

        command(monitor, members, Request(Command.PARTITION, "127.0.0.1", components=(0, 0, 0)))
        views_seen(one, {"#a#d1", "#c#d3"})
        views_seen(three, {"#a#d1", "#c#d3"})
        ring.wait_for((1, 2, 3))

    assert [report["members"] for report in reports] == [["d1", "d2"], ["d1", "d2"], ["d3"]]
    everybody = ("d1", "d2", "d3")
    assert views(members[2])[-3:] == [everybody, ("d3",), everybody]
    assert members[0].ask(Kind.REPORT)["partition"] == []


def test_windows_change_and_a_daemon_stops_in_order(ring: FileRing, monitor: socket.socket) -> None:
    members = ring.start((1, 2, 3), DANGEROUS)

    pairs = ((10, 5), (KEEP, KEEP), (12, 7), (50, 0))
    command(monitor, members, Request(Command.FLOW_CONTROL, "127.0.0.1", pairs=pairs))
    windows = [
        wait_until(
            lambda each=each: (found := each.ask(Kind.REPORT)["windows"])["window"] == 50 and found,
            f"the window of {each.name}",
        )
        for each in members
    ]
    command(monitor, members, Request(Command.PARTITION, "127.0.0.1", components=(0, 0, KILL)))
    process = members[2].process
    assert process is not None
    assert process.wait(DEADLINE) == 0
    ring.wait_for((1, 2))

    assert [(each["personal"], each["accelerated"]) for each in windows] == [
        (10, 5),
        (20, 15),
        (12, 7),
    ]
    assert "stopped by a monitor" in members[2].output()


def test_dangerous_commands_need_the_option(ring: FileRing, monitor: socket.socket) -> None:
    (alone,) = ring.start((1,))

    command(monitor, [alone], Request(Command.PARTITION, "127.0.0.1", components=(KILL,)))
    told = wait_until(
        lambda: re.search(r"request of a monitor refused.*", alone.output()), "a line of the log"
    )

    assert "DangerousMonitor is not set" in told[0]
    assert status(monitor, alone).record.num_procs == 1

"""`spmonitor` as its users run it: at our daemons, at a classic one, and when things go wrong."""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import spread
from spread.monitor.client import RingClient
from spread.monitor.protocol import (
    Command,
    StatusRecord,
    StatusReply,
    decode_datagram,
    encode_status,
)
from spread.monitor.roster import local_roster, read_roster
from spread.monitor.screen import RULE
from tests.daemon.harness.ports import free_port
from tests.daemon.harness.process import Daemon
from tests.daemon.harness.waiting import DEADLINE, wait_until
from tests.daemon.monitored_ring import NAMES, MonitoredRing
from tests.daemon.programs import at_terminal, run_program

DISAGREE, USAGE, SILENT, CONFIGURATION = 1, 64, 69, 78
MENU_BEGINS = "Monitor menu"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MonitoredRing]:
    ring = MonitoredRing(tmp_path_factory.mktemp("ring"), "DangerousMonitor = true")
    yield ring
    ring.stop()


@pytest.fixture
def ring(running: MonitoredRing) -> MonitoredRing:
    """A ring of three, which a test may break."""
    running.restore()
    return running


# Looking.


def test_top_without_a_terminal_is_refused_at_once(ring: MonitoredRing) -> None:
    status, shown, errors = ring.monitor("top")

    assert (status, shown) == (USAGE, "")
    assert errors.startswith("spmonitor: top needs a terminal")
    assert "spmonitor watch" in errors
    assert errors.count("\n") == 1


BUSY = "scheduler-delay"
"""The rule by which a machine is found that is busy with something else; the ring is well then."""


def test_status_of_a_ring_that_is_well(ring: MonitoredRing) -> None:
    status, shown, errors = ring.monitor("status")

    table, _, found = shown.partition("\n\n")
    sentences = [line for line in found.splitlines() if not line.startswith(" ")]
    assert errors == ""
    assert [line for line in sentences if "gave it no processor" not in line] == []
    assert status == (DISAGREE if "critical" in found else 0)
    rows = [line.split() for line in table.splitlines()]
    assert [row[:4] for row in rows[1:]] == [[name, "OP", "d1", "3"] for name in NAMES]


def require_well(record: dict[str, Any]) -> None:
    """Fail if anything is found but that the machine is busy."""
    assert record["disagreements"] == []
    assert [each for each in record["findings"] if each["rule"] != BUSY] == []
    assert record["is_well"] or record["findings"]


def test_status_as_json_has_all_that_is_known(ring: MonitoredRing) -> None:
    status, shown, _ = ring.monitor("status", "--json", "--rates")

    record = json.loads(shown)
    require_well(record)
    assert status == (0 if record["is_well"] else DISAGREE)
    assert [each["name"] for each in record["daemons"]] == list(NAMES)
    assert record["daemons"][1]["report"]["members"] == list(NAMES)
    assert record["daemons"][1]["rates"]["tokens"] > 0


def test_flags_may_stand_before_the_command_and_behind_it(ring: MonitoredRing) -> None:
    done = run_program("spmonitor", "status", "-c", str(ring.file), "--json")

    assert done.returncode in (0, DISAGREE)
    require_well(json.loads(done.stdout))


def test_watch_shows_again_and_again(ring: MonitoredRing) -> None:
    status, shown, _ = ring.monitor("watch", "--json", "--count", "2", "-t", "1")

    records = [json.loads(line) for line in shown.splitlines()]
    assert len(records) == 2
    for each in records:
        require_well(each)
    assert status == (0 if records[-1]["is_well"] else DISAGREE)


def test_groups_and_sessions_are_listed(ring: MonitoredRing) -> None:
    address = f"{ring.ports['d2']}@127.0.0.2"
    with spread.connect(address, "ann", timeout=DEADLINE) as mailbox:
        mailbox.join("tea")
        mailbox.join("milk")
        for _ in range(2):
            mailbox.receive(DEADLINE)

        def shown() -> dict[str, Any]:
            record: dict[str, Any] = json.loads(ring.monitor("groups", "t", "--json")[1])
            return record

        found = wait_until(lambda: shown()["groups"], "the group tea")
        slowest = ring.monitor("sessions")

    assert slowest == (0, "no session has anything waiting for it\n", "")
    assert [(each["name"], each["size"], each["members"]) for each in found] == [
        ("tea", 1, ["#ann#d2"])
    ]


# The menu.


def test_the_menu_shows_the_status_of_all_daemons(ring: MonitoredRing) -> None:
    status, shown, errors = ring.monitor("-p", "0", text="0\nall\n\n")

    assert (status, errors) == (0, "")
    assert MENU_BEGINS in shown
    for name in NAMES:
        assert f"Status at {name} V 4.4.0 (state 1 OP, gstate 1 GOP)" in shown
    assert "3 procs in 3 segments, leader is d1, accelerated protocol" in shown


def test_the_menu_sends_windows_that_take_effect(ring: MonitoredRing) -> None:
    status, shown, _ = ring.monitor("-p", "0", text="5\n120\n16\n17\n18\n6\n")

    _, after, _ = ring.monitor("flow")
    assert status == 0
    assert "did not take" not in shown
    assert [line.split()[:3] for line in after.splitlines()[1:]] == [
        ["d1", "120", "16"],
        ["d2", "120", "17"],
        ["d3", "120", "18"],
    ]


def test_the_menu_says_that_daemons_did_not_take_windows_that_cannot_be(
    ring: MonitoredRing,
) -> None:
    _, shown, _ = ring.monitor("-p", "0", text="5\n\n3\n3\n3\n6\n")

    assert "d2 did not take the windows: it has windows " in shown


def test_the_menu_at_a_terminal(ring: MonitoredRing, tmp_path: Path) -> None:
    with at_terminal("spmonitor", "-c", str(ring.file), "-p", "0", home=tmp_path) as terminal:
        terminal.wait_for_end("Monitor>")
        terminal.type("0\r")
        terminal.wait_for_end("daemon to show:")
        terminal.type("d3\r\r")
        terminal.wait_for(RULE, "Monitor>")
        terminal.type("q\r")

        assert terminal.wait() == 0
    assert "Status at d3 V 4.4.0" in terminal.output


def test_a_port_for_replies_that_is_taken_is_replaced_by_another(ring: MonitoredRing) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("0.0.0.0", 0))
        taken = other.getsockname()[1]
        status, shown, errors = ring.monitor("-p", str(taken), text="0\nd1\n\n")

    assert status == 0
    assert f"UDP port {taken} is taken; replies come in at " in errors
    assert "Status at d1" in shown


# Steering.


def test_windows_are_set_for_all_and_for_one(ring: MonitoredRing) -> None:
    status, shown, _ = ring.monitor(
        "flow", "--window", "110", "--personal", "11", "--personal", "d3=9", "--accelerated", "5"
    )

    _, after, _ = ring.monitor("flow")
    assert status == 0
    assert shown.count("these windows are in force") == 3
    assert [line.split()[1:3] for line in after.splitlines()[1:]] == [
        ["110", "11"],
        ["110", "11"],
        ["110", "9"],
    ]


def test_windows_that_cannot_be_together_are_refused_here(ring: MonitoredRing) -> None:
    status, _, errors = ring.monitor("flow", "--personal", "d2=1")

    assert status == USAGE
    assert "d2: an accelerated window of" in errors
    assert "above a personal window of 1" in errors


def test_a_window_that_no_daemon_can_hold_is_refused_here(ring: MonitoredRing) -> None:
    status, _, errors = ring.monitor("flow", "--window", "769")

    assert status == USAGE
    assert "769 is more than d1 can hold; it is 1 to 768" in errors


def test_a_window_of_zero_is_refused_here(ring: MonitoredRing) -> None:
    status, _, errors = ring.monitor("flow", "--window", "0")

    assert status == USAGE
    assert "a window of 0 would stop the daemons" in errors


def test_a_partition_and_its_end(ring: MonitoredRing) -> None:
    status, shown, _ = ring.monitor("partition", "d1,d2 | d3")
    assert (status, shown.count("part of the partition")) == (0, 3)

    def rings() -> bool:
        record = json.loads(ring.monitor("status", "--json")[1])
        members = [each["report"]["members"] for each in record["daemons"]]
        return members == [["d1", "d2"], ["d1", "d2"], ["d3"]]

    wait_until(rings, "two rings")

    assert ring.monitor("status")[0] == DISAGREE
    assert ring.monitor("heal")[0] == 0


def test_a_daemon_is_stopped_in_order(ring: MonitoredRing) -> None:
    status, shown, _ = ring.monitor("stop", "d3", "--yes")

    assert (status, shown) == (0, "d3: stopped\n")
    assert ring.processes["d3"].wait(DEADLINE) == 0
    status, shown, _ = ring.monitor("status")
    assert status == SILENT
    assert "d3 does not answer: nobody has 127.0.0.3" in shown


def test_stopping_without_a_terminal_needs_yes(ring: MonitoredRing) -> None:
    status, _, errors = ring.monitor("stop", "d3")

    assert status == USAGE
    assert "Stop d3? Say so with --yes" in errors
    assert ring.processes["d3"].poll() is None


def test_a_reload_is_shown_first_and_done_with_yes(ring: MonitoredRing) -> None:
    text = ring.file.read_text()
    ring.file.write_text(f"Window = 200\n{text}")

    shown_first = ring.monitor("reload")
    done = ring.monitor("reload", "--yes")

    ring.file.write_text(text)
    assert shown_first[0] == 0
    assert "Window changes from its default to 200" in shown_first[1]
    assert "nothing was reloaded; reload with --yes" in shown_first[2]
    assert done[0] == 0
    assert done[1].count(": reloaded\n") == 3
    assert [each.poll() for each in ring.processes.values()] == [None] * 3


def test_a_daemon_that_is_only_just_added_does_not_have_to_run_for_a_reload(
    ring: MonitoredRing,
) -> None:
    text = ring.file.read_text()
    port = free_port()
    ring.file.write_text(f"{text}Spread_Segment 127.0.0.255:{port} {{ d4 127.0.0.4 }}\n")
    try:
        added = ring.monitor("reload", "--yes")
        again = ring.monitor("reload", "--yes")
    finally:
        ring.file.write_text(text)
        ring.hang_up()
        ring.wait_for_report(
            lambda report: all(peer.name in NAMES for peer in report.peers), "the old list"
        )

    assert added[0] == 0
    assert added[1].count(": reloaded\n") == 3
    assert "d4 does not run yet" in added[2]
    assert again[0] == SILENT
    assert "nothing was reloaded; --force" in again[2]


def test_a_forced_reload_names_the_daemons_that_it_left_out(ring: MonitoredRing) -> None:
    text = ring.file.read_text()
    as_it_was = ring.file.with_name("as-it-was.conf")
    as_it_was.write_text(text)
    ring.file.write_text(f"Nonsense = 5\n{text}")

    done = run_program("spmonitor", "-c", str(as_it_was), "reload", "--yes", "--force")

    ring.file.write_text(text)
    status, shown, errors = done.returncode, done.stdout, done.stderr
    assert status == DISAGREE
    assert "Nonsense" in shown
    assert "not reloaded: d1, d2, d3" in errors


def test_a_daemon_that_refuses_is_named_and_nothing_is_sent(ring: MonitoredRing) -> None:
    text = ring.file.read_text()
    before = ring.output("d1").count("partitioned by a monitor")
    ring.file.write_text(text.replace("DangerousMonitor = true", "DangerousMonitor = false"))
    ring.hang_up()
    ring.wait_for_report(lambda report: not report.dangerous_monitor, "the careful daemons")
    try:
        status, _, errors = ring.monitor("partition", "d1", "d2")
        _, shown, _ = ring.monitor("-p", "0", text="1\n0\n0\n1\n2\n")
    finally:
        ring.file.write_text(text)
        ring.hang_up()
        ring.wait_for_report(lambda report: report.dangerous_monitor, "daemons as before")

    assert status == DISAGREE
    assert "d1, d2, d3 would refuse, so nothing was sent" in errors
    refusal = "did not take the partition: it refuses, DangerousMonitor is not set"
    assert [f"{name} {refusal}" in shown for name in NAMES] == [True] * 3
    assert ring.output("d1").count("partitioned by a monitor") == before


# A classic daemon.


@contextlib.contextmanager
def classic_daemon(record: StatusRecord) -> Iterator[tuple[int, list[Command | None]]]:
    """Answer status requests as Spread 4.4 does, and nothing else; gives the port, and requests."""
    asked: list[Command | None] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        port = free_port()
        sock.bind(("127.0.0.1", port))

        def serve() -> None:
            while data := sock.recv(65536):
                datagram = decode_datagram(data)
                asked.append(datagram.command)
                if datagram.command is Command.STATUS:
                    reply = encode_status(StatusReply("127.0.0.1", record))
                    sock.sendto(reply, ("127.0.0.1", datagram.sequence & 0xFFFF))

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield port, asked
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
                end.sendto(b"", ("127.0.0.1", port))
            thread.join()


def file_with(directory: Path, port: int) -> str:
    path = directory / "spread.conf"
    path.write_text(f"Spread_Segment 127.0.0.255:{port} {{ d1 127.0.0.1 }}\n")
    return str(path)


def test_a_classic_daemon_is_understood(tmp_path: Path) -> None:
    record = StatusRecord(sec=77, my_id="127.0.0.1", leader_id="127.0.0.1", num_procs=1)
    with classic_daemon(record) as (port, asked):
        file = file_with(tmp_path, port)
        shown = run_program("spmonitor", "status", "-c", file, "--json")
        menu = run_program("spmonitor", "-c", file, "-p", "0", text="0\nall\n\n")

    report = json.loads(shown.stdout)["daemons"][0]
    assert shown.returncode == 0
    assert report["is_classic"]
    assert report["report"]["uptime_s"] == 77
    assert "Status at d1 V 4.4.0 (state 1 OP, gstate 1 GOP) after 77 seconds" in menu.stdout
    assert Command.QUERY in asked


# When things go wrong.


def test_garbage_for_replies_is_counted_and_the_daemon_called_silent(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))

        def serve() -> None:
            while True:
                data, source = sock.recvfrom(65536)
                if not data:
                    return
                for nonsense in (b"", b"\xff" * 39, data, data[:40] + b"\0" * 60, b"\x81" * 136):
                    sock.sendto(nonsense, source)

        thread = threading.Thread(target=serve)
        thread.start()
        done = run_program("spmonitor", "status", "-c", file_with(tmp_path, sock.getsockname()[1]))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(b"", sock.getsockname())
        thread.join()

    assert done.returncode == SILENT
    assert "d1 does not answer: what answers at 127.0.0.1" in done.stdout
    assert done.stderr == ""


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    done = run_program("spmonitor", "status", "-c", str(tmp_path / "none.conf"))

    assert done.returncode == CONFIGURATION
    assert "none.conf: cannot be read: No such file or directory; name the file" in done.stderr


def test_mistakes_of_a_file_are_told_with_their_places(tmp_path: Path) -> None:
    (tmp_path / "spread.conf").write_text("Window = many\n")

    done = run_program("spmonitor", "-c", str(tmp_path / "spread.conf"), text="0\n")

    assert done.returncode == CONFIGURATION
    assert "spread.conf:1:10: found 'many'" in done.stderr


def test_a_file_with_a_policy_that_is_not_installed_here_can_be_watched(tmp_path: Path) -> None:
    path = tmp_path / "spread.conf"
    path.write_text(
        'AccessControlPolicy = "HOUSE"\nSpread_Segment 127.0.0.255:4999 { d1 127.0.0.1 }\n'
    )

    assert read_roster(str(path)).targets[0].name == "d1"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("status", "--port", "4803"), "--port belongs to --local"),
        (("--local", "3", "-c", "x", "status"), "--local reads no file"),
        (("--local", "3", "-n", "local9", "status"), "there is no such daemon"),
        (("--local", "2", "partition", "local1,local9"), "there is no daemon local9"),
        (("--local", "2", "partition", "local1,local2"), "all daemons in one part"),
        (("--local", "2", "flow", "--personal", "local9=3"), "there is no daemon local9"),
        (("--local", "2", "flow", "--window", "many"), "invalid int value"),
        (("--local", "2", "stop", "local7", "--yes"), "there is no daemon local7"),
        (("-p", "70000"), "is no port"),
        (("-t", "0"), "is no number of seconds"),
        (("-n", "x" * 20), "at most 19 bytes"),
        (("dance",), "there is no command 'dance'"),
    ],
)
def test_a_command_line_that_makes_no_sense(arguments: tuple[str, ...], words: str) -> None:
    done = run_program("spmonitor", *arguments)

    assert done.returncode == USAGE
    assert words in done.stderr


# The first moments.


def test_no_daemon_is_older_or_younger_than_it_is(tmp_path: Path) -> None:
    port = free_port()
    with RingClient(local_roster(1, port)) as client:
        daemon = Daemon.start_with(tmp_path, ["--local", "--port", str(port)], port)
        try:
            client.update()
            first = client.watch.reports[0].uptime_s
        finally:
            daemon.stop()

    assert 0 <= first < DEADLINE

"""`spread --local N`: a ring of daemons on this host, its parent, and what its clients see."""

import json
import os
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

import spread
from tests.daemon.harness.ports import free_port
from tests.daemon.harness.process import Daemon, run_daemon
from tests.daemon.harness.waiting import DEADLINE, wait_until

SIZE = 3
STARTS = re.compile(r"^(local\d) \| daemon starts .*process=(\d+)", re.MULTILINE)
KILLED = 128 + signal.SIGKILL
ADDRESS_TAKEN = 3
USAGE = 64


class LocalRing:
    """A running `spread --local 3`."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        self.port = free_port()
        command = ["--local", str(SIZE), "--port", str(self.port), *arguments]
        self.parent = Daemon.start_with(directory, command, self.port)

    def connect(self, number: int, name: str) -> spread.Mailbox:
        return spread.connect(f"{self.port}@127.0.0.{number}", name, timeout=DEADLINE)

    def wait_for(self, count: int, daemon: str = "local1") -> None:
        """Wait until the last ring that `daemon` told of has `count` members."""
        line = re.compile(rf"^{daemon} \| membership .* daemons=(\d+)$", re.MULTILINE)

        def is_complete() -> bool:
            return line.findall(self.parent.output())[-1:] == [str(count)]

        wait_until(is_complete, f"a ring of {count} at {daemon}")

    def process_of(self, name: str) -> int:
        return int(dict(STARTS.findall(self.parent.output()))[name])


@pytest.fixture
def ring(tmp_path: Path) -> Iterator[LocalRing]:
    started = LocalRing(tmp_path)
    for name in ("local1", "local2", "local3"):
        started.wait_for(SIZE, name)
    yield started
    if started.parent.is_running():
        started.parent.signal(signal.SIGTERM)
        started.parent.wait()


def next_view(mailbox: spread.Mailbox) -> spread.Membership:
    """Return the next view, skipping messages and signals."""
    while True:
        found = mailbox.receive(timeout=DEADLINE)
        if isinstance(found, spread.Membership) and found.kind is spread.MembershipKind.VIEW:
            return found


def view_of(mailbox: spread.Mailbox, count: int) -> tuple[str, ...]:
    """Return the members of the next view with so many."""
    while len(members := next_view(mailbox).members) != count:
        pass
    return members


def texts(mailbox: spread.Mailbox, count: int) -> list[bytes]:
    found: list[bytes] = []
    while len(found) < count:
        event = mailbox.receive(timeout=DEADLINE)
        if isinstance(event, spread.Message):
            found.append(event.payload)
    return found


def read_to_end(mailbox: spread.Mailbox) -> None:
    while True:
        mailbox.receive(timeout=DEADLINE)


def test_clients_of_all_daemons_meet_in_one_group_and_one_order(ring: LocalRing) -> None:
    with ExitStack() as stack:
        boxes = [stack.enter_context(ring.connect(number, f"c{number}")) for number in (1, 2, 3)]
        for box in boxes:
            box.join("tea")
        views = {view_of(box, SIZE) for box in boxes}
        for box in boxes:
            for number in range(50):
                box.multicast(spread.AGREED_MESS, "tea", f"{box.private_group} {number}")
        heard = [texts(box, 3 * 50) for box in boxes]

    assert views == {("#c1#local1", "#c2#local2", "#c3#local3")}
    assert heard[0] == heard[1] == heard[2]


def test_the_death_of_a_daemon_takes_its_clients_from_the_views_and_loses_no_message(
    ring: LocalRing,
) -> None:
    with (
        ring.connect(1, "a") as alice,
        ring.connect(2, "b") as bob,
        ring.connect(3, "c") as carol,
    ):
        for box in (alice, bob, carol):
            box.join("tea")
        for box in (alice, bob, carol):
            view_of(box, SIZE)

        os.kill(ring.process_of("local3"), signal.SIGKILL)
        for number in range(100):
            alice.multicast(spread.SAFE_MESS, "tea", str(number))

        heard, view = [], None
        while len(heard) < 100 or view is None:
            event = bob.receive(timeout=DEADLINE)
            if isinstance(event, spread.Message):
                heard.append(int(event.payload))
            elif event.kind is spread.MembershipKind.VIEW:
                view = event
        with pytest.raises(spread.SpreadError):
            read_to_end(carol)

    assert heard == list(range(100))
    assert view.members == ("#a#local1", "#b#local2")
    assert view.cause is spread.Cause.NETWORK
    wait_until(lambda: "local3 has ended" in ring.parent.output(), "the parent's report")
    ring.parent.signal(signal.SIGTERM)
    assert ring.parent.wait() == KILLED


def test_a_daemon_that_is_started_again_joins_the_ring(ring: LocalRing, tmp_path: Path) -> None:
    os.kill(ring.process_of("local3"), signal.SIGKILL)
    ring.wait_for(SIZE - 1)

    arguments = ["--local", str(SIZE), "-n", "local3", "--port", str(ring.port)]
    (tmp_path / "again").mkdir()
    again = Daemon.start_with(tmp_path / "again", arguments, ring.port)

    ring.wait_for(SIZE)
    again.stop()


def test_a_daemon_that_is_stopped_tells_the_others(ring: LocalRing) -> None:
    os.kill(ring.process_of("local2"), signal.SIGTERM)

    ring.wait_for(SIZE - 1)
    ring.wait_for(SIZE - 1, "local3")
    ring.parent.signal(signal.SIGTERM)
    assert ring.parent.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_parent_stops_all_daemons(ring: LocalRing, number: signal.Signals) -> None:
    ring.parent.signal(number)

    assert ring.parent.wait() == 0
    output = ring.parent.output()
    for name in ("local1", "local2", "local3"):
        assert f"{name} | daemon stopped" in output
    assert "Traceback" not in output


def test_the_daemons_stop_in_order_when_their_parent_is_killed(ring: LocalRing) -> None:
    with ring.connect(2, "a") as mailbox:
        ring.parent.signal(signal.SIGKILL)

        with pytest.raises(spread.SpreadError):
            read_to_end(mailbox)

    ring.parent.wait()
    for name in ("local1", "local3"):
        wait_until(partial(has_ended, ring.process_of(name)), f"the end of {name}")


def has_ended(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return True
    # Nobody may be there to take note of its end.
    return ") Z " in Path(f"/proc/{process_id}/stat").read_text()


def test_a_hangup_leaves_the_daemons_running(ring: LocalRing) -> None:
    ring.parent.signal(signal.SIGHUP)

    with ring.connect(2, "a") as mailbox:
        mailbox.join("tea")
        assert next_view(mailbox).members == ("#a#local2",)
    assert ring.parent.is_running()


def test_an_address_that_is_taken_stops_the_whole_ring(tmp_path: Path) -> None:
    port = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.2", port))
        taken.listen()

        ended = run_daemon(tmp_path, "--local", "3", "--port", str(port))

    assert ended.returncode == ADDRESS_TAKEN
    assert f"127.0.0.2:{port}" in ended.stdout
    assert "local2 has ended with status 3" in ended.stderr


def test_json_lines_begin_with_the_daemon(tmp_path: Path) -> None:
    ring = LocalRing(tmp_path, "--log-format", "json")
    ready = '"daemon ready"'
    wait_until(lambda: ring.parent.output().count(ready) == SIZE, "three daemons that are ready")
    ring.parent.signal(signal.SIGTERM)
    assert ring.parent.wait() == 0

    lines = ring.parent.output().splitlines()

    assert all(line.startswith('{"daemon": "local') for line in lines)
    assert {json.loads(line)["daemon"] for line in lines} == {"local1", "local2", "local3"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--local", "0"],
        ["--local", "129"],
        ["--local", "3", "-n", "local4"],
        ["--local", "3", "-n", "alice"],
        ["--local", "three"],
    ],
    ids=" ".join,
)
def test_wrong_usage_has_its_status(arguments: list[str], tmp_path: Path) -> None:
    assert run_daemon(tmp_path, *arguments).returncode == USAGE

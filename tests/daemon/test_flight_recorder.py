"""The flight recorder in real daemons: killed, asked by signal, asked by a monitor, stopped."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import spread
from spread.monitor.flight_file import Direction, FlightFile, Kind, PacketNote, read
from spread.monitor.flight_merge import clocks_of, merged
from spread.monitor.queries import Kind as Ask
from spread.monitor.trace import file_of_answer
from spread.system import memory_directory
from tests.daemon.harness.file_ring import FileRing, Member
from tests.daemon.harness.waiting import DEADLINE, wait_until

KEPT = re.compile(r"flight recorder kept file=(\S+)")
LEFT_BEHIND = re.compile(r"what it recorded is kept file=(\S+) read=\"spmonitor trace (\S+)\"")


@pytest.fixture
def ring(tmp_path: Path) -> Iterator[FileRing]:
    made = FileRing(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FileRing]:
    """A ring of three over which messages went; whoever breaks it mends it."""
    made = FileRing(tmp_path_factory.mktemp("ring"))
    try:
        talk(made.start((1, 2, 3)))
        yield made
    finally:
        made.close()


def memory_files(member: Member) -> list[Path]:
    return list(memory_directory().glob(f"spread-{member.name}-{member.port}-*.flight"))


def talk(members: list[Member]) -> None:
    """Let a message of each daemon reach a client of each."""
    boxes = [each.connect(f"c{each.number}") for each in members]
    for box in boxes:
        box.join("room")
    for box in boxes:
        while len(getattr(box.receive(timeout=DEADLINE), "members", ())) < len(boxes):
            pass
    for box in boxes:
        box.multicast(spread.SAFE_MESS, "room", b"x" * 3000)
    for box in boxes:
        heard = 0
        while heard < len(boxes):
            heard += isinstance(box.receive(timeout=DEADLINE), spread.Message)
        box.disconnect()


def kept_by_signal(member: Member) -> Path:
    assert member.process is not None
    before = len(KEPT.findall(member.output()))
    member.process.send_signal(signal.SIGUSR1)
    wait_until(lambda: len(KEPT.findall(member.output())) > before, "a kept file")
    return Path(KEPT.findall(member.output())[-1])


def trace(*arguments: str) -> str:
    result = subprocess.run(
        [sys.executable, "-m", "spread.cli.spmonitor", "trace", *arguments],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_what_a_killed_daemon_recorded_is_found_and_merged_with_the_others(
    three: FileRing,
) -> None:
    members = list(three.members.values())
    killed = members[2]
    assert killed.process is not None

    killed.process.kill()
    killed.process.wait()
    three.wait_for((1, 2))
    killed.start()
    three.wait_for((1, 2, 3))
    (left,) = {Path(file) for file, named in LEFT_BEHIND.findall(killed.output()) if file == named}
    paths = [left, *map(kept_by_signal, members[:2])]

    files = [read(each) for each in paths]
    assert [each.daemon for each in files] == ["d3", "d1", "d2"]
    last = last_visit(files[0])
    order = [(each.file.daemon, each.note) for each in merged(files, clocks_of(files))]
    identities = {
        (daemon, note.identity): place
        for place, (daemon, note) in enumerate(order)
        if isinstance(note, PacketNote) and note.direction == Direction.OUT
    }
    sent = [daemon for daemon, identity in identities if identity == last.identity]
    assert sent in (["d1"], ["d2"])
    views = [
        place
        for place, (_, note) in enumerate(order)
        if not isinstance(note, PacketNote)
        and note.text.startswith("membership ")
        and "daemons=2" in note.text
    ]
    assert order.index(("d3", last)) < views[-1]

    text = trace(*map(str, paths))
    assert f"no {last.number}, " in text
    assert "** membership " in text
    assert "d3 (127.0.0.3), process" in text
    assert memory_files(killed) != []
    for each in paths:
        each.unlink()


def last_visit(file: FlightFile) -> PacketNote:
    return [
        each
        for each in file.packets
        if each.kind == Kind.TOKEN and each.direction == Direction.IN and not each.fault
    ][-1]


def test_a_recorder_that_is_off_has_no_file_and_no_answer(ring: FileRing) -> None:
    (member,) = ring.start((1,), "FlightRecorder = 0")

    assert memory_files(member) == []
    assert member.process is not None
    member.process.send_signal(signal.SIGUSR1)
    assert member.members() == ("d1",)


def test_a_running_daemon_tells_its_last_packets_and_events(three: FileRing) -> None:
    members = list(three.members.values())
    talk(members)

    files = [file_of_answer(member_answer(each)) for each in members]
    shown = trace("-c", str(members[0].file), "-n", "d1", "--kind", "event,data")

    assert {each.kind for each in files[0].packets} >= {Kind.DATA, Kind.TOKEN}
    assert any(each.text.startswith("membership ") for each in files[1].texts)
    assert "DATA" in shown
    assert "TOKEN " not in shown


def member_answer(member: Member) -> bytes:
    import json

    return json.dumps(member.ask(Ask.TRACE, {"packets": 500, "texts": 50})).encode()


def test_an_orderly_stop_leaves_nothing_and_the_change_of_the_view_is_kept_if_asked_for(
    ring: FileRing,
) -> None:
    first, second = ring.start((1, 2), "FlightRecorderOnView = yes")
    assert len(memory_files(second)) == 1

    assert second.stop() == 0

    assert memory_files(second) == []
    wait_until(lambda: any(map(shows_a_departure, kept_of(first))), "a file of the second view")


def kept_of(member: Member) -> list[Path]:
    return [Path(each) for each in KEPT.findall(member.output())]


def shows_a_departure(path: Path) -> bool:
    views = [each.text for each in read(path).texts if each.text.startswith("membership ")]
    return "daemons=2" in " ".join(views[:-1]) and "daemons=1" in views[-1]

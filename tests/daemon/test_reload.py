"""Reading the configuration again, in real daemons whose clients stay connected."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import spread
from spread.cli import reload
from spread.config import load
from spread.monitor.queries import Kind
from tests.daemon.harness.file_ring import FileRing, Member
from tests.daemon.harness.waiting import DEADLINE, wait_until
from tests.daemon.programs import run_program

DONE, REFUSED, MISSING, SILENT = 0, 1, 2, 3


@pytest.fixture
def ring(tmp_path: Path) -> Iterator[FileRing]:
    made = FileRing(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FileRing]:
    made = FileRing(tmp_path_factory.mktemp("standing"))
    first, _ = made.start((1, 2))
    first.directory.chmod(0o777)  # A daemon that root has started is somebody else by now.
    yield made
    made.close()


@pytest.fixture
def pair(standing: FileRing) -> Iterator[FileRing]:
    """A ring of two that is shared: each test finds it as it was started."""
    yield standing
    for each in standing.members.values():
        each.take(standing.text((1, 2)))
    standing.wait_for((1, 2))


def view_of(mailbox: spread.Mailbox, names: set[str]) -> spread.Membership:
    """Return the next view with exactly these private groups."""
    while True:
        event = mailbox.receive(timeout=DEADLINE)
        if isinstance(event, spread.Membership) and set(event.members) == names:
            return event


def text_to(mailbox: spread.Mailbox) -> bytes:
    """Return the next message, past views and signals."""
    while True:
        event = mailbox.receive(timeout=DEADLINE)
        if isinstance(event, spread.Message):
            return event.payload


def exchange(*mailboxes: spread.Mailbox) -> list[bytes]:
    """Let each send its name to the group; return what all of them heard, in the order of names."""
    for each in mailboxes:
        each.multicast(spread.SAFE_MESS, "room", each.private_group.encode())
    first, *others = [[text_to(each) for _ in mailboxes] for each in mailboxes]
    assert all(heard == first for heard in others)
    return sorted(first)


def hashes(member: Member) -> tuple[int, int]:
    report = member.ask(Kind.REPORT)
    return report["configuration_hash"], report["ring_hash"]


def has_another_network(member: Member) -> bool:
    """Tell whether a daemon says that it has got other daemons since it started."""
    return bool(member.ask(Kind.REPORT)["network_changed_s"] > 0)


def next_report(member: Member) -> dict[str, Any]:
    """Return a report that is made from what is in force."""
    begin_s = time.time()
    wait_until(lambda: member.ask(Kind.REPORT)["time_s"] > begin_s, "another report")
    return member.ask(Kind.REPORT)


def test_daemon_comes_in_and_another_goes_while_clients_stay_connected(ring: FileRing) -> None:
    third = ring.add(3, ring.text((1, 2, 3)))
    third.launch()
    first, second = ring.start((1, 2))
    with second.connect("b") as two:
        two.join("room")
        view_of(two, {"#b#d2"})
        first.file.write_text(third.file.read_text())
        answer = first.reload()
        second.take(third.file.read_text())
        ring.wait_for((1, 2, 3))
        agreed = {hashes(each) for each in (first, second, third)}
        reloaded = [has_another_network(each) for each in (first, second, third)]
        with third.connect("c") as three:
            three.join("room")
            for each in (two, three):
                view_of(each, {"#b#d2", "#c#d3"})
            heard_by_all = exchange(two, three)

            assert first.stop() == DONE
            for each in (second, third):
                each.take(ring.text((2, 3)))
            ring.wait_for((2, 3))
            heard_under_other_numbers = exchange(two, three)

    assert answer.returncode == DONE
    assert "daemon d3 is added: 127.0.0.3" in answer.stdout
    assert len(agreed) == 1
    assert reloaded == [True, True, False]
    assert heard_by_all == heard_under_other_numbers == [b"#b#d2", b"#c#d3"]


def test_members_at_other_daemons_leave_and_come_back_in_the_same_groups(pair: FileRing) -> None:
    members = pair.members.values()
    with pair.members[1].connect("a") as one, pair.members[2].connect("b") as two:
        for each in (one, two):
            each.join("room")
        for each in (one, two):
            view_of(each, {"#a#d1", "#b#d2"})
        for member in members:
            member.file.write_text(pair.text((1, 2, 3)))
            member.hang_up()

        views = [view_of(each, {"#a#d1", "#b#d2"}) for each in (one, two)]

    assert [each.cause for each in views] == [spread.Cause.NETWORK] * 2
    assert views[0].group_id == views[1].group_id


def test_monitor_shows_windows_with_the_most_to_which_they_may_grow(pair: FileRing) -> None:
    first = pair.members[1]
    first.take(pair.text((1, 2), "Window = 200", "PersonalWindow = 20"))
    next_report(first)

    shown = run_program("spmonitor", "-c", str(first.file), "flow")

    assert shown.returncode == DONE
    rows = [re.split("  +", line) for line in shown.stdout.splitlines()[1:]]
    assert [row[:4] for row in rows] == [
        ["d1", "160 of at most 200", "20", "15 of at most 20"],
        ["d2", "160 of at most 768", "20 of at most 160", "15 of at most 120"],
    ]


def test_daemon_that_has_not_reloaded_is_apart_until_it_does(pair: FileRing) -> None:
    first, second = pair.members[1], pair.members[2]
    text = pair.text((1, 2, 3))
    first.take(text)
    wait_until(lambda: first.members() == ("d1",), "d1 alone")
    wait_until(lambda: second.members() == ("d2",), "d2 alone")

    second.take(text)

    pair.wait_for((1, 2))


def test_daemon_that_cannot_take_its_place_in_a_network_goes_back_to_the_one_before(
    ring: FileRing,
) -> None:
    text, other = ring.text((1, 2)), ring.text((1, 2, 3))
    first, second = ring.add(1, text), ring.add(2, text)
    first.launch_program("tests.daemon.failing_relocation")
    second.launch()
    ring.wait_for((1, 2))
    before = hashes(first)
    with first.connect("a") as one, second.connect("b") as two:
        for each in (one, two):
            each.join("room")
        for each in (one, two):
            view_of(each, {"#a#d1", "#b#d2"})
        first.file.write_text(other)
        answer = first.reload()
        views = [view_of(each, {"#a#d1", "#b#d2"}) for each in (one, two)]
        heard = exchange(one, two)
        after = hashes(first)

        for member in (first, second):
            member.take(other)
        ring.wait_for((1, 2))

    assert answer.returncode == REFUSED
    assert "no place for other daemons; back in the network before" in answer.stderr
    assert "daemon cannot take its place in another network, and goes back" in first.output()
    assert [each.cause for each in views] == [spread.Cause.NETWORK] * 2
    assert heard == [b"#a#d1", b"#b#d2"]
    assert before == after
    assert hashes(first) == hashes(second) != before


def test_daemon_that_is_the_only_one_left_is_alone_and_takes_others_back(pair: FileRing) -> None:
    first = pair.members[1]
    with first.connect("a") as one:
        one.join("room")
        view_of(one, {"#a#d1"})
        first.take(pair.text((1,)))
        wait_until(lambda: first.members() == ("d1",), "d1 alone")
        one.multicast(spread.SAFE_MESS, "room", b"alone")
        assert text_to(one) == b"alone"

        first.take(pair.text((1, 2)))
        pair.wait_for((1, 2))


def test_reload_is_told_as_done_when_it_is_in_force(pair: FileRing) -> None:
    first = pair.members[1]
    first.file.write_text(pair.text((1, 3)))

    answer = first.ask(Kind.RELOAD)
    in_force = hashes(first)

    assert answer["done"]
    assert in_force == (answer["hash_after"], answer["ring_hash_after"])
    assert first.members() == ("d1",)


def test_partition_goes_on_in_the_network_of_another_file(pair: FileRing) -> None:
    first, second = pair.members[1], pair.members[2]
    for each in (first, second):
        each.take(pair.text((1, 2), "DangerousMonitor = true"))
        each.part(0, 1)
    wait_until(lambda: second.members() == ("d2",), "d2 alone")

    for each in (first, second):
        each.take(pair.text((3, 2, 1), "DangerousMonitor = true"))
    parted = [each.ask(Kind.REPORT)["partition"] for each in (first, second)]
    first.part(0, 0, 0)
    second.part(0, 0, 0)
    pair.wait_for((2, 1))

    assert parted == [[0, 1, 0]] * 2


def test_broken_file_changes_nothing_and_says_where(pair: FileRing) -> None:
    daemon = pair.members[1]
    before = hashes(daemon)
    broken = "Window = 60\nDangerousMonitor = perhaps\n" + pair.text((1, 2))
    told = daemon.take(broken)

    preview = daemon.ask(Kind.RELOAD_PREVIEW)
    answer = daemon.reload()

    assert "spread.conf:2:20" in preview["errors"][0]
    assert "spread.conf:2:20" in told
    assert answer.returncode == REFUSED
    assert "spread.conf:2:20" in answer.stderr
    assert hashes(daemon) == before
    with daemon.connect("a") as one:
        one.join("room")
        view_of(one, {"#a#d1"})


def test_missing_file_changes_nothing(pair: FileRing) -> None:
    daemon = pair.members[1]
    before = hashes(daemon)
    daemon.file.unlink()

    preview = daemon.ask(Kind.RELOAD_PREVIEW)
    answer = daemon.reload()

    assert "cannot be read: No such file" in preview["errors"][0]
    assert answer.returncode == MISSING
    assert hashes(daemon) == before


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (":PORT", ":4850", "the port of d1 would change from PORT to 4850"),
        ("d1 127.0.0.1 { 127.0.0.1 }", "d1 127.0.0.9 { 127.0.0.9 }", "address of d1 would change"),
        ("d1 127.0.0.1", "d9 127.0.0.1", "d1"),
    ],
)
def test_what_needs_a_restart_is_refused_with_the_reason(
    pair: FileRing, old: str, new: str, reason: str
) -> None:
    first = pair.members[1]
    old, new, reason = (each.replace("PORT", str(pair.port)) for each in (old, new, reason))
    before, text = hashes(first), pair.text((1, 2))
    assert old in text

    told = first.take(text.replace(old, new))
    preview = first.ask(Kind.RELOAD_PREVIEW)

    assert reason in preview["errors"][0]
    assert reason in told
    assert hashes(first) == before
    pair.wait_for((1, 2))


def test_daemon_that_does_not_answer_is_told_of(
    ring: FileRing, capsys: pytest.CaptureFixture[str]
) -> None:
    configuration = load(str(ring.add(1, ring.text((1,))).file), name="d1").configuration

    status = reload.run(configuration, wait_s=0.2)

    assert status == SILENT
    assert f"no daemon answers at 127.0.0.1:{ring.port}" in capsys.readouterr().err


def test_unchanged_file_changes_nothing_and_keeps_the_ring(pair: FileRing) -> None:
    first, second = pair.members[1], pair.members[2]
    before = first.ask(Kind.REPORT)

    answer = first.reload()
    second.take(second.file.read_text())
    after = next_report(first)

    assert answer.returncode == DONE
    assert answer.stdout.endswith("nothing has changed\n")
    assert after["ring"] == before["ring"]
    assert after["network_changed_s"] == before["network_changed_s"]


def test_options_are_in_force_without_a_change_of_the_ring(pair: FileRing) -> None:
    first = pair.members[1]
    log = first.directory / "other.log"
    before = first.ask(Kind.REPORT)
    options = (
        f'EventLogFile = "{log.name}"',
        "DangerousMonitor = true",
        "Window = 90",
        "PersonalWindow = 30",
        "AcceleratedRing = false",
        "MaxQueuedBytes = 33554432",
    )
    first.file.write_text(pair.text((1, 2), *options))

    answer = first.reload()
    after = first.ask(Kind.REPORT)
    first.hang_up()
    wait_until(lambda: log.read_text().count("configuration reloaded") == 2, "the other log")
    first.file.write_text(pair.text((1, 2)))
    back = first.ask(Kind.RELOAD)

    assert "Window changes from its default to 90" in answer.stdout
    assert "MaxQueuedBytes changes, which takes effect at the next start" in answer.stdout
    assert after["dangerous_monitor"]
    assert after["ring"] == before["ring"]
    assert (after["windows"]["window"], after["windows"]["personal"]) == (90, 20)
    assert not after["windows"]["is_accelerated"]
    sentences = [each["sentence"] for each in back["changes"]]
    assert "DangerousMonitor changes from true to false" in sentences
    assert not first.ask(Kind.REPORT)["dangerous_monitor"]


def test_access_file_is_read_again(pair: FileRing) -> None:
    daemon = pair.members[1]
    text = pair.text((1, 2), "AllowedAuthMethods = IP")
    (daemon.directory / "spread.access_ip").write_text("10.0.0.0/8\n")
    daemon.take(text)
    with pytest.raises(spread.AuthenticationError):
        daemon.connect("a", auth=[spread.IPAuth()])

    (daemon.directory / "spread.access_ip").write_text("local\n")
    daemon.take(text)

    with daemon.connect("a", auth=[spread.IPAuth()]) as one:
        assert one.private_group == "#a#d1"


def test_wrong_access_file_is_an_error_and_the_old_rules_stay(pair: FileRing) -> None:
    daemon = pair.members[1]
    text = pair.text((1, 2), "AllowedAuthMethods = IP")
    (daemon.directory / "spread.access_ip").write_text("local\n")
    daemon.take(text)
    (daemon.directory / "spread.access_ip").write_text("local\n300.1.1.1\n")

    told = daemon.take(text)

    assert "configuration not reloaded" in told
    assert "spread.access_ip:2" in told
    with daemon.connect("a", auth=[spread.IPAuth()]):
        pass


def test_preview_tells_what_would_change_and_changes_nothing(pair: FileRing) -> None:
    first = pair.members[1]
    before = hashes(first)
    first.file.write_text(pair.text((1, 2, 3), "Window = 90"))

    preview = first.ask(Kind.RELOAD_PREVIEW)

    assert not preview["done"]
    assert [each["kind"] for each in preview["changes"]] == ["network", "option"]
    assert (preview["hash_before"], preview["ring_hash_before"]) == before
    assert preview["ring_hash_after"] != preview["ring_hash_before"]
    assert hashes(first) == before

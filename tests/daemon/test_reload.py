"""Reading the configuration again, in real daemons whose clients stay connected."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import spread
from spread.cli import reload
from spread.config import load
from spread.monitor.queries import Kind
from tests.daemon.harness.file_ring import FileRing, Member
from tests.daemon.harness.waiting import DEADLINE, wait_until

DONE, REFUSED, MISSING, SILENT = 0, 1, 2, 3


@pytest.fixture
def ring(tmp_path: Path) -> Iterator[FileRing]:
    made = FileRing(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FileRing]:
    """A ring of two for tests that change nothing of it."""
    made = FileRing(tmp_path_factory.mktemp("standing"))
    made.start((1, 2))
    yield made
    made.close()


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


def hashes(member: Member) -> tuple[int, int]:
    report = member.ask(Kind.REPORT)
    return report["configuration_hash"], report["ring_hash"]


def test_fourth_daemon_is_added_while_clients_stay_connected(ring: FileRing) -> None:
    members = ring.start((1, 2, 3))
    with members[0].connect("a") as one, members[1].connect("b") as two:
        for each in (one, two):
            each.join("room")
        for each in (one, two):
            view_of(each, {"#a#d1", "#b#d2"})
        text = ring.text((1, 2, 3, 4))
        fourth = ring.add(4, text)
        fourth.start()
        for each in members:
            each.file.write_text(text)

        answers = [each.reload() for each in members]
        ring.wait_for((1, 2, 3, 4))
        with fourth.connect("c") as late:
            late.join("room")
            for each in (one, two, late):
                view_of(each, {"#a#d1", "#b#d2", "#c#d4"})
            late.multicast(spread.SAFE_MESS, "room", b"from the fourth")
            one.multicast(spread.SAFE_MESS, "room", b"from the first")
            heard = [{text_to(each), text_to(each)} for each in (one, two, late)]

    assert [each.returncode for each in answers] == [DONE] * 3
    assert "daemon d4 is added: 127.0.0.4" in answers[0].stdout
    assert heard == [{b"from the fourth", b"from the first"}] * 3
    assert len({hashes(each) for each in (*members, fourth)}) == 1


def test_removed_daemon_leaves_a_ring_whose_order_of_numbers_changes(ring: FileRing) -> None:
    first, second, third = ring.start((1, 2, 3))
    with second.connect("b") as two, third.connect("c") as three:
        for each in (two, three):
            each.join("room")
            each.join("other")
        assert first.stop() == DONE
        ring.wait_for((2, 3))
        for each in (second, third):
            each.file.write_text(ring.text((2, 3)))
            assert each.reload().returncode == DONE
        ring.wait_for((2, 3))
        for each in (two, three):
            each.multicast(spread.AGREED_MESS, "room", each.private_group.encode())
        heard = [[text_to(each), text_to(each)] for each in (two, three)]

    assert heard[0] == heard[1]
    assert sorted(heard[0]) == [b"#b#d2", b"#c#d3"]


def test_members_at_other_daemons_leave_and_come_back_in_the_same_groups(ring: FileRing) -> None:
    members = ring.start((1, 2))
    with members[0].connect("a") as one, members[1].connect("b") as two:
        for each in (one, two):
            each.join("room")
        for each in (one, two):
            view_of(each, {"#a#d1", "#b#d2"})
        text = ring.text((1, 2, 3))
        for each in members:
            each.file.write_text(text)
            each.hang_up()

        views = [view_of(each, {"#a#d1", "#b#d2"}) for each in (one, two)]

    assert [each.cause for each in views] == [spread.Cause.NETWORK] * 2
    assert views[0].group_id == views[1].group_id


def test_daemon_that_has_not_reloaded_is_apart_until_it_does(ring: FileRing) -> None:
    first, second = ring.start((1, 2))
    text = ring.text((1, 2, 3))
    first.file.write_text(text)
    first.reload()
    wait_until(lambda: first.members() == ("d1",), "d1 alone")
    wait_until(lambda: second.members() == ("d2",), "d2 alone")

    second.file.write_text(text)
    second.reload()

    ring.wait_for((1, 2))


def test_daemon_that_is_the_only_one_left_is_alone_and_takes_others_back(ring: FileRing) -> None:
    first, second = ring.start((1, 2))
    both = first.file.read_text()
    with first.connect("a") as one:
        one.join("room")
        view_of(one, {"#a#d1"})
        first.file.write_text(ring.text((1,)))
        assert first.reload().returncode == DONE
        wait_until(lambda: first.members() == ("d1",), "d1 alone")
        one.multicast(spread.SAFE_MESS, "room", b"alone")
        assert text_to(one) == b"alone"

        first.file.write_text(both)
        assert first.reload().returncode == DONE
        ring.wait_for((1, 2))
    assert second.stop() == 0


def test_broken_file_changes_nothing_and_says_where(ring: FileRing) -> None:
    (daemon,) = ring.start((1,))
    before = hashes(daemon)
    daemon.file.write_text("Window = 60\nDangerousMonitor = perhaps\n" + ring.text((1, 2)))

    preview = daemon.ask(Kind.RELOAD_PREVIEW)
    daemon.hang_up()
    wait_until(lambda: "configuration not reloaded" in daemon.output(), "the refusal")
    answer = daemon.reload()

    assert "spread.conf:2:20" in preview["errors"][0]
    assert "spread.conf:2:20" in daemon.output()
    assert answer.returncode == REFUSED
    assert "spread.conf:2:20" in answer.stderr
    assert hashes(daemon) == before
    with daemon.connect("a") as one:
        one.join("room")
        view_of(one, {"#a#d1"})


def test_missing_file_changes_nothing(ring: FileRing) -> None:
    (daemon,) = ring.start((1,))
    daemon.file.unlink()

    preview = daemon.ask(Kind.RELOAD_PREVIEW)
    answer = daemon.reload()

    assert "cannot be read: No such file" in preview["errors"][0]
    assert answer.returncode == MISSING
    assert hashes(daemon) == hashes(daemon)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (":PORT", ":4850", "the port of d1 would change from PORT to 4850"),
        ("d1 127.0.0.1 { 127.0.0.1 }", "d1 127.0.0.9 { 127.0.0.9 }", "address of d1 would change"),
        ("d1 127.0.0.1", "d9 127.0.0.1", "d1"),
    ],
)
def test_what_needs_a_restart_is_refused_with_the_reason(
    standing: FileRing, old: str, new: str, reason: str
) -> None:
    first = standing.members[1]
    old, new, reason = (each.replace("PORT", str(standing.port)) for each in (old, new, reason))
    before, text = hashes(first), standing.text((1, 2))
    assert old in text
    first.file.write_text(text.replace(old, new))
    lines = first.output().count("configuration not reloaded")

    preview = first.ask(Kind.RELOAD_PREVIEW)
    first.hang_up()
    wait_until(lambda: first.output().count("configuration not reloaded") > lines, "the refusal")

    assert reason in preview["errors"][0]
    assert reason in first.output()
    assert hashes(first) == before
    standing.wait_for((1, 2))


def test_daemon_that_does_not_answer_is_told_of(
    ring: FileRing, capsys: pytest.CaptureFixture[str]
) -> None:
    configuration = load(str(ring.add(1, ring.text((1,))).file), name="d1").configuration

    status = reload.run(configuration, wait_s=0.2)

    assert status == SILENT
    assert f"no daemon answers at 127.0.0.1:{ring.port}" in capsys.readouterr().err


def test_unchanged_file_changes_nothing_and_keeps_the_ring(standing: FileRing) -> None:
    first, second = standing.members[1], standing.members[2]
    first.file.write_text(standing.text((1, 2)))
    before = first.ask(Kind.REPORT)["ring"]

    answer = first.reload()
    second.hang_up()
    wait_until(lambda: "configuration reloaded" in second.output(), "the reload by a signal")

    assert answer.returncode == DONE
    assert answer.stdout.endswith("nothing has changed\n")
    assert first.ask(Kind.REPORT)["ring"] == before


def test_options_are_in_force_without_a_change_of_the_ring(ring: FileRing) -> None:
    first, _ = ring.start((1, 2))
    first.directory.chmod(0o777)  # A daemon that root has started is somebody else by now.
    before = first.ask(Kind.REPORT)
    first.file.write_text(
        ring.text(
            (1, 2),
            'EventLogFile = "other.log"',
            "DangerousMonitor = true",
            "Window = 90",
            "PersonalWindow = 30",
            "AcceleratedRing = false",
            "MaxQueuedBytes = 33554432",
        )
    )

    answer = first.reload()
    wait_until(lambda: first.ask(Kind.REPORT)["dangerous_monitor"], "the new options")
    after = first.ask(Kind.REPORT)

    assert "Window changes from its default to 90" in answer.stdout
    assert "MaxQueuedBytes changes, which takes effect at the next start" in answer.stdout
    assert after["ring"] == before["ring"]
    assert (after["windows"]["window"], after["windows"]["personal"]) == (90, 20)
    assert not after["windows"]["is_accelerated"]
    log = first.directory / "other.log"
    first.hang_up()
    wait_until(lambda: "configuration reloaded" in log.read_text(), "a line in the other log")


def test_file_that_takes_an_option_back_restores_its_default(ring: FileRing) -> None:
    (daemon,) = ring.start((1,), "DangerousMonitor = true")
    daemon.file.write_text(ring.text((1,)))

    answer = daemon.reload()
    wait_until(lambda: not daemon.ask(Kind.REPORT)["dangerous_monitor"], "the default")

    assert "DangerousMonitor changes from true to false" in answer.stdout


def test_access_file_is_read_again(ring: FileRing) -> None:
    text = ring.text((1,), "AllowedAuthMethods = IP")
    daemon = ring.add(1, text)
    (daemon.directory / "spread.access_ip").write_text("10.0.0.0/8\n")
    daemon.start()
    with pytest.raises(spread.AuthenticationError):
        daemon.connect("a", auth=[spread.IPAuth()])

    (daemon.directory / "spread.access_ip").write_text("local\n")
    answer = daemon.reload()

    assert answer.returncode == DONE
    with daemon.connect("a", auth=[spread.IPAuth()]) as one:
        assert one.private_group == "#a#d1"


def test_wrong_access_file_is_an_error_and_the_old_rules_stay(ring: FileRing) -> None:
    text = ring.text((1,), "AllowedAuthMethods = IP")
    daemon = ring.add(1, text)
    (daemon.directory / "spread.access_ip").write_text("local\n")
    daemon.start()
    (daemon.directory / "spread.access_ip").write_text("local\n300.1.1.1\n")

    answer = daemon.reload()

    assert answer.returncode == REFUSED
    assert "spread.access_ip:2" in answer.stderr
    with daemon.connect("a", auth=[spread.IPAuth()]):
        pass


def test_preview_tells_what_would_change_and_changes_nothing(standing: FileRing) -> None:
    first = standing.members[1]
    before = hashes(first)
    first.file.write_text(standing.text((1, 2, 3), "Window = 90"))

    preview = first.ask(Kind.RELOAD_PREVIEW)

    assert not preview["done"]
    assert [each["kind"] for each in preview["changes"]] == ["network", "option"]
    assert (preview["hash_before"], preview["ring_hash_before"]) == before
    assert preview["ring_hash_after"] != preview["ring_hash_before"]
    assert hashes(first) == before

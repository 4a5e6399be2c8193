"""Putting a plan in force in a daemon in memory: what fails is told, and the daemon goes on."""

from collections.abc import Callable
from dataclasses import replace
from typing import cast

import pytest

from spread.config import Configuration, local
from spread.config.changes import compare
from spread.config.model import Options
from spread.daemon.access import Permit
from spread.daemon.access_files import AccessFiles
from spread.daemon.auth import Authentication
from spread.daemon.composition import Parts
from spread.daemon.handshake import HandshakeSettings
from spread.daemon.listeners import Listeners
from spread.daemon.reconfiguration import Reconfiguration, Running
from spread.daemon.reload import Plan
from tests.memory.daemon import MemoryDaemon

OLD = local(4803)
NEW = replace(OLD, options=replace(OLD.options, busy_poll=7))


class Bench:
    """A daemon without peers, and those who follow its configuration."""

    def __init__(self, faulty: str = "") -> None:
        self.daemon = MemoryDaemon()
        self.faulty = faulty
        self.happened: list[str] = []
        self.told: list[str] = []
        running = Running(
            parts=Parts(self.daemon.node, self.daemon.control),
            log=self.daemon,
            set_log=lambda _: self.note("log"),
            listeners=cast("Listeners", None),  # Sockets are looked at for another network only.
            datagrams=None,
            set_busy_poll=lambda ns: self.note(f"busy poll {ns}"),
            followers=(self.follower("first"), self.follower("second")),
            publish=lambda: self.note("published"),
        )
        self.reconfiguration = Reconfiguration(OLD, running, 1)

    def note(self, what: str) -> None:
        self.happened.append(what)
        if what == self.faulty:
            raise OSError(f"{what} failed")

    def follower(self, name: str) -> Callable[[Configuration], None]:
        return lambda _: self.note(name)

    def reload(self, new: Configuration = NEW) -> None:
        self.reconfiguration.put_in_force(
            Plan(new, handshake(new.options), compare(OLD, new), relocates=False), self.told.append
        )


def handshake(options: Options) -> HandshakeSettings:
    return HandshakeSettings(
        daemon_name=b"d1",
        authentication=Authentication.load(("NULL",), (), AccessFiles()),
        policy=Permit(),
        message_size_max=options.max_message_size,
    )


def test_plan_is_told_to_be_in_force_when_everybody_follows_it() -> None:
    bench = Bench()

    bench.reload()

    assert bench.happened == ["log", "busy poll 7000", "first", "second", "published"]
    assert bench.told == [""]


def test_plan_without_changes_publishes_nothing_of_its_own() -> None:
    bench = Bench()

    bench.reload(OLD)

    assert "published" not in bench.happened
    assert bench.told == [""]


@pytest.mark.parametrize(
    ("faulty", "then"),
    [
        ("first", ["log", "busy poll 7000", "first", "second", "published"]),
        ("log", ["log", "published"]),
        ("published", ["log", "busy poll 7000", "first", "second", "published"]),
    ],
)
def test_what_fails_is_told_and_the_daemon_goes_on(faulty: str, then: list[str]) -> None:
    bench = Bench(faulty)

    bench.reload()
    bench.faulty = ""
    bench.reload()

    assert bench.told == [f"OSError: {faulty} failed", ""]
    assert bench.happened[: len(then)] == then
    assert bench.daemon.open(b"alice").private_group == b"#alice#d1"

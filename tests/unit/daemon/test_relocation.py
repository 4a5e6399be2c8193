"""The way from one network to another, with parts that are not always ready."""

from collections.abc import Callable

import pytest

from spread.config import Configuration, local_ring
from spread.daemon.membership.settings import NetworkSettings
from spread.daemon.network import network_settings
from spread.daemon.relocation import Relocation, Steps


class Daemon:
    """Records what happens to a daemon; refuses as often as it is told to."""

    def __init__(self) -> None:
        self.happened: list[str] = []
        self.later: list[Callable[[], None]] = []
        self.is_interruptible = True
        self.is_at_rest = True
        self.is_withdrawn = False
        self.network_fault: Exception | None = None
        self.faulty = ""
        self.relocation = Relocation(
            Steps(
                node=self,
                membership=self,
                network=self.network,
                renumbered=lambda target: self.note(f"renumbered {len(target.segment.daemons)}"),
                call_after=lambda _, what: self.later.append(what),
                log=self,
            )
        )

    def network(self, target: Configuration) -> tuple[NetworkSettings, bool]:
        if self.network_fault is not None:
            raise self.network_fault
        return network_settings(target, 7), True

    def note(self, what: str) -> None:
        self.happened.append(what)
        if self.faulty and what.startswith(self.faulty):
            raise OSError(f"{self.faulty} failed")

    def move(self, count: int) -> None:
        def arrived(reason: str) -> None:
            self.happened.append(f"{reason or 'arrived'} for {count}")

        self.relocation.move(local_ring(4803, count, 1), arrived)

    def ring_is_interruptible(self) -> bool:
        return self.is_interruptible

    def ring_renumber(self, network: NetworkSettings, *, multicast: bool) -> bool:
        del multicast
        if self.is_at_rest:
            self.note(f"core {len(network.ids)}")
        return self.is_at_rest

    def withdraw(self, cause: str) -> None:
        del cause
        self.note("withdraw")

    def renumber(self, settings: NetworkSettings) -> None:
        self.note(f"membership {len(settings.ids)}")
        self.is_withdrawn = False

    def start(self, cause: str = "start") -> None:
        del cause
        self.happened.append("start")

    def event(self, *_: object, **__: object) -> None:
        pass

    def wait(self) -> None:
        later, self.later = self.later, []
        for each in later:
            each()


def test_numbers_change_when_the_daemon_is_alone_and_then_it_looks_for_others() -> None:
    daemon = Daemon()

    daemon.move(4)
    before = list(daemon.happened)
    daemon.is_withdrawn = True
    daemon.wait()

    assert before == ["withdraw"]
    assert daemon.happened == [
        "withdraw",
        "core 4",
        "renumbered 4",
        "membership 4",
        "start",
        "arrived for 4",
    ]
    assert daemon.later == []


def test_an_installation_is_not_interrupted() -> None:
    daemon = Daemon()
    daemon.is_interruptible = False

    daemon.move(4)
    assert daemon.happened == []

    daemon.is_interruptible = True
    daemon.wait()
    assert daemon.happened == ["withdraw"]


def test_what_is_not_delivered_is_waited_for() -> None:
    daemon = Daemon()
    daemon.is_at_rest = False
    daemon.move(4)
    daemon.is_withdrawn = True

    daemon.wait()
    daemon.wait()
    assert daemon.happened == ["withdraw"]

    daemon.is_at_rest = True
    daemon.wait()
    assert daemon.happened[-1] == "arrived for 4"


def test_another_move_on_the_way_changes_the_target_and_both_hear_of_it() -> None:
    daemon = Daemon()
    daemon.move(4)

    daemon.move(5)
    daemon.is_withdrawn = True
    daemon.wait()

    assert daemon.happened == [
        "withdraw",
        "core 5",
        "renumbered 5",
        "membership 5",
        "start",
        "arrived for 4",
        "arrived for 5",
    ]


def test_a_move_after_the_first_is_done_begins_anew() -> None:
    daemon = Daemon()
    for count in (4, 2):
        daemon.move(count)
        daemon.is_withdrawn = True
        daemon.wait()

    assert daemon.happened.count("withdraw") == 2
    assert daemon.happened[-1] == "arrived for 2"


def test_a_network_that_cannot_be_leaves_the_daemon_where_it_is() -> None:
    daemon = Daemon()
    daemon.network_fault = OSError("no such socket")

    with pytest.raises(OSError, match="no such socket"):
        daemon.move(4)

    assert not daemon.relocation.is_moving
    assert daemon.happened == []


@pytest.mark.parametrize("step", ["withdraw", "core", "renumbered", "membership"])
def test_a_step_that_fails_ends_the_move_and_everybody_hears_why(step: str) -> None:
    daemon = Daemon()
    daemon.is_at_rest = False
    daemon.is_withdrawn = True
    daemon.faulty = step

    daemon.move(4)
    if daemon.relocation.is_moving:
        daemon.move(5)
        daemon.is_at_rest = True
        daemon.wait()

    assert f"OSError: {step} failed for 4" in daemon.happened
    assert (f"OSError: {step} failed for 5" in daemon.happened) == (step != "withdraw")
    assert not daemon.relocation.is_moving
    assert daemon.later == []


def test_a_move_after_one_that_failed_begins_anew_and_tells_nobody_of_before() -> None:
    daemon = Daemon()
    daemon.faulty = "withdraw"
    daemon.move(4)
    daemon.happened.clear()

    daemon.faulty = ""
    daemon.move(5)
    daemon.is_withdrawn = True
    daemon.wait()

    assert daemon.happened[0] == "withdraw"
    assert daemon.happened[-2:] == ["start", "arrived for 5"]

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
        self.relocation = Relocation(
            Steps(
                node=self,
                membership=self,
                network=self.network,
                renumbered=lambda target: self.happened.append(
                    f"renumbered {len(target.segment.daemons)}"
                ),
                call_after=lambda _, what: self.later.append(what),
                log=self,
            )
        )

    def network(self, target: Configuration) -> tuple[NetworkSettings, bool]:
        if self.network_fault is not None:
            raise self.network_fault
        return network_settings(target, 7), True

    def move(self, count: int) -> None:
        arrived = f"arrived for {count}"
        self.relocation.move(local_ring(4803, count, 1), lambda: self.happened.append(arrived))

    def ring_is_interruptible(self) -> bool:
        return self.is_interruptible

    def ring_renumber(self, network: NetworkSettings, *, multicast: bool) -> bool:
        del multicast
        if self.is_at_rest:
            self.happened.append(f"core {len(network.ids)}")
        return self.is_at_rest

    def withdraw(self, cause: str) -> None:
        del cause
        self.happened.append("withdraw")

    def renumber(self, settings: NetworkSettings) -> None:
        self.happened.append(f"membership {len(settings.ids)}")
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

"""The way from one network to another, with parts that are not always ready."""

from collections.abc import Callable

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
        self.relocation = Relocation(
            Steps(
                node=self,
                membership=self,
                network=lambda target: (network_settings(target, 7), True),
                renumbered=lambda target: self.happened.append(
                    f"renumbered {len(target.segment.daemons)}"
                ),
                call_after=lambda _, what: self.later.append(what),
                log=self,
            )
        )

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


def network(count: int) -> Configuration:
    return local_ring(4803, count, 1)


def test_numbers_change_when_the_daemon_is_alone_and_then_it_looks_for_others() -> None:
    daemon = Daemon()

    daemon.relocation.move(network(4))
    before = list(daemon.happened)
    daemon.is_withdrawn = True
    daemon.wait()

    assert before == ["withdraw"]
    assert daemon.happened == ["withdraw", "core 4", "renumbered 4", "membership 4", "start"]
    assert daemon.later == []


def test_an_installation_is_not_interrupted() -> None:
    daemon = Daemon()
    daemon.is_interruptible = False

    daemon.relocation.move(network(4))
    assert daemon.happened == []

    daemon.is_interruptible = True
    daemon.wait()
    assert daemon.happened == ["withdraw"]


def test_what_is_not_delivered_is_waited_for() -> None:
    daemon = Daemon()
    daemon.is_at_rest = False
    daemon.relocation.move(network(4))
    daemon.is_withdrawn = True

    daemon.wait()
    daemon.wait()
    assert daemon.happened == ["withdraw"]

    daemon.is_at_rest = True
    daemon.wait()
    assert daemon.happened[-1] == "start"


def test_another_move_on_the_way_changes_the_target() -> None:
    daemon = Daemon()
    daemon.relocation.move(network(4))

    daemon.relocation.move(network(5))
    daemon.is_withdrawn = True
    daemon.wait()

    assert daemon.happened == ["withdraw", "core 5", "renumbered 5", "membership 5", "start"]


def test_a_move_after_the_first_is_done_begins_anew() -> None:
    daemon = Daemon()
    for count in (4, 2):
        daemon.relocation.move(network(count))
        daemon.is_withdrawn = True
        daemon.wait()

    assert daemon.happened.count("withdraw") == 2
    assert daemon.happened[-1] == "start"

"""The way from one network to another, with parts that are not always ready."""

from collections.abc import Callable

import pytest

from spread.config import Configuration, local_ring
from spread.daemon.membership.settings import NetworkSettings
from spread.daemon.network import network_settings
from spread.daemon.relocation import Relocation, Steps

from .event_list import EventList

HOME = local_ring(4803, 3, 1)
BACK = ["core 3", "renumbered 3", "membership 3", "start"]


class Daemon:
    """Records what happens to a daemon; refuses as often as it is told to."""

    def __init__(self) -> None:
        self.happened: list[str] = []
        self.log = EventList()
        self.later: list[Callable[[], None]] = []
        self.is_interruptible = True
        self.is_at_rest = True
        self.is_withdrawn = False
        self.network_fault: Exception | None = None
        self.faulty = ""
        self.relocation = Relocation(
            HOME,
            Steps(
                node=self,
                membership=self,
                network=self.network,
                renumbered=lambda target: self.note(f"renumbered {len(target.segment.daemons)}"),
                call_after=lambda _, what: self.later.append(what),
                log=self.log,
            ),
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
        self.note("start")

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


def failing(step: str) -> Daemon:
    """Return a daemon that is alone in its ring when this step fails on its way to a network."""
    daemon = Daemon()
    daemon.faulty = f"{step} 4"
    daemon.is_withdrawn = True
    daemon.move(4)
    return daemon


@pytest.mark.parametrize("step", ["core", "renumbered", "membership"])
def test_a_step_that_fails_takes_the_daemon_back_at_once_and_who_waits_hears_why(
    step: str,
) -> None:
    daemon = failing(step)

    assert daemon.happened[-5:-1] == BACK
    assert daemon.happened[-1] == f"OSError: {step} 4 failed; back in the network before for 4"
    assert not daemon.relocation.is_moving
    assert daemon.later == []
    assert [wording for wording, _ in daemon.log.events] == [
        "daemon cannot take its place in another network, and goes back",
        "back in the network before",
    ]


def test_a_daemon_that_fails_to_begin_withdraws_once_more_before_it_goes_back() -> None:
    daemon = Daemon()
    daemon.faulty = "start"
    daemon.is_withdrawn = True
    daemon.move(4)
    daemon.faulty = ""
    before = list(daemon.happened)

    daemon.is_withdrawn = True
    daemon.wait()

    assert before[-2:] == ["start", "withdraw"]
    assert daemon.happened[len(before) : -1] == BACK
    assert not daemon.relocation.is_moving


def test_going_back_is_tried_until_it_works_and_those_who_wait_hear_of_the_first_time() -> None:
    daemon = Daemon()
    daemon.faulty = "renumbered"
    daemon.is_withdrawn = True

    daemon.move(4)
    told = daemon.happened[-1]
    daemon.wait()
    daemon.faulty = ""
    daemon.wait()

    assert told == (
        "OSError: renumbered failed; it tries to go back, and cannot: "
        "OSError: renumbered failed for 4"
    )
    assert daemon.happened[-4:] == BACK
    assert not daemon.relocation.is_moving
    failures = [fields for wording, fields in daemon.log.events if "cannot go back" in wording]
    assert [each["again_s"] for each in failures] == [1.0, 1.0]


def test_a_withdrawal_that_fails_is_tried_again() -> None:
    daemon = Daemon()
    daemon.faulty = "withdraw"
    daemon.move(4)

    daemon.faulty = ""
    daemon.wait()
    daemon.is_withdrawn = True
    daemon.wait()

    assert daemon.happened[-4:] == BACK
    assert not daemon.relocation.is_moving


def test_the_network_before_is_the_last_one_that_the_daemon_came_to_or_stayed_in() -> None:
    daemon = Daemon()
    daemon.is_withdrawn = True
    daemon.move(5)
    daemon.faulty = "renumbered 4"
    daemon.is_withdrawn = True
    daemon.move(4)
    came = daemon.happened[-4:-1]
    daemon.relocation.stay(local_ring(4803, 6, 1))
    daemon.is_withdrawn = True
    daemon.move(4)

    assert came == ["renumbered 5", "membership 5", "start"]
    assert daemon.happened[-4:-1] == ["renumbered 6", "membership 6", "start"]


def test_a_move_on_the_way_back_goes_on_to_its_own_target() -> None:
    daemon = Daemon()
    daemon.faulty = "renumbered"
    daemon.is_withdrawn = True
    daemon.move(4)
    daemon.faulty = ""
    daemon.happened.clear()

    daemon.move(5)
    daemon.wait()

    assert daemon.happened[-2:] == ["start", "arrived for 5"]
    assert daemon.later == []


def test_a_move_after_one_that_failed_begins_anew_and_tells_nobody_of_before() -> None:
    daemon = failing("renumbered")
    daemon.happened.clear()

    daemon.faulty = ""
    daemon.move(5)
    daemon.is_withdrawn = True
    daemon.wait()

    assert daemon.happened[0] == "withdraw"
    assert daemon.happened[-2:] == ["start", "arrived for 5"]

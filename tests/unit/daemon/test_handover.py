"""A plan goes to the ring's thread, and what became of it comes back."""

import threading
from collections.abc import Callable
from typing import cast

import pytest

from spread.config.model import EventPriority, EventType
from spread.daemon import handover
from spread.daemon.handover import Handover, ToldWhy
from spread.daemon.reload import PartlyInForceError, Plan
from spread.errors import ConfigurationError

WAIT_S = 20
PLAN = cast("Plan", object())


class RingThread:
    """Takes calls, and tells why a plan is not in force when it is let."""

    def __init__(self, reason: str = "", *, has_room: bool = True, is_held: bool = False) -> None:
        self.plans: list[Plan] = []
        self.logged: list[str] = []
        self.has_logged = threading.Event()
        self.may_tell = threading.Event()
        if not is_held:
            self.may_tell.set()
        self.reason = reason
        self.is_called = threading.Event()
        self._has_room = has_room
        self._thread: threading.Thread | None = None
        self.handover = Handover(self._call_soon, self._put_in_force, self)

    def event(
        self, _types: EventType, _priority: EventPriority, wording: str, /, **_: object
    ) -> None:
        self.logged.append(wording)
        self.has_logged.set()

    def join(self) -> None:
        self.may_tell.set()
        if self._thread is not None:
            self._thread.join(WAIT_S)

    def _call_soon(self, what: Callable[[], None]) -> bool:
        if self._has_room:
            self._thread = threading.Thread(target=what)
            self._thread.start()
        self.is_called.set()
        return self._has_room

    def _put_in_force(self, plan: Plan, told: ToldWhy) -> None:
        assert self.may_tell.wait(WAIT_S)
        self.plans.append(plan)
        told(self.reason)


def test_handover_returns_when_the_plan_is_in_force() -> None:
    ring = RingThread()

    ring.handover(PLAN)

    assert ring.plans == [PLAN]
    ring.join()


def test_failure_is_told_with_its_reason_and_the_next_plan_is_handed_over() -> None:
    ring = RingThread("OSError: no room")

    for _ in range(2):
        with pytest.raises(PartlyInForceError, match="OSError: no room"):
            ring.handover(PLAN)
        ring.join()

    assert ring.plans == [PLAN, PLAN]


def test_plan_that_is_not_taken_is_refused() -> None:
    ring = RingThread(has_room=False)

    with pytest.raises(ConfigurationError, match="too many commands"):
        ring.handover(PLAN)


def test_log_hears_of_a_plan_that_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handover, "PATIENCE_S", 0.01)
    ring = RingThread(is_held=True)
    threading.Thread(target=lambda: ring.has_logged.wait(WAIT_S) and ring.may_tell.set()).start()

    ring.handover(PLAN)

    assert ring.logged[0] == "configuration is read and not yet in force"
    ring.join()


def test_daemon_that_ends_is_not_waited_for() -> None:
    ring = RingThread(is_held=True)
    closing = threading.Thread(target=lambda: ring.is_called.wait(WAIT_S) and ring.handover.close())
    closing.start()

    with pytest.raises(ConfigurationError, match="the daemon ends"):
        ring.handover(PLAN)
    closing.join(WAIT_S)
    ring.join()

    assert ring.logged == [], "it was let go, and did not find out by itself"


def test_what_became_of_one_plan_is_not_taken_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handover, "PATIENCE_S", 0.01)
    ring = RingThread()
    ring.handover(PLAN)
    ring.join()
    ring.reason = "OSError: no room"
    ring.may_tell.clear()
    ring.has_logged.clear()
    threading.Thread(target=lambda: ring.has_logged.wait(WAIT_S) and ring.may_tell.set()).start()

    with pytest.raises(PartlyInForceError, match="OSError: no room"):
        ring.handover(PLAN)
    ring.join()

"""Faults of many kinds, one upon the other, as a seed decides."""

from collections.abc import Callable
from random import Random

from tests.netns.rings import Ring
from tests.netns.stage import Stage

__all__ = ["Storm"]

QUICK = 20  # Events of clients: the next fault comes into the work on the last one.
CALM = 4_000  # Enough for daemons to find that the token is lost, and to form a ring.


class Storm:
    """Breaks hosts and network of a ring in one segment, and repairs them in the end."""

    def __init__(self, ring: Ring, stage: Stage, seed: int) -> None:
        self.log: list[str] = []
        self._ring = ring
        self._stage = stage
        self._numbers = Random(seed)

    def rage(self, faults: int) -> None:
        """Cause so many faults, between which clients get something done, then repair all."""
        actions: list[Callable[[], str]] = [
            self._split, self._split, self._move, self._pause, self._crash, self._restart,
            self._stop, self._unplug,
        ]  # fmt: skip
        for _ in range(faults):
            self.log.append(self._numbers.choice(actions)())
            events = QUICK if self._numbers.random() < 0.3 else self._numbers.randrange(QUICK, CALM)
            if any(daemon.is_expected and not daemon.is_paused for daemon in self._ring.daemons):
                self._stage.until_delivered(events)
        self._stage.until(self._has_stopped, "daemons that were asked to stop to end")
        self._ring.repair()

    def _has_stopped(self) -> bool:
        return not any(each.is_running and not each.is_expected for each in self._ring.daemons)

    def _any(self) -> int:
        return self._numbers.randrange(len(self._ring.daemons))

    def _split(self) -> str:
        parts: list[list[int]] = [[], [], []]
        for number in range(len(self._ring.daemons)):
            self._numbers.choice(parts).append(number)
        self._ring.split(*parts)
        return f"parts {parts}"

    def _move(self) -> str:
        number = self._any()
        bridge = self._numbers.choice(["main", "part1", "part2"])
        self._ring.switch.move(self._ring.daemons[number].host.name, bridge)
        return f"{number} to {bridge}"

    def _unplug(self) -> str:
        number = self._any()
        plugged = self._numbers.random() < 0.5
        self._ring.switch.set_cable(self._ring.daemons[number].host.name, plugged=plugged)
        return f"cable of {number} {'in' if plugged else 'out'}"

    def _pause(self) -> str:
        number = self._any()
        daemon = self._ring.daemons[number]
        if daemon.is_running and daemon.is_paused:
            daemon.resume()
            return f"{number} goes on"
        if daemon.is_running:
            daemon.pause()
        return f"{number} pauses"

    def _crash(self) -> str:
        number = self._any()
        daemon = self._ring.daemons[number]
        if daemon.is_running:
            daemon.kill()
        return f"{number} dies"

    def _stop(self) -> str:
        number = self._any()
        daemon = self._ring.daemons[number]
        if daemon.is_running and not daemon.is_paused:
            daemon.terminate()
        return f"{number} stops"

    def _restart(self) -> str:
        number = self._any()
        daemon = self._ring.daemons[number]
        if daemon.is_running:
            daemon.kill()
        daemon.start()
        return f"{number} restarts"

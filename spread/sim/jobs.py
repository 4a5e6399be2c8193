"""Runs in child processes: several at a time, and a run that aborts or hangs is a verdict too."""

import multiprocessing
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Final

from spread.sim.run import Outcome, simulate
from spread.sim.scenario import Scenario

__all__ = ["Verdict", "run_all", "verdict_of"]

PATIENCE_S: Final = 120.0
"""How long a run may take; one that does not end is stuck in a loop."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a run came to, without its trace."""

    scenario: Scenario
    digest: str = ""
    violations: tuple[str, ...] = ()
    ring_hours: float = 0.0
    healing_s: float = 0.0
    rings: int = 0
    installs: int = 0
    messages: int = 0
    deliveries: int = 0
    views: int = 0
    events: int = 0
    seconds: float = 0.0  # Of processor time.

    @property
    def kinds(self) -> frozenset[str]:
        """What each violation is about: the words before its colon."""
        return frozenset(each.partition(":")[0] for each in self.violations)


def verdict_of(outcome: Outcome, seconds: float = 0.0) -> Verdict:
    """Return the outcome without its trace."""
    return Verdict(
        scenario=outcome.scenario,
        digest=outcome.digest,
        violations=tuple(outcome.violations),
        ring_hours=outcome.ring_hours,
        healing_s=outcome.healing_s,
        rings=outcome.rings,
        installs=outcome.installs,
        messages=outcome.messages,
        deliveries=outcome.deliveries,
        views=outcome.views,
        events=outcome.events,
        seconds=seconds,
    )


def run_all(
    scenarios: Iterator[Scenario], jobs: int = 1, *, patience_s: float = PATIENCE_S
) -> Iterator[Verdict]:
    """Run scenarios, `jobs` of them at a time, and yield verdicts as they come."""
    workers = [_Worker() for _ in range(jobs)]
    try:
        for worker in workers:
            worker.begin(next(scenarios, None))
        while busy := [worker for worker in workers if worker.scenario is not None]:
            wait([worker.pipe for worker in busy], timeout=1.0)
            for worker in busy:
                verdict = worker.verdict(patience_s)
                if verdict is not None:
                    worker.begin(next(scenarios, None))
                    yield verdict
    finally:
        for worker in workers:
            worker.stop()


class _Worker:
    """A child process; another one takes its place when it dies."""

    def __init__(self) -> None:
        self.scenario: Scenario | None = None
        self._begun_s = 0.0
        self.pipe: Connection
        self._process: BaseProcess
        self._launch()

    def _launch(self) -> None:
        # A fork starts in milliseconds; there are no threads that it could tear.
        method = "fork" if sys.platform == "linux" else "spawn"
        context: Any = multiprocessing.get_context(method)
        self.pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other,), daemon=True)
        self._process.start()
        other.close()

    def begin(self, scenario: Scenario | None) -> None:
        """Run the scenario, if there is one."""
        self.scenario = scenario
        self._begun_s = time.monotonic()
        if scenario is not None:
            self.pipe.send(scenario)

    def verdict(self, patience_s: float) -> Verdict | None:
        """Return the verdict of the scenario in hand, None if it is not there yet."""
        scenario = self.scenario
        if scenario is None:
            return None
        if self.pipe.poll():
            try:
                found: Verdict = self.pipe.recv()
            except EOFError:
                return self._lost(scenario)
            return found
        if time.monotonic() - self._begun_s > patience_s:
            self._process.kill()
            self._lost(scenario)
            return Verdict(scenario, violations=(f"stuck: no end within {patience_s:.0f} s",))
        return None

    def _lost(self, scenario: Scenario) -> Verdict:
        self._process.join()
        status = self._process.exitcode
        self.pipe.close()
        self._launch()
        reason = f"aborted: the process ended with status {status}; standard error says why"
        return Verdict(scenario, violations=(reason,))

    def stop(self) -> None:
        """End the child process."""
        self.pipe.close()
        self._process.kill()
        self._process.join()


def _serve(pipe: Connection) -> None:
    """Run what comes, until nothing comes any more; who interrupts means the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            scenario = pipe.recv()
        except EOFError:
            return
        begun_s = time.process_time()
        outcome = simulate(scenario)
        pipe.send(verdict_of(outcome, time.process_time() - begun_s))

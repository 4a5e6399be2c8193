"""What a daemon costs while it does nothing: start, idle processor time, memory, sessions."""

import time
from contextlib import ExitStack
from dataclasses import dataclass

from bench.system import System

SETTLE_S = 1.0  # After the first session: start-up work and its timers are over.


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """One daemon process from its start to a number of idle sessions."""

    start_s: float  # From creating the process to its first accepted session.
    idle_cpu_percent: float  # Of one core, without any session.
    resident_mb: float  # The same.
    session_count: int
    session_bytes: float  # Growth of resident memory per idle session.
    sessions_cpu_percent: float  # Of one core, with all sessions open and idle.


def measure_footprint(system: System, session_count: int, idle_s: float) -> Footprint:
    """Watch a fresh daemon idle, then open sessions that say nothing and watch again."""
    with ExitStack() as stack:
        time.sleep(SETTLE_S)
        idle_cpu_percent = _cpu_percent(system, idle_s)
        [before_kb] = system.resident_kb()
        for i in range(session_count):
            stack.enter_context(system.open(0, f"idle{i}", membership=True))
        session_kb = system.resident_kb()[0] - before_kb
        return Footprint(
            start_s=system.start_s,
            idle_cpu_percent=idle_cpu_percent,
            resident_mb=before_kb / 1024,
            session_count=session_count,
            session_bytes=session_kb * 1024 / session_count,
            sessions_cpu_percent=_cpu_percent(system, idle_s),
        )


def _cpu_percent(system: System, seconds: float) -> float:
    begin_s, cpu_s = time.monotonic(), system.cpu_s()
    time.sleep(seconds)
    return (system.cpu_s() - cpu_s) / (time.monotonic() - begin_s) * 100

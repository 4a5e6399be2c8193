"""What a daemon costs while it does nothing: start, idle processor time, memory, sessions."""

import time
from contextlib import ExitStack
from dataclasses import dataclass

from bench.daemon import Daemon, Implementation
from bench.session import open_session

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


def measure_footprint(
    implementation: Implementation, session_count: int, idle_s: float, core: int | None = None
) -> Footprint:
    """Start a daemon and watch it idle, then open sessions that say nothing and watch again."""
    with Daemon(implementation, core) as daemon, ExitStack() as stack:
        time.sleep(SETTLE_S)
        idle_cpu_percent = _cpu_percent(daemon, idle_s)
        before_kb = daemon.resident_kb()
        for i in range(session_count):
            stack.enter_context(open_session(daemon.address("tcp"), f"idle{i}", membership=True))
        session_kb = daemon.resident_kb() - before_kb
        return Footprint(
            start_s=daemon.start_s,
            idle_cpu_percent=idle_cpu_percent,
            resident_mb=before_kb / 1024,
            session_count=session_count,
            session_bytes=session_kb * 1024 / session_count,
            sessions_cpu_percent=_cpu_percent(daemon, idle_s),
        )


def _cpu_percent(daemon: Daemon, seconds: float) -> float:
    begin_s, cpu_s = time.monotonic(), daemon.cpu_s()
    time.sleep(seconds)
    return (daemon.cpu_s() - cpu_s) / (time.monotonic() - begin_s) * 100

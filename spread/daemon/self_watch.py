"""What the watching thread adds to each report: figures of the host, and judgements of health.

    ring's thread -> Report -> `SelfWatch.complete` -> Report for queries, metrics and the log

A finding that begins, changes its severity or ends makes one event of the log each.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Final

from spread.config.model import EventPriority, EventType
from spread.counters import counters_in, gauges_in
from spread.daemon.event_sink import EventSink
from spread.daemon.receive_buffers import ReceiveBuffers
from spread.monitor.health import OwnHealth
from spread.monitor.health_span import clock_offset_s
from spread.monitor.report import Finding, Report
from spread.system import process_figures, thread_cpu_s

__all__ = ["EVENT_TYPES", "SelfWatch"]

INTERVAL_S: Final = 1.0
"""Between two reports."""

STALL_S: Final = 0.2
"""A report that is so late says that the ring's thread was held up; less is ordinary."""

PAUSE_BUCKET: Final = 18
"""From this bucket of the lateness on, 131 to 262 ms, a late turn is a stall, too."""

STEP_S: Final = 0.5
"""The clock was set if it moved by so much against the time since the start."""

MS_PER_S: Final = 1_000

EVENT_TYPES: Final[Mapping[str, EventType]] = {
    "lossy-link": EventType.NETWORK,
    "slow-receiver": EventType.SESSION,
    "receivers-closed": EventType.SESSION,
    "scheduler-delay": EventType.STATUS,
    "clock-step": EventType.STATUS,
    "receive-overrun": EventType.NETWORK,
    "path-size": EventType.NETWORK,
    "one-way-link": EventType.MEMBERSHIP,
    "other-configuration": EventType.CONFIGURATION,
    "shared-lan": EventType.NETWORK,
    "send-refused": EventType.NETWORK,
    "unstable-ring": EventType.MEMBERSHIP,
    "damaged-datagrams": EventType.NETWORK,
    "partition-command": EventType.MEMBERSHIP,
}
"""Class of a rule's events, beside PRINT: everybody should see them."""

Counted = Callable[[], Mapping[str, int]]


class SelfWatch:
    """Completes the reports of one daemon; all of it is used by the watching thread only.

    `counted` are further sources of figures that `spread.counters` defines. `threads` are those
    that watch, beside the one that calls this. `cpu_s` tells the processor time of the process.
    """

    def __init__(
        self,
        log: EventSink,
        buffers: ReceiveBuffers,
        counted: Iterable[Counted] = (),
        threads: Iterable[threading.Thread] = (),
        cpu_s: Callable[[], float] = time.process_time,
    ) -> None:
        self._log = log
        self._buffers = buffers
        self._counted = list(counted)
        self._threads = list(threads)
        self._process_cpu_s = cpu_s
        self._cpu_before_s = cpu_s()
        self._health = OwnHealth()
        self._last: Report | None = None
        self._stalls = 0
        self._stall_ms = 0
        self._clock_steps = 0

    def complete(self, report: Report) -> Report:
        """Return the report with what only this thread knows."""
        self._compare(report)
        figures = self._figures()
        whole = replace(
            report,
            counters=dict(report.counters) | counters_in(figures),
            gauges=dict(report.gauges) | gauges_in(figures),
        )
        changes = self._health.update(whole)
        for finding in changes.begun:
            self._tell("health finding", finding)
        for finding in changes.changed:
            self._tell("health finding changed", finding)
        for finding in changes.ended:
            self._tell_end(finding)
        return replace(whole, findings=changes.findings)

    def _compare(self, report: Report) -> None:
        """Note what the time between two reports gives away."""
        last, self._last = self._last, report
        cpu_before_s, self._cpu_before_s = self._cpu_before_s, self._process_cpu_s()
        if last is None:
            return
        self._note_stalls(last, report, self._cpu_before_s - cpu_before_s)
        if abs(clock_offset_s(report) - clock_offset_s(last)) >= STEP_S:
            self._clock_steps += 1

    def _note_stalls(self, last: Report, report: Report, used_s: float) -> None:
        """Count the times of this interval in which the ring's thread was held up."""
        passed_s = report.uptime_s - last.uptime_s
        pauses, pauses_s = _pauses(last.lateness, report.lateness)
        late_s = max(passed_s - INTERVAL_S, pauses_s)
        # What the daemon itself computed in this time is no fault of its host.
        late_s = min(late_s, passed_s - used_s)
        if late_s >= STALL_S:
            self._stalls += max(pauses, 1)
            self._stall_ms += round(late_s * MS_PER_S)

    def _figures(self) -> dict[str, int]:
        figures = {
            "stalls": self._stalls,
            "stall_ms": self._stall_ms,
            "clock_steps": self._clock_steps,
            "observing_cpu_ms": round(self._cpu_s() * MS_PER_S),
        }
        buffers = self._buffers.read()
        if buffers is not None:
            figures["receive_drops"] = buffers.drops
            figures["receive_waiting_bytes"] = buffers.waiting_bytes
            figures["receive_buffer_bytes"] = buffers.room_bytes
        for counted in self._counted:
            figures |= counted()
        return figures | process_figures()

    def _cpu_s(self) -> float:
        """Return the processor time of the watching threads."""
        used_s = time.thread_time()
        for thread in self._threads:
            if thread.is_alive():
                used_s += thread_cpu_s(thread)
        return used_s

    def _tell(self, wording: str, finding: Finding) -> None:
        is_critical = finding.severity == "critical"
        self._log.event(
            EventType.PRINT | EVENT_TYPES[finding.rule],
            EventPriority.ERROR if is_critical else EventPriority.WARNING,
            wording,
            rule=finding.rule,
            severity=finding.severity,
            subject=finding.subject,
            finding=finding.sentence,
            remedy=finding.remedy,
        )

    def _tell_end(self, finding: Finding) -> None:
        self._log.event(
            EventType.PRINT | EVENT_TYPES[finding.rule],
            EventPriority.INFO,
            "health finding over",
            rule=finding.rule,
            subject=finding.subject,
        )


def _pauses(before: Sequence[int], after: Sequence[int]) -> tuple[int, float]:
    """Return how many turns were later than is ordinary, and by how many seconds at least."""
    counts = [new - old for old, new in zip_longest(before, after, fillvalue=0)]
    late = list(enumerate(counts))[PAUSE_BUCKET:]
    us = sum((1 << number >> 1) * count for number, count in late)
    return sum(count for _, count in late), us / 1e6

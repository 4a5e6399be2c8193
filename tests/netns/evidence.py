"""What a failure shows: who lacks which message, what the daemons say, what they have recorded."""

import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from spread.errors import SpreadError
from spread.monitor.flight_file import read
from spread.monitor.flight_merge import clocks_of, joined
from spread.monitor.trace import Filter, entries_of, lines_of
from spread.sim.clients import TraceClient
from spread.sim.trace import Delivered, Event, History, Message
from tests.daemon.harness.waiting import wait_until
from tests.netns.daemons import Daemon
from tests.netns.sight import sight_from

__all__ = ["of_messages", "of_ring"]

PATIENCE = 5.0  # Seconds for a daemon to answer: a failure may be that it does not.
EVENTS = 12  # Of a client's last ones about a group.
BEFORE_NS = 500_000_000  # Of the timeline: so much in front of the moment that matters,
FIRST_LINES = 300  # so many lines from there,
LAST_LINES = 60  # and so many before its end.


def of_messages(
    due: Mapping[TraceClient, set[int]], sent: Mapping[int, Message], history: History
) -> str:
    """Return which of the messages that clients are to get have not come, and what is near them.

    `sent` has each message by its identity.
    """
    lines = []
    for client, identities in due.items():
        trace = client.trace
        events = [] if trace is None else trace.events
        for identity in sorted(identities - _delivered(events)):
            message = sent[identity]
            lines.append(
                f"{client.private_group!r}, {'open' if client.is_open else 'closed'}, lacks "
                f"{identity} of {message.sender!r} to {message.groups}"
            )
            getters = [
                each.private_group
                for each in history.clients
                if identity in _delivered(each.events)
            ]
            lines.append(f"    delivered to {getters}")
            near = [each for each in events if getattr(each, "group", None) in message.groups]
            lines += [f"    {each}" for each in near[-EVENTS:]]
    return "\n".join(lines)


def _delivered(events: Sequence[Event]) -> set[int]:
    return {each.message.identity for each in events if isinstance(each, Delivered)}


def of_ring(daemons: Sequence[Daemon], since_s: float | None = None) -> str:
    """Return reports and flight records of the daemons that run, as text.

    Of the records what is around `since_s`, seconds since 1970, and the end.
    """
    running = [each for each in daemons if each.is_running and not each.is_paused]
    return "\n".join([*_reports(running), *_records(running, since_s)])


def _reports(running: Sequence[Daemon]) -> Iterator[str]:
    """Yield a line for each daemon, with every figure that is not 0."""
    if not running:
        return
    asked_s = time.time()

    def is_fresh(daemon: Daemon) -> bool:
        report = sight.report(daemon.name)
        return report is not None and report.time_s >= asked_s

    with sight_from(running[0]) as sight:
        with suppress(AssertionError):
            wait_until(lambda: all(map(is_fresh, running)), "reports", PATIENCE)
        for daemon in running:
            report = sight.report(daemon.name)
            if report is None:
                yield f"--- {daemon.name} does not answer monitors ---"
                continue
            values = asdict(report)
            figures = values.pop("counters") | values.pop("gauges")
            values = {key: values[key] for key in ("state", "group_state", "ring", "members")}
            yield f"--- {daemon.name} says {values} ---"
            yield " ".join(f"{name}={value}" for name, value in figures.items() if value)


def _records(running: Sequence[Daemon], since_s: float | None) -> Iterator[str]:
    """Yield the common timeline of what the daemons have recorded."""
    begin_ns = int((time.time() if since_s is None else since_s) * 1e9) - BEFORE_NS
    known = {path for daemon in running for path in _kept(daemon)}
    for daemon in running:
        daemon.process.send_signal(signal.SIGUSR1)

    def fresh(daemon: Daemon) -> set[Path]:
        return _kept(daemon) - known

    with suppress(AssertionError):
        wait_until(lambda: all(map(fresh, running)), "flight records", PATIENCE)
    files = []
    for path in sorted(path for daemon in running for path in fresh(daemon)):
        with suppress(OSError, SpreadError):
            files.append(read(path))
    runs = joined(files)
    lines = list(lines_of(entries_of(runs, clocks_of(runs), Filter(from_ns=begin_ns))))
    yield f"--- recorded by {', '.join(each.daemon for each in files)} ---"
    yield from lines[:FIRST_LINES]
    if len(lines) > FIRST_LINES:
        yield "..."
        yield from lines[max(FIRST_LINES, len(lines) - LAST_LINES) :]


def _kept(daemon: Daemon) -> set[Path]:
    """Return the complete files of its recorder: each is told of when it is written."""
    return {Path(each.fields["file"]) for each in daemon.find("flight recorder kept")}

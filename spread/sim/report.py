"""What the command line prints: a line for a run, totals, and all that happened in one run."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from spread.config.model import EventPriority
from spread.sim.agenda import START_NS
from spread.sim.jobs import Verdict
from spread.sim.trace import (
    Closed,
    DaemonEvent,
    Delivered,
    Event,
    GroupId,
    History,
    LeftGroup,
    Message,
    RingInstalled,
    Sent,
    Transitional,
    Viewed,
)

__all__ = ["Totals", "describe", "print_log", "print_trace"]

SHOWN_MAX: Final = 3
LINE_MAX: Final = 2_000


@dataclass(slots=True)
class Totals:
    """Sums over runs."""

    seeds: int = 0
    failures: int = 0
    ring_hours: float = 0.0
    healing_s_max: float = 0.0
    installs: int = 0
    messages: int = 0
    deliveries: int = 0
    views: int = 0
    seconds: float = 0.0

    def add(self, verdict: Verdict) -> None:
        """Count a run."""
        self.seeds += 1
        self.failures += bool(verdict.violations)
        self.ring_hours += verdict.ring_hours
        self.healing_s_max = max(self.healing_s_max, verdict.healing_s)
        self.installs += verdict.installs
        self.messages += verdict.messages
        self.deliveries += verdict.deliveries
        self.views += verdict.views
        self.seconds += verdict.seconds

    def __str__(self) -> str:
        return (
            f"{self.seeds} seeds, {self.failures} failed; {self.ring_hours:.2f} ring-hours, "
            f"{self.installs} installations, {self.messages} messages, {self.deliveries} "
            f"deliveries, {self.views} views; healed within {self.healing_s_max:.1f} s at default "
            f"timers; {self.seconds:.0f} s of processor time"
        )


def describe(verdict: Verdict) -> str:
    """Return the line of a run, with its violations below."""
    scenario = verdict.scenario
    head = (
        f"seed {scenario.seed}: {'+'.join(map(str, scenario.segments))} daemons, "
        f"{scenario.clients} clients, {len(scenario.faults)} faults, {verdict.rings} rings, "
        f"{verdict.messages} messages, {verdict.deliveries} deliveries, {verdict.views} views, "
        f"{verdict.seconds:.2f} s, digest {verdict.digest or 'none'}"
    )
    return "\n".join([head, *_some_of_each_kind(verdict.violations)])


def _some_of_each_kind(violations: tuple[str, ...]) -> list[str]:
    """Return the first violations of each kind: one defect often shows in very many places."""
    counts = Counter[str]()
    lines = []
    for each in violations:
        kind = each.partition(":")[0]
        counts[kind] += 1
        if counts[kind] <= SHOWN_MAX:
            lines.append(f"  {each}"[:LINE_MAX])
    more = [
        f"  {kind}: {count - SHOWN_MAX} more" for kind, count in counts.items() if count > SHOWN_MAX
    ]
    return lines + more


def print_log(
    daemon: int | None, priority: EventPriority, wording: str, fields: dict[str, object]
) -> None:
    """Print an event of a daemon's log, at once: the run may abort."""
    values = " ".join(f"{name}={value}" for name, value in fields.items())
    who = "***" if daemon is None else f"log d{daemon + 1} {priority.name.lower()}:"
    print(f"  {who} {wording} {values}", flush=True)


def print_trace(history: History) -> None:
    """Print all events in their order, with virtual milliseconds since the start."""
    lines: list[tuple[int, int, str]] = []
    for client in history.clients:
        name = client.private_group.decode()
        lines.append((client.opened_at, 0, f"{name} opened, connection {client.number}"))
        lines += [(each.at, each.now_ns, f"{name} {_event_text(each)}") for each in client.events]
    for fault in history.faults:
        lines.append((fault.at, fault.now_ns, f"*** {fault.text}"))
    for event in history.daemons:
        lines.append((event.at, event.now_ns, f"--- d{event.daemon + 1} {_daemon_text(event)}"))
    time_ns = START_NS
    for at, now_ns, text in sorted(lines):
        time_ns = now_ns or time_ns
        print(f"{at:7d} {(time_ns - START_NS) / 1e6:10.3f} {text}")


def _daemon_text(event: DaemonEvent) -> str:
    if isinstance(event, RingInstalled):
        members = " ".join(f"d{member + 1}" for member in event.members)
        return f"installed {event.ring[0]:#x}:{event.ring[1]} of {members}"
    return f"{type(event).__name__} life {event.incarnation}"


def _event_text(event: Event) -> str:
    match event:
        case Sent():
            return f"sends {_message_text(event.message)}"
        case Delivered():
            return f"delivers {_message_text(event.message)}"
        case Viewed():
            sets = " | ".join(b" ".join(each).decode() for each in event.sets)
            members = b" ".join(event.members).decode()
            return (
                f"view {event.group.decode()} {_id_text(event.group_id)} {event.cause.name} "
                f"[{members}] sets {{{sets}}} own {event.own}"
            )
        case Transitional():
            return f"transitional {event.group.decode()} {_id_text(event.group_id)}"
        case LeftGroup():
            return f"left {event.group.decode()}"
        case Closed():
            return f"closed by {event.closure.name.lower()}"
    words: Any = getattr(event, "group", b"")
    return f"{type(event).__name__} {words.decode()}"


def _id_text(group_id: GroupId) -> str:
    return f"{group_id.leader:#x}:{group_id.time}:{group_id.index}"


def _message_text(message: Message) -> str:
    groups = b" ".join(message.groups).decode()
    return (
        f"m{message.identity} of {message.sender.decode()} service {message.service:#04x} "
        f"to {groups}, {len(message.payload)} bytes"
    )

"""A ring that is made up: a `Watch` whose daemons say what a script tells them to.

For what no real ring shows on demand, or no test machine can hold: 32 daemons with 10,000 groups,
findings of every kind, curves that look the same in every run.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from spread.errors import PeerError
from spread.monitor.flight_file import Direction, FlightFile, Kind, PacketNote, TextNote
from spread.monitor.rates import History
from spread.monitor.report import (
    Finding,
    GroupLine,
    GroupPage,
    Latency,
    Peer,
    Report,
    RingName,
    SessionLine,
    View,
    Windows,
)
from spread.monitor.web.sight import LATE_S, Seen, Sight

__all__ = ["Daemon", "SyntheticRing", "with_findings"]

BUCKETS: Final = 24


@dataclass
class Daemon:
    """One daemon, and what becomes of it."""

    name: str
    number: int
    rate: float = 1000.0
    """Messages of its clients, a second."""
    is_alive: bool = True
    heard_s: float = 0.0
    history: History = field(default_factory=History)
    views: list[View] = field(default_factory=list)
    findings: tuple[Finding, ...] = ()
    missed: dict[str, float] = field(default_factory=dict)
    """Packets missed a second, by who sent them."""
    slowest: tuple[SessionLine, ...] = ()
    state: str = "OP"
    ordered: int = 0
    visits: int = 0

    @property
    def members(self) -> tuple[str, ...]:
        return self.views[-1].members if self.views else ()


class SyntheticRing:
    """Daemons that form the rings they are told to, on a clock of their own."""

    def __init__(self, count: int, groups: int = 12, *, past_s: float = 0.0) -> None:
        """Begin `past_s` ago; what happened since then is told by the calls that follow.

        What is left of the past when somebody looks goes by at once, a second a look.
        """
        names = [chr(ord("a") + index) for index in range(min(count, 26))]
        names += [f"host{index:02}" for index in range(len(names), count)]
        self.start_s = time.time() - past_s
        self.daemons = {name: Daemon(name, number) for number, name in enumerate(names)}
        self.groups_count = groups
        self.is_restless = False
        """Whether something new is to be shown at every look."""
        self._ring_time = 1000
        self._now_s = self.start_s
        self._next_s = self.start_s
        self._script: deque[tuple[float, Callable[[], None]]] = deque()
        self.form(names, at_s=self.start_s - 7200)

    @property
    def is_present(self) -> bool:
        """Whether the past has gone by."""
        return self._now_s > time.time() - 1.5

    # The script.

    def form(self, names: list[str], *, cause: str = "", at_s: float | None = None) -> None:
        """Let `names` install a ring of their own."""
        self._ring_time += 1
        ring = RingName(names[0], self._ring_time)
        for name in names:
            daemon = self.daemons[name]
            before = set(daemon.members)
            view = View(
                time_s=at_s if at_s is not None else self._now_s,
                ring=ring,
                members=tuple(names),
                joined=tuple(each for each in names if each not in before),
                left=tuple(sorted(before - set(names))),
                cause=cause if before else "",
                formed_ms=840.0,
            )
            daemon.views = [*daemon.views, view][-32:]

    def split(self, *sides: list[str]) -> None:
        """Let the ring fall apart, one side after the other."""
        for side in sides:
            self.form(side, cause="token lost")
            self.pass_time(1.0)
        self.pass_time(20.0)

    def rename_session(self, old: str, new: str) -> None:
        """Give a slow session another name."""
        for daemon in self.daemons.values():
            daemon.slowest = tuple(
                replace(each, name=new) if each.name == old else each for each in daemon.slowest
            )

    def kill(self, name: str) -> None:
        self.daemons[name].is_alive = False

    def start(self, name: str) -> None:
        daemon = self.daemons[name]
        daemon.is_alive = True
        daemon.history = History()
        daemon.views = []

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Let something happen so long after the beginning; later things are told later."""
        self._script.append((self.start_s + seconds, action))

    def pass_time(self, seconds: float) -> None:
        """Let the daemons report for so many seconds."""
        end_s = self._now_s + seconds
        while self._next_s <= end_s:
            self._now_s = self._next_s
            while self._script and self._script[0][0] <= self._now_s:
                self._script.popleft()[1]()
            self._report()
            self._next_s += 1.0
        self._now_s = end_s

    # What the page asks.

    def look(self) -> Sight:
        self.pass_time(max(0.0, min(1.0, time.time() - self._now_s)))
        if self.is_restless:
            first = next(iter(self.daemons.values()))
            first.heard_s = 0.0 if first.heard_s else self._now_s
        return self.sight()

    def sight(self) -> Sight:
        """Return what is known at the present of the script."""
        seen = tuple(self._seen(each) for each in self.daemons.values())
        return Sight(self._now_s, seen, now_s=self._now_s)

    async def changed(self) -> None:
        await asyncio.sleep(0.0 if self.is_restless or not self.is_present else 1.0)

    async def groups(self, _daemon: str, offset: int, count: int, prefix: str) -> GroupPage:
        names = [f"orders.{index:05}" for index in range(self.groups_count)]
        fitting = [name for name in names if name.startswith(prefix)]
        lines = tuple(self._group(name) for name in fitting[offset : offset + count])
        return GroupPage(len(fitting), offset, lines)

    async def sessions(self, daemon: str) -> tuple[SessionLine, ...]:
        return self.daemons[daemon].slowest

    async def trace(self, daemon: str, packets: int) -> FlightFile:
        assert packets > 0
        me = list(self.daemons).index(daemon)
        if not self.daemons[daemon].is_alive:
            raise PeerError(f"{daemon} does not answer")
        return recorded(me, tuple(self.daemons), self._now_s)

    # Inside.

    def _group(self, name: str) -> GroupLine:
        size = 1 + int(name[-2:]) % 9
        daemons = list(self.daemons)
        members = tuple(f"#app{index}#{daemons[index % len(daemons)]}" for index in range(size))
        return GroupLine(name, size, members)

    def _seen(self, daemon: Daemon) -> Seen:
        silent_s = self._now_s - daemon.heard_s if daemon.heard_s else None
        address = f"10.0.0.{daemon.number + 1}"
        is_silent = silent_s is not None and silent_s > LATE_S
        return Seen(
            name=daemon.name,
            address=address,
            port=4803,
            history=daemon.history,
            silent_s=silent_s,
            why_silent=f"nobody has {address}, UDP port 4803: the daemon does not run there, or "
            "has another port"
            if is_silent
            else "",
            checks=(f"start the daemon {daemon.name} on its host, and look at the end of its log",),
        )

    def _report(self) -> None:
        for daemon in self.daemons.values():
            if daemon.is_alive:
                daemon.heard_s = self._now_s
                daemon.history.add(self._report_of(daemon), self._now_s)

    def _report_of(self, daemon: Daemon) -> Report:
        age_s = self._now_s - self.start_s
        total = sum(self.daemons[name].rate for name in daemon.members)
        daemon.ordered += _grown(total, age_s + 1, 0) - _grown(total, age_s, 0)
        daemon.visits += 3400 // max(1, len(daemon.members))
        here = _grown(daemon.rate, age_s, daemon.number)
        return Report(
            daemon=daemon.name,
            address=f"10.0.0.{daemon.number + 1}",
            release="0.1.0",
            process=1000 + daemon.number,
            time_s=self._now_s,
            uptime_s=age_s + 7200.5,
            state=daemon.state,
            ring=daemon.views[-1].ring if daemon.views else RingName(),
            members=daemon.members,
            views=tuple(daemon.views),
            peers=tuple(self._peer(daemon, name, age_s) for name in daemon.members),
            sessions=4 + daemon.number % 3,
            slowest=daemon.slowest,
            groups=self.groups_count,
            windows=Windows(60, 20, 15, is_accelerated=True),
            latency=Latency(_buckets(age_s, 8.6), _buckets(age_s, 9.8)),
            counters={
                "frames_in": here,
                "messages_delivered": daemon.ordered,
                "deliveries": here * 3,
                "retransmitted": int(age_s * 0.2 * (daemon.number % 3)),
                "requested": 0,
                "tokens": daemon.visits,
            },
            findings=daemon.findings,
        )

    def _peer(self, daemon: Daemon, name: str, age_s: float) -> Peer:
        return Peer(
            name=name,
            address="10.0.0.1",
            is_member=True,
            heard_ms=3,
            missed=int(daemon.missed.get(name, 0.0) * age_s),
            received=int(self.daemons[name].rate * age_s),
        )


def _grown(rate: float, age_s: float, phase: int) -> int:
    """Return a counter whose rate swings around `rate`."""
    swing = math.sin(age_s / 11 + phase) * 11 * 0.22 + math.sin(age_s / 3 + phase) * 3 * 0.08
    return max(0, int(rate * (age_s + swing + 4)))


def _buckets(age_s: float, middle: float) -> tuple[int, ...]:
    """Return counts of times around 2 ** middle microseconds."""
    weights = [math.exp(-((index - middle) ** 2) / 1.3) for index in range(BUCKETS)]
    return tuple(int(weight * (age_s + 10) * 900) for weight in weights)


def with_findings(ring: SyntheticRing) -> None:
    """Give a ring something to complain about."""
    names = list(ring.daemons)
    ring.daemons[names[1]].missed = {names[0]: 3.4, names[2]: 0.02}
    ring.daemons[names[1]].findings = (
        Finding(
            rule="lossy-link",
            severity="warning",
            subject=f"{names[0]} -> {names[1]}",
            sentence=f"{names[1]} misses 0.34 % of what {names[0]} sends, and nobody else does.",
            remedy=f"Look at the cable, the port and the driver of {names[1]}: "
            "`ethtool -S` shows errors of the interface.",
            since_s=ring.start_s + 20,
        ),
    )
    ring.daemons[names[2]].slowest = (
        SessionLine("#chart#" + names[2], "10.0.0.77", 812, 5_400_000, 4000),
        SessionLine("#audit#" + names[2], "10.0.0.78", 9, 31_000, 86_000),
    )
    ring.daemons[names[2]].findings = (
        Finding(
            rule="slow-session",
            severity="warning",
            subject=f"#chart#{names[2]}",
            sentence=f"#chart#{names[2]} does not read as fast as it is sent to: 5.2 MiB wait.",
            remedy="It is closed when 16 MiB wait. Let it read faster, or leave groups.",
            since_s=ring.start_s + 75,
        ),
    )


def recorded(me: int, names: tuple[str, ...], now_s: float) -> FlightFile:
    """Return what a daemon recorded of a token that went round, and of a message."""
    notes = []
    for number in range(3 * len(names)):
        sender = number % len(names)
        if me not in (sender, (sender + 1) % len(names)):
            continue
        direction = Direction.OUT if me == sender else Direction.IN
        for kind in (Kind.DATA, Kind.TOKEN):
            notes.append(
                PacketNote(
                    time_ns=1_000_000 * number + (1000 if direction is Direction.IN else 0),
                    size=100,
                    target=(sender + 1) % len(names),
                    direction=direction,
                    fault=0,
                    magic=b"",
                    kind=kind,
                    version=1,
                    flags=0,
                    origin=sender,
                    transmitter=sender,
                    leader=1,
                    ring_time=1,
                    number=number,
                    second=0,
                    lag=0,
                    tail=0,
                )
            )
    return FlightFile(
        daemon=names[me],
        address="10.0.0.1",
        me=me,
        names=names,
        process=1,
        release="1",
        moment_ns=0,
        wall_ns=int(now_s * 1e9),
        first_packet=0,
        packets=tuple(notes),
        texts=(TextNote(0, 0, "membership daemons=3"),),
    )

"""The parts of one membership machine, and what it says to others."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from spread.daemon.membership.bars import Bars
from spread.daemon.membership.core import SEGMENT, RingCore
from spread.daemon.membership.formation import Formation
from spread.daemon.membership.log import MembershipLog
from spread.daemon.membership.outgoing import Outgoing
from spread.daemon.membership.packets import Alive, Heard, Join, Role
from spread.daemon.membership.peers import Peers
from spread.daemon.membership.probing import Lookups
from spread.daemon.membership.search import Search
from spread.daemon.membership.settings import NetworkSettings, RingTimeouts
from spread.daemon.membership.timers import Timer, Timers

__all__ = ["NOBODY", "Context"]

NOBODY: Final = -1
"""No daemon has this number."""

PROMPT_PARTS: Final = 50
"""AliveTimeout in parts: after one of them, 5 ms by default, an answer goes out.

Long enough to answer everybody at once when a whole segment starts, and nothing beside the half
second that it saves.
"""


@dataclass(slots=True)
class Context:
    """What the steps of the machine share."""

    network: NetworkSettings
    timeouts: RingTimeouts
    core: RingCore
    outgoing: Outgoing
    peers: Peers
    timers: Timers
    formation: Formation
    bars: Bars
    search: Search
    lookups: Lookups
    log: MembershipLog
    clock_ns: Callable[[], int]
    representative: int = NOBODY
    failed_attempts: int = 0  # Since the last ring was installed.
    installed_ns: int = 0
    has_installed: bool = False  # Any ring but the one that the daemon starts with.
    gathered_ns: int | None = None  # When the installed ring last stopped looking for others.
    ended_ns: int = 0  # When the ring ended that was installed last; 0 while it works.
    ended_cause: str = ""
    last_ending: tuple[str, int] = ("", 0)  # Of the ring before: why, and nanoseconds from then.
    attempt_ns: int = 0  # When the search of the segment began.
    deaf: set[int] = field(default_factory=set)
    """Representatives that did not hear this daemon since the ring was lost."""
    outdated: dict[int, int] = field(default_factory=dict)
    """Daemons that call themselves older than they were, and since when."""

    def heard(self) -> tuple[Heard, ...]:
        """Return the heard[] of a packet: those heard of late.

        A daemon whose clock went back must read that it was here before, or nobody believes it.
        """
        since_ns = max(self.attempt_ns, self.clock_ns() - self.timeouts.gather)
        known = {each.daemon: each for each in self.peers.heard(since_ns)}
        for daemon in self.outdated:
            known[daemon] = Heard(daemon, self.peers.incarnation_of(daemon))
        return tuple(known[daemon] for daemon in sorted(known))

    def failed(self) -> tuple[int, ...]:
        """Return the failed[] of a packet: those known dead, and those that were not reached."""
        unreached = self.bars.unreached(self.clock_ns())
        return tuple(sorted({*self.peers.failed, *unreached}))

    def end_ring(self, cause: str) -> None:
        """Note why and when the installed ring ends, unless it has ended before."""
        if self.ended_ns == 0:
            self.ended_ns = self.clock_ns()
            self.ended_cause = cause

    def explain_end(self, daemon: int, cause: str) -> None:
        """Note why the ring has ended: this member was seen to go, perhaps after its effects."""
        if self.ended_ns and daemon in self.formation.ring.numbers:
            self.ended_cause = cause

    def follows(self, rep: int) -> bool:
        """Whether to let this daemon act: one that does not hear this one gets one chance."""
        return rep not in self.deaf or self.peers.hears_me(rep)

    # -- ALIVE ------------------------------------------------------------------------------------

    def say_alive(self) -> None:
        """Tell the own segment that this daemon lives, now and again."""
        self.timers.set(Timer.ALIVE, self.clock_ns() + self.timeouts.alive)
        self.send_alive(SEGMENT)

    def send_alive(self, target: int) -> None:
        """Tell a daemon or the own segment that this daemon lives, once."""
        self.timers.cancel(Timer.PROMPT)
        if not self.peers.is_duplicated:
            self.outgoing.send(target, Alive(self.heard(), self.failed()))

    # -- Lookups ----------------------------------------------------------------------------------

    def plan_lookup(self) -> None:
        """Look for missing daemons later on; for one that was kept out as soon as it may come."""
        now_ns = self.clock_ns()
        when_ns = now_ns + self.lookups.wait_ns()
        self.timers.set(Timer.LOOKUP, min(when_ns, self.bars.next_end_ns(now_ns) or when_ns))

    # -- JOIN -------------------------------------------------------------------------------------

    def say_join(self) -> None:
        """Ask for representatives, now and again."""
        self.timers.set(Timer.JOIN, self.clock_ns() + self.timeouts.join)
        self.peers.join_round()
        self.send_join(self.search.targets())
        self.search.try_next_candidates()

    def send_join(self, targets: list[int]) -> None:
        """Ask the own segment, if anybody of it may be missing, and these daemons, once."""
        self.timers.cancel(Timer.PROMPT)
        if self.peers.is_duplicated:
            return
        join = self.search.join(self.heard(), self.failed())
        if self.search.asks_segment():
            self.outgoing.send(SEGMENT, join)
        for each in targets:
            self.outgoing.send(each, join)

    def send_probe(self, target: int, reps: tuple[tuple[int, Role], ...] = ()) -> None:
        """Show a daemon the installed ring and who was heard; members of the ring pass over it."""
        members = self.formation.ring.numbers
        probe = Join(Role.RING_REP, members, reps, self.heard(), self.failed(), is_probe=True)
        self.outgoing.send(target, probe)

    def test_multicast(self) -> None:
        """Ask those of the own segment by unicast that multicast has not found.

        They do not answer it; one that never gets the multicast tells its log.
        """
        for each in self.search.missing_here():
            if not self.search.has_answered(each):
                self.send_probe(each, ((each, Role.POTENTIAL),))

    def prompt(self) -> None:
        """Say ALIVE or JOIN soon: somebody does not know yet that it is heard."""
        soon_ns = self.clock_ns() + self.timeouts.alive // PROMPT_PARTS
        self.timers.hasten(Timer.PROMPT, soon_ns)

"""Who has been found since the ring was lost, or since the ring began to look for others.

    found        daemons of the own segment that hear this one and are heard by it
    reps         daemons whose JOIN says that they hear this one, and those they speak for
    candidates   whom to send a JOIN in another segment as long as no representative of it is found

One-way evidence never counts: a daemon that cannot hear this one would cost the ring that takes it
in its token. It is still sent ALIVE and JOIN, so that it can say that it hears.

Early exits
    the segment is searched   all of it are found, or all of the last ring that are not known dead
    gathering is over         found and representatives cover everybody configured, or all of the
                              last ring that are not known dead; for the creator of FORM1 only
"""

from collections.abc import Iterable
from typing import Final

from spread.daemon.membership.bars import Bars
from spread.daemon.membership.forming import rep_order
from spread.daemon.membership.packets import Heard, Join, Role
from spread.daemon.membership.peers import Peers
from spread.daemon.membership.settings import NetworkSettings

__all__ = ["Search"]

MISSES_MAX: Final = 3
"""Lists in a row without this daemon that are no accident: the first may be older than our word."""


class Search:
    """What a daemon knows of others while it is not content with its ring."""

    def __init__(self, network: NetworkSettings, peers: Peers, bars: Bars) -> None:
        self._me = network.me
        self._segments = network.segments
        self._own_segment = network.segments[network.me]
        self._everybody = frozenset(range(len(network.ids)))
        self._neighbours = self._in_segment(self._own_segment)
        self._peers = peers
        self._bars = bars
        self._expected: frozenset[int] = frozenset()
        self._candidates: dict[int, int] = {}  # By segment.
        self._ring: tuple[int, ...] = ()  # Of a working ring that looks for others.
        self._found: set[int] = set()
        self._reps: dict[int, Join] = {}
        self._misses: dict[int, int] = {}

    # -- Beginnings -------------------------------------------------------------------------------

    def lose_ring(self, expected: Iterable[int], suggestions: Iterable[int]) -> None:
        """Begin without a ring; `expected` are worth waiting for, this daemon included.

        The first suggestion of each other segment that is not known dead becomes its candidate.
        """
        self._expected = frozenset(expected)
        failed = set(self._peers.failed)
        self._candidates = {}
        for each in [*suggestions, *sorted(self._everybody)]:
            if each not in failed and self._segments[each] != self._own_segment:
                self._candidates.setdefault(self._segments[each], each)
        self.seek()

    def seek(self) -> None:
        """Forget who was found, not whom to ask."""
        self._ring = ()
        self._found.clear()
        self._reps.clear()
        self._misses.clear()

    def gather_again(self) -> None:
        """Ask the representatives that were found once more."""
        for each in self._reps:
            self.add_candidate(each)
        self._reps.clear()

    def look_from(self, ring: tuple[int, ...]) -> None:
        """Begin to look for others from a working ring."""
        self.seek()
        self._ring = ring
        self._candidates.clear()

    # -- Evidence ---------------------------------------------------------------------------------

    def take_alive(self, daemon: int, now_ns: int) -> bool:
        """Note a daemon of the own segment; tell whether it should soon hear of us again."""
        is_known = daemon in self._found
        self._found.discard(daemon)
        if self._is_usable(daemon, now_ns):
            self._found.add(daemon)
        return not is_known

    def take_join(self, daemon: int, join: Join, now_ns: int) -> bool:
        """Note a representative; tell whether it should soon hear of us again."""
        for each, _ in join.reps:
            self.add_candidate(each)
        is_known = self._reps.pop(daemon, None) is not None
        if self._is_usable(daemon, now_ns):
            self._reps[daemon] = join
        self.add_candidate(daemon)
        return not is_known

    def add_candidate(self, daemon: int) -> None:
        """Send JOIN to this daemon, unless a representative of its segment is found."""
        segment = self._segments[daemon]
        if segment != self._own_segment and daemon not in self._ring:
            self._candidates[segment] = daemon

    def drop(self, daemon: int) -> None:
        """A daemon is dead, or another than it was."""
        self._found.discard(daemon)
        self._reps.pop(daemon, None)

    def is_kept_out(self, daemon: int, now_ns: int) -> bool:
        """Whether earlier attempts failed because of this daemon."""
        return self._bars.is_barred(daemon, now_ns)

    # -- What it amounts to -----------------------------------------------------------------------

    @property
    def role(self) -> Role:
        """What this daemon speaks for in GATHER."""
        return Role.RING_REP if self._ring else Role.SEG_REP

    @property
    def members(self) -> tuple[int, ...]:
        """Whom this daemon speaks for, itself included, in configuration order."""
        return self._ring or tuple(sorted({self._me, *self._found}))

    @property
    def reps(self) -> list[tuple[int, Role]]:
        """The representatives that were found, smallest first."""
        return sorted(((each, join.role) for each, join in self._reps.items()), key=rep_order)

    def is_first(self) -> bool:
        """Whether this daemon would create FORM1."""
        mine = self._me, self.role
        return min([mine, *self.reps], key=rep_order) == mine

    def comes_first(self, daemon: int) -> bool:
        """Whether this daemon was found and would create FORM1."""
        return daemon in self._reps and self.reps[0][0] == daemon and not self.is_first()

    def leads_segment(self) -> bool:
        """Whether nobody found in the own segment comes before this daemon."""
        return self._me < min(self._found, default=self._me + 1)

    def is_segment_searched(self, now_ns: int) -> bool:
        """Whether nobody else is to be expected in the own segment."""
        if self._found >= self._neighbours - {self._me}:
            return True
        return self._is_expected_met(self._found | {self._me}, self._neighbours, now_ns)

    def is_all_gathered(self, now_ns: int) -> bool:
        """Whether nobody else is to be expected at all."""
        covered = {*self.members, *self._reps}
        for join in self._reps.values():
            covered.update(join.members)
        if covered >= self._everybody:
            return True
        return not self._ring and self._is_expected_met(covered, self._everybody, now_ns)

    def is_waiting_for(self, daemon: int, now_ns: int) -> bool:
        """Whether this daemon is expected and nothing tells that it is dead."""
        is_hopeless = self._peers.is_gone(daemon) or self.is_kept_out(daemon, now_ns)
        return daemon in self._expected and not is_hopeless

    # -- Whom to tell -----------------------------------------------------------------------------

    def join(self, heard: tuple[Heard, ...], failed: tuple[int, ...]) -> Join:
        """Return the JOIN that tells all this."""
        return Join(
            role=self.role,
            members=self.members,
            reps=tuple(self.reps),
            heard=heard,
            failed=failed,
            is_probe=bool(self._ring),
        )

    def asks_segment(self) -> bool:
        """Whether JOIN goes to the own segment: somebody there may not be in the ring."""
        return not self._neighbours <= {self._me, *self._ring}

    def targets(self) -> list[int]:
        """Return to whom else JOIN goes."""
        others = [each for each, _ in self.reps if self._segments[each] != self._own_segment]
        answered = {self._segments[each] for each in others}
        candidates = [each for each in self._candidates.values() if each not in others]
        return others + [each for each in candidates if self._segments[each] not in answered]

    def missing_elsewhere(self) -> list[int]:
        """Return the daemons of other segments that the working ring lacks."""
        return sorted(self._everybody - self._neighbours - set(self._ring))

    def missing_here(self) -> list[int]:
        """Return the daemons of the own segment that the working ring lacks."""
        return sorted(self._neighbours - set(self._ring))

    def try_next_candidates(self) -> None:
        """Where nobody answers, ask the next daemon of the segment."""
        answered = {self._segments[each] for each in self._reps}
        failed = set(self._peers.failed)
        for segment, daemon in self._candidates.items():
            if segment not in answered and not self._ring:
                around = sorted(self._in_segment(segment))
                start = around.index(daemon) + 1
                order = around[start:] + around[:start]
                self._candidates[segment] = next(
                    (each for each in order if each not in failed), order[0]
                )

    def has_answered(self, daemon: int) -> bool:
        """Whether an ALIVE or JOIN of the daemon came in this search, or in the last."""
        return daemon in self._reps or daemon in self._misses

    def has_missed(self, daemon: int) -> bool:
        """Whether the daemon's last word in this search, or the last, showed that it is deaf."""
        return daemon in self._misses

    @property
    def deaf(self) -> list[int]:
        """Daemons that were heard again and again and do not hear this one."""
        return sorted(each for each, count in self._misses.items() if count >= MISSES_MAX)

    # -- Inside -----------------------------------------------------------------------------------

    def _is_usable(self, daemon: int, now_ns: int) -> bool:
        """Whether a ring with this daemon may work, after its ALIVE or JOIN."""
        if self._peers.hears_me(daemon):
            self._misses.pop(daemon, None)
            return not self.is_kept_out(daemon, now_ns)
        self._misses[daemon] = self._misses.get(daemon, 0) + 1
        return False

    def _in_segment(self, segment: int) -> frozenset[int]:
        return frozenset(each for each in self._everybody if self._segments[each] == segment)

    def _is_expected_met(self, met: set[int], among: frozenset[int], now_ns: int) -> bool:
        # A ring of one expects nobody: it waits its time, or it would never find others.
        if len(self._expected) == 1:
            return False
        absent = (self._expected & among) - met
        return not any(self.is_waiting_for(each, now_ns) for each in absent)

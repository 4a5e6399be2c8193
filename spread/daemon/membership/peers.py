"""What is known of each configured daemon, by its number.

Evidence for the decisions of the machine: who restarted, whose packets are stale, who can hear
this daemon, who is known to be dead and who only says nothing.

Incarnations grow with every start of a daemon, so that a larger one means a restart and a smaller
one a late packet. Smaller ones that keep coming from another address are of a second daemon with
the same name.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from spread.daemon.membership.packets import FormMember, Heard
from spread.daemon.membership.settings import NetworkSettings

__all__ = ["Peers", "Verdict"]

INCARNATION_MAX: Final = 0xFFFF_FFFF_FFFF_FFFF
"""An incarnation is an unsigned 64-bit number on the wire."""

RIVAL_PACKETS: Final = 3
RIVAL_NS: Final = 1_000_000_000
"""How many packets of another incarnation, over what time, are not merely late ones.

A packet is late by a second only when the network is sick; a second daemon sends ALIVE or JOIN
several times in each second.
"""

RIVAL_GAP_NS: Final = 5_000_000_000
"""Late packets from different times are not counted together."""

SILENT_ROUNDS: Final = 2
"""JOIN rounds without a word that count as death: 2.25 s of silence with the default timeouts."""


class Verdict(Enum):
    """What to do with a control packet."""

    CURRENT = auto()  # Go on.
    RESTARTED = auto()  # Go on, but the daemon that was known is gone: a ring with it is broken.
    OLD = auto()  # Of an earlier incarnation: count and ignore.
    STALE = auto()  # Sent before something later that is known: count and ignore.
    DUPLICATE = auto()  # Two daemons with one name are running: log, count and ignore.


@dataclass(slots=True)
class _Rival:
    """Packets with a daemon's number but another incarnation."""

    name: tuple[int, int] = (0, 0)  # Address and incarnation that they come from.
    count: int = 0
    counter: int = -1  # Of the last: a packet that the network repeats is no further one.
    since_ns: int = 0
    last_ns: int = 0

    def keeps_coming(self, name: tuple[int, int], counter: int, now_ns: int) -> bool:
        """Count a packet and say whether there have been enough, for long enough."""
        if name != self.name or now_ns - self.last_ns > RIVAL_GAP_NS:
            self.name, self.count, self.counter, self.since_ns = name, 0, -1, now_ns
        self.last_ns = now_ns
        if counter > self.counter:
            self.count += 1
            self.counter = counter
        return self.count >= RIVAL_PACKETS and now_ns - self.since_ns >= RIVAL_NS


@dataclass(slots=True)
class _Peer:
    """One daemon. Nothing here is true of another incarnation than this one."""

    incarnation: int
    source: int  # IPv4 address of its last packet.
    heard_ns: int | None = None  # When that came.
    hears_me: bool = False
    has_failed: bool = False
    has_left: bool = False


class Peers:
    """Every daemon of the configuration as this one knows it."""

    incarnation: int
    """My own, as it stands in my packets."""

    def __init__(self, network: NetworkSettings) -> None:
        count = len(network.ids)
        self.incarnation = network.incarnation
        self._me = network.me
        self._peers = [_Peer(incarnation=0, source=0) for _ in range(count)]
        self._rivals = [_Rival() for _ in range(count)]
        self._floors = [(0, 0)] * count  # (incarnation, counter) on the last FORM.
        self._attempt_ns = 0
        self._join_rounds = 0
        self._has_taken_larger = False
        self._is_duplicated = False

    # -- Packets ----------------------------------------------------------------------------------

    def hear(
        self, daemon: int, source: int, incarnation: int, counter: int, now_ns: int
    ) -> Verdict:
        """Take notice of a control packet, of any kind, before anything else is done with it.

        `daemon` may be the own number: then another process uses it, or did. CURRENT and RESTARTED
        end evidence that the daemon failed.
        """
        if daemon == self._me:
            return self._hear_myself((source, incarnation), counter, now_ns)
        peer = self._peers[daemon]
        if incarnation < peer.incarnation:
            is_rival = source != peer.source and self._rivals[daemon].keeps_coming(
                (source, incarnation), counter, now_ns
            )
            return Verdict.DUPLICATE if is_rival else Verdict.OLD
        if incarnation > peer.incarnation:
            is_restart = peer.heard_ns is not None
            self._peers[daemon] = _Peer(incarnation, source, now_ns)
            return Verdict.RESTARTED if is_restart else Verdict.CURRENT
        if peer.has_left:
            return Verdict.STALE
        peer.source, peer.heard_ns, peer.has_failed = source, now_ns, False
        return Verdict.CURRENT

    def last_heard(self, daemon: int) -> tuple[int, int | None]:
        """Return the address that the daemon's last packet came from, and when that was."""
        peer = self._peers[daemon]
        return peer.source, peer.heard_ns

    def hear_list(self, daemon: int, heard: Iterable[Heard]) -> None:
        """Take the heard[] of an ALIVE or a JOIN: whether its sender hears my incarnation."""
        mine = Heard(self._me, self.incarnation)
        self._peers[daemon].hears_me = mine in heard

    def larger_incarnation(self, heard: Iterable[Heard]) -> int | None:
        """Return the incarnation to take when others know a larger one of this daemon.

        It is noted as mine. A clock that went back between two starts makes that necessary, once;
        a second time another daemon has my name: `is_duplicated` is true from then on.
        """
        known = max((each.incarnation for each in heard if each.daemon == self._me), default=0)
        if known <= self.incarnation or known == INCARNATION_MAX:
            return None
        if self._has_taken_larger:
            self._is_duplicated = True
            return None
        self._has_taken_larger = True
        self.incarnation = known + 1
        return self.incarnation

    @property
    def is_duplicated(self) -> bool:
        """Whether another running daemon has my number and should keep it: stay alone."""
        return self._is_duplicated

    def incarnation_of(self, daemon: int) -> int:
        """Return the incarnation last heard of, 0 if none."""
        return self.incarnation if daemon == self._me else self._peers[daemon].incarnation

    def hears_me(self, daemon: int) -> bool:
        """Whether the daemon's last list in this attempt named my current incarnation."""
        return self._peers[daemon].hears_me

    def heard_since(self, daemon: int, since_ns: int) -> bool:
        """Whether something was heard of the daemon at `since_ns` or later."""
        heard_ns = self._peers[daemon].heard_ns
        return heard_ns is not None and heard_ns >= since_ns

    def heard(self, since_ns: int) -> tuple[Heard, ...]:
        """Return the heard[] for my packets: the daemons heard at `since_ns` or later."""
        return tuple(
            Heard(daemon, peer.incarnation)
            for daemon, peer in enumerate(self._peers)
            if self.heard_since(daemon, since_ns)
        )

    def raise_floors(self, members: Iterable[FormMember]) -> None:
        """Take the counters on a FORM: an ALIVE or JOIN not above them is stale from now on.

        Whoever put itself on a FORM lives, even if this daemon hears nothing from it.
        """
        for each in members:
            floor = each.incarnation, each.counter
            self._floors[each.daemon] = max(self._floors[each.daemon], floor)
            self._peers[each.daemon].has_failed = False

    def is_stale(self, daemon: int, counter: int) -> bool:
        """Whether an ALIVE or JOIN, already heard, was sent before its sender joined a FORM."""
        return (self._peers[daemon].incarnation, counter) <= self._floors[daemon]

    # -- Failure ----------------------------------------------------------------------------------

    def fail(self, daemon: int) -> None:
        """Note explicit evidence that the daemon is dead: nobody listens at its address."""
        self._peers[daemon].has_failed = True

    def leave(self, daemon: int) -> None:
        """Note the LEAVE of a daemon: what still comes from this incarnation is stale."""
        self._peers[daemon].has_left = True

    def told_failed(self, daemons: Iterable[int]) -> None:
        """Take the failed[] of another: believed of those not heard in this attempt."""
        for daemon in daemons:
            if daemon != self._me and not self.heard_since(daemon, self._attempt_ns):
                self._peers[daemon].has_failed = True

    @property
    def failed(self) -> tuple[int, ...]:
        """The failed[] for my packets."""
        return tuple(
            daemon for daemon, peer in enumerate(self._peers) if peer.has_failed or peer.has_left
        )

    def start_attempt(self, now_ns: int) -> None:
        """Begin to look for daemons (SEG): evidence of hearing and silence starts afresh."""
        self._attempt_ns = now_ns
        self._join_rounds = 0
        for peer in self._peers:
            peer.hears_me = False

    def join_round(self) -> None:
        """Count a JOIN that is sent in this attempt."""
        self._join_rounds += 1

    def is_gone(self, daemon: int) -> bool:
        """Whether to wait no longer for it: known dead, or silent in SEG and two JOIN rounds."""
        peer = self._peers[daemon]
        if peer.has_failed or peer.has_left:
            return True
        # A round has passed when the next begins.
        has_waited = self._join_rounds > SILENT_ROUNDS
        return has_waited and not self.heard_since(daemon, self._attempt_ns)

    # -- The own number ---------------------------------------------------------------------------

    def _hear_myself(self, name: tuple[int, int], counter: int, now_ns: int) -> Verdict:
        """Judge a packet that bears my number: an echo, a late one of my predecessor, a rival."""
        _, incarnation = name
        if incarnation == self.incarnation:
            return Verdict.STALE
        if not self._rivals[self._me].keeps_coming(name, counter, now_ns):
            return Verdict.OLD
        # One of the two must give way: the one that started later.
        if incarnation < self.incarnation:
            self._is_duplicated = True
        return Verdict.DUPLICATE

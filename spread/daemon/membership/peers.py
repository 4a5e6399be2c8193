"""What is known of each configured daemon, by its number.

Evidence for the decisions of the machine: who restarted, whose packets are stale, who can hear
this daemon, who is known to be dead and who only says nothing.
"""

from collections.abc import Iterable
from enum import Enum, auto

from spread.daemon.membership.packets import FormMember, Heard
from spread.daemon.membership.settings import NetworkSettings

__all__ = ["Peers", "Verdict"]


class Verdict(Enum):
    """What to do with a control packet."""

    CURRENT = auto()  # Go on.
    RESTARTED = auto()  # Go on, but the daemon that was known is gone: a ring with it is broken.
    OLD = auto()  # Of an earlier incarnation: count and ignore.
    STALE = auto()  # Sent before something later that is known: count and ignore.
    DUPLICATE = auto()  # Two daemons with one name are running: log, count and ignore.


class Peers:
    """Every daemon of the configuration as this one knows it."""

    incarnation: int
    """My own, as it stands in my packets."""

    def __init__(self, network: NetworkSettings) -> None:
        raise NotImplementedError

    def hear(
        self, daemon: int, source: int, incarnation: int, counter: int, now_ns: int
    ) -> Verdict:
        """Take notice of a control packet, of any kind, before anything else is done with it.

        `daemon` may be the own number: then another process uses it, DUPLICATE. CURRENT and
        RESTARTED end evidence that the daemon failed.
        """
        raise NotImplementedError

    def hear_list(self, daemon: int, heard: Iterable[Heard]) -> None:
        """Take the heard[] of an ALIVE or a JOIN: whether its sender hears my incarnation."""
        raise NotImplementedError

    def larger_incarnation(self, heard: Iterable[Heard]) -> int | None:
        """Return the incarnation to take when others know a larger one of this daemon.

        It is noted as mine. Needed once after a clock went back; a second time means a duplicate
        daemon: `is_duplicated` is then true.
        """
        raise NotImplementedError

    @property
    def is_duplicated(self) -> bool:
        """Whether another running daemon has my number and the earlier incarnation: stay alone."""
        raise NotImplementedError

    def incarnation_of(self, daemon: int) -> int:
        """Return the incarnation last heard of, 0 if none."""
        raise NotImplementedError

    def hears_me(self, daemon: int) -> bool:
        """Whether the daemon's last list named my current incarnation."""
        raise NotImplementedError

    def heard_since(self, daemon: int, since_ns: int) -> bool:
        """Whether something was heard of the daemon at `since_ns` or later."""
        raise NotImplementedError

    def heard(self, since_ns: int) -> tuple[Heard, ...]:
        """Return the heard[] for my packets: the daemons heard at `since_ns` or later."""
        raise NotImplementedError

    def raise_floors(self, members: Iterable[FormMember]) -> None:
        """Take the counters on a FORM: an ALIVE or JOIN not above them is stale from now on."""
        raise NotImplementedError

    def is_stale(self, daemon: int, counter: int) -> bool:
        """Whether an ALIVE or JOIN of the current incarnation was sent before it put itself on a FORM."""
        raise NotImplementedError

    # -- Failure ----------------------------------------------------------------------------------

    def fail(self, daemon: int) -> None:
        """Note explicit evidence that the daemon is dead: unreachable, or it said LEAVE."""
        raise NotImplementedError

    def told_failed(self, daemons: Iterable[int]) -> None:
        """Take the failed[] of another: believed of those not heard in this attempt."""
        raise NotImplementedError

    @property
    def failed(self) -> tuple[int, ...]:
        """The failed[] for my packets."""
        raise NotImplementedError

    def start_attempt(self, now_ns: int) -> None:
        """Begin to look for daemons (SEG): evidence of hearing and silence starts afresh."""
        raise NotImplementedError

    def join_round(self) -> None:
        """Count a JOIN that was sent in this attempt."""
        raise NotImplementedError

    def is_gone(self, daemon: int) -> bool:
        """Whether to wait no longer for it: known dead, or silent in SEG and two JOIN rounds."""
        raise NotImplementedError

    def leave_out(self, daemon: int) -> None:
        """Leave a daemon that acknowledged no FORM out of the attempt that starts next."""
        raise NotImplementedError

    def is_left_out(self, daemon: int) -> bool:
        """Whether it is left out of this attempt."""
        raise NotImplementedError

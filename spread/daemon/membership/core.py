"""What membership asks of the compiled ring; the `Node` is one.

    membership            ring
    ring_lost        ->   the token stops, delivery closes, an attempt in recovery is given up
    ring_freeze      ->   what I report in FORM1 stays true: packets come by recovery only
    ring_commit      ->   the forming ring gets its window, its token recovers the old packets
    ring_start       ->   the first token
                     <-   token_lost, ring_transitional, ring_regular (`spread.daemon.upcalls`)

Daemons are named by their number, their place in configuration order over all segments. A ring id
is the pair of unsigned 32-bit numbers (daemon id of the leader, time).
"""

from typing import Final, Protocol

__all__ = ["SEGMENT", "RingCore"]

SEGMENT: Final = 256
"""Target of a control packet: every configured daemon of the own segment but this one."""


class RingCore(Protocol):
    """The ring as membership drives it."""

    def ring_lost(self) -> None:
        """Stop the token and close delivery; drop a forming ring.

        What the installed ring holds, its obligations and its id stay. Late packets of it are still
        taken until `ring_freeze`.
        """

    def ring_freeze(self) -> tuple[int, int]:
        """Report (stable, highest seq held) of the installed ring and hold still."""

    def ring_held(self, after: int, last: int) -> bytes:
        """Which packets of the installed ring are held: bit i, least first, is after + 1 + i."""

    def ring_obligations(self) -> list[int]:
        """Numbers of the daemons whose packets must be delivered even behind a lost one."""

    def ring_commit(  # noqa: PLR0913 - the fields of FORM2.
        self,
        ring: tuple[int, int],
        members: list[int],
        *,
        stable: int,
        high: int,
        have: bytes,
        transitional: list[int],
        obligations: list[int],
    ) -> bool:
        """FORM2 is accepted: deliver what is stable and recover the rest in the forming ring.

        `members` in configuration order, of the forming ring; `have` is the union of what the
        members from the own old ring hold in (stable, high]. False when the numbers cannot be
        true of the installed ring; then nothing has happened.
        """

    def ring_start(self) -> None:
        """Make the first token of the forming ring and send it to its first member."""

    def ring_unanswered(self) -> int | None:
        """Number of the daemon that did not take the token which was lost last.

        None when the token was lost elsewhere. To be asked in `token_lost`.
        """

    def ring_settled(self) -> bool:
        """Whether nothing waits to be sent and every packet of this daemon is stable."""

    def ring_wake(self) -> None:
        """Ask for the token if it is parked."""

    def send_control(self, kind: int, target: int, body: bytes) -> None:
        """Send a control packet (KIND_* of the packet layout) to a daemon or to SEGMENT."""

    def set_incarnation(self, incarnation: int) -> None:
        """Send control packets as this incarnation from now on."""

"""What the data plane asks of the control plane: the one door between the two.

The `Node` calls these from the thread that drives it, with the interpreter held. Each returns
quickly. An exception that escapes stops the node: the driver raises it.
"""

from typing import Protocol

__all__ = ["Upcalls"]


class Upcalls(Protocol):
    """Connections, ordered requests, ends and timers; never a data message without a policy."""

    def handshake(self, slot: int, data: bytes) -> int:
        """Take bytes of a connection in its handshake; none at all mean the end of its stream.

        Returns how many bytes at the end of `data` belong to the message stream behind it.
        """

    def request(self, slot: int, type_bits: int, groups: list[bytes], mess_type: int) -> bool:
        """Decide about a join or a leave, and about messages of sessions whose policy asks.

        False sends the frame back to its sender as a REJECT.
        """

    def ordered_join(self, sender: bytes, group: bytes) -> None:
        """A join has reached its place in the order."""

    def ordered_leave(self, sender: bytes, group: bytes) -> None:
        """A leave has reached its place in the order."""

    def ordered_end(self, sender: bytes) -> None:
        """The departure of a session has reached its place in the order."""

    def session_ended(self, slot: int, reason: int, fault: int, undelivered: int) -> None:
        """A connection is over; `reason` and `fault` number the texts of the data plane.

        `undelivered` messages were queued for it.
        """

    def deadline(self, now_ns: int) -> None:
        """The time that was asked for has come."""

    # The ring. A node without peers never calls these.

    def ordered_state(self, origin: int, body: bytes) -> None:
        """A message of the group state exchange, from the daemon of this number, in its place."""

    def ring_transitional(self) -> None:
        """The place in the order where the transitional configuration stands."""

    def ring_regular(self) -> None:
        """The new ring is installed: its regular configuration stands here."""

    def token_lost(self, reason: int) -> None:
        """The ring is broken; `reason` numbers the texts of the data plane."""

    def control_packet(  # noqa: PLR0913, PLR0917 - the fields of a packet.
        self,
        kind: int,
        sender: int,
        source: int,
        incarnation: int,
        counter: int,
        ring: tuple[int, int],
        body: bytes,
    ) -> None:
        """A control packet came from daemon number `sender`, from IPv4 address `source`.

        `ring` is the id of the sender's installed ring.
        """

    def foreign_ring(self, sender: int, ring: tuple[int, int]) -> None:
        """A daemon sends to a ring that is not ours; told at most ten times a second."""

    def unreachable(self, daemon: int) -> None:
        """The host of this daemon has said twice in a row that nobody listens there."""

    def multicast_missed(self, daemon: int) -> None:
        """Many packets of a daemon of the own segment came only when they were sent again."""

    def path_limited(self, daemon: int, size: int, passing: int) -> None:
        """Datagrams of this size do not reach a member of the ring; those of `passing` bytes do."""

    def path_unanswered(self, daemon: int) -> None:
        """A member of the ring says of no size that it arrives, not even of the smallest."""

    def path_found(self, size: int) -> None:
        """Datagrams of this size were found to reach all members of the ring."""

    def monitor_datagram(self, data: bytes, source: int, port: int) -> None:
        """A monitor sent a datagram from this IPv4 address and port. 1,000 a second at most.

        A ring of one is asked too.
        """

    def stranger(self, cause: int, source: int) -> None:
        """A datagram was dropped; `cause` numbers the faults of packets. Ten a second at most."""

"""Traces by hand: three clients at two daemons, members of one group, ready to be doctored.

`a` and `b` are clients of daemon 0, `c` of daemon 1, `d` of daemon 2 and in no group. What several
clients see is written once and noted for each of them.
"""

from spread.sim.checkers import Checker, Evidence
from spread.sim.trace import (
    Cause,
    ClientTrace,
    Closed,
    Closure,
    DaemonStarted,
    DaemonStopped,
    Delivered,
    DisconnectRequested,
    Event,
    GroupId,
    History,
    JoinRequested,
    LeaveRequested,
    LeftGroup,
    Message,
    RingInstalled,
    Sent,
    Transitional,
    Viewed,
)

__all__ = [
    "AGREED",
    "FIFO",
    "RELIABLE",
    "RING",
    "SAFE",
    "SPLIT",
    "UNRELIABLE",
    "A",
    "B",
    "C",
    "D",
    "G",
    "H",
    "Stage",
]

A, B, C, D = b"#a#d0", b"#b#d0", b"#c#d1", b"#d#d2"
G, H = b"g", b"h"
UNRELIABLE, RELIABLE, FIFO, AGREED, SAFE = 1, 2, 4, 16, 32
RING, SPLIT = (1, 10), (1, 20)


class Stage:
    """A history in the making."""

    def __init__(self) -> None:
        self.history = History(daemon_names=(b"d0", b"d1", b"d2"))
        self.a = self.open(A, 0)
        self.b = self.open(B, 0)
        self.c = self.open(C, 1)
        self.d = self.open(D, 2)
        self._identities = 0
        self.join(self.a)
        self.view([self.a], 1, (A,), A)
        self.join(self.b)
        self.view([self.a, self.b], 2, (A, B), B)
        self.join(self.c)
        self.view([self.a, self.b, self.c], 3, (A, B, C), C)

    @property
    def members(self) -> list[ClientTrace]:
        return [self.a, self.b, self.c]

    def complaints(self, checker: Checker) -> list[str]:
        return list(checker.check(Evidence.of(self.history)))

    def open(
        self, name: bytes, daemon: int, *, incarnation: int = 1, membership: bool = True
    ) -> ClientTrace:
        return self.history.open(
            name, daemon=daemon, incarnation=incarnation, membership=membership
        )

    def settle(self) -> None:
        """From here on nothing is late any more."""
        self.history.healed_at = self.history.tick()

    # Requests.

    def join(self, client: ClientTrace, group: bytes = G) -> None:
        client.events.append(JoinRequested(*self._now(), group))

    def leave(self, client: ClientTrace, group: bytes = G) -> None:
        client.events.append(LeaveRequested(*self._now(), group))

    def disconnect(self, client: ClientTrace) -> None:
        client.events.append(DisconnectRequested(*self._now()))

    def send(
        self,
        client: ClientTrace,
        service: int = AGREED,
        groups: tuple[bytes, ...] = (G,),
        *,
        discards_self: bool = False,
    ) -> Message:
        self._identities += 1
        message = Message(
            self._identities,
            client.private_group,
            service,
            groups,
            7,
            b"payload",
            discards_self=discards_self,
        )
        client.events.append(Sent(*self._now(), message))
        return message

    # What comes back.

    def deliver(self, message: Message, *clients: ClientTrace) -> None:
        for client in clients:
            client.events.append(Delivered(*self._now(), message))

    def view(
        self,
        clients: list[ClientTrace],
        index: int,
        members: tuple[bytes, ...],
        changed: bytes,
        cause: Cause = Cause.JOIN,
        group: bytes = G,
    ) -> None:
        """A view that a request made, in the ring RING."""
        for client in clients:
            group_id = GroupId(*RING, index)
            sets = ((changed,),)
            event: Event = Viewed(*self._now(), group, group_id, members, cause, sets, 0, changed)
            client.events.append(event)

    def network(
        self,
        clients: list[ClientTrace],
        *sets: tuple[bytes, ...],
        ring: tuple[int, int] = SPLIT,
        index: int = 1,
        group: bytes = G,
    ) -> None:
        """A NETWORK view whose members are those of the vs-sets, sorted."""
        members = tuple(sorted((name for names in sets for name in names), key=_place))
        for client in clients:
            own = next(
                (place for place, names in enumerate(sets) if client.private_group in names), 0
            )
            group_id = GroupId(*ring, index)
            client.events.append(
                Viewed(*self._now(), group, group_id, members, Cause.NETWORK, sets, own, None)
            )

    def signal(
        self,
        *clients: ClientTrace,
        group_id: GroupId = GroupId(*RING, 3),  # noqa: B008 - frozen.
        group: bytes = G,
    ) -> None:
        for client in clients:
            client.events.append(Transitional(*self._now(), group, group_id))

    def left(self, client: ClientTrace, group: bytes = G) -> None:
        client.events.append(LeftGroup(*self._now(), group))

    def close(
        self, client: ClientTrace, closure: Closure = Closure.CLIENT, *, drained: bool = False
    ) -> None:
        client.events.append(Closed(*self._now(), closure, drained))

    # Daemons.

    def start(self, daemon: int, incarnation: int = 1) -> None:
        self.history.daemons.append(DaemonStarted(*self._now(), daemon, incarnation))

    def stop(self, daemon: int, incarnation: int = 1) -> None:
        self.history.daemons.append(DaemonStopped(*self._now(), daemon, incarnation))

    def install(self, ring: tuple[int, int], *members: int) -> None:
        for daemon in members:
            self.history.daemons.append(
                RingInstalled(*self._now(), daemon, 1, ring, tuple(members))
            )

    def _now(self) -> tuple[int, int]:
        at = self.history.tick()
        return at, 1_000 * at


def _place(private_group: bytes) -> tuple[bytes, bytes]:
    return private_group.rpartition(b"#")[2], private_group

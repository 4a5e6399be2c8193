"""A whole ring of daemons in the process of a test: real daemons, simulated time and network.

    from spread.testing import Ring

    def test_my_protocol_survives_a_split():
        ring = Ring(3)
        alice, bob = ring.connect("alice", daemon=0), ring.connect("bob", daemon=2)
        alice.join("room")
        bob.join("room")
        ring.settle()
        ring.partition([0, 1], [2])
        alice.multicast("room", b"hello")
        ring.settle()
        ...
        ring.heal()

Nothing runs but in `step` and `settle`, and no real time passes. The same seed gives the same run,
to the byte. Daemons are numbered from 0 and are called d1, d2, ...

With pytest the fixture `spread_ring` makes rings, seeded by the name of the test:

    def test_it(spread_ring):
        ring = spread_ring(3)
"""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

from spread._message_types import Membership, Message
from spread.client.handshake import ConnectRequest
from spread.client.protocol import ClientProtocol, State
from spread.errors import SessionClosedError
from spread.service import SAFE_MESS
from spread.sim.agenda import MS, SECOND
from spread.sim.cluster import Cluster, scaled_timeouts
from spread.sim.connection import Connection
from spread.sim.run import liveness_ns
from spread.sim.trace import Closure
from spread.sim.world import World

__all__ = ["Client", "Ring"]

STEP_NS: Final = 5 * MS


class Client:
    """A client of one of the daemons. What it asks arrives at once, what comes waits in it."""

    def __init__(self, ring: "Ring", name: str, daemon: int, *, membership: bool) -> None:
        self._ring = ring
        self._protocol = ClientProtocol(ConnectRequest.of(name, 0, membership, ()))
        self._inbox: deque[Message | Membership] = deque()
        self._is_open = True
        self._connection: Connection = ring.world.hosts[daemon].connect(self)
        self._connection.write(self._protocol.data_to_send())
        if self._protocol.state is State.CONNECTING:
            raise SessionClosedError(f"daemon {daemon} is too busy to accept {name!r}")

    @property
    def private_group(self) -> str:
        """Name of this client in the whole ring, such as "#alice#d1"."""
        return self._protocol.private_group

    @property
    def is_open(self) -> bool:
        """Whether the daemon still serves this client."""
        return self._is_open

    def join(self, group: str) -> None:
        """Ask to join a group."""
        self._write(self._protocol.join(group))

    def leave(self, group: str) -> None:
        """Ask to leave a group."""
        self._write(self._protocol.leave(group))

    def multicast(
        self,
        groups: str | Sequence[str],
        payload: bytes,
        *,
        service: int = SAFE_MESS,
        mess_type: int = 0,
    ) -> None:
        """Send to one or several groups or private groups."""
        names = [groups] if isinstance(groups, str) else list(groups)
        self._write(self._protocol.multicast(service, names, payload, mess_type))

    send = multicast

    def disconnect(self) -> None:
        """End the session in order."""
        self._write(self._protocol.goodbye())

    def receive(self) -> Message | Membership | None:
        """Return the next message or membership change that has come, None if none has."""
        return self._inbox.popleft() if self._inbox else None

    def receive_all(self) -> list[Message | Membership]:
        """Return all that has come and was not received yet."""
        taken = list(self._inbox)
        self._inbox.clear()
        return taken

    def stop_reading(self) -> None:
        """Hang: what comes waits in the daemon, which closes on clients that are too slow."""
        self._connection.stop_reading()

    def read_again(self) -> None:
        """Go on reading."""
        self._connection.read_again()

    def _write(self, frame: bytes) -> None:
        if not self._is_open:
            raise SessionClosedError(f"{self.private_group} is not connected any more")
        self._connection.write(frame)

    # -- What the connection tells ----------------------------------------------------------------

    def received(self, data: bytes) -> None:
        """Take bytes of the daemon."""
        protocol = self._protocol
        protocol.decoder.feed(data)
        if protocol.state is State.CONNECTING:
            protocol.negotiate()
            self._connection.write(protocol.data_to_send())
        if protocol.state is not State.CONNECTING:
            self._inbox.extend(iter(protocol.next_message, None))

    def ended(self, closure: Closure) -> None:  # noqa: ARG002
        """The connection is over."""
        self._is_open = False


class Ring:
    """Daemons that form a ring, and all that can happen to them."""

    def __init__(
        self, daemons: int = 3, *, segments: Sequence[int] | None = None, seed: int = 0
    ) -> None:
        """Start `daemons` in one segment, or so many in each of `segments`, and let them meet."""
        sizes = tuple(segments) if segments is not None else (daemons,)
        self.world = World(Cluster(sizes, scaled_timeouts()), seed)
        self.world.start()
        self.settle()

    # -- Clients ----------------------------------------------------------------------------------

    def connect(self, name: str, daemon: int = 0, *, membership: bool = True) -> Client:
        """Connect a client to a daemon; raises ConnectionRefusedError if that is down."""
        return Client(self, name, daemon, membership=membership)

    # -- Time -------------------------------------------------------------------------------------

    def step(self, seconds: float = 0.01) -> None:
        """Let virtual time pass."""
        self.world.run(int(seconds * SECOND))

    def settle(self) -> None:
        """Let time pass until daemons that reach each other have one ring, and all is delivered.

        Raises TimeoutError when that does not come about, such as with links cut in one direction.
        """
        limit_ns = liveness_ns(self.world.cluster.timeouts)
        if not self.world.run_until(self.world.is_settled, limit_ns, STEP_NS):
            raise TimeoutError(f"the rings are {self.world.rings()} after {limit_ns / 1e9:.1f} s")
        self.world.run(2 * self.world.cluster.timeouts.token)

    # -- Faults -----------------------------------------------------------------------------------

    def partition(self, *parts: Iterable[int]) -> None:
        """Split the network into parts; daemons that are not named share one."""
        self.world.partition(parts)

    def heal(self) -> None:
        """End all that was done to network and hosts: splits, losses, crashes and pauses."""
        self.world.heal()

    def lose(self, rate: float) -> None:
        """Lose so many of all packets, from 0 to 1."""
        self.world.change_weather(loss=rate)

    def crash(self, daemon: int) -> None:
        """Kill a daemon; its clients lose their connections."""
        self.world.crash(daemon)

    def restart(self, daemon: int) -> None:
        """Start a daemon that was killed."""
        self.world.restart(daemon)

    def pause(self, daemon: int) -> None:
        """Stop a daemon where it stands."""
        self.world.pause(daemon)

    def resume(self, daemon: int) -> None:
        """Let a paused daemon go on."""
        self.world.resume(daemon)

    def members(self, daemon: int) -> tuple[str, ...]:
        """Return the names of the daemons in the ring of a daemon; none if it does not run."""
        names = self.world.history.daemon_names
        return tuple(names[member].decode() for member in self.world.hosts[daemon].ring)

"""What is measured: daemons of one implementation that run on one topology.

Every cell gets such a system and asks nothing about how it was made; `bench.fleet` makes them.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from bench.address import Address
from bench.session import Session

LOOPBACK, NAMESPACES = "loopback", "namespaces"
ETHERNET_MTU = 1500

T = TypeVar("T")


class DaemonError(Exception):
    """A daemon under test could not be started, or ended by itself."""


@dataclass(frozen=True, slots=True)
class Topology:
    """Where daemons run and how they are configured.

    One daemon runs on loopback. Several have a network namespace each and a bridge between them,
    which takes root; else, or with `links` set to LOOPBACK, they are 127.0.0.1, 127.0.0.2 ... in
    one segment, and send to each other one by one.
    """

    daemons: int = 1
    mtu: int = ETHERNET_MTU  # Of the links between namespaces.
    options: tuple[str, ...] = ()  # Further lines of spread.conf.
    faults: str = ""  # Value of SPREAD_TEST_FAULTS in the environment of the daemons.
    is_fresh: bool = False  # Own processes for each run of a cell.
    links: str = ""  # LOOPBACK or NAMESPACES; empty: what the number of daemons and the user allow.

    def __str__(self) -> str:
        parts = ["1 daemon" if self.daemons == 1 else f"{self.daemons} daemons"]
        parts += [self.links] if self.links else []
        parts += [f"MTU {self.mtu}"] if self.mtu != ETHERNET_MTU else []
        parts += [*self.options, *([f"faults: {self.faults}"] if self.faults else [])]
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Implementation:
    """A daemon program.

    `command` may use {python}, {name} (of the daemon in the configuration), {port}, {address}
    (where its clients connect), {directory} (scratch, the working directory) and {config}: a
    spread.conf with one segment, as the classic daemon wants it. The command must become the
    daemon, not start it: its process is measured, stopped and continued. `ring_command` takes its
    place where there are several daemons.
    """

    label: str
    command: str
    ring_command: str = ""

    def command_for(self, topology: Topology) -> str:
        """Return the template for a daemon on this topology."""
        return self.ring_command if self.ring_command and topology.daemons > 1 else self.command


SPREAD = Implementation("spread", "{python} -m spread -n {name} -c {config}")
LIMIT = Implementation(
    "limit",
    "{python} -m bench.forwarder --port {port}",
    "{python} -m bench.ring_forwarder -n {name} -c {config}",
)


class System(Protocol):
    """Running daemons of one implementation, numbered from 0."""

    @property
    def size(self) -> int:
        """Number of daemons."""

    @property
    def implementation(self) -> Implementation:
        """What runs."""

    @property
    def topology(self) -> Topology:
        """Where it runs."""

    @property
    def port(self) -> int:
        """Where all daemons listen."""

    @property
    def start_s(self) -> float:
        """Seconds from the creation of the first process until all accepted sessions."""

    @property
    def version(self) -> str:
        """What the first daemon said in its handshake."""

    @property
    def pids(self) -> tuple[int, ...]:
        """Processes of the daemons."""

    def location(self, number: int, transport: str = "tcp") -> Address:
        """Return where a daemon listens for `tcp` or `unix`, as its own host sees it."""

    def open(
        self, number: int, name: str, *, membership: bool = False, transport: str = "tcp"
    ) -> Session:
        """Connect to a daemon from its own host, over `tcp` or `unix`.

        Raises OSError when nobody listens and SessionError when it refuses.
        """

    def run_inside(self, number: int, function: Callable[[], T]) -> T:
        """Call a function whose sockets and processes are to be on a daemon's host."""

    def cpu_s(self) -> float:
        """Return the processor time of all daemons, in seconds, user and system."""

    def cpu_split_s(self) -> tuple[float, float]:
        """Return the same as user and system time, in steps of 10 ms."""

    def resident_kb(self) -> list[int]:
        """Return the memory of each daemon that is in core."""

    def peak_kb(self) -> list[int]:
        """Return the most memory that each daemon ever had in core."""

    def pause(self, number: int) -> None:
        """Stop a daemon as SIGSTOP does."""

    def resume(self, number: int) -> None:
        """Continue a daemon that was stopped."""

    def kill(self, number: int) -> None:
        """End a daemon as a crash does."""

    def restart(self, number: int) -> None:
        """Start a daemon that was killed; returns when it accepts sessions."""

    def split(self, *parts: Sequence[int]) -> None:
        """Part the network between daemons, into 3 parts at most.

        Raises DaemonError where daemons are not in namespaces.
        """

    def merge(self) -> None:
        """Connect all daemons again."""

    def entered(self, number: int) -> AbstractContextManager[None]:
        """Sockets and processes that this thread makes meanwhile are on a daemon's host."""

    def output(self, number: int) -> str:
        """Return the end of what a daemon has printed."""

    def statistics(self) -> list[dict[str, int]]:
        """Stop the daemons, and return what each logged about its life at its end.

        Ours log it; empty for others. Nothing else works afterwards: for fresh systems.
        """

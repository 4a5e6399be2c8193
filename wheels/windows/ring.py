"""A ring of three daemons under faults, at addresses as the loopback network of Wine has them.

    python wheels/windows/ring.py

Each daemon has a segment and a port of its own, for Wine has but one address that several programs
can share a port of. Clients of all daemons see one order; one daemon is killed, the others go on
without it, and it comes back. Run it with the Python that has the wheel; it exits non-zero and says
why when something fails.

Wine keeps the sockets of a process that is killed at the moment when it is told which of them are
ready: here one time in some thirty. `ss` then shows the ports with its server alone, and nobody can
use them again. So it is said and tried with another ring when a killed daemon's ports stay taken.
"""

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import spread

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from smoke import DAEMONS, PORTS, READY, TIMEOUT_S, check_clients, free_ports, run
from wine import WINE, begun

GROUP = "ring"
EACH_SENDS = 40
RINGS_MAX = 5
RELEASE_S = 2.0  # What is released at all is released long before.
# The defaults, all of which must be written when one is, but for the time between two searches for
# daemons that are missing: 30 seconds by default.
TIMEOUTS = {
    "TokenTimeout": 1250,
    "HurryTimeout": 500,
    "AliveTimeout": 250,
    "JoinTimeout": 250,
    "RepTimeout": 625,
    "SegTimeout": 500,
    "GatherTimeout": 1250,
    "FormTimeout": 1250,
    "LookupTimeout": 3000,
}
OPTIONS = 'StateDir = "."\n' + "".join(f"{name} = {ms}\n" for name, ms in TIMEOUTS.items())


class PortKeptError(Exception):
    """Wine has kept a port of a daemon that was killed."""


class Daemon:
    """One daemon of the ring."""

    def __init__(self, number: int, port: int, directory: Path) -> None:
        self.name = f"d{number}"
        self.listens = (
            (socket.SOCK_STREAM, port),
            (socket.SOCK_DGRAM, port),
            (socket.SOCK_DGRAM, port + 1),
        )
        self.ip = f"127.0.0.{number}"
        self.address = f"{port}@{self.ip}"
        self.directory = directory
        self.output = directory / f"{self.name}.txt"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        arguments = ["-n", self.name, "-c", "spread.conf", "--until-input-ends"]
        with self.output.open("wb") as output:
            self.process = begun(
                lambda: subprocess.Popen(
                    [sys.executable, "-m", "spread", *arguments],
                    cwd=self.directory,
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
            )

    def is_in_ring(self) -> bool:
        """Whether it serves clients in a ring of all daemons, as it says itself."""
        assert self.process is not None
        status = self.process.poll()
        assert status is None, f"{self.name} ended with status {status}"
        said = self.said()
        return READY in said and f"daemons={DAEMONS}" in said

    def said(self) -> str:
        return self.output.read_text("utf-8", "replace") if self.output.exists() else ""

    def stop(self) -> None:
        """End it in order."""
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.close()
        status = self.process.wait(TIMEOUT_S)
        assert status == 0, f"{self.name}: exit status {status}\n{self.said()}"

    def kill(self) -> None:
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.kill()
        self.process.wait(TIMEOUT_S)
        self.process.stdin.close()

    def check_released(self) -> None:
        """See that the ports of a killed daemon can be used again; raises PortKeptError."""
        deadline = time.monotonic() + RELEASE_S
        while True:
            try:
                for kind, port in self.listens:
                    with socket.socket(type=kind) as tried:
                        tried.bind(("0.0.0.0", port))
                return
            except OSError as error:
                if time.monotonic() >= deadline:
                    raise PortKeptError(f"{self.name}: {error}") from error
            time.sleep(0.05)


def wait_until(is_true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not is_true():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)


@contextmanager
def ring(port: int) -> Iterator[list[Daemon]]:
    """Three daemons that have found each other, and end in order."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        directory = Path(place)
        ports = range(port, port + PORTS, 2)
        daemons = [Daemon(number + 1, at, directory) for number, at in enumerate(ports)]
        directory.joinpath("spread.conf").write_text(
            OPTIONS
            + "".join(
                f"Spread_Segment 127.0.0.255:{at} {{ {each.name} {each.ip} }}\n"
                for at, each in zip(ports, daemons, strict=True)
            ),
            encoding="utf-8",
        )
        try:
            for each in daemons:
                each.start()
            for each in daemons:
                wait_until(each.is_in_ring, f"the ring of {each.name}")
            yield daemons
            for each in daemons:
                each.stop()
        except PortKeptError:
            raise
        except BaseException:
            for each in daemons:
                print(f"-- {each.name} said", each.said(), sep="\n", file=sys.stderr)
            raise
        finally:
            for each in daemons:
                if each.process is not None and each.process.poll() is None:
                    each.kill()


def members_seen(client: spread.Mailbox, count: int) -> None:
    """Receive until the group has that many members."""
    while True:
        message = client.receive(timeout=TIMEOUT_S)
        if isinstance(message, spread.Membership) and len(message.members) == count:
            return


def check_order(daemons: Sequence[Daemon]) -> None:
    """What the clients of all daemons send comes to all in one order."""
    with ExitStack() as stack:
        clients = [
            stack.enter_context(spread.connect(each.address, "c", timeout=TIMEOUT_S))
            for each in daemons
        ]
        for client in clients:
            client.join(GROUP)
        for client in clients:
            members_seen(client, DAEMONS)
        for number in range(EACH_SENDS):
            for client in clients:
                client.multicast(spread.AGREED_MESS, GROUP, b"%d" % number)
        orders = []
        for client in clients:
            received = []
            while len(received) < EACH_SENDS * DAEMONS:
                message = client.receive(timeout=TIMEOUT_S)
                assert isinstance(message, spread.Message), message
                received.append((message.sender, message.payload))
            orders.append(received)
    assert all(order == orders[0] for order in orders), "the orders differ"
    for each in daemons:
        own = [payload for sender, payload in orders[0] if str(sender).endswith(each.name)]
        assert own == [b"%d" % number for number in range(EACH_SENDS)], own


def check_failure(daemons: Sequence[Daemon]) -> None:
    """One daemon is killed and started again; clients of the others see both."""
    first, second, third = daemons
    with (
        spread.connect(first.address, "stays", timeout=TIMEOUT_S) as stays,
        spread.connect(second.address, "lost", timeout=TIMEOUT_S) as lost,
    ):
        stays.join(GROUP)
        members_seen(stays, 1)
        lost.join(GROUP)
        members_seen(stays, 2)
        second.kill()
        members_seen(stays, 1)
        check_clients(first.address, third.address)
        if WINE:
            second.check_released()
        second.start()
        wait_until(second.is_in_ring, "the daemon to come back")
        with spread.connect(second.address, "again", timeout=TIMEOUT_S) as again:
            again.join(GROUP)
            members_seen(stays, 2)


def check_flooder(daemons: Sequence[Daemon]) -> None:
    """`spflooder` sends and counts."""
    arguments = ("--no-progress", "-m", "1000", "-b", "100", "-n", "1")
    run("spflooder", "-s", daemons[1].address, *arguments)


def check_ring(port: int) -> None:
    with ring(port) as daemons:
        check_order(daemons)
        check_flooder(daemons)
        check_failure(daemons)


def main() -> None:
    for number in range(1, RINGS_MAX + 1):
        try:
            check_ring(free_ports(PORTS))
            break
        except PortKeptError as error:
            print(f"Wine keeps the port of a daemon that was killed: {error}", file=sys.stderr)
            if number == RINGS_MAX:
                raise
    print(f"a ring of {DAEMONS} daemons on {sys.version.split()[0]}, {sys.platform}: ok")


if __name__ == "__main__":
    main()

"""`python -m bench.failover`: what clients notice when daemons die, fall silent, or come back.

Three daemons with the default timeouts, each in a network namespace of its own on one bridge; a
client at each of them, a process of its own in the same namespace, notes when which view and which
message came. Needs root and Linux; figures are printed beside their bounds, nothing fails by them.
"""

import json
import multiprocessing
import os
import signal
import socket
import statistics
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Self

import spread
from bench.address import Address
from bench.cell import Figure
from bench.failover_cells import (
    KILL_MS,
    MERGE_MS,
    PART_MS,
    RING,
    SILENCE_MS,
    SIZE,
    kill,
    part,
    settle,
    silence,
    site_of,
    watched,
)
from bench.fleet import RunningSystem
from bench.machine import describe_machine
from bench.namespaces import why_impossible
from bench.session import open_session
from bench.system import SPREAD
from bench.usage import Parser
from bench.witness import PATIENCE_S, Talker, Watch

QUIET_GROUP = "quiet"  # Without witnesses, which would take processors from the others.
GAP_S = 0.02  # Between messages: long enough for the token to rest.
SO_TIMESTAMPNS = 35  # socket(7); not in Python's `socket`.
BURNERS_PER_CORE = 2  # Processes that use all the time that they can get.

NS_PER_MS = 1e6
NS_PER_US = 1e3


@dataclass(frozen=True, slots=True)
class Row:
    """A figure and all its values; its target is what is promised, None if nothing is."""

    figure: Figure
    values: tuple[float, ...]

    @property
    def p99(self) -> float:
        """The 99th percentile; of a few values the worst."""
        ranked = sorted(self.values)
        return ranked[min(len(ranked) - 1, int(len(ranked) * 0.99))]

    def shown(self) -> str:
        """Return a line of the table."""
        figure, median = self.figure, statistics.median(self.values)
        bound, met = "-", "-"
        if figure.target is not None:
            bound, met = f"{figure.target:g}", "yes" if figure.is_met(median) else "NO"
        return (
            f"| {figure.title} | {figure.unit} | {bound} | {met} | {median:.4g} "
            f"| {self.p99:.4g} | {max(self.values):.4g} | {len(self.values)} |"
        )


def row(title: str, unit: str, values: tuple[float, ...], bound: float | None = None) -> Row:
    """Return a row whose values are to be small."""
    return Row(Figure(title=title, unit=unit, target=bound, more_is_better=False), values)


# -- Clients --------------------------------------------------------------------------------------


class Listener:
    """A client process that joins the group and notes when each message came, as exactly as can be.

    It reads its socket itself: one message at a time arrives, and the system says when.
    """

    def __init__(self, system: RunningSystem, number: int) -> None:
        context = multiprocessing.get_context("fork")
        self._notes, theirs = context.Pipe(duplex=False)
        with system.entered(number):
            self._process = context.Process(
                target=_listen, args=(system.location(number), theirs), daemon=True
            )
            self._process.start()
        theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()
        self._notes.close()

    def until_ready(self) -> None:
        """Wait until it is in the group."""
        self._next()

    def arrivals(self, count: int) -> list[tuple[int, int]]:
        """Return when messages 0 to `count` came to its socket, and to itself, in ns since 1970."""
        found: dict[int, tuple[int, int]] = {}
        while len(found) < count:
            number, socket_ns, client_ns = self._next()
            found[number] = socket_ns, client_ns
        return [found[number] for number in range(count)]

    def _next(self) -> tuple[int, int, int]:
        if not self._notes.poll(PATIENCE_S):
            raise TimeoutError("a listener got nothing")
        note: tuple[int, int, int] = self._notes.recv()
        return note


def _listen(address: Address, notes: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with open_session(address, f"l{os.getpid()}", membership=False) as session:
        session.join(QUIET_GROUP.encode())
        session.barrier()
        reader = session.connection
        reader.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        reader.settimeout(None)
        notes.send((-1, 0, 0))
        while True:
            data, ancillary, _, _ = reader.recvmsg(1 << 16, 256)
            now_ns = time.time_ns()
            seconds, nanoseconds = struct.unpack("qq", ancillary[0][2][:16])
            if data[-8:].isdigit():
                notes.send((int(data[-8:]), seconds * 10**9 + nanoseconds, now_ns))


# -- Measurements ---------------------------------------------------------------------------------


def latencies(
    system: RunningSystem, service: int, count: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return us from sending a message to a ring at rest to its arrival at the last of all three.

    First to the sockets of the clients, which is what the daemons take, then to the clients
    themselves, which must get a processor for it. The sender is a client of each daemon in turn.
    """
    with ExitStack() as stack:
        listeners = [stack.enter_context(Listener(system, number)) for number in range(SIZE)]
        senders = [stack.enter_context(_connected(system, number)) for number in range(SIZE)]
        for listener in listeners:
            listener.until_ready()
        sent_ns = []
        for number in range(count):
            time.sleep(GAP_S)
            payload = b"%08d" % number
            sent_ns.append(time.time_ns())
            senders[number % SIZE].multicast(service, QUIET_GROUP, payload)
        arrivals = [listener.arrivals(count) for listener in listeners]
    at_sockets, at_clients = (
        tuple(
            (max(arrived[number][place] for arrived in arrivals) - sent_ns[number]) / NS_PER_US
            for number in range(count)
        )
        for place in (0, 1)
    )
    return at_sockets, at_clients


def _connected(system: RunningSystem, number: int) -> spread.Mailbox:
    address = site_of(system, number).address
    with system.entered(number):
        return spread.connect(address, "", membership=False, timeout=PATIENCE_S)


def idle_cpu(system: RunningSystem, seconds: float) -> tuple[float, ...]:
    """Return the share of a core, in percent, that each daemon uses while nobody says anything."""
    before = [daemon.cpu_s() for daemon in system.daemons]
    began = time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - began
    return tuple(
        (daemon.cpu_s() - used) / passed * 100
        for daemon, used in zip(system.daemons, before, strict=True)
    )


def false_failures(system: RunningSystem, watch: Watch, seconds: float) -> float:
    """Return how many views clients got while all cores were busy with other work."""
    settle(watch)
    context = multiprocessing.get_context("fork")
    burners = [
        context.Process(target=_burn, daemon=True)
        for _ in range(BURNERS_PER_CORE * (os.cpu_count() or 1))
    ]
    for burner in burners:
        burner.start()
    try:
        with Talker(site_of(system, 0), GAP_S), Talker(site_of(system, 1), GAP_S):
            views = _views(watch, seconds)
    finally:
        for burner in burners:
            burner.kill()
            burner.join()
    return float(views)


def _views(watch: Watch, seconds: float) -> int:
    """Return how many views come to all witnesses in so many seconds."""
    end_s = time.monotonic() + seconds
    count = 0
    while (left_s := end_s - time.monotonic()) > 0:
        count += sum(note.is_view for _, note in watch.read(left_s))
    return count


def _burn() -> None:
    os.setpriority(os.PRIO_PROCESS, 0, 0)
    while True:
        pass


# -- The table ------------------------------------------------------------------------------------


def measure(rounds: int, messages: int, idle_s: float, busy_s: float) -> Iterator[Row]:
    """Yield the figures as they are found."""
    with RunningSystem(SPREAD, RING) as system, watched(system) as watch:
        settle(watch)
        yield row("idle CPU per daemon", "% of a core", idle_cpu(system, idle_s), 0.2)
        for title, service in (("AGREED", spread.AGREED_MESS), ("SAFE", spread.SAFE_MESS)):
            at_sockets, at_clients = latencies(system, service, messages)
            what = f"one message per 20 ms, {title}, at all three"
            bound = 300.0 if service == spread.AGREED_MESS else None
            yield row(f"{what}: clients' sockets", "us", at_sockets, bound)
            yield row(f"{what}: clients", "us", at_clients)
        pairs = [kill(system, watch, number % SIZE) for number in range(rounds)]
        yield row("view after kill -9", "ms", tuple(each for each, _ in pairs), KILL_MS)
        yield row("view of all after a restart", "ms", tuple(each for _, each in pairs))
        pairs = [silence(system, watch, number % SIZE) for number in range(rounds)]
        yield row("view after SIGSTOP", "ms", tuple(each for each, _ in pairs), SILENCE_MS)
        yield row("view after SIGCONT", "ms", tuple(each for _, each in pairs))
        pairs = [part(system, watch, number % SIZE) for number in range(rounds)]
        yield row("views after a split", "ms", tuple(each for each, _ in pairs), PART_MS)
        yield row("merge with traffic", "ms", tuple(each for _, each in pairs), MERGE_MS)
        failures = false_failures(system, watch, busy_s)
        yield row(f"views in {busy_s:g} s, all cores busy", "views", (failures,), 0.0)


def main() -> int:
    """Measure and print; returns 0 whatever the figures, 1 where it is impossible."""
    parser = Parser("python -m bench.failover", __doc__)
    parser.add_argument("--rounds", type=int, default=6, help="of each fault (6)")
    parser.add_argument("--messages", type=int, default=600, help="of each service (600)")
    parser.add_argument("--idle", type=float, default=30.0, help="seconds of rest (30)")
    parser.add_argument("--busy", type=float, default=60.0, help="seconds with busy cores (60)")
    parser.add_argument(
        "--first",
        action="store_true",
        help="let daemons and clients go before other work, which a shared machine has",
    )
    parser.add_argument("--json", type=Path, help="write all values to this file")
    given = parser.parse_args()
    if min(given.rounds, given.messages) < 1 or min(given.idle, given.busy) <= 0:
        parser.error("choose 1 or more rounds and messages, and seconds above 0")
    reason = why_impossible()
    if reason:
        print(f"bench.failover: {reason}", file=sys.stderr)
        return 1
    if given.first:
        os.setpriority(os.PRIO_PROCESS, 0, -20)  # Whatever is started from here on has it, too.
    machine = describe_machine()
    print(
        f"{machine.processor}, {machine.core_count} cores, {machine.kernel}, load "
        f"{machine.load_average:.2f} before the start; commit {machine.commit}"
        f"{'; before other work' if given.first else ''}\n"
    )
    print("| what | unit | bound | met by median | median | p99 | worst | values |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    rows = []
    for each in measure(given.rounds, given.messages, given.idle, given.busy):
        rows.append(each)
        print(each.shown(), flush=True)
    if given.json is not None:
        given.json.write_text(json.dumps([asdict(each) for each in rows], indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())

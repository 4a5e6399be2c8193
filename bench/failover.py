"""`python -m bench.failover`: what clients notice when daemons die, fall silent, or come back.

Three daemons with the default timeouts, each in a network namespace of its own on one bridge; a
client at each of them, a process of its own in the same namespace, notes when which view and which
message came. Needs root and Linux; figures are printed beside their bounds, nothing fails by them.
"""

import argparse
import json
import multiprocessing
import os
import signal
import socket
import statistics
import struct
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Self

import spread
from bench.address import Address
from bench.machine import describe_machine
from bench.session import open_session
from bench.witness import PATIENCE_S, Site, Talker, Watch
from tests.netns.daemons import PORT, Daemon
from tests.netns.namespaces import why_impossible
from tests.netns.rings import Ring, lan
from tests.netns.stage import Stage

SIZE = 3
QUIET_GROUP = "quiet"  # Without witnesses, which would take processors from the others.
GAP_S = 0.02  # Between messages: long enough for the token to rest.
SO_TIMESTAMPNS = 35  # socket(7); not in Python's `socket`.
BURNERS_PER_CORE = 2  # Processes that use all the time that they can get.
SETTLE_S = 2.0  # Between a view of all and the next fault.

NS_PER_MS = 1e6
NS_PER_US = 1e3


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table; `bound` is what is promised, None if nothing is."""

    title: str
    unit: str
    values: tuple[float, ...]
    bound: float | None

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def p99(self) -> float:
        """The 99th percentile; of a few values the worst."""
        ranked = sorted(self.values)
        return ranked[min(len(ranked) - 1, int(len(ranked) * 0.99))]

    def row(self) -> str:
        bound, met = "-", "-"
        if self.bound is not None:
            bound, met = f"{self.bound:g}", "yes" if self.median <= self.bound else "NO"
        return (
            f"| {self.title} | {self.unit} | {bound} | {met} | {self.median:.4g} "
            f"| {self.p99:.4g} | {max(self.values):.4g} | {len(self.values)} |"
        )


# -- Clients --------------------------------------------------------------------------------------


class Listener:
    """A client process that joins the group and notes when each message came, as exactly as can be.

    It reads its socket itself: one message at a time arrives, and the system says when.
    """

    def __init__(self, daemon: Daemon) -> None:
        context = multiprocessing.get_context("fork")
        self._notes, theirs = context.Pipe(duplex=False)
        with daemon.host.namespace.entered():
            self._process = context.Process(
                target=_listen, args=(daemon.address, theirs), daemon=True
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


def _listen(host: str, notes: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    address = Address(host=host, port=PORT)
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


def site_of(daemon: Daemon) -> Site:
    """Return where the clients of a daemon are."""
    return Site(daemon.host.namespace.entered, f"{PORT}@{daemon.address}")


@contextmanager
def measured_ring() -> Iterator[tuple[Ring, Watch]]:
    """Three daemons in one ring, with a witness each that has the view of all."""
    with ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="failover-"))
        ring = stack.enter_context(lan(Path(directory), SIZE))
        until_ring(ring)
        watch = stack.enter_context(Watch([site_of(daemon) for daemon in ring.daemons]))
        for number in range(SIZE):
            watch.renew(number)
        watch.until_view(SIZE, range(SIZE))
        yield ring, watch


def until_ring(ring: Ring) -> None:
    stage = Stage(ring.daemons)
    stage.until_rings(range(SIZE), seconds=PATIENCE_S)
    stage.close()


def settle(watch: Watch) -> None:
    """Let the ring come to rest."""
    time.sleep(SETTLE_S)
    watch.drain()


def view_after_kill(ring: Ring, watch: Watch, victim: int) -> tuple[float, float]:
    """Return ms from kill -9 to the view at the last survivor, and from restart to the ring."""
    others = [number for number in range(SIZE) if number != victim]
    settle(watch)
    began_ns = time.monotonic_ns()
    ring.daemons[victim].kill()
    lost = max(watch.until_view(SIZE - 1, others).values()) - began_ns
    began_ns = time.monotonic_ns()
    ring.daemons[victim].start()
    until_ring(ring)
    formed = time.monotonic_ns() - began_ns
    watch.renew(victim)
    watch.until_view(SIZE, range(SIZE))
    return lost / NS_PER_MS, formed / NS_PER_MS


def view_after_silence(ring: Ring, watch: Watch, victim: int) -> tuple[float, float]:
    """Return ms from SIGSTOP to the view at the last survivor, and from SIGCONT to that of all."""
    others = [number for number in range(SIZE) if number != victim]
    settle(watch)
    began_ns = time.monotonic_ns()
    ring.daemons[victim].pause()
    lost = max(watch.until_view(SIZE - 1, others).values()) - began_ns
    time.sleep(SETTLE_S)
    began_ns = time.monotonic_ns()
    ring.daemons[victim].resume()
    back = max(watch.until_view(SIZE, range(SIZE)).values()) - began_ns
    return lost / NS_PER_MS, back / NS_PER_MS


def views_of_split_and_merge(ring: Ring, watch: Watch, gap_s: float) -> tuple[float, float]:
    """Return ms from a split to the last view of a part, and from healing to that of all.

    Clients on both sides send one message every `gap_s`.
    """
    settle(watch)
    with Talker(site_of(ring.daemons[0]), gap_s), Talker(site_of(ring.daemons[1]), gap_s):
        settle(watch)
        began_ns = time.monotonic_ns()
        ring.split([0], [1, 2])
        sizes = (1, 2, 2)
        split = watch.until(
            lambda number, note: note.is_view and note.number == sizes[number],
            range(SIZE),
            "the views of the parts",
        )
        time.sleep(SETTLE_S)
        watch.drain()
        healing_ns = time.monotonic_ns()
        ring.merge()
        merged = max(watch.until_view(SIZE, range(SIZE)).values()) - healing_ns
    return (max(split.values()) - began_ns) / NS_PER_MS, merged / NS_PER_MS


def latencies(ring: Ring, service: int, count: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return us from sending a message to a ring at rest to its arrival at the last of all three.

    First to the sockets of the clients, which is what the daemons take, then to the clients
    themselves, which must get a processor for it. The sender is a client of each daemon in turn.
    """
    with ExitStack() as stack:
        listeners = [stack.enter_context(Listener(daemon)) for daemon in ring.daemons]
        senders = [stack.enter_context(_connected(daemon)) for daemon in ring.daemons]
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


def _connected(daemon: Daemon) -> spread.Mailbox:
    with daemon.host.namespace.entered():
        return spread.connect(f"{PORT}@{daemon.address}", "", membership=False, timeout=PATIENCE_S)


def idle_cpu(ring: Ring, seconds: float) -> tuple[float, ...]:
    """Return the share of a core, in percent, that each daemon uses while nobody says anything."""
    before = [_cpu_s(daemon) for daemon in ring.daemons]
    began = time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - began
    return tuple(
        (_cpu_s(daemon) - used) / passed * 100
        for daemon, used in zip(ring.daemons, before, strict=True)
    )


def false_failures(ring: Ring, seconds: float) -> float:
    """Return how many rings were installed while all cores were busy with other work."""
    before = sum(_rings(daemon) for daemon in ring.daemons)
    context = multiprocessing.get_context("fork")
    burners = [
        context.Process(target=_burn, daemon=True)
        for _ in range(BURNERS_PER_CORE * (os.cpu_count() or 1))
    ]
    for burner in burners:
        burner.start()
    try:
        with Talker(site_of(ring.daemons[0]), GAP_S), Talker(site_of(ring.daemons[1]), GAP_S):
            time.sleep(seconds)
    finally:
        for burner in burners:
            burner.kill()
            burner.join()
    return float(sum(_rings(daemon) for daemon in ring.daemons) - before)


def _rings(daemon: Daemon) -> int:
    return len(daemon.find("membership"))


def _burn() -> None:
    os.setpriority(os.PRIO_PROCESS, 0, 0)
    while True:
        pass


def _cpu_s(daemon: Daemon) -> float:
    # The clock id of another process as clock_getcpuclockid() makes it on Linux.
    return time.clock_gettime(~daemon.process.pid << 3 | 2)


# -- The table ------------------------------------------------------------------------------------


def measure(rounds: int, messages: int, idle_s: float, busy_s: float) -> Iterator[Figure]:
    """Yield the figures as they are found."""
    with measured_ring() as (ring, watch):
        yield Figure("idle CPU per daemon", "% of a core", idle_cpu(ring, idle_s), 0.2)
        for title, service in (("AGREED", spread.AGREED_MESS), ("SAFE", spread.SAFE_MESS)):
            at_sockets, at_clients = latencies(ring, service, messages)
            what = f"one message per 20 ms, {title}, at all three"
            bound = 300.0 if service == spread.AGREED_MESS else None
            yield Figure(f"{what}: clients' sockets", "us", at_sockets, bound)
            yield Figure(f"{what}: clients", "us", at_clients, None)
        pairs = [view_after_kill(ring, watch, number % SIZE) for number in range(rounds)]
        yield Figure("view after kill -9", "ms", tuple(each for each, _ in pairs), 500.0)
        yield Figure("ring after a restart", "ms", tuple(each for _, each in pairs), None)
        pairs = [view_after_silence(ring, watch, number % SIZE) for number in range(rounds)]
        yield Figure("view after SIGSTOP", "ms", tuple(each for each, _ in pairs), 2_500.0)
        yield Figure("view after SIGCONT", "ms", tuple(each for _, each in pairs), None)
        pairs = [views_of_split_and_merge(ring, watch, GAP_S) for _ in range(rounds)]
        yield Figure("views after a split", "ms", tuple(each for each, _ in pairs), 2_500.0)
        yield Figure("merge with traffic", "ms", tuple(each for _, each in pairs), 1_000.0)
        failures = false_failures(ring, busy_s)
        yield Figure(f"rings in {busy_s:g} s, all cores busy", "installed", (failures,), 0.0)


def main() -> int:
    """Measure and print; returns 0 whatever the figures, 1 where it is impossible."""
    parser = argparse.ArgumentParser(prog="python -m bench.failover", description=__doc__)
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
    figures = []
    for figure in measure(given.rounds, given.messages, given.idle, given.busy):
        figures.append(figure)
        print(figure.row(), flush=True)
    if given.json is not None:
        given.json.write_text(json.dumps([asdict(each) for each in figures], indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`python -m bench.group_crash`: how long a crash is noticed in many groups.

A ring of three daemons on loopback. Ten clients are in each of the groups, three or four at each
daemon. Then one daemon is killed: how long until the other clients have the new view of each group?
"""

import argparse
import json
import multiprocessing
import signal
import statistics
import sys
import threading
import time
from contextlib import ExitStack
from multiprocessing.connection import Connection
from typing import Any

import spread
from bench.fleet import RunningSystem
from bench.load import LoadError
from bench.system import LOOPBACK, SPREAD, System, Topology

DAEMONS = 3
CLIENTS = 10
BOUND_S = 2.0
PATIENCE_S = 120.0


def _name(number: int) -> str:
    return f"g{number:06}"


def _client(number: int, address: str, groups: int, pipe: Connection) -> None:
    """Join all groups, tell when all ten are in all of them, then when the views of seven came."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    mailbox = spread.connect(address, f"c{number}")
    # Views of the others' joins come meanwhile, more than the daemon would keep for us.
    threading.Thread(target=_join, args=(mailbox, groups), daemon=True).start()
    whole = lost = 0
    while whole < groups:
        message = mailbox.receive(PATIENCE_S)
        whole += isinstance(message, spread.Membership) and len(message.members) == CLIENTS
    pipe.send("whole")
    survivors = pipe.recv()
    while lost < groups:
        message = mailbox.receive(PATIENCE_S)
        lost += isinstance(message, spread.Membership) and len(message.members) == survivors
    pipe.send(time.monotonic_ns())
    pipe.recv()


def _join(mailbox: spread.Mailbox, groups: int) -> None:
    for group in range(groups):
        mailbox.join(_name(group))


def measure(system: System, groups: int) -> list[float]:
    """Return for each client of the other daemons the seconds from the kill to its last view.

    The last daemon is killed, and stays so.
    """
    context = multiprocessing.get_context("fork")
    pipes: list[Connection] = []
    with ExitStack() as stack:
        for number in range(CLIENTS):
            ours, theirs = context.Pipe()
            location = system.location(number % system.size)
            client = context.Process(
                target=_client,
                args=(number, f"{location.port}@{location.host}", groups, theirs),
                daemon=True,
            )
            with system.entered(number % system.size):
                client.start()
            theirs.close()
            stack.callback(client.join)
            stack.callback(client.kill)
            stack.callback(ours.close)
            pipes.append(ours)
        _each(pipes)
        victim = system.size - 1
        others = [number for number in range(CLIENTS) if number % system.size != victim]
        for number in others:
            pipes[number].send(len(others))
        killed_ns = time.monotonic_ns()
        system.kill(victim)
        return [(ended_ns - killed_ns) / 1e9 for ended_ns in _each([pipes[n] for n in others])]


def _each(pipes: list[Connection]) -> list[Any]:
    """Return what every client says; raises LoadError when one says nothing."""
    try:
        said = []
        for pipe in pipes:
            if not pipe.poll(PATIENCE_S):
                raise LoadError(f"a client has not seen all views within {PATIENCE_S:g} s")
            said.append(pipe.recv())
        return said
    except EOFError as error:
        raise LoadError("a client ended; its error is above") from error


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.group_crash", description=__doc__)
    parser.add_argument("--groups", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rounds = []
    for _ in range(options.rounds):
        with RunningSystem(SPREAD, Topology(daemons=DAEMONS, links=LOOPBACK)) as system:
            rounds.append(max(measure(system, options.groups)))
    if options.json:
        print(json.dumps({"groups": options.groups, "last_view_s": rounds}))
    else:
        print(
            f"{options.groups} groups of {CLIENTS} members, last view after a kill: "
            f"{', '.join(f'{each:.2f}' for each in rounds)} s, median "
            f"{statistics.median(rounds):.2f} s (bound {BOUND_S} s)"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())

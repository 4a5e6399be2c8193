"""`python -m bench.group_crash`: how long a crash is noticed in many groups.

A ring of three daemons on loopback. Ten clients are in each of the groups, three or four at each
daemon. Then one daemon is killed: how long until the other clients have the new view of each group?
"""

import argparse
import json
import multiprocessing
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

import spread

DAEMONS = 3
CLIENTS = 10
BOUND_S = 2.0
PATIENCE_S = 120.0


def _name(number: int) -> str:
    return f"g{number:06}"


def _client(number: int, address: str, groups: int, pipe: Connection) -> None:
    """Join all groups, tell when all ten are in all of them, then when the views of seven came."""
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


@contextmanager
def _ring(port: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run three daemons, each a process of its own."""
    with TemporaryDirectory() as folder, ExitStack() as stack:
        daemons = [
            subprocess.Popen(
                [sys.executable, "-m", "spread", "--local", str(DAEMONS), "--port", str(port),
                 "-n", f"local{number}"],
                stdout=stack.enter_context(Path(folder, f"{number}.log").open("wb")),
                stderr=subprocess.STDOUT,
            )
            for number in range(1, DAEMONS + 1)
        ]  # fmt: skip
        try:
            yield daemons
        finally:
            for daemon in daemons:
                daemon.kill()
                daemon.wait()


def measure(groups: int, port: int) -> list[float]:
    """Return for each client of the other daemons the seconds from the kill to its last view."""
    with _ring(port) as daemons:
        pipes, clients = [], []
        for number in range(CLIENTS):
            ours, theirs = multiprocessing.Pipe()
            address = f"{port}@127.0.0.{number % DAEMONS + 1}"
            client = multiprocessing.Process(
                target=_patient_client, args=(number, address, groups, theirs), daemon=True
            )
            client.start()
            pipes.append(ours)
            clients.append(client)
        for pipe in pipes:
            pipe.recv()
        victim = DAEMONS - 1
        others = [number for number in range(CLIENTS) if number % DAEMONS != victim]
        for number in others:
            pipes[number].send(len(others))
        killed_ns = time.monotonic_ns()
        os.kill(daemons[victim].pid, signal.SIGKILL)
        took = [(pipes[number].recv() - killed_ns) / 1e9 for number in others]
        for client in clients:
            client.kill()
            client.join()
        return took


def _patient_client(number: int, address: str, groups: int, pipe: Connection) -> None:
    """Begin as soon as the daemon takes clients."""
    end_ns = time.monotonic_ns() + int(PATIENCE_S * 1e9)
    while True:
        try:
            spread.connect(address, f"t{number}").disconnect()
            break
        except spread.SpreadError:
            if time.monotonic_ns() > end_ns:
                raise
            time.sleep(0.05)
    _client(number, address, groups, pipe)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.group_crash", description=__doc__)
    parser.add_argument("--groups", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--port", type=int, default=7803)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rounds = [max(measure(options.groups, options.port)) for _ in range(options.rounds)]
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

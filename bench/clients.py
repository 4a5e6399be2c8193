"""How fast the package's Python clients receive: one compiled sender, one Python receiver.

The receiver runs in a process of its own (`receiver.py`) and acknowledges every ACKNOWLEDGE_EVERY
messages with a private message to the sender, whose window counts these. So at most WINDOW messages
wait anywhere for the receiver: below the 1000 at which a daemon closes a slow session.
"""

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from bench.address import Address
from bench.daemon import ROOT
from bench.load import ACKNOWLEDGED, Bounds, LoadError, Workload, new_load, run
from bench.progress import Received
from bench.system import System

WINDOW = 900
ACKNOWLEDGE_EVERY = 100
WARM_UP_COUNT = 20_000
END_TIMEOUT_S = 10.0


def measure_client(
    client: str, system: System, payload_size: int, count: int, *, transport: str = "unix"
) -> Received:
    """Return what a `blocking` or `asyncio` client of one daemon received of `count` messages.

    Raises LoadError when the receiver ends early or messages stop to come.
    """
    group = f"bench-{secrets.token_hex(3)}"
    workload = Workload(
        payload_size=payload_size, window=WINDOW, senders_receive=False, pace=ACKNOWLEDGED
    )
    with (
        system.open(0, f"s{secrets.token_hex(3)}", transport=transport) as sender,
        _receiver(client, system.location(0, transport), group, count) as output,
    ):
        if output.readline() != "ready\n":
            raise LoadError(f"the {client} receiver did not join; its error is above")
        load = new_load(workload, [group.encode()], [sender])
        run(load, workload, Bounds(count=WARM_UP_COUNT + count))
        last = output.readline()
        if not last:
            raise LoadError(f"the {client} receiver ended without a result")
        return Received(**json.loads(last))


@contextmanager
def _receiver(client: str, address: Address, group: str, count: int) -> Iterator[IO[str]]:
    """Run the receiver's process; yields its standard output."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "bench.receiver", client, _classic(address), group),
            *("--warm-up", str(WARM_UP_COUNT), "--count", str(count)),
            *("--every", str(ACKNOWLEDGE_EVERY)),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout
        process.wait(END_TIMEOUT_S)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _classic(address: Address) -> str:
    """Return the address in the form that every client library understands."""
    if address.path:
        return address.path.removeprefix("/tmp/")
    return f"{address.port}@{address.host}"

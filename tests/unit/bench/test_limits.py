"""The limits of a machine, on loopback: that each is measured, not how much it is."""

import subprocess
import sys

import pytest

pytest.importorskip("bench._limits", reason="build it with: python bench/setup_ext.py")

from bench.cell import Effort
from bench.limits import Limit, measure_limits
from bench.system import LOOPBACK, Topology

# The reader does not begin before the writer is at its end: a host that is short of processors.
LATE_READER = """
import threading
from bench import limits
from bench.cell import Effort
from bench.system import LOOPBACK, Topology

written = threading.Event()
write, read = limits.write_stream, limits.read_stream


def write_nothing(fd, size, seconds):
    write(fd, size, 0.0)
    written.set()


def read_late(*given):
    written.wait()
    return read(*given)


limits.write_stream, limits.read_stream = write_nothing, read_late
effort = Effort(runs=1, warm_up_s=0.01, duration_s=0.02)
with limits.network(Topology(daemons=1, links=LOOPBACK)) as net:
    for transport in ("tcp", "unix"):
        limits._stream_rate(net.hosts[0], transport, 10_000, effort)
"""

MOMENT = Effort(runs=1, warm_up_s=0.01, duration_s=0.02)


@pytest.fixture(scope="module")
def limits() -> dict[str, Limit]:
    return measure_limits(Topology(daemons=2, links=LOOPBACK), MOMENT)


@pytest.mark.parametrize("way", ["plain", "mmsg", "offload"])
@pytest.mark.parametrize("cast", ["multicast", "unicast"])
def test_datagrams_are_counted_or_their_absence_is_explained(
    limits: dict[str, Limit], cast: str, way: str
) -> None:
    number, bits = limits[f"udp-{cast}-{way}"], limits[f"udp-{cast}-{way}-bits"]

    assert number["unit"] == "datagrams/s"
    assert bits["unit"] == "Gb/s"
    if number["values"]:
        assert number["values"][0] > 0
        assert bits["values"] == [pytest.approx(number["values"][0] * 1440 * 8 / 1e9)]
    else:
        assert number["title"].endswith(")")  # The option or the error that is in the way.


@pytest.mark.parametrize("transport", ["tcp", "unix"])
def test_client_connections_are_measured(limits: dict[str, Limit], transport: str) -> None:
    assert limits[f"client-{transport}-single"]["values"][0] > 0
    assert limits[f"client-{transport}"]["values"][0] > 0


def test_a_reader_that_begins_when_all_is_written_comes_to_an_end() -> None:
    subprocess.run([sys.executable, "-c", LATE_READER], check=True, timeout=60)

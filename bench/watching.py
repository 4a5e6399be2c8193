"""What it costs a ring to be watched: `python -m bench.watching`.

Three daemons on this host, at first watched by nobody, then with a page of `spmonitor web` open
and the metrics of each daemon read once a second. The processor time of every thread comes from
/proc, so this needs Linux. The exit status is 1 if the threads that watch take more than
`SHARE_MAX` of a core in some daemon.
"""

import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from bench.fleet import RunningSystem
from bench.hosts import free_port
from bench.system import LOOPBACK, Implementation, Topology
from bench.usage import Parser

SHARE_MAX = 0.01  # Of a core: the bound for the threads of a daemon that watch.
TIMEOUT_S = 20.0
SETTLE_S = 3.0  # After a start: imports and first pages are over.
NS_PER_S = 1e9
RING = "ring"  # What the first thread is called here; the system knows it by the process's name.
PAGE = re.compile(r"http://\S+/")
PUBLISHED = re.compile(r"^spread_snapshot_seconds_total\S* (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Reading:
    """Seconds that the threads of a daemon have worked since its start."""

    threads: dict[str, float]
    published: float  # Of the ring's thread, to publish reports.

    def share_since(self, before: "Reading", seconds: float) -> dict[str, float]:
        """Return what part of a core each thread took, in percent."""
        used = {name: now - before.threads.get(name, 0.0) for name, now in self.threads.items()}
        used["publishing"] = self.published - before.published
        return {name: 100 * each / seconds for name, each in used.items()}


class Watched:
    """Daemons that serve their metrics."""

    def __init__(self, system: RunningSystem, metrics_port: int) -> None:
        self._pids = system.pids
        self._pages = [
            f"http://{daemon.address}:{metrics_port}/metrics" for daemon in system.daemons
        ]

    @property
    def configuration(self) -> str:
        """The file of the first daemon."""
        return f"/proc/{self._pids[0]}/cwd/spread.conf"

    def metrics(self) -> list[str]:
        """Read the metrics of all daemons."""
        return [_fetch(page) for page in self._pages]

    def read(self) -> list[Reading]:
        """Return what each daemon has used so far."""
        published = [float(found[1]) for found in map(PUBLISHED.search, self.metrics()) if found]
        return [
            Reading(_threads(pid), each) for pid, each in zip(self._pids, published, strict=True)
        ]


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; return the exit status."""
    parser = Parser("python -m bench.watching", __doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="for each part (default 60)")
    seconds = parser.parse_args(arguments).seconds
    port = free_port()
    command = f"{{python}} -m spread -n {{name}} -c {{config}} --metrics {{address}}:{port}"
    with RunningSystem(Implementation("spread", command), Topology(3, links=LOOPBACK)) as system:
        watched = Watched(system, port)
        time.sleep(SETTLE_S)
        alone = _measure(watched, seconds, is_scraped=False)
        with _page(watched.configuration):
            time.sleep(SETTLE_S)
            seen = _measure(watched, seconds, is_scraped=True)
    for title, shares in (("watched by nobody", alone), ("page and metrics at 1 Hz", seen)):
        print(_table(title, shares))
    worst = max(map(_watching, seen))
    print(f"\nthe threads that watch take at most {worst:.2f} % of a core, at most {SHARE_MAX:.0%}")
    return 0 if worst <= 100 * SHARE_MAX else 1


def _measure(watched: Watched, seconds: float, *, is_scraped: bool) -> list[dict[str, float]]:
    """Return the share of each thread of each daemon, in percent of a core."""
    before, begin_s = watched.read(), time.monotonic()
    while (left_s := begin_s + seconds - time.monotonic()) > 0:
        time.sleep(min(1.0, left_s))
        if is_scraped:
            watched.metrics()
    after, passed_s = watched.read(), time.monotonic() - begin_s
    return [now.share_since(then, passed_s) for now, then in zip(after, before, strict=True)]


@contextmanager
def _page(configuration: str) -> Iterator[None]:
    """Run `spmonitor web`, and read its page as a browser does."""
    command = [sys.executable, "-m", "spread.cli.spmonitor", "web", "-c", configuration]
    process = subprocess.Popen(
        [*command, "--bind", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True
    )
    try:
        found = PAGE.search(process.stdout.readline() if process.stdout else "")
        if found is None:
            raise SystemExit("spmonitor web does not start; see above")
        threading.Thread(target=_follow, args=(found[0] + "stream",), daemon=True).start()
        yield
    finally:
        process.terminate()
        process.wait(TIMEOUT_S)


def _follow(stream: str) -> None:
    with (
        suppress(HTTPException),  # The server ends in the middle of the answer: it has no end.
        urllib.request.urlopen(stream, timeout=TIMEOUT_S) as answer,
    ):
        while answer.read1():
            pass


def _fetch(page: str) -> str:
    with urllib.request.urlopen(page, timeout=TIMEOUT_S) as answer:
        return str(answer.read().decode())


def _threads(pid: int) -> dict[str, float]:
    """Return how long each thread of a process has been on a processor, by its name."""
    found = {}
    for place in Path(f"/proc/{pid}/task").iterdir():
        name = RING if place.name == str(pid) else (place / "comm").read_text().strip()
        found[name] = int((place / "schedstat").read_text().split()[0]) / NS_PER_S
    return found


def _watching(shares: dict[str, float]) -> float:
    return sum(each for name, each in shares.items() if name not in (RING, "publishing"))


def _table(title: str, shares: list[dict[str, float]]) -> str:
    names = sorted(shares[0], key=lambda name: (name != RING, name != "publishing", name))
    lines = [f"\n{title}, % of a core", "".join(f"{name:>18}" for name in ("daemon", *names))]
    for number, each in enumerate(shares, 1):
        lines.append(f"{f'd{number}':>18}" + "".join(f"{each[name]:18.3f}" for name in names))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())

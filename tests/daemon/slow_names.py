"""A daemon whose host takes its time to look up names: `python -m tests.daemon.slow_names PORT`.

It reads spread.conf in the working directory and serves metrics at PORT. Each look-up is told on
standard output, and goes on with the next line of standard input; each host is at 127.0.0.3.
"""

import sys

from spread.config import load
from spread.config.system_host import SystemHost
from spread.daemon.assembly import Start, serve


class SlowHost(SystemHost):
    """The host, with a resolver that waits to be let go."""

    def look_up(self, name: str) -> str | None:
        print("looking up", name, flush=True)
        sys.stdin.readline()
        return "127.0.0.3"


if __name__ == "__main__":
    loaded = load("spread.conf", name="d1")
    metrics = ("127.0.0.1", int(sys.argv[1]))
    sys.exit(serve(Start(loaded.configuration, metrics=metrics, host=SlowHost())))

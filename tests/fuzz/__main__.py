"""Fuzz the daemon and its readers: `python -m tests.fuzz --target handshake --count N --seed S`.

Prints what was sent and what came of it; exits 1 when anything crashed, hung or was answered
wrongly. The same seed sends the same inputs.
"""

import argparse
import sys
from collections.abc import Callable

from tests.fuzz.configurations import fuzz_configurations
from tests.fuzz.core import fuzz_core
from tests.fuzz.daemons import fuzz_daemons
from tests.fuzz.frames import fuzz_frames
from tests.fuzz.handshakes import fuzz_handshakes
from tests.fuzz.packets import fuzz_packets
from tests.fuzz.ring import fuzz_ring
from tests.fuzz.tally import Tally

TARGETS: dict[str, Callable[[int, int], Tally]] = {
    "handshake": fuzz_handshakes,
    "frame": fuzz_frames,
    "core": fuzz_core,
    "config": fuzz_configurations,
    "packet": fuzz_packets,
    "daemons": fuzz_daemons,
    "ring": fuzz_ring,
}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--target", choices=[*TARGETS, "all"], default="all")
    parser.add_argument("--count", type=int, default=10_000, help="inputs for each target")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    chosen = list(TARGETS) if options.target == "all" else [options.target]
    clean = True
    for name in chosen:
        tally = TARGETS[name](options.count, options.seed)
        print(tally.report(), flush=True)
        clean = clean and tally.is_clean
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())

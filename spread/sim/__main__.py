"""`python -m spread.sim`: run daemons in a simulated world, and judge what their clients saw."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from math import inf
from pathlib import Path
from random import SystemRandom

from spread.sim.faults import PROFILES
from spread.sim.jobs import Verdict, run_all
from spread.sim.report import Totals, describe, print_log, print_trace
from spread.sim.run import simulate
from spread.sim.scenario import LENGTH_NS, Scenario, draw
from spread.sim.shrink import shrink

DAEMONS_MAX = 128  # In one configuration.

EXIT_VIOLATIONS = 1
EXIT_USAGE = 64


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the arguments ask for; returns 0 if every run held all guarantees, else 1."""
    options = _parse(sys.argv[1:] if arguments is None else arguments)
    if options.trace:
        return _trace(next(_scenarios(options)))
    totals = Totals()
    try:
        for verdict in run_all(_scenarios(options), options.jobs):
            totals.add(verdict)
            print(describe(verdict), flush=True)
            if verdict.violations:
                _keep(verdict, options)
                if options.stop:
                    break
            if totals.ring_hours >= options.hours:
                break
    except KeyboardInterrupt:
        print("stopped")
    print(totals)
    return EXIT_VIOLATIONS if totals.failures else 0


def _scenarios(options: argparse.Namespace) -> Iterator[Scenario]:
    if options.replay is not None:
        yield options.replay
        return
    for seed in options.seeds:
        yield draw(
            seed,
            daemons=options.daemons,
            faults=options.faults,
            length_ns=int(options.length * 1e9),
            clients=options.clients,
        )


def _trace(scenario: Scenario) -> int:
    """Run one scenario here, with its log and its whole trace."""
    outcome = simulate(scenario, log=print_log)
    print_trace(outcome.history)
    for each in outcome.violations:
        print(each)
    print(f"digest {outcome.digest}")
    return EXIT_VIOLATIONS if outcome.violations else 0


def _keep(verdict: Verdict, options: argparse.Namespace) -> None:
    """Write the schedule of a failed run, shrunk if that is asked for."""
    if options.save is None and not options.shrink:
        return
    scenario = verdict.scenario
    if options.shrink:
        scenario = shrink(scenario, partial(_fails_alike, verdict))
        print(f"  shrunk from {len(verdict.scenario.faults)} to {len(scenario.faults)} faults")
    directory = options.save or Path()
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{scenario.seed}.json"
    path.write_text(scenario.to_json())
    print(f"  again: python -m spread.sim --replay {path} --trace")


def _fails_alike(verdict: Verdict, scenario: Scenario) -> bool:
    other = next(run_all(iter([scenario])))
    return bool(other.kinds & verdict.kinds)


# -- Arguments ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Range:
    """Reads `A:B` or `A-B` as two numbers, one number as twice the same."""

    separator: str
    least: int
    most: float = inf

    def __call__(self, text: str) -> tuple[int, int]:
        first, found, last = text.partition(self.separator)
        values = int(first), int(last if found else first)
        if not self.least <= values[0] <= values[1] <= self.most:
            bounds = (
                f"from {self.least} on" if self.most == inf else f"in {self.least} to {self.most}"
            )
            raise argparse.ArgumentTypeError(f"{text!r} is no range {bounds}")
        return values


def _positive(kind: Callable[[str], float]) -> Callable[[str], float]:
    """Return what reads a number of this kind above 0."""

    def read(text: str) -> float:
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text} is not above 0")
        return value

    return read


def _scenario_of(text: str) -> Scenario:
    """Read a schedule that was kept."""
    try:
        return Scenario.from_json(Path(text).read_text())
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise argparse.ArgumentTypeError(f"{text} is no schedule of a run: {error!r}") from error


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> "None":  # type: ignore[override]
        self.print_usage(sys.stderr)
        self.exit(EXIT_USAGE, f"{self.prog}: {message}\n")


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = _Parser(prog="python -m spread.sim", description=__doc__)
    seeds = parser.add_mutually_exclusive_group()
    seeds.add_argument("--seed", type=int, help="run this seed")
    seeds.add_argument(
        "--seeds", type=_Range(":", 0), metavar="A:B", help="run seeds from A to B - 1"
    )
    seeds.add_argument(
        "--replay", type=_scenario_of, metavar="FILE", help="run what the file describes"
    )
    parser.add_argument(
        "--daemons", type=_Range("-", 2, DAEMONS_MAX), default=(2, 9), metavar="A-B",
        help=f"how many daemons, {DAEMONS_MAX} at most",
    )  # fmt: skip
    parser.add_argument(
        "--clients", type=_positive(int), help="how many clients; drawn if not given"
    )
    parser.add_argument("--faults", choices=sorted(PROFILES), default="standard")
    parser.add_argument(
        "--length", type=_positive(float), default=LENGTH_NS / 1e9, metavar="S",
        help="virtual seconds with faults in each run",
    )  # fmt: skip
    parser.add_argument(
        "--hours", type=_positive(float), default=inf, metavar="H",
        help="stop after so many simulated hours, counted in the daemons' default timers",
    )  # fmt: skip
    parser.add_argument("--jobs", type=_positive(int), default=1, help="processes that run seeds")
    parser.add_argument("--stop", action="store_true", help="stop at the first violation")
    parser.add_argument("--shrink", action="store_true", help="look for the least faults that fail")
    parser.add_argument("--save", type=Path, metavar="DIR", help="keep schedules that fail here")
    parser.add_argument("--trace", action="store_true", help="show all that happens in one run")
    options = parser.parse_args(arguments)
    if options.seed is not None:
        options.seeds = range(options.seed, options.seed + 1)
    elif options.seeds is not None:
        options.seeds = range(*options.seeds)
    elif options.replay is None:
        # Fresh ones, one after another, until stopped or the hours are over.
        options.seeds = count(SystemRandom().randrange(1_000_000_000))
    return options


if __name__ == "__main__":
    sys.exit(main())

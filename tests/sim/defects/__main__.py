"""`python -m tests.sim.defects [--write] [NAME...]`: try defects, show or write what caught them."""

import argparse
import sys

from tests.sim.defects.catalogue import DEFECTS
from tests.sim.defects.compiled_rules import can_switch_off
from tests.sim.defects.trial import attempts


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sim.defects", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--write", action="store_true", help="write docs/defects.md")
    parser.add_argument("--all-seeds", action="store_true", help="show what every seed reports")
    options = parser.parse_args()
    compiled = can_switch_off()
    missed = 0
    for defect in DEFECTS:
        if options.names and defect.name not in options.names:
            continue
        if defect.is_compiled and not compiled:
            print(f"{defect.name}: needs a build with SPREAD_DEFECTS=1")
            continue
        is_caught = False
        for found in attempts(defect):
            if options.all_seeds:
                print(f"  {found.seed}: {' '.join(sorted(found.numbers))}", flush=True)
            if found.has(defect):
                is_caught = True
                numbers = " ".join(sorted(found.numbers, key=lambda number: int(number[1:])))
                print(f"{defect.name}: seed {found.seed}: {numbers}", flush=True)
                if not options.all_seeds:
                    break
        if not is_caught:
            missed += 1
            print(f"{defect.name}: NOT CAUGHT as {defect.caught}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

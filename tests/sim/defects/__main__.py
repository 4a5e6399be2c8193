"""`python -m tests.sim.defects [--write FILE] [NAME...]`: try defects, write what caught them.

Exits with 1 if one is not caught. Rules of the compiled core need a build with SPREAD_DEFECTS=1;
without it they are left out, and nothing can be written.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.sim.defects.catalogue import DEFECTS
from tests.sim.defects.compiled_rules import can_switch_off
from tests.sim.defects.defect import Defect
from tests.sim.defects.page import as_page
from tests.sim.defects.trial import Catch, catch


def main() -> int:
    """Try what the arguments name, everything if they name nothing."""
    parser = argparse.ArgumentParser(prog="python -m tests.sim.defects")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--write", type=Path, metavar="FILE", help="the page to write")
    options = parser.parse_args()
    chosen = [each for each in DEFECTS if not options.names or each.name in options.names]
    if not can_switch_off():
        left_out = [each.name for each in chosen if each.is_compiled]
        if left_out:
            print(f"left out without SPREAD_DEFECTS=1: {', '.join(left_out)}")
        chosen = [each for each in chosen if not each.is_compiled]
    caught = list(_caught(chosen))
    if options.write is not None:
        if len(caught) < len(DEFECTS):
            print(f"{options.write} is not written: it tells of all {len(DEFECTS)} defects")
            return 1
        options.write.write_text(as_page(caught))
    return 0 if len(caught) == len(chosen) else 1


def _caught(defects: list[Defect]) -> Iterator[tuple[Defect, Catch]]:
    for defect in defects:
        found = catch(defect)
        if found is None:
            print(f"{defect.name}: not reported as {' '.join(defect.caught)}", flush=True)
        else:
            numbers = sorted(found.numbers, key=lambda number: int(number[1:]))
            print(f"{defect.name}: seed {found.seed}: {' '.join(numbers)}", flush=True)
            yield defect, found


if __name__ == "__main__":
    sys.exit(main())

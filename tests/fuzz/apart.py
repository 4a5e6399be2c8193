"""Fuzz targets in processes of their own: one that aborts or hangs is a finding, not the end."""

import json
import subprocess
import sys

from tests.daemon.harness.process import REPOSITORY
from tests.fuzz.tally import Tally

__all__ = ["fuzz_apart", "print_tally"]


def fuzz_apart(target: str, count: int, seed: int, *, seconds_per_input: float) -> Tally:
    """Run `python -m tests.fuzz.TARGET COUNT SEED`, which prints its tally, and return that."""
    tally = Tally(target, seed)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", f"tests.fuzz.{target}", str(count), str(seed)],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=60 + count * seconds_per_input,
            check=False,
        )
    except subprocess.TimeoutExpired:
        tally.hang(f"{count} inputs of seed {seed} did not end")
        return tally
    if ended.returncode != 0:
        tally.crash(f"status {ended.returncode}: {ended.stderr}")
        return tally
    result = json.loads(ended.stdout)
    for outcome, inputs in result["outcomes"].items():
        tally.count(outcome, inputs)
    for finding in result["findings"]:
        tally.disagree(finding)
    return tally


def print_tally(tally: Tally) -> None:
    """Hand the tally to the process that waits for it."""
    print(json.dumps({"outcomes": tally.outcomes, "findings": tally.findings}))

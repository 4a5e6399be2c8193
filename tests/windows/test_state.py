"""What daemons of one host keep in a directory that they share."""

import subprocess
import sys
from pathlib import Path

from spread.daemon.incarnation import FILE_NAME
from tests.daemon.harness.waiting import DEADLINE
from wheels.wine import begun

DAEMONS = 3
STARTS = 10
START = f"""
import sys
from spread.daemon.incarnation import next_incarnation
print("ready", flush=True)
sys.stdin.readline()
for _ in range({STARTS}):
    next_incarnation(1, sys.argv[1])
"""


def test_daemons_that_start_together_share_a_directory(tmp_path: Path) -> None:
    daemons = [
        begun(
            lambda: subprocess.Popen(
                [sys.executable, "-c", START, str(tmp_path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        for _ in range(DAEMONS)
    ]
    for each in daemons:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"

    # Not one after the other: each waits for the line that ends its wait.
    for each in daemons:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()
    said = [each.communicate(timeout=4 * DEADLINE) for each in daemons]

    assert said == [("", "")] * DAEMONS
    assert [each.name for each in tmp_path.iterdir()] == [FILE_NAME]

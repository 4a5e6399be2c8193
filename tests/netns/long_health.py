"""Health in a ring that is well: idle and under full load, nothing is found.

Run by `make health`; minutes rather than seconds, so the name keeps it out of the other tests.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from bench.mounts import die_with_parent
from spread.monitor.report import Finding
from tests.daemon.harness.waiting import Deadline
from tests.netns.daemons import PORT
from tests.netns.rings import Ring, lan
from tests.netns.sight import sight_from

WATCHED_S = 120.0
DAEMONS = 3

# Findings of the host that the tests run on; who has no second core may well see them.
OF_THE_HOST = {"scheduler-delay"}

LOADS = {
    "idle": (),
    "agreed": ("-n", f"{DAEMONS}"),
    "safe": ("-n", f"{DAEMONS}", "--service", "safe"),
    "large": ("-n", f"{DAEMONS}", "-b", "60000", "--window", "20"),
    "slowly": ("-n", f"{DAEMONS}", "--rate", "20"),
}


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ring]:
    with lan(tmp_path_factory.mktemp("long"), DAEMONS) as made:
        yield made


@contextmanager
def loaded(ring: Ring, flags: tuple[str, ...]) -> Iterator[None]:
    """Let a flooder send at each daemon as fast as it can; none without flags."""
    command = [sys.executable, "-m", "spread.cli.spflooder", "--no-progress", "-m", "1000000000"]
    with ExitStack() as stack:
        for daemon in ring.daemons if flags else ():
            with daemon.host.namespace.entered():
                flooder = stack.enter_context(
                    subprocess.Popen(
                        [*command, "-s", f"{PORT}@{daemon.host.address}", *flags],
                        stdout=subprocess.DEVNULL,
                        preexec_fn=die_with_parent,  # noqa: PLW1509 - no threads.
                    )
                )
            stack.callback(flooder.kill)
        yield


@pytest.mark.parametrize("load", LOADS)
def test_nothing_is_found_in_a_ring_that_is_well(ring: Ring, load: str) -> None:
    found: set[tuple[str, str, str]] = set()
    with ring.stage() as stage, sight_from(ring.daemons[0]) as sight, loaded(ring, LOADS[load]):
        deadline = Deadline(WATCHED_S)

        def is_over() -> bool:
            found.update(map(_shown, sight.findings()))
            return deadline.passed()

        stage.until(is_over, "the time to pass", 2 * WATCHED_S)

    assert not [each for each in found if each[0] not in OF_THE_HOST]


def _shown(finding: Finding) -> tuple[str, str, str]:
    return finding.rule, finding.subject, finding.sentence

"""The harness itself: it notices what is wrong, and leaves nothing behind."""

import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from spread.service import SAFE_MESS
from spread.sim.trace import Delivered
from tests.daemon.harness.process import REPOSITORY
from tests.daemon.harness.waiting import wait_until
from tests.netns.rings import lan

ABANDONED = """\
import sys, time
from pathlib import Path
from tests.netns.rings import lan

with lan(Path(sys.argv[1]), 2) as ring:
    print(*(daemon.process.pid for daemon in ring.daemons), flush=True)
    sys.stdin.read()
"""


def test_a_message_that_one_client_misses_is_noticed(tmp_path: Path) -> None:
    with lan(tmp_path, 2) as ring, ring.stage() as stage:
        clients = [stage.client(number, f"c{number}", "tea") for number in range(2)]
        for number in range(100):
            clients[number % 2].multicast(0x10, [b"tea"])
        stage.settle()
        before = stage.violations()

        trace = clients[1].trace
        assert trace is not None
        delivered = [event for event in trace.events if isinstance(event, Delivered)]
        trace.events.remove(delivered[40])

        assert before == []
        assert "S17" in {each.split()[0] for each in stage.violations()}


def test_farewells_are_said_when_no_request_is_under_way(tmp_path: Path) -> None:
    with lan(tmp_path, 2) as ring, ring.stage() as stage:
        bert = [stage.client(number, f"c{number}", "tea") for number in range(2)][1]
        stage.settle()

        bert.leave(b"tea")
        for _ in range(50):  # So that the ring takes the two requests at different times.
            bert.multicast(SAFE_MESS, [bert.private_group], 50_000)
        bert.join(b"tea")
        stage.finish()


def test_a_wait_in_vain_shows_what_is_missing_and_what_daemons_know(tmp_path: Path) -> None:
    with lan(tmp_path, 2) as ring, ring.stage() as stage:
        client = stage.client(0, "c0", "tea")
        message = client.multicast(SAFE_MESS, [b"coffee"])
        stage.settle()
        stage.expect({client: {message.identity}})

        with pytest.raises(AssertionError) as failure:
            stage.until(lambda: False, "the end of the world", 0)

    text = str(failure.value)
    assert f"b'#c0#d1', open, lacks {message.identity} of b'#c0#d1' to (b'coffee',)" in text
    assert "--- d1 says {'state': " in text
    assert "sessions_accepted=1" in text
    assert "--- recorded by d1, d2 ---" in text
    assert "TOKEN" in text


def test_a_test_run_that_is_killed_leaves_no_daemon(tmp_path: Path) -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", ABANDONED, str(tmp_path)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with run:
        assert run.stdout is not None
        daemons = [int(word) for word in run.stdout.readline().split()]
        networks = {_network(each) for each in daemons}
        assert len(networks) == len(daemons) == 2

        run.send_signal(signal.SIGKILL)

    wait_until(lambda: not any(map(_runs, daemons)), "the daemons to die")
    assert not networks & _networks()


def _runs(process: int) -> bool:
    """Whether a process is there and more than a corpse that nobody has buried."""
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def _network(process: int | str) -> str:
    return str(Path(f"/proc/{process}/ns/net").readlink())


def _networks() -> set[str]:
    """Return the network namespaces in which a process runs."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            found.add(_network(process.name))
    return found

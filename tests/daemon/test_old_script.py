"""Programs written for the historical Python module run unchanged."""

import subprocess
import sys
from pathlib import Path

import pytest

import spread
from tests.daemon.harness.process import REPOSITORY, Daemon

SCRIPT = Path(__file__).with_name("old_script.py")

EXPECTED = """\
private group #old#d1 True
join chat ('#old#d1',) ('#old#d1',) <group_id
sent 2
sent 2
message #old#d1 ('chat',) b'hi' 7 0
message #old#d1 ('chat', 'other') b'\\x00\\x01' 0 0
self-leave chat () () None
error -14 True
value error
type error
error True
error 1 True
"""


@pytest.mark.parametrize("transport", ["tcp", "unix"])
def test_old_script_sees_what_it_always_saw_and_its_last_message_arrives(
    daemon: Daemon, transport: str
) -> None:
    address = f"{daemon.port}@localhost" if transport == "tcp" else str(daemon.port)
    with spread.connect(address, "listener", timeout=10) as listener:
        listener.join("listeners")
        listener.receive(10)

        done = subprocess.run(
            [sys.executable, str(SCRIPT), address, "old"],
            env={"PYTHONPATH": str(REPOSITORY), "PYTHONWARNINGS": "error"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

        assert done.stderr == ""
        assert done.stdout == EXPECTED
        last = listener.receive(10)
        assert isinstance(last, spread.Message)
        assert (last.sender, last.payload) == ("#old#d1", b"the end")

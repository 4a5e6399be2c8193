"""Smoke test of an installed wheel: the client imports, the daemon serves, a message comes back.

Run it with the Python that has the wheel, from outside the source tree:
`python wheels/smoke.py`. It needs nothing but the wheel and exits non-zero when something fails.
"""

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import spread

READY = "daemon ready"
TIMEOUT_S = 30


def check_contents() -> None:
    """The wheel holds compiled modules and typing information, and nothing of the tests."""
    names = [str(path) for path in importlib.metadata.files("spreadring") or []]
    assert any(name.startswith("spread/_frames.") for name in names), "compiled modules"
    assert "spread/py.typed" in names, "typing information"
    assert not any(name.startswith(("tests/", "bench/")) for name in names), "only the package"


def check_daemon(port: int) -> None:
    """One daemon, two sessions, one message in order, an orderly end."""
    command = [sys.executable, "-m", "spread", "--local", "--port", str(port)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as daemon:
        try:
            assert daemon.stdout is not None
            said = next((line for line in daemon.stdout if READY in line), "")
            assert said, f"the daemon ended with {daemon.wait(TIMEOUT_S)}"
            exchange(f"{port}@127.0.0.1")
        finally:
            daemon.terminate()
            status = daemon.wait(TIMEOUT_S)
    assert status == 0 or sys.platform == "win32", f"exit status {status}"


def exchange(address: str) -> None:
    """A message goes from one session to the other."""
    with spread.connect(address, "one") as one, spread.connect(address, "two") as two:
        two.join("smoke")
        view = two.receive(timeout=TIMEOUT_S)
        assert isinstance(view, spread.Membership), view
        assert view.members == (two.private_group,), view.members
        one.multicast(spread.SAFE_MESS, "smoke", b"hello")
        message = two.receive(timeout=TIMEOUT_S)
        assert isinstance(message, spread.Message), message
        assert (message.sender, message.payload) == (one.private_group, b"hello"), message


def main() -> None:
    here = Path(spread.__file__).resolve()
    assert "site-packages" in here.parts, f"not the installed wheel but {here}"
    check_contents()
    check_daemon(port=int(sys.argv[1]) if len(sys.argv) > 1 else 24803)
    print(f"spreadring {importlib.metadata.version('spreadring')} on {sys.version.split()[0]}: ok")


if __name__ == "__main__":
    main()

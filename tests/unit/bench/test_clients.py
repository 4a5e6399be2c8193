import pytest

pytest.importorskip("bench._load", reason="build it with: python bench/setup_ext.py")

from bench.clients import measure_client
from bench.fleet import RunningSystem
from bench.load_cell import ONE_DAEMON
from bench.system import SPREAD


@pytest.mark.parametrize("client", ["blocking", "asyncio"])
@pytest.mark.parametrize("transport", ["unix", "tcp"])
def test_python_client_receives_every_message(client: str, transport: str) -> None:
    with RunningSystem(SPREAD, ONE_DAEMON) as system:
        received = measure_client(client, system, 100, count=1000, transport=transport)

    assert received.count == 1000
    assert received.cpu_s > 0

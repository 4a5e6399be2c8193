import pytest

pytest.importorskip("bench._load", reason="build it with: python bench/setup_ext.py")

from bench.clients import measure_client
from bench.daemon import SPREAD, Daemon


@pytest.mark.parametrize("client", ["blocking", "asyncio"])
@pytest.mark.parametrize("transport", ["unix", "tcp"])
def test_python_client_receives_every_message(client: str, transport: str) -> None:
    with Daemon(SPREAD) as daemon:
        received = measure_client(client, daemon.address(transport), 100, count=1000)

    assert received.count == 1000
    assert received.cpu_s > 0

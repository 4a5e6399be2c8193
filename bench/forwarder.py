"""The limit of the path as a process: `python -m bench.forwarder --port PORT`.

Listens on 127.0.0.1:PORT and on the Unix socket of that port, answers the handshake, and leaves the
session to the compiled pump. It serves until SIGTERM.
"""

import argparse
import signal
import socket
import sys
from pathlib import Path
from types import FrameType

from bench._forwarder import Pump
from bench.address import set_client_options, unix_address

HANDSHAKE_TIMEOUT_S = 5.0
METHOD_LIST = b"NULL "
METHOD_CHOICE_SIZE = 90
DAEMON_NAME = b"limit"


def main() -> int:
    """Serve until terminated."""
    parser = argparse.ArgumentParser(prog="python -m bench.forwarder", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="TCP port; Unix socket /tmp/PORT")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    path = Path(unix_address(arguments.port).path)
    with (
        socket.create_server(("127.0.0.1", arguments.port), backlog=128) as tcp,
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as unix,
    ):
        unix.bind(str(path))
        unix.listen(128)
        try:
            serve([tcp, unix])
        finally:
            path.unlink()
    return 0


def serve(listeners: list[socket.socket]) -> None:
    """Accept and forward for ever; signal handlers end it by raising."""
    pump = Pump([listener.fileno() for listener in listeners])
    while True:
        index = pump.run()
        if index is not None:
            connection, _ = listeners[index].accept()
            if welcome(connection):
                pump.add(connection.detach())
            else:
                connection.close()


def welcome(connection: socket.socket) -> bool:
    """Answer the handshake of one client; False when it is not one or went away."""
    set_client_options(connection)
    connection.settimeout(HANDSHAKE_TIMEOUT_S)
    try:
        name = _read_exactly(connection, _read_exactly(connection, 5)[4])
        connection.sendall(bytes([len(METHOD_LIST)]) + METHOD_LIST)
        _read_exactly(connection, METHOD_CHOICE_SIZE)
        private_group = b"#%b#%b" % (name or b"r-%d" % connection.fileno(), DAEMON_NAME)
        connection.sendall(bytes([1, 4, 4, 0, len(private_group)]) + private_group)
    except (OSError, EOFError):
        return False
    return True


def _read_exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())

"""The limit of the path as a process: `python -m bench.forwarder --port PORT`.

Listens on 127.0.0.1:PORT and on the Unix socket of that port, answers the handshake, and leaves the
session to the compiled pump. It serves until a signal ends the process; there is nothing to save,
and the path of the Unix socket is replaced at the next start.
"""

import argparse
import signal
import socket
from pathlib import Path
from typing import NoReturn

from bench._forwarder import Pump
from bench.address import set_client_options, unix_address

HANDSHAKE_TIMEOUT_S = 5.0
METHOD_LIST = b"NULL "
METHOD_CHOICE_SIZE = 90
DAEMON_NAME = b"limit"


def main() -> None:
    """Serve until terminated."""
    parser = argparse.ArgumentParser(prog="python -m bench.forwarder", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="TCP port; Unix socket /tmp/PORT")
    arguments = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # The pump would not notice Python's handler.
    path = Path(unix_address(arguments.port).path)
    path.unlink(missing_ok=True)
    with (
        socket.create_server(("127.0.0.1", arguments.port), backlog=128) as tcp,
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as unix,
    ):
        unix.bind(str(path))
        unix.listen(128)
        serve([tcp, unix])


def serve(listeners: list[socket.socket]) -> NoReturn:
    """Accept and forward for ever."""
    pump = Pump([listener.fileno() for listener in listeners])
    while True:
        connection, _ = listeners[pump.run()].accept()
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


if __name__ == "__main__":
    main()

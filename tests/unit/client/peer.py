"""The other end of a connection, doing what no real daemon does on request.

It speaks just enough of the protocol to accept a session; from there the test says each byte. All
waiting is bounded.
"""

import socket
import struct
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Self

__all__ = ["Conversation", "Peer", "peer"]

DEADLINE = 20.0  # Seconds; only a failing test waits that long.
CHOICE_SIZE = 90
PRIVATE_GROUP = b"#me#d1"


class Conversation:
    """One connection, from the daemon's side."""

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(DEADLINE)
        self._socket = sock

    def accept_session(self, version: bytes = b"\x05\x00\xff") -> Self:
        """Play the handshake up to the accept."""
        self._socket.recv(100)
        self.send(b"\x05NULL ")
        self.read(CHOICE_SIZE)
        self.send(b"\x01" + version + bytes([len(PRIVATE_GROUP)]) + PRIVATE_GROUP)
        return self

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def send_each(self, chunks: Sequence[bytes]) -> None:
        """Send in as many pieces."""
        for chunk in chunks:
            self.send(chunk)

    def read(self, size: int) -> bytes:
        """Return exactly `size` bytes."""
        data = b""
        while len(data) < size:
            chunk = self._socket.recv(size - len(data))
            assert chunk, f"the client closed after {len(data)} of {size} bytes"
            data += chunk
        return data

    def read_to_end(self) -> bytes:
        """Return everything up to the end of the stream."""
        data = b""
        while chunk := self._socket.recv(65536):
            data += chunk
        return data

    def hear_out(self) -> bytes:
        """Return everything up to the end of the stream, then close as a daemon does."""
        data = self.read_to_end()
        self.close()
        return data

    def reset(self) -> None:
        """Close so that the client sees a reset."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def close(self) -> None:
        self._socket.close()


class Peer:
    """A listening socket; each connection becomes a conversation."""

    def __init__(self, executor: ThreadPoolExecutor) -> None:
        self._executor = executor
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(DEADLINE)
        self._conversations: list[Conversation] = []

    @property
    def address(self) -> str:
        """Address for `connect`."""
        return f"{self._listener.getsockname()[1]}@127.0.0.1"

    def accept(self) -> Conversation:
        """Wait for a connection; the handshake is the caller's."""
        conversation = Conversation(self._listener.accept()[0])
        self._conversations.append(conversation)
        return conversation

    def accepting(self, version: bytes = b"\x05\x00\xff") -> "Future[Conversation]":
        """Accept one session in the background."""
        return self._executor.submit(lambda: self.accept().accept_session(version))

    def stop_listening(self) -> None:
        """Refuse further connections."""
        self._listener.close()

    def hang_up(self) -> None:
        """Close every conversation."""
        for conversation in self._conversations:
            conversation.close()

    def close(self) -> None:
        self._listener.close()
        self.hang_up()


@contextmanager
def peer() -> Iterator[Peer]:
    """A peer that is closed at the end."""
    with ThreadPoolExecutor() as executor:
        it = Peer(executor)
        try:
            yield it
        finally:
            it.close()

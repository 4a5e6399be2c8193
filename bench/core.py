"""The daemon's compiled core without sockets, for the micro benchmarks."""

from typing import cast

from spread._frames import encode
from spread._memory_driver import MemoryDriver
from spread._node import Node
from spread.daemon.upcalls import Upcalls

GROUP = b"bench"
AGREED = 0x10


class NoControl:
    """Upcalls that nothing in a stream of data messages of a daemon without peers calls."""

    def handshake(self, slot: int, data: bytes) -> int:
        raise NotImplementedError

    def request(self, slot: int, type_bits: int, groups: list[bytes], mess_type: int) -> bool:
        raise NotImplementedError

    def ordered_join(self, sender: bytes, group: bytes) -> None:
        raise NotImplementedError

    def ordered_leave(self, sender: bytes, group: bytes) -> None:
        raise NotImplementedError

    def ordered_end(self, sender: bytes) -> None:
        raise NotImplementedError

    def session_ended(self, slot: int, reason: int, fault: int, undelivered: int) -> None:
        raise NotImplementedError

    def deadline(self, now_ns: int) -> None:
        raise NotImplementedError


class Core:
    """A node with accepted sessions; slot numbers in `slots`."""

    def __init__(self, session_count: int) -> None:
        self.node = Node(
            cast(Upcalls, NoControl()),  # A node without peers makes no upcall of a ring.
            route_seed=1,
            session_messages_max=100_000,
            session_bytes_max=1 << 30,
            session_messages_exact=False,
            queued_bytes_max=1 << 30,
            inbound_bytes_max=1 << 26,
        )
        self.driver = MemoryDriver(self.node)
        self.names = [b"#s%d#bench" % i for i in range(session_count)]
        self.slots = [self.node.open_session() for _ in self.names]
        for slot, name in zip(self.slots, self.names, strict=True):
            self.node.accept(slot, name, frame_size_max=144_048, asks_policy=False)

    def frames(self, count: int, payload_size: int, groups: list[bytes]) -> bytes:
        """Return `count` messages of the first session, one after the other."""
        return encode(AGREED, self.names[0], groups, 0, bytes(payload_size)) * count

    def pass_through(self, data: bytes) -> int:
        """Hand `data` in at the first session, run to rest, and take all output; its size."""
        self.driver.receive(self.slots[0], data, 1)
        size = self._take_all()
        while self.driver.step(1):
            size += self._take_all()
        return size + self._take_all()

    def _take_all(self) -> int:
        return sum(len(self.driver.take_output(slot, 1 << 30)) for slot in self.driver.take_dirty())

"""What must hold between daemons, seen from the wire and from their rings.

Within each daemon the compiled parts check themselves after every step.
"""

import struct
from typing import Final

__all__ = ["RingWatch"]

_KIND_AT: Final = 3
_KIND_TOKEN: Final = 2
_RING_AND_NUMBER: Final = struct.Struct("<IIQ")
_RING_AT: Final = 32


class RingWatch:
    """Collects violations: two tokens of one number, two member lists of one ring."""

    def __init__(self) -> None:
        self.violations: list[str] = []
        self.rings: dict[tuple[int, int], tuple[int, ...]] = {}
        self.tokens = 0
        self._senders: dict[tuple[int, int, int], int] = {}

    def token_sent(self, origin: int, data: bytes) -> None:
        """A datagram left a token socket."""
        if data[_KIND_AT] != _KIND_TOKEN:
            return
        key = _RING_AND_NUMBER.unpack_from(data, _RING_AT)
        sender = self._senders.setdefault(key, origin)
        if sender != origin:
            leader, time, number = key
            self.violations.append(
                f"one token: number {number} of ring ({leader:#x}, {time}) was sent by daemons "
                f"{sender} and {origin}"
            )
        self.tokens += 1

    def installed(self, daemon: int, ring: tuple[int, int], members: tuple[int, ...]) -> None:
        """A daemon has installed a ring."""
        agreed = self.rings.setdefault(ring, members)
        if agreed != members:
            self.violations.append(
                f"one member list: daemon {daemon} installed ring {ring} with {members}, "
                f"another one with {agreed}"
            )
        if daemon not in members:
            self.violations.append(f"daemon {daemon} installed ring {ring} of {members} without it")

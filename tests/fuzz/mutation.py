"""Damage to bytes: what a hostile or broken peer, or a careless editor, could send."""

import random

__all__ = ["INTERESTING_WORDS", "Mutator"]

# Limits and their neighbours, sign bits, marker bits, all bits.
INTERESTING_WORDS = (
    0,
    1,
    2,
    31,
    32,
    33,
    43,
    44,
    99,
    100,
    101,
    127,
    128,
    255,
    256,
    65_535,
    143_151,
    143_152,
    143_952,
    143_953,
    144_000,
    144_001,
    0x7FFFFFFF,
    0x80000000,
    0x80000080,
    0xFFFFFFFF,
)

BURST_SIZE_MAX = 8  # Bytes of one insertion or deletion.


class Mutator:
    """Seeded choices; the same seed damages the same inputs in the same way."""

    def __init__(self, seed: int) -> None:
        self.choose = random.Random(seed)

    def damaged(self, data: bytes, times: int = 1) -> bytes:
        """Return `data` after so many changes, each of a random kind at a random place."""
        changed = bytearray(data)
        for _ in range(times):
            kind = self.choose.choice(self._KINDS)
            kind(self, changed)
        return bytes(changed)

    def often(self, probability: float) -> bool:
        return self.choose.random() < probability

    def _flip_bit(self, data: bytearray) -> None:
        if data:
            data[self._place(data)] ^= 1 << self.choose.randrange(8)

    def _replace_byte(self, data: bytearray) -> None:
        if data:
            data[self._place(data)] = self.choose.choice((0, 1, 0x20, 0x7F, 0x80, 0xFF))

    def _replace_word(self, data: bytearray) -> None:
        if len(data) >= 4:
            place = self.choose.randrange(len(data) - 3)
            word = self.choose.choice(INTERESTING_WORDS)
            data[place : place + 4] = word.to_bytes(4, "little" if self.often(0.5) else "big")

    def _insert(self, data: bytearray) -> None:
        place = self.choose.randrange(len(data) + 1)
        data[place:place] = self.choose.randbytes(self.choose.randint(1, BURST_SIZE_MAX))

    def _delete(self, data: bytearray) -> None:
        if data:
            place = self._place(data)
            del data[place : place + self.choose.randint(1, BURST_SIZE_MAX)]

    def _truncate(self, data: bytearray) -> None:
        del data[self.choose.randrange(len(data) + 1) :]

    def _repeat(self, data: bytearray) -> None:
        if data:
            place = self._place(data)
            part = data[place : place + 1 + self.choose.randrange(64)]
            data[place:place] = part

    def _place(self, data: bytearray) -> int:
        return self.choose.randrange(len(data))

    _KINDS = (_flip_bit, _replace_byte, _replace_word, _insert, _delete, _truncate, _repeat)

"""Which rules a message header breaks: client protocol, section 3.8, in its plainest form."""

from enum import IntEnum

from tests.daemon.harness import wire

__all__ = ["Fault", "broken_rules"]


class Fault(IntEnum):
    """The rules, by the number under which the daemon reports that one is broken."""

    BAD_TYPE = 1
    FORGED_TYPE = 2
    BAD_SENDER = 3
    BAD_GROUP_COUNT = 4
    BAD_HINT = 5
    TOO_LONG = 6


SERVICES = (0x01, 0x02, 0x04, 0x08, 0x10, 0x20)
REQUESTS = (0x10000, 0x20000, 0x40000)
MEMBERSHIP = (0x100, 0x200, 0x400, 0x800, 0x1000, 0x2000)
BETWEEN_DAEMONS = (0x4000, 0x8000, 0x80000, 0x100000, 0x200000)
FROM_DAEMONS = (*MEMBERSHIP, *BETWEEN_DAEMONS, 0x400000)
GROUPS_MAX = 100
HINT_BITS = 0x80FFFF80


def broken_rules(header: bytes, private_group: bytes, size_max: int) -> set[Fault]:
    """Return every rule that the 48 bytes break, none for a good header."""
    type_word, order = wire.read_type(header)
    groups = int.from_bytes(header[36:40], order, signed=True)
    size = int.from_bytes(header[44:48], order, signed=True)
    rules = {
        Fault.BAD_TYPE: sum(bool(type_word & bit) for bit in SERVICES + REQUESTS) == 1,
        Fault.FORGED_TYPE: not any(type_word & bit for bit in FROM_DAEMONS),
        Fault.BAD_SENDER: wire.stripped(header[4:36]) == private_group,
        Fault.BAD_GROUP_COUNT: 0 <= groups <= GROUPS_MAX,
        Fault.BAD_HINT: _read_hint(header[40:44]) & ~HINT_BITS == 0,
        Fault.TOO_LONG: size >= 0 and size + 32 * groups <= size_max,
    }
    return {fault for fault, holds in rules.items() if not holds}


def _read_hint(field: bytes) -> int:
    """Return the hint's word, markers included, in the order that its own markers tell."""
    little = int.from_bytes(field, "little")
    return little if little & wire.MARKER == wire.MARKER else int.from_bytes(field, "big")

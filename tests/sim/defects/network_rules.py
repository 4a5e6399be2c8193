"""Rules about datagrams, which the simulated network breaks, and about finding one another."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any, Final

from spread._packets import crc32c
from spread.daemon.membership import forming
from spread.daemon.membership.packets import Form, OldRing
from spread.daemon.membership.probing import Lookups
from spread.sim.network import Network
from tests.sim.defects.defect import Defect, Part, Patch
from tests.sim.defects.scripts import lost_commit

__all__ = ["NETWORK_RULES"]

DATA: Final = 1
HEADER_SIZE: Final = 64
FRAME_HEADER_SIZE: Final = 48
CHECKSUM: Final = slice(16, 20)
FIRST_FRAME: Final = slice(60, 62)
REGULAR: Final = 0x3F
ALTERED_SHARE: Final = 0.02
HOUR_NS: Final = 3_600_000_000_000


def _altering(alter: Callable[[bytearray], None]) -> Callable[[Patch], None]:
    """Let a network change some data packets on their way and seal them again."""

    def apply(patch: Patch) -> None:
        numbers = Random(1)
        deliver = Network._deliver

        def altered(network: Network, origin: int, target: int, channel: int, *rest: Any) -> None:
            data, wants_answer = rest
            if data[3] == DATA and numbers.random() < ALTERED_SHARE:
                changed = bytearray(data)
                alter(changed)
                changed[CHECKSUM] = bytes(4)
                changed[CHECKSUM] = crc32c(bytes(changed)).to_bytes(4, "little")
                data = bytes(changed)
            deliver(network, origin, target, channel, data, wants_answer)

        patch.setattr(Network, "_deliver", altered)

    return apply


def _last_byte(data: bytearray) -> None:
    data[-1] ^= 1


def _sender(data: bytearray) -> None:
    """Name another client as the sender of the first message that begins in the packet."""
    at = HEADER_SIZE + int.from_bytes(data[FIRST_FRAME], "little")
    if at + FRAME_HEADER_SIZE <= len(data) and data[at] & REGULAR:
        digit = at + 4 + len(b"#c")
        data[digit] = ord("0") + (data[digit] - ord("0") + 1) % 10


def _forget_obligations(patch: Patch) -> None:
    merged = forming._merged

    def without(form: Form, report: forming.Report) -> OldRing | None:
        entry = merged(form, report)
        return entry and replace(entry, obligations=sorted(entry.transitional))

    patch.setattr(forming, "_merged", without)


def _never_look(patch: Patch) -> None:
    patch.setattr(Lookups, "wait_ns", lambda _: HOUR_NS)
    patch.setattr(Lookups, "takes_hint", lambda *_: False)


NETWORK_RULES: Final = (
    Defect(
        "payload altered",
        "a datagram that was changed on its way is dropped",
        Part.NETWORK,
        ("S1",),
        _altering(_last_byte),
        faults="packets",
    ),
    Defect(
        "sender forged",
        "only daemons of the configuration can name a sender",
        Part.NETWORK,
        ("S5",),
        _altering(_sender),
        faults="packets",
    ),
    Defect(
        "obligations forgotten",
        "FORM1 gathers the obligations of earlier attempts",
        Part.MEMBERSHIP,
        ("S24",),
        _forget_obligations,
        script=lost_commit,
    ),
    Defect(
        "nobody looks",
        "a ring that lacks daemons looks for them",
        Part.MEMBERSHIP,
        ("S26",),
        _never_look,
        seeds_max=40,
    ),
)

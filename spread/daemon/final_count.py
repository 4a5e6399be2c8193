"""What one life of the daemon came to: its counters, in one event when it stops.

Programs read it: the wording is `statistics`, each field is a figure by its name, as
`spread.counters` defines it. Those that are zero are left out, so who looks for one takes 0 for a
missing field.
"""

from typing import TYPE_CHECKING, Final

from spread.system import process_figures

if TYPE_CHECKING:
    from spread._datagrams import Datagrams
    from spread._node import Node
    from spread.daemon.membership.machine import Membership

__all__ = ["final_count"]

NS_PER_US: Final = 1_000


def final_count(
    node: "Node", datagrams: "Datagrams | None", membership: "Membership | None" = None
) -> dict[str, int]:
    """Return every counter that is not zero, and what the process has used.

    `rotation_us` is the smoothed time of the token's way round in the last ring; it rests when
    there is nothing to send, and such times do not count. `tokens` counts its visits here.
    """
    counters = node.statistics()
    if datagrams is not None:
        counters |= datagrams.statistics()
        ring = node.ring_statistics()
        counters["rotation_us"] = ring["rotation_ns"] // NS_PER_US
        counters["datagram_size"] = ring["datagram_size"]
    if membership is not None:
        counters |= membership.counters
    counters |= process_figures()
    return {name: count for name, count in sorted(counters.items()) if count}

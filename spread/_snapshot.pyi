from typing import final

from spread._datagrams import Datagrams
from spread._node import Node

@final
class Figures:
    """Numbers of one moment; made by `Snapshots.take`, read by any thread."""

    now_ns: int
    def counters(self) -> dict[str, int]:
        """Return every counter of node and datagrams by its name."""
    def gauges(self) -> dict[str, int]:
        """Return what is in use, and where the ring stands, by the names of the gauges."""
    def histograms(self) -> tuple[tuple[int, ...], ...]:
        """Return four tuples of counts: latency of AGREED and SAFE, rotation, lateness."""
    def peers(self) -> list[tuple[int, int, int]]:
        """Return packets received, packets asked for again and when it was heard, by daemon."""
    def windows(self) -> tuple[tuple[int, int, int], tuple[int, int, int], bool, int]:
        """Return window, personal and accelerated window as they begin and at most.

        Then whether the ring is accelerated, and the scale of the last token in percent.
        """
    def partition(self) -> tuple[int, ...]:
        """Return the component of each daemon while a partition is in force, else ()."""
    def slowest(self) -> list[tuple[bytes, int, int]]:
        """Return private group, messages and bytes of the sessions for which most bytes wait."""

@final
class Snapshots:
    def __init__(self, node: Node, datagrams: Datagrams | None = None) -> None: ...
    def take(self) -> Figures:
        """Return the numbers of this moment. Raises MemoryError."""

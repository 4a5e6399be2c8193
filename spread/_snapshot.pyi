from typing import Final, final

from spread._node import Node

HISTOGRAMS: Final[tuple[tuple[str, str], ...]]
"""Name and meaning of each histogram: bucket i counts times below 2 ** i microseconds."""

@final
class Snapshots:
    def __init__(self, node: Node) -> None: ...
    def histograms(self) -> tuple[tuple[int, ...], ...]:
        """Return the counts of each histogram, in the order of HISTOGRAMS."""
    def peers(self) -> list[tuple[int, int, int]]:
        """Return packets received, packets asked for again and when it was heard, by daemon."""
    def slowest_sessions(self) -> list[tuple[int, int, int]]:
        """Return slot, messages and bytes of the sessions for which most bytes wait."""
    def windows(self) -> tuple[tuple[int, int, int], tuple[int, int, int], bool, int]:
        """Return window, personal and accelerated window as they begin and at most.

        Then whether the ring is accelerated, and the scale of the last token in percent.
        """
    def partition(self) -> tuple[int, ...]:
        """Return the component of each daemon while a partition is in force, else ()."""

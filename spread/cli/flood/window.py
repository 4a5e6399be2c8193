"""How far a writer may run ahead of its readers: a window over what they have acknowledged.

    acknowledged by the slowest                    sent
    ------------|====== on their way =======|.......|
                <------------- size --------------->

A writer's own deliveries count as the acknowledgements of one more reader, so that the window also
holds when nobody else reads. Invariants: for every reader 0 <= acknowledged <= sent; and
sent <= acknowledged + size, but for readers that came late: of messages sent before their first
acknowledgement it is not known which have reached them, at most `size`.
"""

__all__ = ["SendWindow"]


class SendWindow:
    """Counts of one writer; `now_s` is any clock that does not go back."""

    def __init__(self, size: int, now_s: float) -> None:
        self.size = size
        self.interval = max(1, size // 2)
        """After how many messages readers acknowledge; two of them keep a writer busy."""
        self.sent_count = 0
        self.returned_count = 0
        """Of the own messages, those delivered back."""
        self._origins: dict[str, int] = {}  # Reader -> messages sent before it began to count.
        self._acknowledged: dict[str, int] = {}
        self._slowest = 0
        self._moved_s = now_s

    @property
    def readers(self) -> frozenset[str]:
        """Private groups of the readers that are waited for."""
        return frozenset(self._acknowledged)

    def room(self) -> int:
        """Return how many messages may be sent now."""
        behind = self.returned_count
        if self._acknowledged and self._slowest < behind:
            behind = self._slowest
        return self.size - (self.sent_count - behind)

    def send(self, count: int, now_s: float) -> None:
        """Note that `count` messages are sent; at most `room()`."""
        self.sent_count += count
        self._moved_s = now_s

    def returned(self, count: int, now_s: float) -> None:
        """Note that the first `count` own messages have been delivered back."""
        self.returned_count = count
        self._moved_s = now_s

    def enroll(self, reader: str) -> None:
        """Wait for `reader` from here on; one that is known stays as it is."""
        if reader not in self._acknowledged:
            self._origins[reader] = self.sent_count
            self._acknowledged[reader] = self.sent_count
            self._find_slowest()

    def acknowledge(self, reader: str, count: int, now_s: float) -> None:
        """Note that `reader` has had `count` messages since its first."""
        if reader not in self._acknowledged:
            # Its first one is of those still on their way; taken as the latest of them.
            self.enroll(reader)
            self._origins[reader] -= min(count, self.sent_count)
        position = min(self._origins[reader] + count, self.sent_count)
        if position > self._acknowledged[reader]:
            self._acknowledged[reader] = position
            self._moved_s = now_s
            self._find_slowest()

    def dismiss(self, reader: str) -> None:
        """Wait for `reader` no longer; an unknown one is nothing."""
        self._origins.pop(reader, None)
        if self._acknowledged.pop(reader, None) is not None:
            self._find_slowest()

    def hindering(self, now_s: float, patience_s: float) -> list[str]:
        """Return readers for which the writer has waited longer than `patience_s`."""
        if self.room() > 0 or now_s - self._moved_s < patience_s:
            return []
        limit = self.sent_count - self.size
        return [name for name, position in self._acknowledged.items() if position <= limit]

    def _find_slowest(self) -> None:
        self._slowest = min(self._acknowledged.values(), default=0)

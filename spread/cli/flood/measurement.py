"""What a run of `spflooder` has seen so far: counts, times, latencies."""

from array import array
from collections import deque
from dataclasses import dataclass, field

__all__ = ["Measurement", "Span"]


@dataclass(slots=True)
class Span:
    """Messages of one direction, and the time they took."""

    count: int = 0
    size: int = 0
    """Bytes of all payloads."""

    first_ns: int = 0
    last_ns: int = 0

    @property
    def seconds(self) -> float:
        """Time from the first event to the last, 0 when there are none."""
        return (self.last_ns - self.first_ns) / 1e9

    def add(self, size: int, now_ns: int) -> None:
        """Count a message of `size` bytes."""
        if self.count == 0:
            self.first_ns = now_ns
        self.count += 1
        self.size += size
        self.last_ns = now_ns


@dataclass(slots=True)
class Measurement:
    """Times are those of one clock, in nanoseconds."""

    sent: Span = field(default_factory=Span)
    """Messages sent; its last event is the latest of them that came back."""

    received: dict[str, Span] = field(default_factory=dict)
    """Data received, by private group of the sender, this session included."""

    announced: dict[str, int] = field(default_factory=dict)
    """How many messages each sender says to have sent; of those that have come to their end."""

    latencies_ns: "array[int]" = field(default_factory=lambda: array("q"))
    """From sending to own delivery, of every message that came back."""

    _away: deque[tuple[int, int]] = field(default_factory=deque)
    """Position and time of sending of messages that will come back, in order."""

    @property
    def has_begun(self) -> bool:
        """Whether there is anything to report."""
        return self.sent.count > 0 or bool(self.received)

    def send(self, size: int, now_ns: int, *, comes_back: bool) -> None:
        """Note a message of `size` bytes that is sent now."""
        self.sent.add(size, now_ns)
        if comes_back:
            self._away.append((self.sent.count, now_ns))

    def come_back(self, now_ns: int) -> int:
        """Note the own delivery of the next message; returns its position, from 1."""
        position, sent_ns = self._away.popleft()
        self.latencies_ns.append(now_ns - sent_ns)
        self.sent.last_ns = now_ns
        return position

    def receive(self, sender: str, size: int, now_ns: int) -> int:
        """Note a received message; returns how many `sender` has sent so far."""
        span = self.received.get(sender)
        if span is None:
            span = self.received[sender] = Span()
        span.add(size, now_ns)
        return span.count

    def received_in_all(self) -> Span:
        """Return the sum over all senders."""
        spans = [span for span in self.received.values() if span.count]
        if not spans:
            return Span()
        return Span(
            count=sum(span.count for span in spans),
            size=sum(span.size for span in spans),
            first_ns=min(span.first_ns for span in spans),
            last_ns=max(span.last_ns for span in spans),
        )

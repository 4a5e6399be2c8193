"""What a load sends, by whom, to whom, and when; and how long it is measured."""

import math
from dataclasses import dataclass

from bench.session import HEADER, NAME_SIZE, SERVICES

RING_SIZE = 256 * 1024  # Frames laid out per sender: stays in the level 2 cache.
RINGS_SIZE = 64 * 1024 * 1024  # The same for all senders together, when they are many.
PAYLOAD_MAX = 8_000_000  # What the generator takes in one frame, with header and groups.
UNBOUNDED = 1 << 62  # As a window: never reached.
UNORDERED = ("unreliable", "reliable")
OWN, SLOWEST, ACKNOWLEDGED = "own", "slowest", "acknowledged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What is sent by whom to whom.

    Each receiver joins all `groups`; message i goes to `groups_per_message` of them, from group i
    on, with service i of `services`, both counted round.

    A sender without a rate sends whenever its window allows (closed loop). One with a rate sends
    when a message is due (open loop): at equal intervals that all senders begin together, or, with
    `is_poisson`, at random ones that `seed` repeats. Latency then counts from the due time.
    """

    payload_size: int
    window: int = 200  # Own messages under way at most, per sender; 0: any, for those with a rate.
    interval_us: int = 0  # Between messages of every sender; 0: as `rates` say.
    rates: tuple[float, ...] = ()  # Messages/s of the senders in turn; 0: as the window allows.
    is_poisson: bool = False
    seed: int = 1
    senders: int = 1
    senders_receive: bool = True
    receivers: int = 0  # Sessions that only receive.
    services: tuple[str, ...] = ("agreed",)
    groups: int = 1
    groups_per_message: int = 1
    membership: bool = False
    pace: str = ""  # OWN, SLOWEST or ACKNOWLEDGED; empty: own where senders receive.

    def __post_init__(self) -> None:
        """Raise ValueError for what cannot be sent, or a sender that nothing would hold back."""
        if not 0 <= self.payload_size <= PAYLOAD_MAX:
            raise ValueError(f"payload of {self.payload_size} bytes: choose 0 to {PAYLOAD_MAX:,}")
        unknown = [name for name in self.services if name not in SERVICES]
        if unknown or not self.services:
            raise ValueError(f"service {' '.join(unknown)!r}: choose of {', '.join(SERVICES)}")
        least = min(self.senders, self.groups, self.groups_per_message, self.receivers + 1)
        if least < 1 or min((self.window, self.interval_us, *self.rates)) < 0:
            raise ValueError("senders and groups must be 1 or more, windows and rates 0 or more")
        if self.window == 0 and not all(self.interval_ns(i) for i in range(self.senders)):
            raise ValueError("a sender needs a rate or a window")

    @property
    def paced_by(self) -> str:
        """Whose deliveries advance the window."""
        return self.pace or (OWN if self.senders_receive else SLOWEST)

    @property
    def template_count(self) -> int:
        """Messages after which groups and services repeat."""
        return math.lcm(self.groups, len(self.services))

    @property
    def prefix_size(self) -> int:
        """Bytes of header and group list."""
        return HEADER.size + NAME_SIZE * self.groups_per_message

    @property
    def message_size(self) -> int:
        """Bytes of one message on the wire."""
        return self.prefix_size + self.payload_size

    @property
    def slot_count(self) -> int:
        """Frames in a sender's ring: whole rounds of the templates, near RING_SIZE or window."""
        size = min(RING_SIZE, RINGS_SIZE // max(1, self.senders))
        wanted = min(self.window or UNBOUNDED, max(1, size // self.message_size))
        return self.template_count * math.ceil(wanted / self.template_count)

    @property
    def offered_per_s(self) -> float | None:
        """Messages/s of all senders together by their schedules; None if one has none."""
        intervals = [self.interval_ns(i) for i in range(self.senders)]
        return sum(1e9 / interval for interval in intervals) if all(intervals) else None

    def interval_ns(self, sender: int) -> int:
        """Return the mean time between messages of a sender, 0 for as fast as its window allows."""
        if self.interval_us or not self.rates:
            return self.interval_us * 1000
        rate = self.rates[sender % len(self.rates)]
        return max(1, round(1e9 / rate)) if rate else 0

    def seed_of(self, sender: int) -> int | None:
        """Return what the sender's random schedule begins with; None for equal intervals."""
        return (self.seed << 32 | sender) if self.is_poisson else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How long to warm up and to measure: both the time and the count must be reached."""

    warm_up_s: float = 0.0
    duration_s: float = 0.0
    warm_up_count: int = 0  # Messages at the slowest receiver.
    count: int = 0
    stall_s: float = 10.0  # Without any progress for so long, a run has failed.

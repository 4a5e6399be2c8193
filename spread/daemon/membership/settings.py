"""The network as the compiled ring and membership need it: numbers instead of names."""

from dataclasses import dataclass

__all__ = ["NetworkSettings", "RingSettings", "RingTimeouts"]


@dataclass(frozen=True, slots=True)
class RingTimeouts:
    """Every time of ring and membership, in nanoseconds."""

    token: int
    hurry: int
    alive: int
    join: int
    rep: int
    seg: int
    gather: int
    form: int
    lookup: int
    token_retransmit: int  # The least; four smoothed rotations if that is more.
    want_retry: int
    form_retry: int
    heartbeat: int


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """Who is configured. Tuples are by daemon number: configuration order over all segments."""

    me: int
    ids: tuple[int, ...]  # Unsigned 32-bit daemon ids.
    names: tuple[bytes, ...]
    segments: tuple[int, ...]  # Number of each daemon's segment.
    network_hash: int
    incarnation: int
    sources: tuple[tuple[int, ...], ...] = ()  # IPv4 addresses that each sends from, if not its id.

    def may_send_from(self, daemon: int, source: int) -> bool:
        """Whether a packet of this daemon can come from this IPv4 address."""
        return source in (self.sources[daemon] if self.sources else (self.ids[daemon],))


@dataclass(frozen=True, slots=True)
class RingSettings:
    """What the compiled ring needs; windows count packets.

    The three windows are those that a ring begins with; it changes them up to `windows_max`, in the
    same order, and down to a quarter. None: they stay.
    """

    network: NetworkSettings
    timeouts: RingTimeouts
    ring_time: int  # Time in the id of the ring of one that the daemon starts with.
    multicast: bool  # Whether one datagram reaches the whole own segment.
    payload_max: int  # Bytes of frames in one packet.
    window: int
    personal_window: int
    accelerated_window: int
    accelerated: bool
    max_seq_gap: int
    # Bytes of datagrams to try, largest first; the last one passes everywhere. None: payload_max
    # does, and nothing is to be found out.
    sizes: tuple[int, ...] = ()
    receive_buffer: int = 0  # Bytes that the smallest socket for data holds; 0: not known.
    windows_max: tuple[int, int, int] | None = None

    @property
    def largest_window(self) -> int:
        """How many packets a rotation may ever have."""
        return self.window if self.windows_max is None else self.windows_max[0]

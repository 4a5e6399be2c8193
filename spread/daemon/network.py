"""The network as the ring needs it: a configuration's names and addresses turned into numbers.

A daemon's number is its place in configuration order over all segments. The network hash covers
that order, so a number means the same daemon at all that accept each other's packets.
"""

from ipaddress import IPv4Address
from typing import Final

from spread._packets import HEADER_SIZE, VERSION
from spread.config import Configuration
from spread.config.effective import is_accelerated, window_sizes
from spread.config.hashes import ring_hash
from spread.config.listens import uses_segment_address
from spread.config.model import Daemon, Options, Timeouts, Use
from spread.config.settings import WINDOW_DEFAULTS, WINDOWS_GROW
from spread.daemon.membership.settings import NetworkSettings, RingSettings, RingTimeouts

__all__ = [
    "configured_daemons",
    "is_ring",
    "name_bytes",
    "network_hash",
    "network_settings",
    "ring_settings",
    "ring_timeouts",
    "segment_numbers",
    "windows",
    "windows_max",
]

NS_PER_MS: Final = 1_000_000

PACKET_SIZE_DEFAULT: Final = 1472
"""Bytes of UDP payload that fit an Ethernet frame of 1500: for who does not look at the network."""

MAX_SEQ_GAP: Final = 1280
"""Packets between the last that all daemons have and the newest: beyond it nobody sends."""

WINDOW_SLOTS: Final = 2048
"""Packets that a daemon can hold at a time: the gap, and what one rotation adds to it.

Who sends knows what all have a rotation before the others know it, and give up what they hold.
"""

TOKEN_RETRANSMIT_NS: Final = 3 * NS_PER_MS // 10
"""Several rotations of a local network, so that a token that is only slow is not sent twice."""

WANT_RETRY_NS: Final = 5 * NS_PER_MS
"""The request for a parked token is one datagram; if it was lost, a client notices this much."""

FORM_RETRY_NS: Final = 30 * NS_PER_MS
"""Python answers a forming token, and a busy host may take some turns to let it."""

HEARTBEAT_NS: Final = 100 * NS_PER_MS
"""Two unanswered ones tell that a process is gone, so this bounds the detection of a kill."""


def configured_daemons(configuration: Configuration) -> tuple[Daemon, ...]:
    """Return all daemons by their numbers."""
    return tuple(each for segment in configuration.segments for each in segment.daemons)


def is_ring(configuration: Configuration) -> bool:
    """Tell whether there is any other daemon to form a ring with."""
    return len(configured_daemons(configuration)) > 1


def network_settings(configuration: Configuration, incarnation: int) -> NetworkSettings:
    """Return who is configured, in numbers."""
    daemons = configured_daemons(configuration)
    return NetworkSettings(
        me=daemons.index(configuration.me),
        ids=tuple(int(IPv4Address(each.address)) for each in daemons),
        sources=tuple(map(_sources, daemons)),
        names=tuple(name_bytes(each.name) for each in daemons),
        segments=segment_numbers(configuration),
        network_hash=network_hash(configuration),
        incarnation=incarnation,
    )


def segment_numbers(configuration: Configuration) -> tuple[int, ...]:
    """Return the number of each daemon's segment."""
    return tuple(
        number for number, segment in enumerate(configuration.segments) for _ in segment.daemons
    )


def network_hash(configuration: Configuration) -> int:
    """Return the hash that the daemons of a ring share."""
    return ring_hash(
        configuration,
        max_seq_gap=MAX_SEQ_GAP,
        window_slots=WINDOW_SLOTS,
        format_version=VERSION,
    )


def ring_timeouts(timeouts: Timeouts) -> RingTimeouts:
    """Return the nine configured timeouts in nanoseconds, with those that cannot be configured."""
    return RingTimeouts(
        token=timeouts.token * NS_PER_MS,
        hurry=timeouts.hurry * NS_PER_MS,
        alive=timeouts.alive * NS_PER_MS,
        join=timeouts.join * NS_PER_MS,
        rep=timeouts.rep * NS_PER_MS,
        seg=timeouts.seg * NS_PER_MS,
        gather=timeouts.gather * NS_PER_MS,
        form=timeouts.form * NS_PER_MS,
        lookup=timeouts.lookup * NS_PER_MS,
        token_retransmit=TOKEN_RETRANSMIT_NS,
        want_retry=WANT_RETRY_NS,
        form_retry=FORM_RETRY_NS,
        heartbeat=HEARTBEAT_NS,
    )


def ring_settings(
    configuration: Configuration,
    *,
    incarnation: int,
    ring_time: int,
    timeouts: RingTimeouts | None = None,
    sizes: tuple[int, ...] = (),
    receive_buffer: int = 0,
) -> RingSettings:
    """Return all that the compiled ring needs to know; what is given goes before the file.

    `sizes` are those of datagrams that may be tried, largest first; a single one is certain.
    """
    options = configuration.options
    base, most = windows(options)
    sizes = sizes or (options.packet_size or PACKET_SIZE_DEFAULT,)
    return RingSettings(
        network=network_settings(configuration, incarnation),
        timeouts=timeouts or ring_timeouts(options.timeouts),
        ring_time=ring_time,
        multicast=uses_segment_address(configuration.segment, options.multicast),
        payload_max=sizes[0] - HEADER_SIZE,
        window=base[0],
        personal_window=base[1],
        accelerated_window=base[2],
        accelerated=is_accelerated(configuration),
        max_seq_gap=MAX_SEQ_GAP,
        sizes=sizes,
        receive_buffer=receive_buffer,
        windows_max=most,
    )


def windows_max(options: Options) -> tuple[int, int, int]:
    """Return the bounds of window, personal and accelerated window: as set, else of our own.

    No rotation is longer than what a daemon can hold beside the gap.
    """
    sizes = window_sizes(options)
    window, personal, accelerated = (
        sizes[name] if getattr(options, name) is not None else WINDOWS_GROW * default
        for name, default in WINDOW_DEFAULTS.items()
    )
    window = min(window, WINDOW_SLOTS - MAX_SEQ_GAP)
    personal = min(personal, window)
    return window, personal, min(accelerated, personal)


def windows(options: Options) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Return window, personal and accelerated window as they begin, and the most of each."""
    most = windows_max(options)
    base = (
        min(most[0], WINDOW_DEFAULTS["window"]),
        min(most[1], WINDOW_DEFAULTS["personal_window"]),
        min(most[2], WINDOW_DEFAULTS["accelerated_window"]),
    )
    return base, most


def _sources(daemon: Daemon) -> tuple[int, ...]:
    served = {each.address for each in daemon.interfaces if Use.DAEMON in each.uses}
    return tuple(int(IPv4Address(each)) for each in sorted(served))


def name_bytes(name: str) -> bytes:
    """Return a daemon's name as clients get it."""
    return name.encode("utf-8", "surrogateescape")

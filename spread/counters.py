"""Every figure of a daemon: its name, what it means, what kind it is, and in which unit.

The one definition. The compiled modules take the names of their counters from here, in the order of
the indexes in their `.pxd`; reports, metrics, the `statistics` line of the log and the page of the
documentation are made from it. Nothing of the daemon is imported, so a monitor may use it anywhere.

    NODE            `_stats.pxd`       what the node counts
    ARRIVALS        `_datagrams.pxd`   datagrams that came in
    DEPARTURES      `_sender.pxd`      datagrams that went out
    MEMBERSHIP      what membership found wrong, or had to ignore
    OBSERVING       what the watching thread counts: monitors, scrapers, the host
    WEB             what `spmonitor web` counts of those who open the page
    PROCESS         what the process has used
    RING            what the ring counts beside it
    GAUGES          how something is at the moment
    REPORTED        what a report has in fields of its own, mostly with labels

A counter only grows while the daemon lives. A name says its unit where it has one: `..._ms`,
`..._us`, `..._s`, `..._kb`, and bytes wherever `bytes` stands in it or the unit is given.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

__all__ = [
    "ARRIVALS",
    "DEPARTURES",
    "FIGURES",
    "GAUGES",
    "MEMBERSHIP",
    "NODE",
    "OBSERVING",
    "PROCESS",
    "REPORTED",
    "RING",
    "WEB",
    "Figure",
    "Kind",
    "counters_in",
    "gauges_in",
    "names_of",
]


class Kind(Enum):
    """How a figure is to be read."""

    COUNTER = "counter"
    """Only grows; what it grew by in some time is what matters."""
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure."""

    name: str
    meaning: str
    kind: Kind = Kind.COUNTER
    unit: str = ""
    """bytes, kb (KiB), s, ms, us, percent, or nothing for a number of things."""
    labels: tuple[str, ...] = ()
    """What tells several values of it apart."""


_SUFFIXES: Final = ("ms", "us", "s", "kb", "percent")


def _unit_of(name: str) -> str:
    last = name.rpartition("_")[2] if "_" in name else ""
    if last in _SUFFIXES:
        return last
    return "bytes" if "bytes" in name.split("_") else ""


def _figures(kind: Kind, *rows: tuple[str, str]) -> tuple[Figure, ...]:
    return tuple(Figure(name, meaning, kind, _unit_of(name)) for name, meaning in rows)


NODE: Final = _figures(
    Kind.COUNTER,
    ("frames_in", "messages and requests read from clients"),
    ("bytes_in", "bytes read from clients"),
    ("messages_delivered", "data messages that reached their place in the order"),
    ("deliveries", "copies of data messages queued for sessions"),
    ("bytes_out", "bytes written to clients"),
    ("requests", "joins, leaves and disconnects that reached their place in the order"),
    ("rejects", "messages and requests sent back to their sender"),
    ("notices", "membership messages queued for sessions"),
    ("unrouted", "data messages without a receiver at this daemon"),
    ("reads", "read calls on client connections"),
    ("writes", "write calls on client connections"),
    ("turns", "turns of the event loop"),
    ("sessions_opened", "connections taken in"),
    ("sessions_accepted", "connections that became sessions"),
    ("ended_kill", "sessions that disconnected"),
    ("ended_lost", "sessions whose connection was lost"),
    ("ended_bad_frame", "sessions closed for a malformed message header"),
    ("ended_slow", "sessions closed because too much waited for them"),
    ("ended_memory", "sessions closed because all queues together were full"),
    ("ended_stalled", "sessions closed for holding memory that others waited for"),
    ("ended_refused", "connections refused by the handshake or its deadline"),
    ("ended_shutdown", "sessions closed by the stop of the daemon"),
    ("congestions", "times that reading from clients was paused for memory"),
    ("strangers", "datagrams dropped because no daemon of this ring sent them"),
    ("tokens", "visits of the token"),
    ("tokens_duplicate", "copies of tokens that had been accepted"),
    ("tokens_malformed", "tokens that no member of the ring can have sent"),
    ("token_resends", "tokens sent again because nothing showed that they arrived"),
    ("token_losses", "times that the ring was given up"),
    ("parks", "times that the token came to rest here"),
    ("wants", "times that a resting token was asked for"),
    ("packets_made", "data packets of own clients that got their place in the order"),
    ("packets_sent", "data packets sent, each counted once however many hosts it goes to"),
    ("packets_received", "data packets of this ring that came in"),
    ("packets_delivered", "data packets whose messages were handed on to sessions"),
    ("retransmitted", "data packets sent again because somebody missed them"),
    ("requested", "data packets asked for because they were missing here"),
    ("duplicates", "data packets that came in again"),
    ("out_of_range", "data packets too far ahead to be kept"),
    ("forwarded", "packets of other segments passed on into the own one"),
    ("cut", "packets sent in pieces, because the way might not carry them whole"),
    ("joined", "packets that came in pieces"),
    ("measures", "datagrams sent to find out which size the ways of the ring carry"),
    ("foreign", "packets of rings that this daemon is not in"),
    ("late", "packets of a ring that this daemon has left"),
    ("recovered", "packets of an old ring that came while a new one was formed"),
    ("installs", "rings installed"),
    ("malformed_frames", "messages of other daemons that were skipped because they were none"),
    ("control_sent", "packets of the membership protocol sent"),
    ("control_received", "packets of the membership protocol that came in"),
    ("monitor_received", "datagrams of monitors that came in"),
    ("monitor_dropped", "datagrams of monitors dropped because too many came in a second"),
    ("partitioned", "packets dropped because a monitor's partition parts us from their sender"),
    ("dropped_not_ours", "datagrams dropped: of another protocol"),
    ("dropped_classic", "datagrams dropped: of a classic daemon"),
    ("dropped_version", "datagrams dropped: of another version of the format"),
    ("dropped_network", "datagrams dropped: of another configuration"),
    ("dropped_damaged", "datagrams dropped: checksum wrong"),
    ("dropped_malformed", "datagrams dropped: malformed"),
)

RING: Final = _figures(
    Kind.COUNTER,
    ("outbox_dropped", "datagrams dropped because too many waited to be sent"),
)

ARRIVALS: Final = _figures(
    Kind.COUNTER,
    ("datagrams_in", "datagrams received"),
    ("datagram_bytes_in", "bytes of datagrams received"),
    ("receives", "calls that received datagrams"),
    ("joint_receives", "messages that the system made of several datagrams"),
    ("joint_unmarked", "such messages without the size of the datagrams, after which none is made"),
    ("truncated", "datagrams dropped because they were longer than any of ours"),
    ("receive_errors", "calls to receive that failed"),
    (
        "receive_no_memory",
        "messages of one or several datagrams dropped because there was no memory for them",
    ),
    ("stale", "datagrams dropped because they came while this daemon was stopped"),
    ("faults_lost", "datagrams dropped by the faults made for tests"),
    ("faults_copied", "datagrams duplicated by the faults made for tests"),
    ("faults_delayed", "datagrams held back by the faults made for tests"),
)

DEPARTURES: Final = _figures(
    Kind.COUNTER,
    ("datagrams_out", "datagrams sent"),
    ("datagram_bytes_out", "bytes of datagrams sent"),
    ("sends", "calls that sent datagrams"),
    ("send_full", "times that the sending socket was full"),
    ("refusals", "answers of a host that nobody listens at its daemon's port"),
    ("joint_sends", "messages that the system cut into several datagrams"),
    ("unsent_overflow", "datagrams dropped because the sending socket stayed full"),
    ("unsent_unreachable", "datagrams that no route or interface would take"),
    ("unsent_denied", "datagrams that a filter of this host refused"),
    ("unsent_too_large", "datagrams larger than the interface takes"),
    ("unsent_no_memory", "datagrams for which the system had no memory"),
    ("unsent_other", "datagrams not sent for another reason"),
    ("joint_sends_refused", "messages that had to be sent as one datagram after the other"),
)

MEMBERSHIP: Final = _figures(
    Kind.COUNTER,
    ("control_malformed", "membership packets that did not hold together"),
    ("control_stale", "membership packets sent before something later that was known"),
    ("control_old", "membership packets of an earlier life of their sender"),
    ("control_throttled", "membership packets that came faster than they need be answered"),
    ("duplicate_daemon", "packets that showed two running daemons with one name"),
    ("clock_ahead", "packets with a ring time far ahead of this host's clock"),
    ("clock_behind", "packets of a daemon whose host's clock went back between two starts"),
    ("own_clock_behind", "packets that showed that the own clock went back between two starts"),
    ("wrong_address", "packets from another address than the configuration gives their sender"),
    ("multicast_lost", "signs that a daemon's unicast arrives here and its multicast does not"),
    ("datagrams_lost", "signs that datagrams of a size do not reach a member of the ring"),
    ("measures_unanswered", "signs that a member answers about datagrams of no size"),
    ("token_port", "rings lost at once because the token did not come through"),
    ("form_unanswered", "times that a daemon was heard and acknowledged no FORM"),
    ("deaf", "signs that a daemon is heard that does not hear this one"),
    ("kept_out", "attempts of daemons to come in that were put off"),
    ("form_ignored", "FORM packets that did not fit what was going on"),
)

OBSERVING: Final = _figures(
    Kind.COUNTER,
    ("snapshots", "reports published by the ring's thread"),
    ("snapshot_us", "time that the ring's thread spent on them"),
    ("monitor_requests", "requests of monitors that were answered or carried out"),
    ("monitor_queries", "queries that were handed on to be answered"),
    ("monitor_cookies", "queries whose askers had yet to show that they receive replies"),
    ("monitor_refused", "requests of monitors that were wrong, or not allowed"),
    ("monitor_strangers", "requests from hosts that are neither configured nor allowed"),
    ("monitor_limited", "requests dropped because their source sent too many"),
    ("monitor_probes", "probes of the network that arrived for `spread doctor`"),
    ("monitor_probes_refused", "probes that were wrong, from elsewhere, or too many"),
    ("monitor_early", "requests dropped because nothing was published yet"),
    ("monitor_queue_full", "requests dropped because too many waited to be answered"),
    ("monitor_replies", "datagrams sent to monitors"),
    ("monitor_unsent", "datagrams to monitors that the system did not take"),
    ("observer_failures", "exceptions in the watching thread"),
    ("calls_refused", "orders refused because the ring's thread had too many to carry out"),
    ("reloads", "times that the configuration was read again and put in force"),
    ("reloads_refused", "times that it was read again, and the running one stayed in force"),
    ("reload_failures", "exceptions in the thread that reads it again"),
    ("receive_drops", "times that the system dropped datagrams because a receive buffer was full"),
    ("stalls", "times that the ring's thread was late by more than a fifth of a second"),
    ("stall_ms", "how late it was then, all times together"),
    ("clock_steps", "times that the host's clock was set by more than half a second"),
    ("metrics_requests", "requests for metrics that were answered"),
    (
        "metrics_displaced",
        "connections for metrics closed to make room for others, as too many were open",
    ),
    ("metrics_timeouts", "connections for metrics closed because they were too slow"),
    ("metrics_malformed", "connections for metrics closed because what came was no request"),
    ("metrics_failures", "exceptions in the thread that serves metrics"),
)

WEB: Final = _figures(
    Kind.COUNTER,
    ("web_opened", "pages that were opened"),
    ("web_refused", "pages turned away because as many as may be were open"),
    ("web_dropped", "pages closed because they did not read"),
    ("web_silent", "connections closed because a request did not come, or not as a whole"),
    ("web_unread", "connections closed because an answer was not made, or not read, in its time"),
    ("web_displaced", "connections closed because too many were open"),
    ("web_turned_away", "requests for another host, of another site, or without the right token"),
    ("web_unexpected", "datagrams dropped that were no answer to what was asked of a daemon"),
)

PROCESS: Final = (
    *_figures(
        Kind.COUNTER,
        ("cpu_user_ms", "processor time of the daemon in its own code"),
        ("cpu_system_ms", "processor time of the daemon in the system"),
        ("observing_cpu_ms", "of it, what the threads used that watch and answer monitors"),
    ),
    *_figures(Kind.GAUGE, ("resident_peak_kb", "most memory that the process has had")),
)

GAUGES: Final = (
    *_figures(
        Kind.GAUGE,
        ("sessions", "connections of clients, those still authenticating included"),
        ("queued_messages", "messages that wait for sessions"),
        ("queued_bytes", "bytes that wait for sessions"),
        ("inbound_bytes", "bytes of clients that are not in the order yet"),
        ("buffer_bytes", "bytes of buffers in use"),
        ("buffer_bytes_peak", "most bytes of buffers that were in use at a time"),
        ("packets", "number of the last packet that was put in order or asked for"),
        ("seq", "highest packet number on the ring that is known here"),
        ("aru", "this daemon has all packets up to this number"),
        ("stable", "every member has all packets up to this number"),
        ("tok_no", "number of the last token accepted in this ring"),
        ("round", "rounds of the token in this ring"),
        ("is_parked", "1 while the token rests because there is nothing to send"),
        ("rotation_us", "smoothed time of the token's way round, while there is something to send"),
        ("scale", "how far adaptive windows are open, as the token says"),
        ("pending_packets", "packets of clients that wait for the token"),
    ),
    Figure("datagram_size", "size of the datagrams that carry data", Kind.GAUGE, "bytes"),
    *_figures(
        Kind.GAUGE,
        ("receive_buffer_bytes", "room in the smallest receive buffer for datagrams"),
        ("receive_waiting_bytes", "bytes that wait in receive buffers, and what they are charged"),
    ),
)

REPORTED: Final = (
    *_figures(
        Kind.GAUGE,
        ("uptime_s", "time since the daemon started"),
        ("report_age_s", "age of the report that these figures come from"),
        ("groups", "groups that have members"),
        ("members", "daemons in the installed ring"),
        ("window", "packets that all daemons may send in one round of the token"),
        ("personal_window", "packets that this daemon may send in one round"),
        ("accelerated_window", "of these, packets that it may send after the token"),
        ("window_scale_percent", "how far adaptive windows are open now"),
        ("monitor_is_dangerous", "1 if monitors may partition, slow down and stop the daemon"),
        ("is_partitioned", "1 while a partition command is in force"),
    ),
    Figure("up", "1 if the daemon answered, else 0", Kind.GAUGE),
    Figure(
        "info",
        "always 1; the labels say what runs, and by which configuration",
        Kind.GAUGE,
        labels=("release", "ring", "ring_hash", "configuration_hash"),
    ),
    Figure("state", "1 for the state that membership is in", Kind.GAUGE, labels=("state",)),
    Figure("group_state", "1 for the state of the groups", Kind.GAUGE, labels=("state",)),
    Figure("peer_is_member", "1 if the daemon is in the installed ring", Kind.GAUGE, "", ("peer",)),
    Figure("peer_heard_s", "time since a packet of the daemon came", Kind.GAUGE, "s", ("peer",)),
    Figure("peer_received", "packets of the daemon that came in", labels=("peer",)),
    Figure("peer_missed", "packets of the daemon that had to be asked for here", labels=("peer",)),
    Figure(
        "latency_s",
        "own messages, from their submission to their delivery here",
        Kind.HISTOGRAM,
        "s",
        ("service",),
    ),
    Figure(
        "round_s",
        "times between two visits of a token that did not rest",
        Kind.HISTOGRAM,
        "s",
    ),
    Figure(
        "lateness_s",
        "how much later than its deadline a turn of the event loop came",
        Kind.HISTOGRAM,
        "s",
    ),
    Figure(
        "finding",
        "1 for each judgement of health in force",
        Kind.GAUGE,
        labels=("rule", "severity", "subject"),
    ),
)

FIGURES: Final[Mapping[str, Figure]] = {
    figure.name: figure
    for section in (
        NODE,
        ARRIVALS,
        DEPARTURES,
        RING,
        MEMBERSHIP,
        OBSERVING,
        WEB,
        PROCESS,
        GAUGES,
        REPORTED,
    )
    for figure in section
}
"""Each figure by its name."""


def names_of(section: Iterable[Figure]) -> tuple[tuple[str, str], ...]:
    """Return name and meaning of each figure, for the modules that count by index."""
    return tuple((figure.name, figure.meaning) for figure in section)


def counters_in(values: Mapping[str, int]) -> dict[str, int]:
    """Return those values that only grow, for `Report.counters`."""
    return {name: value for name, value in values.items() if _kind(name) is Kind.COUNTER}


def gauges_in(values: Mapping[str, int]) -> dict[str, float]:
    """Return those values that say how something is, for `Report.gauges`."""
    return {name: float(value) for name, value in values.items() if _kind(name) is Kind.GAUGE}


def _kind(name: str) -> Kind | None:
    figure = FIGURES.get(name)
    return None if figure is None else figure.kind

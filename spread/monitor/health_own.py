"""What one daemon can judge of its own reports: a function for each rule.

A function looks at the last seconds (`Span`) and says for each subject what is true now; it keeps
nothing. What is said of it, and why the thresholds are as they are, stands in
`spread.monitor.health_rules`.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from spread.monitor.causes import known_best
from spread.monitor.health_hysteresis import Level, Verdict
from spread.monitor.health_reload import foreign_datagrams, unsettling
from spread.monitor.health_span import Course, Span
from spread.monitor.report import Peer

__all__ = ["OWN_JUDGES", "Judge"]

SHORT_S: Final = 10.0
"""Long enough that one burst is not the whole of it, short enough to be about now."""

LONG_S: Final = 60.0
"""For what happens seldom."""

LOSS_WARNING: Final = 0.01
LOSS_CRITICAL: Final = 0.10
LOST_LEAST: Final = 20

SLOW_BYTES: Final = 4 << 20
SLOW_MESSAGES: Final = 500
SLOW_BYTES_CRITICAL: Final = 12 << 20

STALL_WARNING_MS: Final = 500
STALL_CRITICAL_MS: Final = 1000

STEP_S: Final = 0.5
STEP_CRITICAL_S: Final = 60.0

DROPS_LEAST: Final = 10
DROPS_CRITICAL: Final = 0.01
JOINT_MAX: Final = 64
"""Datagrams that the system may have put together to one, and drops as one."""

TWICE_SHARE: Final = 0.2
TWICE_LEAST: Final = 100

INSTALLS_WARNING: Final = 4
INSTALLS_CRITICAL: Final = 8

REFUSED: Final = {
    "unsent_denied": "a filter of this host refused them",
    "unsent_unreachable": "no route or interface would take them",
    "unsent_too_large": "they are larger than the interface takes",
    "unsent_no_memory": "the system had no memory for them",
    "unsent_overflow": "the sending socket stayed full",
    "unsent_other": "the system gave another reason",
}

ONE_WAY: Final = {
    "deaf": "does not hear {daemon}",
    "multicast_lost": "sends multicast that never arrives at {daemon}",
    "form_unanswered": "answers nothing when a ring is formed",
    "token_port": "loses the token as soon as a ring with it is installed",
}

MULTICAST_MISSED: Final = 0.5
"""Where multicast does not arrive, all packets have to be asked for."""

SETTLED_S: Final = 5.0
"""A ring that lasts so long is one in which everybody hears everybody."""

DAMAGED: Final = ("dropped_damaged", "dropped_malformed")

TOLD_S: Final = 2 * LONG_S
"""Of a sender that still sends the log has told within a minute; it may have paused for another."""

KNOWN_CAUSES: Final = {*ONE_WAY, "datagrams_lost"}
"""Troubles that lose packets, and have rules of their own that name the cause."""

Judge = Callable[[Course], Iterable[Verdict]]


def _level(is_critical: bool) -> Level:
    return Level.CRITICAL if is_critical else Level.WARNING


def _spanned(seconds: float) -> Callable[[Callable[[Span], Iterator[Verdict]]], Judge]:
    """Let a function of a span judge a course; it says nothing before there are two reports."""

    def decorate(judge: Callable[[Span], Iterator[Verdict]]) -> Judge:
        def judged(course: Course) -> Iterator[Verdict]:
            span = course.span(seconds)
            if span is not None and span.seconds > 0:
                yield from judge(span)

        return judged

    return decorate


@_spanned(SHORT_S)
def _lossy_link(span: Span) -> Iterator[Verdict]:
    me = span.last.daemon
    # What the own system drops was not lost on the way: another rule speaks of it.
    dropped = span.grown("receive_drops") * JOINT_MAX
    peers = list(span.peers())
    if dropped and dropped >= sum(each.missed for each in peers):
        return
    for each in peers:
        lost = each.missed
        if lost < LOST_LEAST or each.received == 0:
            continue
        if each.peer.trouble_name in KNOWN_CAUSES:
            continue
        share = lost / max(each.received, lost)
        if share >= LOSS_WARNING:
            values = {
                "source": each.peer.name,
                "target": me,
                "percent": 100 * share,
                "lost": lost,
                "received": each.received,
                "seconds": span.seconds,
            }
            yield Verdict(f"{each.peer.name} -> {me}", _level(share >= LOSS_CRITICAL), values)


@_spanned(SHORT_S)
def _slow_receiver(span: Span) -> Iterator[Verdict]:
    for each in span.last.slowest:
        if each.queued_bytes >= SLOW_BYTES or each.queued_messages >= SLOW_MESSAGES:
            values = {
                "session": each.name,
                "host": each.host or "this host",
                "messages": each.queued_messages,
                "mebibytes": each.queued_bytes / (1 << 20),
            }
            yield Verdict(each.name, _level(each.queued_bytes >= SLOW_BYTES_CRITICAL), values)


@_spanned(LONG_S)
def _receivers_closed(span: Span) -> Iterator[Verdict]:
    closed = span.grown("ended_slow", "ended_memory", "ended_stalled")
    if closed:
        values = {"closed": closed, "daemon": span.last.daemon, "seconds": span.seconds}
        yield Verdict(span.last.daemon, Level.WARNING, values)


@_spanned(SHORT_S)
def _scheduler_delay(span: Span) -> Iterator[Verdict]:
    late_ms = span.grown("stall_ms")
    if late_ms >= STALL_WARNING_MS:
        values = {
            "daemon": span.last.daemon,
            "late_ms": late_ms,
            "times": _times(max(1, span.grown("stalls"))),
            "seconds": span.seconds,
        }
        yield Verdict(span.last.daemon, _level(late_ms >= STALL_CRITICAL_MS), values)


@_spanned(LONG_S)
def _clock_step(span: Span) -> Iterator[Verdict]:
    step_s = span.clock_step_s()
    if abs(step_s) >= STEP_S:
        values = {
            "daemon": span.last.daemon,
            "step_s": abs(step_s),
            "direction": "ahead" if step_s > 0 else "back",
        }
        yield Verdict(span.last.daemon, _level(abs(step_s) >= STEP_CRITICAL_S), values)


@_spanned(SHORT_S)
def _receive_overrun(span: Span) -> Iterator[Verdict]:
    drops = span.grown("receive_drops")
    requested = span.grown("requested")
    share = requested / max(1, span.grown("packets_received"))
    is_felt = requested >= LOST_LEAST and share >= DROPS_CRITICAL
    if drops >= DROPS_LEAST or (drops and is_felt):
        values = {
            "daemon": span.last.daemon,
            "times": _times(drops),
            "kibibytes": span.gauge("receive_buffer_bytes") / 1024,
            "seconds": span.seconds,
        }
        yield Verdict(span.last.daemon, _level(is_felt), values)


@_spanned(LONG_S)
def _path_size(span: Span) -> Iterator[Verdict]:
    if span.grown("datagrams_lost", "unsent_too_large"):
        values = {
            "daemon": span.last.daemon,
            "bytes": span.gauge("datagram_size"),
            "peers": _troubled(span, "datagrams_lost"),
        }
        yield Verdict(span.last.daemon, Level.WARNING, values)


@_spanned(LONG_S)
def _one_way(span: Span) -> Iterator[Verdict]:
    for peer in span.last.peers:
        words = ONE_WAY.get(peer.trouble_name)
        if words is not None and span.grown(peer.trouble_name) and not _is_settled(span, peer):
            me = span.last.daemon
            values = {"peer": peer.name, "daemon": me, "words": words.format(daemon=me)}
            yield Verdict(f"{me} -> {peer.name}", Level.CRITICAL, values)


@_spanned(LONG_S)
def _other_configuration(span: Span) -> Iterator[Verdict]:
    dropped = foreign_datagrams(span)
    if dropped:
        values = {
            "daemon": span.last.daemon,
            "dropped": dropped,
            "seconds": span.seconds,
            "senders": _senders(span, "dropped_network"),
        }
        yield Verdict(span.last.daemon, Level.CRITICAL, values)


@_spanned(SHORT_S)
def _shared_lan(span: Span) -> Iterator[Verdict]:
    others = sorted({each.segment for each in span.last.peers} - {span.last.segment})
    twice, came = span.grown("duplicates"), span.grown("packets_received")
    if not others or twice < TWICE_LEAST or twice < TWICE_SHARE * came:
        return
    # Packets that were asked for come twice, too, and prove nothing.
    if span.grown("requested") * 2 < twice:
        names = [each.name for each in span.last.peers if each.segment in others]
        values = {
            "daemon": span.last.daemon,
            "twice": twice,
            "came": came,
            "other": f"that of {' and '.join(names)}" if len(others) == 1 else "another one",
        }
        yield Verdict(span.last.daemon, Level.WARNING, values)


@_spanned(SHORT_S)
def _send_refused(span: Span) -> Iterator[Verdict]:
    for name, words in REFUSED.items():
        count = span.grown(name)
        if count and name != "unsent_too_large":
            values = {
                "daemon": span.last.daemon,
                "count": count,
                "words": words,
                "seconds": span.seconds,
            }
            yield Verdict(f"{span.last.daemon}, {name}", Level.WARNING, values)


@_spanned(LONG_S)
def _unstable_ring(span: Span) -> Iterator[Verdict]:
    installs, views = unsettling(span)
    if installs >= INSTALLS_WARNING:
        causes = known_best(each.cause for each in views)
        values = {
            "daemon": span.last.daemon,
            "installs": installs,
            "seconds": span.seconds,
            "causes": "; ".join(causes) or "unknown",
        }
        yield Verdict(span.last.daemon, _level(installs >= INSTALLS_CRITICAL), values)


@_spanned(LONG_S)
def _damaged(span: Span) -> Iterator[Verdict]:
    damaged = span.grown(*DAMAGED)
    if damaged:
        values = {
            "daemon": span.last.daemon,
            "damaged": damaged,
            "seconds": span.seconds,
            "senders": _senders(span, *DAMAGED),
        }
        yield Verdict(span.last.daemon, Level.WARNING, values)


@_spanned(SHORT_S)
def _partitioned(span: Span) -> Iterator[Verdict]:
    if span.last.partition:
        yield Verdict(span.last.daemon, Level.WARNING, {"daemon": span.last.daemon})


def _is_settled(span: Span, peer: Peer) -> bool:
    """Whether a trouble is over: a daemon is in a ring that lasts, or its multicast arrives."""
    if peer.trouble_name == "multicast_lost":
        return any(
            each.peer.name == peer.name
            and each.received >= LOST_LEAST
            and each.missed < MULTICAST_MISSED * each.received
            for each in span.tail(SHORT_S).peers()
        )
    since_s = span.last.time_s - span.last.views[-1].time_s if span.last.views else 0.0
    return peer.is_member and since_s >= SETTLED_S


def _senders(span: Span, *counters: str) -> str:
    """Return who sent what was dropped, by name where the configuration has one."""
    names = {each.address: each.name for each in span.last.peers}
    found = {
        f"{names[each.address]} ({each.address})" if each.address in names else each.address: None
        for each in span.last.strangers
        if each.counter in counters and each.told_s <= TOLD_S
    }
    return " and ".join(found) or "others"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _troubled(span: Span, trouble: str) -> str:
    names = [each.name for each in span.last.peers if each.trouble_name == trouble]
    return " and ".join(names) or "a daemon of the ring"


OWN_JUDGES: Final[dict[str, Judge]] = {
    "lossy-link": _lossy_link,
    "slow-receiver": _slow_receiver,
    "receivers-closed": _receivers_closed,
    "scheduler-delay": _scheduler_delay,
    "clock-step": _clock_step,
    "receive-overrun": _receive_overrun,
    "path-size": _path_size,
    "one-way-link": _one_way,
    "other-configuration": _other_configuration,
    "shared-lan": _shared_lan,
    "send-refused": _send_refused,
    "unstable-ring": _unstable_ring,
    "damaged-datagrams": _damaged,
    "partition-command": _partitioned,
}
"""The function of each rule, by the rule's name."""

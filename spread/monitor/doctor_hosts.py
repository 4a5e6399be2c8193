"""Problems of single hosts, and of hosts that do not agree: silence, files, releases, clocks."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from spread.monitor.doctor_evidence import Evidence, Key, Problem, Severity
from spread.monitor.doctor_talk import Facts
from spread.monitor.probes import SIZE_MIN, Way

__all__ = ["clock_offsets", "host_problems"]

CLOCKS_S: Final = 1.0
"""Clocks that differ less let logs be read side by side."""

STEP_S: Final = 0.1
"""More than any clock drifts while the doctor looks."""

NS_PER_S: Final = 1_000_000_000
MIB: Final = 1 << 20


def host_problems(evidence: Evidence) -> Iterator[Problem]:
    """Find what is wrong with hosts."""
    yield from _silence(evidence)
    yield from _stand_ins(evidence)
    yield from _identities(evidence)
    yield from _configurations(evidence)
    yield from _releases(evidence)
    yield from _buffers(evidence)
    yield from _clocks(evidence)
    yield from _steps(evidence)


def _silence(evidence: Evidence) -> Iterator[Problem]:
    """Find daemons that do not answer; those that are silent alike are one problem."""
    reasons: dict[str, list[int]] = {}
    for number, reason in evidence.silence.items():
        reasons.setdefault(reason, []).append(number)
    for reason, numbers in reasons.items():
        entries = [evidence.entries[number] for number in numbers]
        names = ", ".join(entry.name for entry in entries)
        shown = [f"{entry.address} (UDP {entry.port}, {entry.port + 1})" for entry in entries[:4]]
        rest = f" and {len(entries) - 4} more" if len(entries) > 4 else ""
        places = ", ".join(shown) + rest
        sentence, remedy = _silent(reason, names, places, len(entries))
        yield Problem("silent", Severity.FAILURE, names, sentence, remedy)
    if evidence.unheard:
        names = ", ".join(evidence.name(number) for number in sorted(evidence.unheard))
        yield Problem(
            "silent",
            Severity.FAILURE,
            names,
            "answered at first, and then not any more; what arrives there cannot be told",
            "see whether spread still runs there, and is not stopped (`ps -o stat,args -C spread`: "
            "T), then run the doctor again",
        )


def _silent(reason: str, names: str, places: str, count: int) -> tuple[str, str]:
    """Return what is wrong with daemons that do not answer, and the remedy."""
    if reason == "refused":
        says = "the host answers" if count == 1 else "the hosts answer"
        return (
            f"no daemon runs at {places}: {says} that nobody has the ports",
            f"start spread on {names}; to test the network before that, run "
            "`spread doctor --listen` there",
        )
    if reason:
        return (
            f"nothing can be sent to {places}: {reason}",
            "mend the route to it, or its address in the configuration file",
        )
    return (
        f"no answer from {places}",
        f"see whether the host is up, has this address, and runs spread; then run `spread doctor` "
        f"on {names}, too: it sees from there which direction is cut. Firewalls on the way have to "
        "let UDP to both ports pass, in and out",
    )


def _stand_ins(evidence: Evidence) -> Iterator[Problem]:
    """Find places where a doctor answers instead of a daemon: the network is tested, no more."""
    names = [evidence.name(number) for number, each in evidence.facts.items() if not each.is_daemon]
    if names:
        yield Problem(
            "stand-in",
            Severity.NOTE,
            ", ".join(names),
            "no daemon runs there, a doctor has answered in its place",
            "start spread there once the rest is as it should be",
        )


def _identities(evidence: Evidence) -> Iterator[Problem]:
    for number, facts in evidence.facts.items():
        entry = evidence.entries[number]
        if facts.name == entry.name:
            continue
        yield Problem(
            "identity",
            Severity.FAILURE,
            entry.name,
            f"at {entry.address} answers a daemon that takes itself for {facts.name}",
            "start it with -n and the name of its entry, or correct the address in the file",
        )


def _configurations(evidence: Evidence) -> Iterator[Problem]:
    odd = [
        evidence.name(number)
        for number, facts in evidence.facts.items()
        if facts.ring_hash != evidence.ring_hash
    ]
    if odd:
        yield Problem(
            "two-configurations",
            Severity.FAILURE,
            ", ".join(odd),
            f"{_run_on(odd)} another configuration than the file read here; daemons with "
            "different networks never form a ring",
            "copy one file to all hosts, and reload or restart those daemons "
            "(`spmonitor reload` shows what would change)",
        )


def _releases(evidence: Evidence) -> Iterator[Problem]:
    releases = Counter(facts.release for facts in evidence.facts.values())
    if len(releases) < 2:
        return
    listed = ", ".join(
        f"{evidence.name(number)} {facts.release}" for number, facts in evidence.facts.items()
    )
    yield Problem(
        "releases",
        Severity.WARNING,
        "all",
        f"the daemons are of {len(releases)} releases: {listed}",
        "install the same release on all hosts",
    )


def _buffers(evidence: Evidence) -> Iterator[Problem]:
    small = {
        number: facts
        for number, facts in evidence.facts.items()
        if facts.receive_bytes < facts.wanted_receive_bytes
        or facts.send_bytes < facts.wanted_send_bytes
    }
    if not small:
        return
    names = [evidence.name(number) for number in small]
    least = min(small.values(), key=lambda each: each.receive_bytes)
    yield Problem(
        "buffers",
        Severity.WARNING,
        ", ".join(names),
        f"socket buffers are smaller than wished: {_mib(least.receive_bytes)} to receive where "
        f"{_mib(least.wanted_receive_bytes)} are wished; bursts that do not fit are lost and sent "
        "again",
        f"sysctl -w net.core.rmem_max={least.wanted_receive_bytes} "
        f"net.core.wmem_max={least.wanted_send_bytes} (and into /etc/sysctl.d), then restart; "
        "or start spread as root",
    )


def clock_offsets(evidence: Evidence) -> dict[int, float]:
    """Return by how many seconds clocks are ahead of that of one of them, where it can be told.

    A way there and back takes the time of both, so half of their difference is the clocks'.
    """
    answering = sorted(evidence.facts)
    if evidence.own is not None and evidence.own in evidence.facts:
        answering.insert(0, answering.pop(answering.index(evidence.own)))
    offsets: dict[int, float] = {}
    for number in answering:
        if not offsets:
            offsets[number] = 0.0
            continue
        for known, ahead in list(offsets.items()):
            there = _delay_ns(evidence, known, number)
            back = _delay_ns(evidence, number, known)
            if there is not None and back is not None:
                offsets[number] = ahead + (there - back) / 2 / NS_PER_S
                break
    return offsets


def _clocks(evidence: Evidence) -> Iterator[Problem]:
    offsets = clock_offsets(evidence)
    if not offsets:
        return
    reference = evidence.name(next(iter(offsets)))
    for number, ahead in offsets.items():
        if abs(ahead) < CLOCKS_S:
            continue
        yield Problem(
            "clocks",
            Severity.WARNING,
            evidence.name(number),
            f"its clock is {abs(ahead):.1f} s {'ahead of' if ahead > 0 else 'behind'} that of "
            f"{reference}; logs and timelines of the two do not fit together",
            "let all hosts keep time, with chrony, ntpd or systemd-timesyncd",
        )


def _steps(evidence: Evidence) -> Iterator[Problem]:
    for number, later in evidence.later.items():
        before = evidence.facts.get(number)
        if before is None or later.steady_ns < before.steady_ns:
            continue
        step = _ahead_ns(later) - _ahead_ns(before)
        if abs(step) < STEP_S * NS_PER_S:
            continue
        yield Problem(
            "clock-step",
            Severity.WARNING,
            evidence.name(number),
            f"its clock was set by {step / NS_PER_S:+.1f} s while the doctor looked",
            "see who sets it; let one service keep time, slewing rather than stepping",
        )


def _delay_ns(evidence: Evidence, sender: int, target: int) -> int | None:
    found = [
        heard.delay_ns
        for way in (Way.DATA, Way.TOKEN)
        if (heard := evidence.heard.get(Key(sender, target, way, SIZE_MIN))) is not None
    ]
    return min(found, default=None)


def _ahead_ns(facts: Facts) -> int:
    return facts.time_ns - facts.steady_ns


def _run_on(names: list[str]) -> str:
    return f"{', '.join(names)} {'runs' if len(names) == 1 else 'run'} on"


def _mib(size: int) -> str:
    return f"{size / MIB:.1f} MiB"

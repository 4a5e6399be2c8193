"""Why a daemon does not answer, as far as it can be told from here, and what to check.

the system says that nobody has the port    -> the daemon does not run, or has another port
the system has no way to the host           -> network
another daemon has it in its ring           -> it runs: access, or a firewall on this way
nothing                                     -> host, firewall, access, one after the other
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from spread.monitor.report import Report
from spread.monitor.roster import Roster
from spread.monitor.watch import RingWatch, Watched

__all__ = ["Silence", "explain", "silence_of"]


@dataclass(frozen=True, slots=True)
class Silence:
    """A daemon that does not answer."""

    daemon: str
    since_s: float
    """For how long, in seconds."""
    sentence: str
    checks: tuple[str, ...]
    """What to look at, the likeliest first."""


def explain(watched: Watched, watch: RingWatch, now_s: float) -> Silence:
    """Return why a silent daemon may be silent."""
    since_s = now_s - (watched.silent_since_s if watched.silent_since_s is not None else now_s)
    return silence_of(watched, watch.roster, watch.reports, since_s)


def silence_of(
    watched: Watched, roster: Roster, reports: Sequence[Report] = (), since_s: float = 0.0
) -> Silence:
    """Return why a daemon may be silent, for what is known of it and what others report."""
    target = watched.target
    place = f"{target.address}, UDP port {target.port}"
    if watched.trouble == "refused":
        sentence = f"nobody has {place}: the daemon does not run there, or has another port"
    elif watched.trouble:
        sentence = f"{place}: {watched.trouble}"
    elif watched.heard_s is not None:
        sentence = f"no answer any more from {place}"
    else:
        sentence = f"no answer from {place}"
    return Silence(target.name, since_s, sentence, tuple(_checks(watched, roster, reports)))


def _checks(watched: Watched, roster: Roster, reports: Sequence[Report]) -> Iterator[str]:
    target = watched.target
    file = roster.path or "the command line of --local"
    witness = _witness(target.name, reports)
    if watched.trouble == "refused":
        yield f"start the daemon {target.name} on its host, and look at the end of its log"
        yield f"compare port {target.port}, which comes from {file}, with the file of that host"
        return
    if watched.trouble:
        yield f"address and route: ping {target.address}, ip route get {target.address}"
        yield f"that {target.address} is the address of {target.name}; it comes from {file}"
        return
    if witness is not None:
        yield f"{witness.daemon} has it in its ring, so it runs; the way from this host is closed"
    elif watched.heard_s is None:
        yield f"that {target.name} runs, and that its host answers: ping {target.address}"
    if roster.own is None:
        yield (
            f"access: this host has no entry in {file}; start the daemons with "
            f"--monitor-allow NETWORK, or run the monitor on a host of the file"
        )
    yield f"firewalls between here and there: UDP port {target.port} must be open, both ways"
    if witness is None:
        yield f"name and port: {target.name} is {target.address}:{target.port} in {file}"


def _witness(name: str, reports: Sequence[Report]) -> Report | None:
    """Return a report that has the daemon in its ring and heard it of late."""
    for report in reports:
        peer = next((each for each in report.peers if each.name == name), None)
        if peer is not None and peer.is_member and peer.heard_ms is not None:
            return report
    return None

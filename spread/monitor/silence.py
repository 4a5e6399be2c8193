"""Why a daemon does not answer, as far as it can be told from here, and what to check.

the system says that nobody has the port    -> the daemon does not run, or has another port
the system has no way to the host           -> network
something else comes back from there        -> who that is, see `spread.monitor.sender`
another daemon has it in its ring           -> it runs: access, or a firewall on this way; or it
                                               stopped less than `DETECTED_S` ago
a program of this very host has the port    -> which one
nothing                                     -> host, firewall, access, one after the other
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from spread.monitor.here import has_address, has_holder
from spread.monitor.report import Report
from spread.monitor.roster import Roster, Target
from spread.monitor.sender import Oddity, Strange
from spread.monitor.watch import PATIENCE_S, RingWatch, Watched

__all__ = ["DETECTED_S", "Silence", "explain", "silence_of"]

DETECTED_S: Final = 10.0
"""So long others may count on a daemon that has stopped: until they miss the token."""


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
    file = roster.path or "the command line of --local"
    if watched.trouble:
        sentence, *checks = _of_trouble(watched.target, watched.trouble, file)
    elif watched.strange is not None:
        sentence, *checks = _of_strange(watched.target, watched.strange, file)
    else:
        sentence, *checks = _of_nothing(watched, roster, reports, file, since_s)
    return Silence(watched.target.name, since_s, sentence, tuple(checks))


def _of_trouble(target: Target, trouble: str, file: str) -> Iterator[str]:
    """Yield the sentence and what to check, where the system or the daemon has said something."""
    place = _place(target)
    if trouble == "refused":
        yield f"nobody has {place}: the daemon does not run there, or has another port"
        yield f"start the daemon {target.name} on its host, and look at the end of its log"
        yield f"compare port {target.port}, which comes from {file}, with the file of that host"
        return
    yield f"{place}: {trouble}"
    yield f"address and route: ping {target.address}, ip route get {target.address}"
    yield f"that {target.address} is the address of {target.name}; it comes from {file}"


def _of_strange(target: Target, strange: Strange, file: str) -> Iterator[str]:
    """Yield the sentence and what to check, where something came back that is no answer."""
    place, detail = _place(target), strange.detail
    match strange.oddity:
        case Oddity.OTHER_DAEMON:
            yield f"at {place}, the daemon {detail} answers"
            yield (
                f"if both are on one host: {detail} listens on all its addresses; give each its "
                f"own in {file}, such as {target.name} {target.address} {{ {target.address} }}"
            )
            yield f"else the address of {target.name} in {file} is wrong: the host is {detail}'s"
        case Oddity.UNKNOWN_DAEMON:
            yield f"at {place}, a daemon answers that calls itself {detail}"
            yield f"{detail} is not in {file}: compare it with the file of that host"
            yield "spread --check shows what a file means, and its hash"
        case Oddity.OTHER_ADDRESS:
            yield f"{target.name} answers from {detail}, which is none of its addresses in {file}"
            yield f"if {detail} is of the host of {target.name}: list it as an interface there"
            yield f"if it is not: somebody poses as {target.name}"
        case Oddity.LATE:
            yield f"{place} answers too late, after more than {PATIENCE_S:g} s"
            yield f"the load of that host, and the way there: ping {target.address}"
        case Oddity.NO_SENSE:
            yield f"what answers at {place} is no daemon that this monitor knows: {detail}"
            yield f"which program that is: on its host, {_holder_command(target)}"
            yield f"stop that program, or choose another port than {target.port} for all daemons"


def _of_nothing(
    watched: Watched, roster: Roster, reports: Sequence[Report], file: str, since_s: float
) -> Iterator[str]:
    """Yield the sentence and what to check, where nothing came back."""
    target = watched.target
    place = _place(target)
    witness = _witness(target.name, reports)
    is_here = has_address(target.address)
    if has_holder(target.address, target.port) and witness is None:
        yield f"no answer from {place}, though a program of this host has that port"
        yield f"which one: {_holder_command(target)}"
        yield f"if it is the daemon {target.name}: the end of its log"
        yield f"if it is not: stop it, or choose another port than {target.port} for all daemons"
        return
    yield f"no answer {'any more ' if watched.heard_s is not None else ''}from {place}"
    if witness is not None:
        recently = (
            "" if since_s >= DETECTED_S else f"; or it stopped less than {DETECTED_S:g} s ago"
        )
        yield (
            f"{witness.daemon} has it in its ring: it runs, and the way from this host is closed"
            f"{recently}"
        )
    elif watched.heard_s is None:
        yield f"that {target.name} runs, and that its host answers: ping {target.address}"
    if not is_here:
        yield from _access(roster, file)
    yield f"firewalls between here and there: UDP port {target.port} must be open, both ways"
    if witness is None:
        yield f"name and port: {target.name} is {target.address}:{target.port} in {file}"


def _access(roster: Roster, file: str) -> Iterator[str]:
    """Yield who may ask, for a daemon of another host."""
    if roster.own is None:
        yield (
            f"access: this host has no entry in {file}; start the daemons with "
            f"--monitor-allow NETWORK, or run the monitor on a host of the file, "
            f"as classic daemons need it"
        )
    elif not has_address(roster.own.identity):
        yield (
            f"-n: a classic daemon replies to {roster.own.identity}, the address of "
            f"{roster.own.name}, and that is none of this host"
        )


def _place(target: Target) -> str:
    return f"{target.address}, UDP port {target.port}"


def _holder_command(target: Target) -> str:
    return f"ss -lunp 'sport = :{target.port}'"


def _witness(name: str, reports: Sequence[Report]) -> Report | None:
    """Return a report that has the daemon in its ring, which is whole, and has heard it."""
    for report in reports:
        peer = next((each for each in report.peers if each.name == name), None)
        is_heard = peer is not None and peer.is_member and peer.heard_ms is not None
        if is_heard and not report.is_forming:
            return report
    return None

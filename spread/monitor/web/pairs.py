"""Losses between each two daemons: packets of one that another had to ask for again."""

from dataclasses import dataclass

from spread.monitor.web.sight import Seen, Sight

__all__ = ["Pair", "pairs"]


@dataclass(frozen=True, slots=True)
class Pair:
    """The way from one daemon to another, as far as there is something to say about it."""

    source: str
    target: str
    missed: int
    """Packets that were asked for again in the time that is known, a minute at most."""
    missed_total: int
    """The same since the target started."""
    received: int
    """Packets that came in that time."""
    heard_ms: int | None
    trouble: str = ""


def pairs(sight: Sight) -> list[Pair]:
    """Return the ways between daemons on which packets have come, or are missed, or in trouble."""
    return [pair for seen in sight.seen if seen.is_answering for pair in _into(seen)]


def _into(seen: Seen) -> list[Pair]:
    """Return the ways that end at a daemon."""
    last = seen.report
    if last is None:
        return []
    first = next(iter(seen.history)).report
    before = {each.name: each for each in first.peers}
    found = []
    for peer in last.peers:
        earlier = before.get(peer.name, peer)
        pair = Pair(
            source=peer.name,
            target=last.daemon or seen.name,
            missed=max(0, peer.missed - earlier.missed),
            missed_total=peer.missed,
            received=max(0, peer.received - earlier.received),
            heard_ms=peer.heard_ms,
            trouble=peer.trouble,
        )
        if pair.received or pair.missed_total or pair.trouble:
            found.append(pair)
    return found

"""Problems of ways between daemons: ports that a firewall closes, one-way links, multicast."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from spread.monitor.doctor_evidence import Entry, Evidence, Key, Problem, Severity
from spread.monitor.probes import SIZE_MIN, Way

__all__ = ["lost_ways", "way_problems"]

NAMED_MAX: Final = 3
"""So many daemons are told by their names, more by their number."""

Pair = tuple[int, int]


def lost_ways(evidence: Evidence, sender: int, target: int) -> frozenset[Way]:
    """Return by which ways small probes do not arrive."""
    return frozenset(way for way in Way if evidence.lost(Key(sender, target, way, SIZE_MIN)))


class _Side(NamedTuple):
    """A host that loses something in one direction, whoever is at the other end."""

    entry: Entry
    others: str
    is_deaf: bool
    """Whether it hears nobody, or else nobody hears it."""


@dataclass(slots=True)
class _Ways:
    """Which pairs lose what, and what has been said of them."""

    evidence: Evidence
    lost: dict[Pair, frozenset[Way]]
    told: set[tuple[int, int, Way]] = field(default_factory=set)

    def loses(self, pair: Pair, *ways: Way) -> bool:
        """Tell whether a pair loses all of these, and nothing has been said of it."""
        return all(way in self.lost[pair] and (*pair, way) not in self.told for way in ways)

    def tell(self, pairs: Iterable[Pair], *ways: Way) -> None:
        self.told |= {(*pair, way) for pair in pairs for way in ways}

    def is_tried(self, pair: Pair, way: Way) -> bool:
        key = Key(*pair, way, SIZE_MIN)
        return key in self.evidence.tried or key in self.evidence.unsent

    def sides(self, among: Collection[Pair], *ways: Way) -> Iterator[_Side]:
        """Find hosts that lose these ways with all others, two at least; each is said once."""
        for number in self.evidence.facts:
            for is_deaf in (True, False):
                pairs = [
                    pair
                    for pair in among
                    if pair[is_deaf] == number and self.is_tried(pair, ways[0])
                ]
                fresh = [pair for pair in pairs if self.loses(pair, *ways)]
                if len(pairs) < 2 or not all(self.lost[pair].issuperset(ways) for pair in pairs):
                    continue
                # A host that cannot send to a single other one is left to that pair.
                if len(fresh) > 1 or (fresh and is_deaf):
                    self.tell(pairs, *ways)
                    others = _names(self.evidence, [pair[not is_deaf] for pair in pairs])
                    yield _Side(self.evidence.entries[number], others, is_deaf)

    def pairs(self, among: Collection[Pair], *ways: Way) -> Iterator[Pair]:
        """Find single pairs that lose these ways; each is said once."""
        for pair in among:
            if self.loses(pair, *ways):
                self.tell([pair], *ways)
                yield pair


def way_problems(evidence: Evidence) -> Iterator[Problem]:
    """Find ways by which nothing arrives, or not all of it."""
    ways = _Ways(evidence, {pair: lost_ways(evidence, *pair) for pair in evidence.pairs()})
    ways.tell(evidence.strays, *Way)
    yield from _strays(evidence)
    yield from _cut(ways)
    for way in (Way.DATA, Way.TOKEN):
        yield from map(_shut_port(way), ways.sides(ways.lost, way))
    yield from _shut_pairs(ways)
    yield from _multicast(ways)
    yield from _shared_networks(evidence)
    yield from _losses(evidence)


def _strays(evidence: Evidence) -> Iterator[Problem]:
    judged = set(evidence.pairs())
    for (sender, hearer), source in evidence.strays.items():
        if (sender, hearer) not in judged:
            continue
        name = evidence.name(sender)
        yield Problem(
            "wrong-interface",
            Severity.FAILURE,
            f"{name} -> {evidence.name(hearer)}",
            f"what {name} sends arrives from {source}, which is none of its addresses for "
            "daemons; the ring does not take it",
            f"write {source} into the entry of {name}, or mend its routes; nothing may translate "
            "addresses between daemons",
        )


def _cut(ways: _Ways) -> Iterator[Problem]:
    """Find hosts that nothing reaches, or that reach nobody; then such pairs."""
    evidence, both = ways.evidence, (Way.DATA, Way.TOKEN)
    for side in ways.sides(ways.lost, *both):
        yield _cut_host(side)
    for pair in ways.pairs(ways.lost, *both):
        there, back = map(evidence.name, pair)
        reverse = (pair[1], pair[0])
        if ways.lost.get(reverse, frozenset()).issuperset(both):
            ways.tell([reverse], *both)
            yield _no_way(there, back)
        else:
            yield _one_way(there, back)


def _cut_host(side: _Side) -> Problem:
    entry = side.entry
    if side.is_deaf:
        sentence = f"nothing that {side.others} send to {entry.name} arrives, at neither port"
    else:
        sentence = f"nothing that {entry.name} sends to {side.others} arrives, at neither port"
    return Problem(
        "firewall",
        Severity.FAILURE,
        entry.name,
        sentence,
        f"let UDP ports {entry.port} and {entry.port + 1} {'in' if side.is_deaf else 'out'} "
        f"through the firewall of {entry.name} ({entry.address}); see its cable, switch port "
        "and routes",
    )


def _shut_port(way: Way) -> Callable[[_Side], Problem]:
    """Return what says that a host hears nobody at a port, or can send nothing to it."""

    def problem(side: _Side) -> Problem:
        entry, port = side.entry, _port(side.entry, way)
        remedy = f"through the firewall of {entry.name} ({entry.address})"
        if side.is_deaf:
            sentence = f"nothing that {side.others} send to UDP port {port} of {entry.name} arrives"
            remedy = f"let UDP port {port} in {remedy}, from the addresses of all daemons"
        else:
            sentence = (
                f"nothing that {entry.name} sends to UDP port {port} of {side.others} arrives"
            )
            remedy = f"let UDP port {port} out {remedy}"
        sentence += f"; that is the port {_word(way)}"
        return Problem("firewall", Severity.FAILURE, entry.name, sentence, remedy)

    return problem


def _shut_pairs(ways: _Ways) -> Iterator[Problem]:
    """Find single ways by which one port hears nothing."""
    evidence = ways.evidence
    for way in (Way.DATA, Way.TOKEN):
        for pair in ways.pairs(ways.lost, way):
            there, back = (evidence.entries[number] for number in pair)
            port = _port(back, way)
            yield Problem(
                "firewall",
                Severity.FAILURE,
                f"{there.name} -> {back.name}",
                f"nothing that {there.name} sends to UDP port {port} of {back.name} arrives, the "
                f"port {_word(way)}; what it sends to the other port does",
                f"let UDP port {port} pass from {there.address} to {back.address}",
            )


def _no_way(one: str, other: str) -> Problem:
    return Problem(
        "no-way",
        Severity.FAILURE,
        f"{one} <-> {other}",
        f"nothing passes between {one} and {other}, in neither direction",
        "see routes, VLANs and firewalls between the two; all daemons must reach each other",
    )


def _one_way(there: str, back: str) -> Problem:
    return Problem(
        "one-way-link",
        Severity.FAILURE,
        f"{there} -> {back}",
        f"a one-way link: {back} is heard by {there}, but hears nothing from it",
        f"see what drops the datagrams from {there} to {back}: a firewall, a filter of a switch, "
        "a wrong ARP entry or route, a broken fibre of two",
    )


def _multicast(ways: _Ways) -> Iterator[Problem]:
    evidence, way = ways.evidence, Way.SEGMENT
    tried = [
        pair for pair in ways.lost if Way.DATA not in ways.lost[pair] and ways.is_tried(pair, way)
    ]
    for segment in sorted({evidence.entries[pair[0]].segment for pair in tried}):
        inside = [pair for pair in tried if evidence.entries[pair[0]].segment == segment]
        if all(ways.loses(pair, way) for pair in inside):
            ways.tell(inside, way)
            yield _deaf_segment(evidence, inside)
    for side in ways.sides(tried, way):
        is_deaf, name = side.is_deaf, side.entry.name
        yield _deaf_to_multicast(name) if is_deaf else _mute_multicast(name)
    for pair in ways.pairs(tried, way):
        yield _lost_multicast(*map(evidence.name, pair))


def _deaf_segment(evidence: Evidence, pairs: list[Pair]) -> Problem:
    names = sorted({evidence.name(number) for pair in pairs for number in pair})
    return Problem(
        "multicast",
        Severity.FAILURE,
        ", ".join(names),
        "datagrams to the address of the segment reach nobody, those to single daemons do",
        "let the network pass them: an IGMP querier where switches snoop, or no snooping; or "
        "write `Multicast = no` into the file on all hosts",
    )


def _deaf_to_multicast(name: str) -> Problem:
    return Problem(
        "multicast",
        Severity.FAILURE,
        name,
        f"no datagram to the segment reaches {name}, those to itself do",
        f"see IGMP snooping at the switch port of {name}, its firewall, and whether the address "
        "of its entry is on the interface of this network",
    )


def _mute_multicast(name: str) -> Problem:
    return Problem(
        "multicast",
        Severity.FAILURE,
        name,
        f"what {name} sends to the segment reaches nobody, what it sends to single daemons does",
        f"see by which interface {name} sends to the segment (`ip route get` its address), and "
        "its firewall for what goes out",
    )


def _lost_multicast(there: str, back: str) -> Problem:
    return Problem(
        "multicast",
        Severity.FAILURE,
        f"{there} -> {back}",
        f"what {there} sends to the segment does not reach {back}",
        "put daemons that multicast does not connect into segments of their own, or mend the "
        "switch between them",
    )


def _shared_networks(evidence: Evidence) -> Iterator[Problem]:
    found: dict[tuple[int, int], str] = {}
    judged = set(evidence.pairs())
    for key in evidence.heard:
        one, other = (evidence.entries[number].segment for number in (key.sender, key.target))
        if key.way != Way.SEGMENT or (key.sender, key.target) not in judged:
            continue
        if one != other:
            pair = f"{evidence.name(key.sender)} and {evidence.name(key.target)}"
            found.setdefault((min(one, other), max(one, other)), pair)
    for (one, other), pair in found.items():
        yield Problem(
            "shared-network",
            Severity.FAILURE,
            f"segments {one + 1} and {other + 1}",
            f"segments {one + 1} and {other + 1} share a network: {pair} hear each other's "
            "datagrams to the segment",
            "put the daemons of one network into one segment, or give each segment a multicast "
            "address or port of its own",
        )


def _losses(evidence: Evidence) -> Iterator[Problem]:
    for sender, target in evidence.pairs():
        keys = [Key(sender, target, way, SIZE_MIN) for way in (Way.DATA, Way.TOKEN)]
        sent = sum(evidence.tried.get(key, 0) for key in keys)
        came = sum(evidence.arrived(key) for key in keys)
        if not came or came >= sent or any(evidence.lost(key) for key in keys):
            continue
        there, back = evidence.name(sender), evidence.name(target)
        yield Problem(
            "loss",
            Severity.WARNING,
            f"{there} -> {back}",
            f"{sent - came} of {sent} small datagrams from {there} to {back} were lost",
            "see cables, duplex and load of the network; `spmonitor top` shows what is sent again",
        )


def _port(entry: Entry, way: Way) -> int:
    return entry.port + (way == Way.TOKEN)


def _word(way: Way) -> str:
    return {Way.DATA: "of data", Way.TOKEN: "of the token", Way.SEGMENT: "of the segment"}[way]


def _names(evidence: Evidence, numbers: list[int]) -> str:
    """Return daemons in words, two at least."""
    if len(numbers) > NAMED_MAX:
        return f"{len(numbers)} daemons"
    names = [evidence.name(number) for number in numbers]
    return f"{', '.join(names[:-1])} and {names[-1]}"

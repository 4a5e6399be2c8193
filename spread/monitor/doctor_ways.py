"""Problems of ways between daemons: ports that a firewall closes, one-way links, multicast."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from spread.monitor.doctor_evidence import Evidence, Key, Problem, Severity
from spread.monitor.probes import SIZE_MIN, Way

__all__ = ["lost_ways", "way_problems"]

Pair = tuple[int, int]


def lost_ways(evidence: Evidence, sender: int, target: int) -> frozenset[Way]:
    """Return by which ways small probes do not arrive."""
    return frozenset(way for way in Way if evidence.lost(Key(sender, target, way, SIZE_MIN)))


@dataclass(slots=True)
class _Ways:
    """Which pairs lose what, and what has been said of them."""

    evidence: Evidence
    lost: dict[Pair, frozenset[Way]]
    told: set[tuple[int, int, Way]] = field(default_factory=set)

    def loses(self, pair: Pair, way: Way) -> bool:
        return way in self.lost[pair] and (*pair, way) not in self.told

    def loses_both(self, pair: Pair) -> bool:
        return self.loses(pair, Way.DATA) and self.loses(pair, Way.TOKEN)

    def tell(self, pairs: Collection[Pair], *ways: Way) -> None:
        self.told |= {(*pair, way) for pair in pairs for way in ways}

    def to(self, target: int, way: Way) -> list[Pair]:
        """Return the pairs by which a daemon could be reached."""
        return [pair for pair in self.lost if pair[1] == target and _is_tried(self, pair, way)]

    def of(self, sender: int, way: Way) -> list[Pair]:
        return [pair for pair in self.lost if pair[0] == sender and _is_tried(self, pair, way)]


def way_problems(evidence: Evidence) -> Iterator[Problem]:
    """Find ways by which nothing arrives, or not all of it."""
    ways = _Ways(evidence, {pair: lost_ways(evidence, *pair) for pair in evidence.pairs()})
    ways.tell(evidence.strays, *Way)
    yield from _strays(evidence)
    yield from _cut_hosts(ways)
    yield from _cut_pairs(ways)
    for way in (Way.DATA, Way.TOKEN):
        yield from _shut_ports(ways, way)
    yield from _shut_pairs(ways)
    yield from _multicast(ways)
    yield from _shared_networks(evidence)
    yield from _losses(evidence)


def _strays(evidence: Evidence) -> Iterator[Problem]:
    for (sender, hearer), source in evidence.strays.items():
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


def _cut_hosts(ways: _Ways) -> Iterator[Problem]:
    """Find hosts that nothing reaches, and hosts whose datagrams reach nobody."""
    evidence = ways.evidence
    for number in evidence.facts:
        entry = evidence.entries[number]
        for pairs, is_deaf in (
            (ways.to(number, Way.DATA), True),
            (ways.of(number, Way.DATA), False),
        ):
            if len(pairs) < 2 or not all(ways.loses_both(pair) for pair in pairs):
                continue
            ways.tell(pairs, Way.DATA, Way.TOKEN)
            what = f"nothing that {len(pairs)} daemons send to {entry.name} arrives"
            if not is_deaf:
                what = f"what {entry.name} sends to {len(pairs)} daemons does not arrive"
            yield Problem(
                "firewall",
                Severity.FAILURE,
                entry.name,
                f"sent but not seen: {what}, at neither port",
                f"let UDP ports {entry.port} and {entry.port + 1} {'in' if is_deaf else 'out'} "
                f"through the firewall of {entry.name} ({entry.address}); see its cable, switch "
                "port and routes",
            )


def _cut_pairs(ways: _Ways) -> Iterator[Problem]:
    """Find pairs between which nothing passes, in one direction or in both."""
    evidence = ways.evidence
    for pair in ways.lost:
        if not ways.loses_both(pair):
            continue
        there, back = map(evidence.name, pair)
        reverse = (pair[1], pair[0])
        ways.tell([pair], Way.DATA, Way.TOKEN)
        if {Way.DATA, Way.TOKEN} <= ways.lost.get(reverse, frozenset()):
            ways.tell([reverse], Way.DATA, Way.TOKEN)
            yield _no_way(there, back)
        else:
            yield _one_way(there, back)


def _shut_ports(ways: _Ways, way: Way) -> Iterator[Problem]:
    """Find ports at which a host hears nobody, or to which it can send nothing."""
    evidence = ways.evidence
    for number in evidence.facts:
        entry = evidence.entries[number]
        port = entry.port + (way == Way.TOKEN)
        into, out = ways.to(number, way), ways.of(number, way)
        if len(into) > 1 and all(way in ways.lost[pair] for pair in into):
            if any(ways.loses(pair, way) for pair in into):
                yield Problem(
                    "firewall",
                    Severity.FAILURE,
                    entry.name,
                    f"sent but not seen: nothing that {len(into)} daemons send to UDP port {port} "
                    f"of {entry.name} arrives ({_word(way)})",
                    f"let UDP port {port} in through the firewall of {entry.name} "
                    f"({entry.address}), from the addresses of all daemons",
                )
            ways.tell(into, way)
        fresh = [pair for pair in out if ways.loses(pair, way)]
        if len(fresh) > 1 and all(way in ways.lost[pair] for pair in out):
            ways.tell(out, way)
            yield Problem(
                "firewall",
                Severity.FAILURE,
                entry.name,
                f"sent but not seen: what {entry.name} sends to UDP port {port} of {len(out)} "
                f"daemons does not arrive ({_word(way)})",
                f"let UDP port {port} out through the firewall of {entry.name} ({entry.address})",
            )


def _shut_pairs(ways: _Ways) -> Iterator[Problem]:
    """Find single ways by which one port hears nothing."""
    evidence = ways.evidence
    for pair in ways.lost:
        for way in (Way.DATA, Way.TOKEN):
            if not ways.loses(pair, way):
                continue
            there, back = map(evidence.name, pair)
            target = evidence.entries[pair[1]]
            port = target.port + (way == Way.TOKEN)
            yield Problem(
                "firewall",
                Severity.FAILURE,
                f"{there} -> {back}",
                f"sent but not seen: UDP port {port} of {back} gets nothing from {there} "
                f"({_word(way)}), the other port does",
                f"let UDP port {port} pass from {evidence.entries[pair[0]].address} to "
                f"{target.address}",
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
    sound = [pair for pair in ways.lost if Way.DATA not in ways.lost[pair]]
    tried = [pair for pair in sound if _is_tried(ways, pair, way)]
    for segment in sorted({evidence.entries[pair[0]].segment for pair in tried}):
        inside = [pair for pair in tried if evidence.entries[pair[0]].segment == segment]
        lost = [pair for pair in inside if ways.loses(pair, way)]
        if lost and lost == inside:
            ways.tell(lost, way)
            yield _deaf_segment(evidence, inside)
    for number in evidence.facts:
        into = [pair for pair in tried if pair[1] == number]
        out = [pair for pair in tried if pair[0] == number]
        if len(into) > 1 and all(ways.loses(pair, way) for pair in into):
            ways.tell(into, way)
            yield _deaf_to_multicast(evidence.name(number))
        if len(out) > 1 and all(ways.loses(pair, way) for pair in out):
            ways.tell(out, way)
            yield _mute_multicast(evidence.name(number))
    for pair in tried:
        if ways.loses(pair, way):
            there, back = map(evidence.name, pair)
            yield _lost_multicast(there, back)


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
    for key in evidence.heard:
        one, other = (evidence.entries[number].segment for number in (key.sender, key.target))
        if key.way == Way.SEGMENT and one != other:
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


def _is_tried(ways: _Ways, pair: Pair, way: Way) -> bool:
    key = Key(*pair, way, SIZE_MIN)
    return key in ways.evidence.tried or key in ways.evidence.unsent


def _word(way: Way) -> str:
    return {Way.DATA: "data", Way.TOKEN: "the token", Way.SEGMENT: "multicast"}[way]

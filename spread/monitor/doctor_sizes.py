"""Problems of large datagrams: ways that carry less than they say, fragments that are dropped."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from spread.monitor.doctor_evidence import Evidence, Key, Problem, Severity
from spread.monitor.doctor_talk import Facts
from spread.monitor.probes import SIZE_MIN, Way

__all__ = [
    "HEADERS_SIZE",
    "SIZES",
    "largest_seen",
    "size_problems",
    "size_rule",
    "sizes_to_try",
]

SIZES: Final = (576, 1_232, 1_472, 8_972, 65_507)
"""UDP payload: what every host takes, tunnels, Ethernet, jumbo frames, the largest there is."""

HEADERS_SIZE: Final = 28
"""Of IPv4 and UDP, in front of a datagram's payload."""

ETHERNET: Final = 1_472
LEAST: Final = 548
"""Payload of the largest datagram that every host with IPv4 must take."""


def sizes_to_try(facts: Facts) -> tuple[int, ...]:
    """Return the sizes that tell about the ways of a daemon, smallest first.

    Those up to what its datagrams are to have, and one that has to be cut.
    """
    wanted = max(facts.size, ETHERNET)
    larger = next((each for each in SIZES if each > max(wanted, facts.mtu - HEADERS_SIZE)), None)
    below = {each for each in SIZES if each <= wanted} | {facts.size}
    return tuple(sorted(each for each in (*below, larger) if each and each > SIZE_MIN))


def size_problems(evidence: Evidence) -> Iterator[Problem]:
    """Find pairs between which large datagrams are lost."""
    found: dict[_Way, list[tuple[int, int]]] = {}
    for pair in evidence.pairs():
        way = _judge(evidence, *pair)
        if way is not None:
            found.setdefault(way, []).append(pair)
    for way, pairs in found.items():
        yield way.problem(_named(evidence, pairs))
    yield from _unlike(evidence)


def size_rule(evidence: Evidence, sender: int, target: int) -> str:
    """Return the rule that a pair breaks; empty for none."""
    way = _judge(evidence, sender, target)
    return "" if way is None else way.rule


def largest_seen(evidence: Evidence, sender: int, target: int) -> int:
    """Return the largest size that was seen to arrive; larger ones may not have been sent."""
    return max(
        (key.size for key in evidence.heard if key[:3] == (sender, target, Way.DATA)), default=0
    )


@dataclass(frozen=True, slots=True)
class _Way:
    """What is wrong with a way: its largest datagram that passed, and what was wanted."""

    rule: str
    wanted: int
    passed: int
    mtu: int

    def problem(self, subject: str) -> Problem:
        if self.rule == "mtu":
            sentence = (
                f"the way lies: datagrams of {self.wanted} bytes are lost without a word, those "
                f"of {self.passed} pass; the interface of the sender says MTU {self.mtu}"
            )
            remedy = (
                "give all interfaces, switches and tunnels of the way the same MTU, and let ICMP "
                f"`fragmentation needed` pass; or write `PacketSize = {self.passed}` into the "
                "file on all hosts"
            )
            return Problem(self.rule, Severity.FAILURE, subject, sentence, remedy)
        if self.rule == "fragments":
            sentence = (
                f"datagrams of {self.wanted} bytes, which IP cuts, are lost; those of "
                f"{self.passed} pass: something drops fragments"
            )
            remedy = (
                "leave PacketSize out of the file, or let fragments pass: firewalls, and "
                "net.ipv4.ipfrag_high_thresh of the receiver"
            )
            return Problem(self.rule, Severity.FAILURE, subject, sentence, remedy)
        if self.rule == "no-fragments":
            sentence = (
                f"datagrams that IP cuts ({self.wanted} bytes) are lost; the ring sends none so "
                "large here, so nothing suffers"
            )
            remedy = "none is needed while PacketSize is left out of the file"
            return Problem(self.rule, Severity.NOTE, subject, sentence, remedy)
        sentence = (
            f"somebody on the way cuts datagrams of {self.wanted} bytes: uncut, none larger than "
            f"{self.passed} arrives; each costs two packets, and losing one loses both"
        )
        remedy = f"raise the MTU of the way, or write `PacketSize = {self.passed}` into the file"
        return Problem(self.rule, Severity.WARNING, subject, sentence, remedy)


def _judge(evidence: Evidence, sender: int, target: int) -> _Way | None:
    facts = evidence.facts[sender]
    if evidence.lost(Key(sender, target, Way.DATA, SIZE_MIN)):
        return None  # Nothing arrives at all.
    sizes = evidence.sizes(sender, target, is_whole=False)
    lost = [each for each in sizes if evidence.lost(Key(sender, target, Way.DATA, each))]
    passed = max((each for each in sizes if each not in lost), default=SIZE_MIN)
    wanted = [each for each in lost if each <= facts.size]
    uncut = facts.mtu - HEADERS_SIZE if facts.mtu else facts.size
    if wanted and min(wanted) <= uncut:
        return _Way("mtu", min(wanted), _below(sizes, lost, min(wanted)), facts.mtu)
    if wanted:
        return _Way("fragments", min(wanted), _below(sizes, lost, min(wanted)), facts.mtu)
    whole = evidence.sizes(sender, target, is_whole=True)
    cut = [each for each in whole if evidence.lost(Key(sender, target, Way.DATA, each, True))]
    whole_passes = [each for each in whole if each not in cut]
    if cut and whole_passes and min(cut) <= facts.size:
        return _Way("cut-on-the-way", min(cut), _below(whole, cut, min(cut)), facts.mtu)
    if lost and min(lost) > passed:
        return _Way("no-fragments", min(lost), passed, facts.mtu)
    return None


def _below(sizes: list[int], lost: list[int], least: int) -> int:
    return max((each for each in sizes if each < least and each not in lost), default=LEAST)


def _unlike(evidence: Evidence) -> Iterator[Problem]:
    """Find hosts that think differently of the same network."""
    segments: dict[int, dict[int, list[str]]] = {}
    for number, facts in evidence.facts.items():
        if facts.mtu:
            mtus = segments.setdefault(evidence.entries[number].segment, {})
            mtus.setdefault(facts.mtu, []).append(evidence.name(number))
    for segment, mtus in segments.items():
        if len(mtus) < 2:
            continue
        listed = "; ".join(f"{', '.join(names)} {mtu}" for mtu, names in sorted(mtus.items()))
        yield Problem(
            "unlike-mtu",
            Severity.WARNING,
            f"segment {segment + 1}",
            f"the hosts of segment {segment + 1} have different MTUs: {listed}",
            "give all interfaces of one network the same MTU",
        )


def _named(evidence: Evidence, pairs: list[tuple[int, int]]) -> str:
    """Return who is concerned, in as few words as it takes."""
    everybody = len(evidence.facts) * (len(evidence.facts) - 1)
    if len(pairs) == everybody and everybody > 2:
        return "all"
    for number in evidence.facts:
        others = len(evidence.facts) - 1
        mine = [pair for pair in pairs if number in pair]
        if others > 1 and len(mine) == len(pairs) == 2 * others:
            return f"{evidence.name(number)} <-> all"
        if others > 1 and len(pairs) == others and all(pair[1] == number for pair in pairs):
            return f"all -> {evidence.name(number)}"
        if others > 1 and len(pairs) == others and all(pair[0] == number for pair in pairs):
            return f"{evidence.name(number)} -> all"
    shown = [f"{evidence.name(a)} -> {evidence.name(b)}" for a, b in pairs[:6]]
    return ", ".join([*shown, "..."] if len(pairs) > 6 else shown)

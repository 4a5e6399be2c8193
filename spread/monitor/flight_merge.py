"""Puts what several daemons recorded in one order: clocks aligned, and no effect before its cause.

Every packet that one daemon recorded as it went out and another as it came in tells by how much
their clocks differ, if it had taken no time. The least difference in each direction belongs to the
packet that took least; half of what the two differ by is the difference of the clocks, and half of
their sum is how wrong that can be. A file with nothing in common with the others keeps the time of
day of its host.

Within a file the order of the records stays. A packet that came in waits for the record of its
going out, in whichever file that is.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from spread.monitor.flight_file import Direction, Flag, FlightFile, Kind, PacketNote, TextNote

__all__ = ["Clock", "Moment", "clocks_of", "joined", "merged"]

EVIDENCE_MAX = 20_000
"""Packets of each file by which clocks are compared."""

Identity = tuple[int, ...]


class Clock(NamedTuple):
    """How a file's time becomes the time of all."""

    correction_ns: int
    """To be added to the time of day as its daemon had it."""
    uncertainty_ns: int | None
    """How wrong that may be; None if nothing tells."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A record in the common order."""

    time_ns: int
    """Since 1970."""
    file: FlightFile
    note: PacketNote | TextNote


def joined(files: Sequence[FlightFile]) -> list[FlightFile]:
    """Return files of one run of a daemon as one, in the order given, and what they share once.

    Files between which packets are missing stay apart.
    """
    runs: dict[tuple[str, int, int], list[FlightFile]] = {_run_of(each): [] for each in files}
    for file in sorted(files, key=lambda each: (each.first_packet, len(each.packets))):
        run = runs[_run_of(file)]
        known = {text for each in run for text in each.texts}
        fresh = replace(file, texts=tuple(each for each in file.texts if each not in known))
        if run and _end(run[-1]) >= file.first_packet:
            fresh = _continued(run.pop(), fresh)
        run.append(fresh)
    return [each for run in runs.values() for each in run]


def _run_of(file: FlightFile) -> tuple[str, int, int]:
    return file.daemon, file.process, file.incarnation


def _continued(former: FlightFile, later: FlightFile) -> FlightFile:
    fresh = later.packets[max(0, _end(former) - later.first_packet) :]
    newest = max(former, later, key=lambda each: each.moment_ns)
    return replace(
        newest,
        first_packet=former.first_packet,
        packets=(*former.packets, *fresh),
        texts=tuple(sorted((*former.texts, *later.texts), key=lambda each: each.after)),
    )


def _end(file: FlightFile) -> int:
    return file.first_packet + len(file.packets)


# -- Clocks ---------------------------------------------------------------------------------------


def clocks_of(files: Sequence[FlightFile]) -> list[Clock]:
    """Return how the clock of each file is corrected; the first one's stays as it is."""
    least = _least_differences(files)
    clocks: dict[int, Clock] = {}
    while len(clocks) < len(files):
        link = _best_link(clocks, least, len(files))
        if link is None:
            fresh = next(number for number in range(len(files)) if number not in clocks)
            clocks[fresh] = Clock(0, 0 if not clocks else None)
            continue
        near, far = link
        there, back = least.get((near, far)), least.get((far, near))
        clocks[far] = _corrected(clocks[near], there, back)
    return [clocks[number] for number in range(len(files))]


def _corrected(near: Clock, there: int | None, back: int | None) -> Clock:
    if there is not None and back is not None:
        wrong_ns = max(0, there + back) // 2 + (near.uncertainty_ns or 0)
        return Clock(near.correction_ns - (there - back) // 2, wrong_ns)
    # One direction only tells that nothing arrives before it is sent.
    if there is not None:
        return Clock(near.correction_ns - min(there, 0), None)
    return Clock(near.correction_ns + min(back or 0, 0), None)


def _best_link(
    known: dict[int, Clock], least: dict[tuple[int, int], int], count: int
) -> tuple[int, int] | None:
    """Return which known file tells most of which other one."""
    links = []
    for near in known:
        for far in range(count):
            there, back = least.get((near, far)), least.get((far, near))
            if far in known or (there is None and back is None):
                continue
            is_one_way = there is None or back is None
            links.append((is_one_way, (there or 0) + (back or 0), near, far))
    return min(links)[2:] if links else None


def _least_differences(files: Sequence[FlightFile]) -> dict[tuple[int, int], int]:
    """Return, by sender and receiver, the least time from going out to coming in."""
    sent = [_first_times(each, Direction.OUT) for each in files]
    least: dict[tuple[int, int], int] = {}
    by_sender: dict[int, list[int]] = defaultdict(list)
    for number, file in enumerate(files):
        by_sender[file.me].append(number)
    for receiver, file in enumerate(files):
        for identity, time_ns in _first_times(file, Direction.IN).items():
            for sender in by_sender[identity[0]]:
                went_ns = sent[sender].get(identity)
                if went_ns is not None and sender != receiver:
                    pair = (sender, receiver)
                    least[pair] = min(least.get(pair, time_ns - went_ns), time_ns - went_ns)
    return least


def _first_times(file: FlightFile, direction: Direction) -> dict[Identity, int]:
    """Return when packets were seen first, in ns of that host's time of day.

    What may be sent twice in the same form says nothing: the first one may be forgotten.
    """
    found: dict[Identity, int] = {}
    for note in file.packets:
        if note.direction == direction and not note.fault and _is_sent_once(note):
            found.setdefault((note.transmitter, *note.identity), file.wall_of(note.time_ns))
            if len(found) >= EVIDENCE_MAX:
                break
    return found


def _is_sent_once(note: PacketNote) -> bool:
    if note.kind == Kind.TOKEN:
        return not note.flags & (Flag.RESEND | Flag.GRANT)
    if note.kind == Kind.DATA:
        return not note.flags & (Flag.RETRANS | Flag.RECOVERY)
    return note.kind >= Kind.ALIVE


# -- Order ----------------------------------------------------------------------------------------


def merged(files: Sequence[FlightFile], clocks: Sequence[Clock]) -> Iterator[Moment]:
    """Yield all records in their common order."""
    lanes = [_lane(file) for file in files]
    awaited = _outgoing(files)
    waiting: dict[Identity, list[int]] = defaultdict(list)
    heads = [
        _Head(lane, file, clock) for lane, file, clock in zip(lanes, files, clocks, strict=True)
    ]
    ready = [(head.time_ns, number) for number, head in enumerate(heads) if head.note is not None]
    heapify(ready)
    while ready or waiting:
        if not ready:
            # Records that contradict each other: the earliest of them goes on.
            _release_earliest(waiting, heads, awaited, ready)
            continue
        number = heappop(ready)[1]
        head = heads[number]
        cause = _cause(head.note)
        if cause is not None and awaited.get(cause, number) != number:
            waiting[cause].append(number)
            continue
        moment = Moment(head.own_ns, head.file, head.note_there)
        released = _released(head.note, awaited, waiting)
        head.advance()
        for each in (*released, *([number] if head.note is not None else [])):
            heads[each].time_ns = max(heads[each].time_ns, moment.time_ns)
            heappush(ready, (heads[each].time_ns, each))
        yield moment


class _Head:
    """The next record of a file."""

    def __init__(
        self, lane: Iterator[PacketNote | TextNote], file: FlightFile, clock: Clock
    ) -> None:
        self._lane = lane
        self.file = file
        self._shift_ns = file.wall_ns - file.moment_ns + clock.correction_ns
        self.note: PacketNote | TextNote | None = None
        self.time_ns = 0
        """When it has its turn: never before what stands in front of it."""
        self.own_ns = 0
        self.advance()

    @property
    def note_there(self) -> PacketNote | TextNote:
        if self.note is None:
            raise AssertionError("only a file with a next record has its turn")
        return self.note

    def advance(self) -> None:
        self.note = next(self._lane, None)
        if self.note is not None:
            self.own_ns = self.note.time_ns + self._shift_ns
            self.time_ns = max(self.time_ns, self.own_ns)


def _lane(file: FlightFile) -> Iterator[PacketNote | TextNote]:
    """Yield a file's packets and events in the order in which they were noted."""
    texts = iter(file.texts)
    text = next(texts, None)
    for number, packet in enumerate(file.packets, file.first_packet):
        while text is not None and text.after <= number:
            yield text
            text = next(texts, None)
        yield packet
    while text is not None:
        yield text
        text = next(texts, None)


def _outgoing(files: Sequence[FlightFile]) -> dict[Identity, int]:
    """Return in which file it stands, of each packet that went out."""
    result: dict[Identity, int] = {}
    for number, file in enumerate(files):
        for note in file.packets:
            if note.direction == Direction.OUT:
                result.setdefault((note.transmitter, *note.identity), number)
    return result


def _cause(note: PacketNote | TextNote | None) -> Identity | None:
    if not isinstance(note, PacketNote) or note.direction != Direction.IN or note.fault:
        return None
    return (note.transmitter, *note.identity)


def _released(
    note: PacketNote | TextNote | None,
    awaited: dict[Identity, int],
    waiting: dict[Identity, list[int]],
) -> list[int]:
    """Forget a packet that has gone out; return the files that waited for it."""
    if not isinstance(note, PacketNote) or note.direction != Direction.OUT:
        return []
    identity = (note.transmitter, *note.identity)
    awaited.pop(identity, None)
    return waiting.pop(identity, [])


def _release_earliest(
    waiting: dict[Identity, list[int]],
    heads: Sequence[_Head],
    awaited: dict[Identity, int],
    ready: list[tuple[int, int]],
) -> None:
    _, cause = min(
        (heads[number].time_ns, identity) for identity, each in waiting.items() for number in each
    )
    awaited.pop(cause, None)
    for number in waiting.pop(cause):
        heappush(ready, (heads[number].time_ns, number))

"""The timeline of a ring: what flight recorders of its daemons hold, in one order and in words.

Packets of data come in runs: those of one daemon to or from another one, until something else
happens to that daemon, are one entry.
"""

import json
from base64 import b64decode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final

from spread.errors import PeerError
from spread.monitor.flight_file import EVENT, Direction, FlightFile, Kind, PacketNote, parse
from spread.monitor.flight_merge import Clock, Moment, clocks_of, joined, merged
from spread.monitor.flight_words import kind_name, meaning, peer_of

__all__ = ["Entry", "Filter", "entries_of", "file_of_answer", "head_lines", "lines_of", "timeline"]

NS_PER_S: Final = 1_000_000_000

_ARROWS: Final = {"in": "<-", "joined": "<-", "out": "->", "cut": "->", "": "  "}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a timeline."""

    time_ns: int
    """Since 1970, by the clock of the first file."""
    until_ns: int
    """Of the last packet of a run."""
    daemon: str
    """Who recorded it."""
    kind: str
    """Of the packet, or EVENT."""
    direction: str
    """in, out, joined, cut, or nothing for an event."""
    peer: str
    text: str
    count: int = 1
    """Packets of a run."""
    size: int = 0
    """Bytes of all of them."""
    is_dropped: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """What of a timeline is wanted; what is None or empty lets everything pass."""

    from_ns: int | None = None
    to_ns: int | None = None
    last_s: float | None = None
    """Before the last record of all."""
    kinds: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    """Kinds that are not wanted."""
    daemons: frozenset[str] = frozenset()

    def passes(self, moment: Moment, kind: str, last_ns: int) -> bool:
        """Tell whether a record is wanted."""
        return (
            (self.from_ns is None or moment.time_ns >= self.from_ns)
            and (self.to_ns is None or moment.time_ns <= self.to_ns)
            and (self.last_s is None or moment.time_ns >= last_ns - self.last_s * NS_PER_S)
            and (not self.kinds or kind in self.kinds)
            and kind not in self.hidden
            and (not self.daemons or moment.file.daemon in self.daemons)
        )


def timeline(
    files: Sequence[FlightFile], wanted: Filter | None = None, most: int | None = None
) -> list[dict[str, Any]]:
    """Return the entries as JSON has them, oldest first, the newest `most` of them if given."""
    runs = joined(files)
    entries = entries_of(runs, clocks_of(runs), wanted or Filter())
    return [_record(each) for each in (entries if most is None else entries[-most:])]


def file_of_answer(answer: bytes) -> FlightFile:
    """Return what a daemon answers to a query for its trace; PeerError if it makes no sense."""
    try:
        value = json.loads(answer)
        data = b64decode(value["file"], validate=True)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise PeerError(f"the answer holds no file of a flight recorder: {error}") from error
    return parse(data)


def entries_of(
    files: Sequence[FlightFile],
    clocks: Sequence[Clock],
    wanted: Filter,
    *,
    marks_ends: bool = False,
) -> list[Entry]:
    """Return what is wanted of the files' records as entries in their common order.

    With `marks_ends` an entry stands behind the last record of each file: of a daemon that has
    crashed, that is when.
    """
    left = {id(file): len(file.packets) + len(file.texts) for file in files}
    last_ns = max((_last_ns(*each) for each in zip(files, clocks, strict=True)), default=0)
    runs = _Runs()
    for moment in merged(files, clocks):
        entry = _entry(moment)
        runs.add(moment, entry, is_wanted=wanted.passes(moment, entry.kind, last_ns))
        left[id(moment.file)] -= 1
        if marks_ends and not left[id(moment.file)]:
            is_wanted = wanted.passes(moment, EVENT, last_ns)
            runs.add(moment, _end(moment), is_wanted=is_wanted)
    return runs.entries


def lines_of(entries: Iterable[Entry]) -> Iterator[str]:
    """Yield entries as lines of text."""
    listed = list(entries)
    width = max((len(each.daemon) for each in listed), default=0)
    peers = max((len(each.peer) for each in listed), default=0)
    day = ""
    for each in listed:
        moment = datetime.fromtimestamp(each.time_ns / NS_PER_S)
        if moment.strftime("%Y-%m-%d") != day:
            day = moment.strftime("%Y-%m-%d")
            yield day
        arrow = _ARROWS[each.direction]
        if each.kind == EVENT:
            yield f"{moment:%H:%M:%S.%f}  {each.daemon:<{width}}  ** {each.text}"
            continue
        yield (
            f"{moment:%H:%M:%S.%f}  {each.daemon:<{width}}  {arrow} {each.peer:<{peers}}  "
            f"{each.kind:<9} {each.text}"
        ).rstrip()


def head_lines(files: Sequence[FlightFile], clocks: Sequence[Clock]) -> Iterator[str]:
    """Yield what each file is, and how its clock was corrected."""
    for file, clock in zip(files, clocks, strict=True):
        yield (
            f"{file.daemon} ({file.address}), process {file.process}, release {file.release}: "
            f"{len(file.packets)} packets, {len(file.texts)} events; {_clock_words(clock)}"
        )


def _clock_words(clock: Clock) -> str:
    shift = f"clock corrected by {clock.correction_ns / NS_PER_S:+.6f} s"
    if clock.uncertainty_ns is None:
        return f"{shift}; how wrong that is, too few packets of the two daemons tell"
    if not clock.correction_ns and not clock.uncertainty_ns:
        return "the others' clocks are corrected to this one"
    return f"{shift}, wrong by {clock.uncertainty_ns / NS_PER_S:.6f} s at most"


def _record(entry: Entry) -> dict[str, Any]:
    value = asdict(entry)
    value["time_s"] = value.pop("time_ns") / NS_PER_S
    value["until_s"] = value.pop("until_ns") / NS_PER_S
    return value


def _last_ns(file: FlightFile, clock: Clock) -> int:
    times = [each[-1].time_ns for each in (file.packets, file.texts) if each]
    return file.wall_of(max(times, default=file.moment_ns)) + clock.correction_ns


def _entry(moment: Moment) -> Entry:
    note, file = moment.note, moment.file
    if not isinstance(note, PacketNote):
        return Entry(moment.time_ns, moment.time_ns, file.daemon, EVENT, "", "", note.text)
    direction = Direction(note.direction).name.lower() if note.direction <= 3 else "in"
    return Entry(
        time_ns=moment.time_ns,
        until_ns=moment.time_ns,
        daemon=file.daemon,
        kind=kind_name(note),
        direction=direction,
        peer=peer_of(note, file.names),
        text=meaning(note, file.names),
        size=note.size,
        is_dropped=0 < note.fault <= 64,
    )


def _end(moment: Moment) -> Entry:
    name = moment.file.daemon
    text = f"what {name} recorded ends here"
    return Entry(moment.time_ns, moment.time_ns, name, EVENT, "", "", text)


@dataclass(slots=True)
class _Run:
    place: int
    key: tuple[object, ...]
    first: int
    last: int


class _Runs:
    """Makes one entry of the data packets that follow each other at a daemon."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._open: dict[int, _Run] = {}

    def add(self, moment: Moment, entry: Entry, *, is_wanted: bool) -> None:
        note, lane = moment.note, id(moment.file)
        key = _run_key(note)
        run = self._open.get(lane)
        if key is None or not isinstance(note, PacketNote):
            # What is not shown ends a run all the same: seq before and after a token differ.
            self._open.pop(lane, None)
            if is_wanted:
                self.entries.append(entry)
            return
        if not is_wanted:
            return
        if run is None or run.key != key:
            self._open[lane] = _Run(len(self.entries), key, note.number, note.number)
            self.entries.append(entry)
            return
        run.first, run.last = min(run.first, note.number), max(run.last, note.number)
        former = self.entries[run.place]
        count, size = former.count + 1, former.size + entry.size
        tail = entry.text.partition(",")[1:]
        self.entries[run.place] = replace(
            former,
            until_ns=max(former.until_ns, entry.time_ns),
            count=count,
            size=size,
            text=f"seq {run.first} to {run.last}{''.join(tail)}, {count} packets, {size} bytes",
        )


def _run_key(note: object) -> tuple[object, ...] | None:
    """Return what packets of a run have in common; None for what is no part of one."""
    if not isinstance(note, PacketNote) or note.kind != Kind.DATA or note.fault:
        return None
    if note.direction not in (Direction.IN, Direction.OUT):
        return None
    return (
        note.direction,
        note.target,
        note.flags,
        note.origin,
        note.transmitter,
        note.leader,
        note.ring_time,
    )

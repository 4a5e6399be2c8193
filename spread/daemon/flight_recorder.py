"""The daemon's flight recorder: its memory, the files that are kept of it, and who asks for them.

    ring's thread     datagrams  -> Recorder (compiled)  -> memory that is a mapped file
    any thread        events     -> Recorder.text
    watching thread   signal, view, query -> a copy of the memory -> kept file, or the answer

A crash needs nobody: the memory file stays, and the next start of this daemon keeps it. Without a
place for files the recorder works in plain memory, and monitors can still ask for its tail.
"""

import json
import mmap
import os
import struct
import time
from base64 import b64encode
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from spread._recorder import MAGIC, Recorder
from spread.config.model import Configuration, EventPriority, EventType
from spread.daemon.event_sink import EventSink
from spread.daemon.flight_place import Directory
from spread.daemon.network import configured_daemons, segment_numbers
from spread.daemon.observer import State
from spread.daemon.query_server import number_of
from spread.monitor.queries import Query
from spread.monitor.report import RingName
from spread.release import release
from spread.system import memory_directory

__all__ = ["Bearings", "FlightRecorder"]

KIB: Final = 1024

SIZE_MIN: Final = 256 * KIB
"""Bytes with which a recorder is of use."""

TEXT_SHARE: Final = 16
"""One of so many bytes is for control events."""

TEXT_RECORD_SIZE: Final = 256

TAIL_PACKETS: Final = 600
TAIL_TEXTS: Final = 100
"""What an answer takes without asking for less."""

TAIL_MAX: Final = 2000

VIEW_INTERVAL_S: Final = 60.0
VIEWS_MAX: Final = 4
"""Files of views in such an interval: a ring that breaks again and again has no end of them."""

SESSION_EVENTS_MAX: Final = 20
"""A second: clients choose how often they come, and must not push out what matters."""

MOMENT_AT: Final = 56


@dataclass(frozen=True, slots=True)
class Bearings:
    """What of the daemon the recorder has to know."""

    configuration: Configuration
    incarnation: int
    state_dir: str | None
    """Where files are kept, if somewhere."""
    owner: tuple[int, int] | None
    """User and group that the daemon is going to be, if others than now."""


class FlightRecorder:
    """Records from the start of a daemon to its end."""

    def __init__(
        self, bearings: Bearings, log: EventSink, memory_place: Path | None = None
    ) -> None:
        """Make the memory, and keep what a crash has left behind. Nothing of it stops a start."""
        self._log = log
        self._bearings = bearings
        self._configuration = bearings.configuration
        self._directories: list[Directory] = []
        self._name: str | None = None
        self._mapped: mmap.mmap | None = None
        self._ring: tuple[RingName, tuple[str, ...]] | None = None
        self._views_kept_s: deque[float] = deque((-VIEW_INTERVAL_S,) * VIEWS_MAX, VIEWS_MAX)
        self._second = 0
        self._session_events = 0
        size = max(self._configuration.options.flight_recorder * KIB, SIZE_MIN)
        size -= size % mmap.PAGESIZE
        memory = self._memory(memory_place or memory_directory(), size)
        self.recorder = Recorder(
            memory,
            text_room=size // TEXT_SHARE // TEXT_RECORD_SIZE,
            description=self._description(),
        )
        self._set_moment()

    def close(self, *, is_crash: bool) -> None:
        """End; the memory file goes, unless this is no orderly end."""
        if self._mapped is not None and not is_crash:
            # Where a mapped file cannot be removed, the next start sees that it ended in order.
            self._mapped[: len(MAGIC)] = bytes(len(MAGIC))
            self._mapped = None
            if self._name is not None:
                with suppress(OSError):
                    self._directories[0].remove(self._name)
        for each in self._directories:
            each.close()
        self._directories.clear()

    # -- What is noted beside datagrams -----------------------------------------------------------

    def note(self, types: EventType, priority: EventPriority, text: str) -> None:
        """Note a control event; clients that come and go are not the ring's, those refused are."""
        if types is EventType.SESSION and (
            priority < EventPriority.WARNING or not self._may_note_session()
        ):
            return
        self.recorder.text(time.monotonic_ns(), text.encode("utf-8", "replace"))

    def _may_note_session(self) -> bool:
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._session_events = second, 0
        self._session_events += 1
        return self._session_events <= SESSION_EVENTS_MAX

    def configured(self, configuration: Configuration) -> None:
        """Another configuration is in force: numbers may mean other daemons."""
        self._configuration = configuration
        self.recorder.describe(self._description())

    # -- The watching thread ----------------------------------------------------------------------

    def published(self, state: State) -> None:
        """About once a second: follow the clock, and keep a file of a view if that is asked for."""
        self._set_moment()
        former, self._ring = self._ring, (state.report.ring, state.report.members)
        if not self._configuration.options.flight_recorder_on_view or former is None:
            return
        now_s = time.monotonic()
        if former != self._ring and now_s >= self._views_kept_s[0] + VIEW_INTERVAL_S:
            self._views_kept_s.append(now_s)
            self.keep("a view has changed")

    def keep(self, reason: str) -> None:
        """Write what is recorded to a file that stays, and say where."""
        image = self.recorder.image()
        failed: OSError | None = None
        # Where files are kept first; where memory files are, in case that is not ours to write.
        for each in reversed(self._directories):
            try:
                path = each.keep(image, time.time())
            except OSError as error:
                failed = failed or error
                continue
            self._say(EventPriority.PRINT, "flight recorder kept", path, reason=reason)
            return
        self._say(
            EventPriority.WARNING,
            "flight recorder not kept",
            failed.filename if failed is not None else None,
            reason=failed.strerror if failed is not None else "no directory for files",
        )

    def answer(self, query: Query, _: State) -> bytes:
        """Return the JSON of the last records, as a file; the arguments say how many."""
        packets = number_of(query, "packets", default=TAIL_PACKETS, most=TAIL_MAX)
        texts = number_of(query, "texts", default=TAIL_TEXTS, most=TAIL_MAX)
        image = self.recorder.tail(packets, texts)
        return json.dumps({"file": b64encode(image).decode("ascii")}).encode()

    # -- Memory and files -------------------------------------------------------------------------

    def _memory(self, place: Path, size: int) -> mmap.mmap | bytearray:
        """Return memory that outlives the process if that can be had, else what does not."""
        bearings, name = self._bearings, self._configuration.me.name
        port = self._configuration.segment.port
        try:
            memory_files = Directory(place, name, port)
            self._directories.append(memory_files)
            self._open_kept(name, port)
            self._keep_leftovers(memory_files)
            self._name, descriptor = memory_files.create_memory(size)
        except OSError as error:
            self._say(
                EventPriority.WARNING,
                "flight recorder in plain memory, a crash would leave nothing of it",
                place,
                reason=error.strerror,
            )
            return bytearray(size)
        if bearings.owner is not None and hasattr(os, "fchown"):
            with suppress(OSError):
                os.fchown(descriptor, *bearings.owner)
        # The map holds a duplicate, and with it the lock: both go with the process.
        self._mapped = mmap.mmap(descriptor, size)
        os.close(descriptor)
        return self._mapped

    def _open_kept(self, name: str, port: int) -> None:
        log_file = self._configuration.options.event_log_file
        wanted = self._bearings.state_dir
        if wanted is None and log_file is not None:
            wanted = os.path.dirname(os.path.abspath(log_file))  # noqa: PTH100, PTH120
        if wanted is not None:
            with suppress(OSError):
                self._directories.append(Directory(Path(wanted), name, port))

    def _keep_leftovers(self, memory_files: Directory) -> None:
        owners = {os.geteuid()} if hasattr(os, "geteuid") else set()
        if self._bearings.owner is not None:
            owners.add(self._bearings.owner[0])
        for name, image in memory_files.leftovers(frozenset(owners)):
            # A process that ended before its first record leaves nothing to read.
            if image.startswith(MAGIC):
                self._keep_leftover(name, image)
            with suppress(OSError):
                memory_files.remove(name)

    def _keep_leftover(self, name: str, image: bytes) -> None:
        (wall_ns,) = struct.unpack_from("<Q", image, MOMENT_AT + 8)
        when_s = wall_ns / 1e9 if wall_ns < 1 << 62 else time.time()
        for each in reversed(self._directories):
            with suppress(OSError):
                path = each.keep(image, when_s, self._bearings.owner)
                self._say(
                    EventPriority.WARNING,
                    "this daemon did not end in order; what it recorded is kept",
                    path,
                    read=f"spmonitor trace {path}",
                )
                return
        self._say(EventPriority.WARNING, "flight recorder of a crash not kept", name)

    # -- Words ------------------------------------------------------------------------------------

    def _description(self) -> bytes:
        configuration = self._configuration
        daemons = configured_daemons(configuration)
        value = {
            "daemon": configuration.me.name,
            "address": configuration.me.address,
            "port": configuration.segment.port,
            "me": daemons.index(configuration.me),
            "names": [each.name for each in daemons],
            "segments": list(segment_numbers(configuration)),
            "process": os.getpid(),
            "release": release(),
            "incarnation": self._bearings.incarnation,
        }
        return json.dumps(value, separators=(",", ":")).encode()

    def _set_moment(self) -> None:
        self.recorder.set_moment(time.monotonic_ns(), time.time_ns())

    def _say(
        self, priority: EventPriority, wording: str, file: object, /, **fields: object
    ) -> None:
        self._log.event(
            EventType.PRINT | EventType.STATUS, priority, wording, lines=(), file=file, **fields
        )

"""Replays a recorded exchange against a daemon and compares every byte that it answers."""

import contextlib
import re
import socket
from dataclasses import dataclass, field
from typing import Self

from .barrier import Barrier, open_barrier
from .session import EndOfStreamError, Endpoint, NothingCameError, Session
from .transcript import Event, Transcript, Volatile
from .waiting import DEADLINE

__all__ = ["MismatchError", "Replay", "VolatileFields"]

WORD = 4
LEGAL_PRIVATE_GROUP = re.compile(rb"#[$-~]{1,10}#d1")


class MismatchError(AssertionError):
    """The daemon's answer is not the recorded one."""

    def __init__(self, event: Event, problem: str, expected: bytes, actual: bytes) -> None:
        common = next(
            (
                index
                for index, (left, right) in enumerate(zip(expected, actual, strict=False))
                if left != right
            ),
            min(len(expected), len(actual)),
        )
        start = max(0, common - 16)
        super().__init__(
            f"event {event.index}, {event.who} {event.direction} ({event.note}): {problem}\n"
            f"{len(expected)} bytes expected, {len(actual)} came, first difference at {common}\n"
            f"expected [{start}:] {expected[start : start + 96].hex(' ', -4)}\n"
            f"actual   [{start}:] {actual[start : start + 96].hex(' ', -4)}"
        )


@dataclass
class VolatileFields:
    """What stands in this run for the volatile fields of the recording.

    Ring times: equal recorded pairs of address and time must come back as equal pairs, different
    ones as different pairs. Made-up private groups: the name of this run stands for the recorded
    one. With `reused_index` the index of a group id may differ, but no id of a group may repeat.
    """

    reused_index: bool = False
    _rings: dict[bytes, bytes] = field(default_factory=dict)
    _names: dict[bytes, bytes] = field(default_factory=dict)
    _seen_ids: set[tuple[bytes, bytes]] = field(default_factory=set)

    def to_send(self, event: Event) -> bytes:
        """Return the recorded bytes with the names of this run."""
        data = bytearray(event.data)
        for item in event.volatile:
            place = slice(item.offset, item.offset + item.size)
            if item.kind == "private_group":
                recorded = bytes(data[place]).split(b"\0", 1)[0]
                data[place] = self._names[recorded].ljust(item.size, b"\0")
        return bytes(data)

    def learn_name(self, recorded: bytes, actual: bytes) -> None:
        if actual in self._names.values():
            raise AssertionError(f"the private group {actual!r} was given twice")
        self._names[recorded] = actual

    def expected(self, event: Event, actual: bytes) -> bytes:
        """Return the recorded bytes with the volatile fields that `actual` may carry."""
        data = bytearray(self.to_send(event))
        if len(actual) != len(data):
            return bytes(data)
        for item in event.volatile:
            if item.kind == "ring_time":
                self._fit_ring(item, data, actual)
                if self.reused_index:
                    self._fit_index(item, data, actual)
        return bytes(data)

    def _fit_ring(self, item: Volatile, data: bytearray, actual: bytes) -> None:
        pair = slice(item.offset - WORD, item.offset + WORD)
        recorded, came = bytes(data[pair]), actual[pair]
        if recorded[:WORD] != came[:WORD]:
            return
        if recorded not in self._rings and came not in self._rings.values():
            self._rings[recorded] = came
        data[pair] = self._rings.get(recorded, recorded)

    def _fit_index(self, item: Volatile, data: bytearray, actual: bytes) -> None:
        group_id = slice(item.offset - WORD, item.offset + 2 * WORD)
        key = (bytes(data[4:36]), actual[group_id])
        if key not in self._seen_ids:
            self._seen_ids.add(key)
            data[group_id] = actual[group_id]


class Replay:
    """Plays the clients of a transcript, one connection each, in the order of the file."""

    def __init__(
        self,
        transcript: Transcript,
        endpoint: Endpoint,
        *,
        piece_size: int | None = None,
        reused_index: bool = False,
    ) -> None:
        self._transcript = transcript
        self._endpoint = endpoint
        self._piece_size = piece_size
        self._fields = VolatileFields(reused_index)
        self._sessions: dict[str, Session] = {}
        self._last_request = ""
        self._barrier: Barrier

    def __enter__(self) -> Self:
        self._barrier = open_barrier(self._endpoint)
        return self

    def __exit__(self, *_: object) -> None:
        self._barrier.close()
        for session in self._sessions.values():
            session.close()

    def run(self) -> None:
        """Go through all events; raises MismatchError at the first one that differs."""
        for event in self._transcript.events[: self._transcript.exact_until]:
            session = self._session_of(event.who)
            match event.direction, event.closes:
                case "c2d", False:
                    self._send(session, event)
                case "c2d", True:
                    self._close(session, event)
                case "d2c", False:
                    self._receive(session, event)
                case "d2c", True:
                    self._expect_end(session, event)
                case _:
                    raise AssertionError(f"cannot replay {event}")
        self._barrier.pass_through()
        for who, session in self._sessions.items():
            self._expect_nothing_more(who, session)

    def _session_of(self, who: str) -> Session:
        if who not in self._sessions:
            self._barrier.pass_through()
            self._sessions[who] = Session.open(self._endpoint)
        return self._sessions[who]

    def _send(self, session: Session, event: Event) -> None:
        if self._last_request not in ("", event.who):
            self._barrier.pass_through()
        self._last_request = event.who
        data = self._fields.to_send(event)
        size = self._piece_size or len(data)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # It may have closed.
            for start in range(0, len(data), size):
                session.send(data[start : start + size])

    def _receive(self, session: Session, event: Event) -> None:
        if any(item.kind == "private_name" for item in event.volatile):
            self._receive_made_up_name(session, event)
            return
        actual = self._read(session, event, len(event.data))
        expected = self._fields.expected(event, actual)
        if actual != expected:
            raise MismatchError(event, "other bytes came", expected, actual)

    def _receive_made_up_name(self, session: Session, event: Event) -> None:
        head = self._read(session, event, 5)
        private_group = self._read(session, event, head[4])
        if head[:4] != event.data[:4] or not LEGAL_PRIVATE_GROUP.fullmatch(private_group):
            came = head + private_group
            raise MismatchError(event, "not an accept with a legal name", event.data, came)
        self._fields.learn_name(event.data[5:], private_group)

    def _read(self, session: Session, event: Event, size: int) -> bytes:
        try:
            return session.read_exactly(size)
        except (EndOfStreamError, NothingCameError) as failure:
            raise MismatchError(event, str(failure)[:60], event.data, failure.data) from failure

    def _close(self, session: Session, event: Event) -> None:
        later = [
            other
            for other in self._transcript.events
            if other.who == event.who and other.index > event.index
        ]
        if any(other.direction == "d2c" for other in later):
            session.sock.shutdown(socket.SHUT_WR)
        else:
            if self._daemon_closes(event):
                self._expect_end(session, event)
            session.close()
            self._sessions.pop(event.who)
        self._last_request = event.who

    def _daemon_closes(self, event: Event) -> bool:
        return any(
            (other.kills or other.rejects)
            for other in self._transcript.events
            if other.who == event.who and other.index < event.index
        )

    def _expect_end(self, session: Session, event: Event) -> None:
        try:
            data = session.read_to_end(DEADLINE)
        except NothingCameError as failure:
            raise MismatchError(event, "the daemon did not close", b"", failure.data) from failure
        if data:
            raise MismatchError(event, "bytes came before the close", b"", data)

    def _expect_nothing_more(self, who: str, session: Session) -> None:
        own = [event for event in self._transcript.events if event.who == who]
        ended = any(event.closes or event.kills or event.rejects for event in own)
        if ended or session.is_quiet():
            return
        try:
            data = session.read_exactly(1, 0.0)
        except EndOfStreamError:
            data = b""
        raise MismatchError(own[-1], "more bytes, or an end, came behind it", b"", data)

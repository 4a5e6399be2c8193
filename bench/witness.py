"""Clients that note what comes to them and when, each a process of its own at one daemon."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from multiprocessing.connection import Connection, wait
from typing import NamedTuple, Self

import spread

GROUP = "bench"
PATIENCE_S = 60.0


class Note(NamedTuple):
    """What a client got and when: a view by its number of members, or a message by its number."""

    when_ns: int
    is_view: bool
    number: int


class Site(NamedTuple):
    """Where a client of a daemon is: `entered` makes its sockets those of the daemon's host."""

    entered: Callable[[], AbstractContextManager[None]]
    address: str  # As `spread.connect` takes it.


class Witness:
    """A client process at one daemon that joins the group and reports what it gets."""

    def __init__(self, site: Site) -> None:
        context = multiprocessing.get_context("fork")
        self.notes, theirs = context.Pipe(duplex=False)
        with site.entered():
            self._process = context.Process(target=_watch, args=(site.address, theirs), daemon=True)
            self._process.start()
        theirs.close()

    def close(self) -> None:
        self._process.kill()
        self._process.join()
        self.notes.close()


def _watch(daemon: str, notes: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with spread.connect(daemon, f"w{os.getpid()}", timeout=PATIENCE_S) as mailbox:
            mailbox.join(GROUP)
            while True:
                event = mailbox.receive()
                now_ns = time.monotonic_ns()
                if isinstance(event, spread.Message):
                    notes.send(Note(now_ns, False, int(event.payload)))
                elif event.kind is spread.MembershipKind.VIEW:
                    notes.send(Note(now_ns, True, len(event.members)))
    except (spread.SpreadError, OSError):
        pass  # Its daemon is gone, or nobody reads what it notes.


class Watch:
    """The witnesses of all daemons, and what they have noted."""

    def __init__(self, sites: Sequence[Site]) -> None:
        self._sites = sites
        self._witnesses: dict[int, Witness] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for witness in self._witnesses.values():
            witness.close()

    def renew(self, number: int) -> None:
        """Start a witness at a daemon, in the place of an earlier one."""
        if number in self._witnesses:
            self._witnesses.pop(number).close()
        self._witnesses[number] = Witness(self._sites[number])

    def until(
        self, condition: Callable[[int, Note], bool], numbers: Sequence[int], what: str
    ) -> dict[int, int]:
        """Return when a note that meets the condition first came to each of some witnesses."""
        found: dict[int, int] = {}
        end = time.monotonic() + PATIENCE_S
        while not found.keys() >= set(numbers):
            if time.monotonic() > end:
                raise TimeoutError(f"{what} came to {sorted(found)} only, not to {list(numbers)}")
            for number, note in self.read(0.1):
                if number in numbers and number not in found and condition(number, note):
                    found[number] = note.when_ns
        return found

    def until_view(self, size: int, numbers: Sequence[int]) -> dict[int, int]:
        """Return when a view of so many members came to each, from now on."""
        return self.until(
            lambda _, note: note.is_view and note.number == size, numbers, f"a view of {size}"
        )

    def drain(self) -> None:
        """Forget what was noted up to now."""
        while list(self.read(0)):
            pass

    def read(self, timeout_s: float) -> Iterator[tuple[int, Note]]:
        """Yield what was noted, with the number of the daemon; waits for the first so long."""
        ready = wait([each.notes for each in self._witnesses.values()], timeout_s)
        for number, witness in list(self._witnesses.items()):
            if witness.notes in ready:
                try:
                    while witness.notes.poll():
                        yield number, witness.notes.recv()
                except EOFError:
                    self._witnesses.pop(number).close()


class Talker:
    """A process that sends one message after the other, to keep a ring from being silent."""

    def __init__(self, site: Site, gap_s: float) -> None:
        with site.entered():
            self._process = multiprocessing.get_context("fork").Process(
                target=_talk, args=(site.address, gap_s), daemon=True
            )
            self._process.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()


def _talk(daemon: str, gap_s: float) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with spread.connect(daemon, f"t{os.getpid()}", membership=False) as mailbox:
        while True:
            mailbox.multicast(spread.AGREED_MESS, GROUP, b"-1")
            time.sleep(gap_s)

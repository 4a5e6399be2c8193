"""A pair of undisturbed clients: proof that a daemon serves others while one misbehaves."""

import threading
from types import TracebackType
from typing import Self

from . import wire
from .session import Endpoint, Session
from .waiting import wait_until

__all__ = ["Witness"]

GROUP = b"witness"


class Witness:
    """Two members of one group that exchange numbered messages as long as the block runs.

    The sender waits for its own copy before it sends the next message, the other member reads
    them all: each must come, once, in order, and no membership message may come in between.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._exchanged = 0
        self._thread = threading.Thread(target=self._run, name="witness")

    def __enter__(self) -> Self:
        self._sender = Session.connect(self._endpoint, b"~sender")
        self._other = Session.connect(self._endpoint, b"~other")
        for count, session in enumerate((self._sender, self._other), start=1):
            session.join(GROUP)
            for member in (self._sender, self._other)[:count]:
                member.read_view()
        self._thread.start()
        self.require_progress()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._sender.close()
        self._other.close()
        if error is None and self._failure is not None:
            raise AssertionError("the daemon disturbed bystanders") from self._failure

    @property
    def exchanged(self) -> int:
        """Messages that both members have received so far."""
        return self._exchanged

    def require_progress(self, count: int = 50) -> None:
        """Return after `count` more exchanges that began after this call."""
        target = self._exchanged + count + 1
        wait_until(
            lambda: self._exchanged >= target or self._failure is not None,
            f"{count} exchanges of the witness",
        )
        if self._failure is not None:
            raise AssertionError("the daemon disturbed bystanders") from self._failure

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._exchange(b"%d" % self._exchanged)
                self._exchanged += 1
        except BaseException as failure:  # Kept for the thread of the test, which raises it.
            self._failure = failure

    def _exchange(self, text: bytes) -> None:
        self._sender.multicast(wire.SAFE, (GROUP,), text)
        for session in (self._sender, self._other):
            frame = session.read_frame()
            if not frame.is_data or frame.data != text:
                raise AssertionError(f"expected the message {text!r}, got {frame}")

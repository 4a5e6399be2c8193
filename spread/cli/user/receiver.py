"""Receives in the background and shows what arrives, as long as that is switched on."""

import selectors
import socket
import threading
from collections.abc import Callable

from spread import Membership, Message
from spread.client.mailbox import Mailbox
from spread.errors import MessageRejectedError, ReceiveTimeoutError

__all__ = ["Arrival", "Receiver", "receive"]

Arrival = Message | Membership | MessageRejectedError
"""What can arrive; a refused message is no reason to stop."""


def receive(mailbox: Mailbox, timeout: float | None = None) -> Arrival:
    """Return what arrives next; raises what `Mailbox.receive` raises, but for refused messages."""
    try:
        return mailbox.receive(timeout)
    except MessageRejectedError as error:
        return error


class Receiver:
    """A thread that receives while it is switched on; it is off at first.

    While it is off nobody else's messages are touched: the main thread may receive itself, or
    leave them with the system, until the daemon loses its patience.
    """

    def __init__(
        self,
        mailbox: Mailbox,
        show: Callable[[Arrival], None],
        on_failure: Callable[[BaseException], None],
    ) -> None:
        """`on_failure` is called in the thread with what ended it, be it receiving or showing."""
        self._mailbox = mailbox
        self._show = show
        self._on_failure = on_failure
        self._is_on = False
        self._is_ended = False
        self._may_go_on = threading.Event()
        self._turn = threading.Lock()  # Held from taking a message until it is shown.
        self._alarm, self._bell = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="receiver", daemon=True)

    @property
    def is_on(self) -> bool:
        """Whether what arrives is shown by itself."""
        return self._is_on

    def start(self) -> None:
        """Start the thread, switched on."""
        self.switch_on()
        self._thread.start()

    def switch_on(self) -> None:
        """Receive from here on."""
        self._is_on = True
        self._may_go_on.set()

    def switch_off(self) -> None:
        """Return when no message is taken any more and all those taken are shown."""
        self._is_on = False
        self._may_go_on.clear()
        with self._turn:
            pass

    def receive_one(self) -> None:
        """Wait for one message and show it, in the calling thread, while switched off."""
        self._show(receive(self._mailbox))

    def close(self) -> None:
        """End the thread; the mailbox can be disconnected then."""
        self._is_ended = True
        self._is_on = False
        self._may_go_on.set()
        self._bell.send(b"!")
        self._thread.join()
        self._alarm.close()
        self._bell.close()

    def _run(self) -> None:
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._alarm, selectors.EVENT_READ)
                selector.register(self._mailbox.fileno(), selectors.EVENT_READ)
                while not self._is_ended:
                    self._may_go_on.wait()
                    selector.select()
                    self._show_what_waits()
        except BaseException as error:
            # Whatever it is, the main thread has to know, and to say.
            self._on_failure(error)

    def _show_what_waits(self) -> None:
        while True:
            with self._turn:
                if not self._is_on:
                    return
                try:
                    arrival = receive(self._mailbox, 0)
                except ReceiveTimeoutError:
                    return
                self._show(arrival)

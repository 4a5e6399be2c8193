"""One FORM on its way to the next daemon: sent again until that has acknowledged it."""

from dataclasses import dataclass

from spread.daemon.membership.outgoing import Outgoing
from spread.daemon.membership.packets import Form, FormAck
from spread.daemon.membership.settings import RingTimeouts
from spread.daemon.membership.timers import Timer, Timers

__all__ = ["Hops"]


@dataclass(frozen=True, slots=True)
class _Hop:
    target: int
    form: Form
    ack: FormAck
    until_ns: int


class Hops:
    """Sends FORMs; at most one is unacknowledged."""

    def __init__(self, outgoing: Outgoing, timers: Timers, timeouts: RingTimeouts) -> None:
        self._outgoing = outgoing
        self._timers = timers
        self._retry_ns = timeouts.form_retry
        # A hop that takes longer leaves the daemons before it no time to see the attempt through.
        self._patience_ns = timeouts.form // 2
        self._hop: _Hop | None = None

    def send(self, target: int, form: Form, now_ns: int) -> None:
        """Send a form that was stepped to this hop."""
        self._hop = _Hop(
            target=target,
            form=form,
            ack=FormAck(form.id, form.is_second_pass, form.hop),
            until_ns=now_ns + self._patience_ns,
        )
        self._send(self._hop, now_ns)

    def acknowledged(self, sender: int, ack: FormAck) -> None:
        """Stop if this is the answer that is waited for."""
        if self._hop is not None and self._hop.target == sender and self._hop.ack == ack:
            self.stop()

    def due(self, now_ns: int) -> int | None:
        """Send once more; return the daemon when it has had enough time instead."""
        hop = self._hop
        assert hop is not None  # Its timer is set exactly as long as there is one.
        if now_ns >= hop.until_ns:
            self.stop()
            return hop.target
        self._send(hop, now_ns)
        return None

    def stop(self) -> None:
        """Send no more."""
        self._hop = None
        self._timers.cancel(Timer.HOP)

    def _send(self, hop: _Hop, now_ns: int) -> None:
        self._outgoing.send(hop.target, hop.form)
        self._timers.set(Timer.HOP, min(now_ns + self._retry_ns, hop.until_ns))

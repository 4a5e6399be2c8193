"""What can be told about the end of a session that this side did not ask for.

The protocol has no field for a reason: a daemon just closes. What is left is what this side saw
and did, said as such, with the reasons for which daemons are known to close.
"""

from typing import NamedTuple

__all__ = ["Closure"]

# Up to here every daemon with the default MaxMessageSize takes a message, in bytes.
_DEFAULT_SIZE_MAX = 143_952
# A pause below this is too short to fill a daemon's queue in ordinary use, in seconds.
_PAUSE_WORTH_TELLING_S = 1.0


class Closure(NamedTuple):
    """Evidence about the end of a session, as seen from this side."""

    private_group: str
    fault: str = ""
    """What the operating system said, such as "Connection reset by peer"; empty: end of stream."""

    bytes_of_message: int = 0
    """Bytes of an unfinished message that had arrived; 0: the stream ended between two messages."""

    bytes_unread: int = 0
    """Bytes of whole messages that had arrived and that the program had not received."""

    pause_s_max: float = 0.0
    """Longest time that this client left the connection unread, in seconds."""

    sent_size_max: int = 0
    """Largest message sent: bytes of data plus 32 for each group."""

    def __str__(self) -> str:
        how = self.fault or "end of stream"
        return (
            f"the daemon closed the session of {self.private_group} ({how}, {self._place()}); "
            f"{self._suspicion()}. The protocol carries no reason; the daemon's log has it"
        )

    def _place(self) -> str:
        if self.bytes_of_message:
            return f"in the middle of a message, of which {self.bytes_of_message} bytes had come"
        if self.bytes_unread:
            return f"with {self.bytes_unread} bytes not yet received by this program"
        return "between two messages"

    def _suspicion(self) -> str:
        suspicions = []
        if self.sent_size_max > _DEFAULT_SIZE_MAX:
            suspicions.append(
                f"this client sent a message of {self.sent_size_max} bytes, and a daemon closes a "
                "session that sends more than its MaxMessageSize"
            )
        if self.pause_s_max >= _PAUSE_WORTH_TELLING_S:
            suspicions.append(
                f"this client did not read for up to {self.pause_s_max:.1f} s, and a daemon "
                "closes a session whose messages pile up"
            )
        if suspicions:
            return "; ".join(suspicions)
        return "nothing on this side explains it, and a daemon that stops looks just like this"

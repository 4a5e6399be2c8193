"""A policy that refuses some of everything, and the same refusals for the model."""

from collections.abc import Sequence

from spread.daemon.access import Permit
from tests.daemon.harness import wire

__all__ = ["Choosy"]

NO_JOIN, NO_LEAVE, NO_TYPE = b"group", b"g2", 666


class Choosy(Permit):
    """Refuses to join one group, to leave another, and messages of one type; or nothing at all."""

    def __init__(self, *, checks_requests: bool = True) -> None:
        self.checks_requests = checks_requests

    def join_group(self, private_group: bytes, group: bytes) -> bool:  # noqa: ARG002
        return group != NO_JOIN

    def leave_group(self, private_group: bytes, group: bytes) -> bool:  # noqa: ARG002
        return group != NO_LEAVE

    def send_to_groups(
        self,
        private_group: bytes,  # noqa: ARG002
        targets: Sequence[bytes],  # noqa: ARG002
        service: int,  # noqa: ARG002
        message_type: int,
    ) -> bool:
        return message_type != NO_TYPE

    send_to_private_groups = send_to_groups

    def refuses(self, frame: wire.Frame) -> bool:
        """Tell whether this policy refuses the frame."""
        if not self.checks_requests or not frame.groups:
            return False
        if frame.type & wire.JOIN:
            return frame.group_names[0] == NO_JOIN
        if frame.type & wire.LEAVE:
            return frame.group_names[0] == NO_LEAVE
        return frame.mess_type == NO_TYPE

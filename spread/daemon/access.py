"""Access control policies: what a session that has been accepted may do.

A policy is a set of questions that the daemon asks before it acts for a client. `PERMIT` answers
yes to all; others are named by the option AccessControlPolicy and registered by an installed
distribution as an entry point of the group `spread.policy`, a callable without arguments that
returns a `Policy`. One policy is in force; a session keeps the one it was opened under.

`checks_requests` lets the data path stay out of Python: the four questions about requests are
only asked of a policy that sets it. Questions are asked on the thread that owns the protocol, so
an answer must come at once and without I/O.
"""

# ruff: noqa: ARG002 - the answers of PERMIT do not depend on the question.

import logging
from collections.abc import Callable, Sequence
from typing import Final, Protocol, runtime_checkable

from spread.daemon import plugins
from spread.errors import ConfigurationError

__all__ = ["GuardedPolicy", "Permit", "Policy", "available_policies", "load_policy"]

GROUP: Final = "spread.policy"

_log = logging.getLogger("spread.event.ACM")


@runtime_checkable
class Policy(Protocol):
    """The questions. Names and groups are bytes without padding; True allows, False denies.

    A denied request goes back to its sender as a reject message; disconnecting is never asked.
    """

    @property
    def name(self) -> str:
        """The name that AccessControlPolicy uses."""

    @property
    def checks_requests(self) -> bool:
        """Whether joins, leaves and messages are to be asked about; read once per session."""

    def open_connection(self, private_name: bytes) -> bool:
        """May a client of this name, already authenticated, have a session?"""

    def join_group(self, private_group: bytes, group: bytes) -> bool:
        """May the session join the group?"""

    def leave_group(self, private_group: bytes, group: bytes) -> bool:
        """May the session leave the group?"""

    def send_to_private_groups(
        self, private_group: bytes, targets: Sequence[bytes], service: int, message_type: int
    ) -> bool:
        """May the session send to `targets`, the private groups among those of the message?

        `service` has the type bits of the message without marker bits, `message_type` is signed,
        of 16 bits.
        """

    def send_to_groups(
        self, private_group: bytes, targets: Sequence[bytes], service: int, message_type: int
    ) -> bool:
        """May the session send a message that names an ordinary group? `targets` are all of its."""


class Permit:
    """Allow everything; also the base of policies that answer only some of the questions."""

    name = "PERMIT"
    checks_requests = False

    def open_connection(self, private_name: bytes) -> bool:
        return True

    def join_group(self, private_group: bytes, group: bytes) -> bool:
        return True

    def leave_group(self, private_group: bytes, group: bytes) -> bool:
        return True

    def send_to_private_groups(
        self,
        private_group: bytes,
        targets: Sequence[bytes],
        service: int,
        message_type: int,
    ) -> bool:
        return True

    def send_to_groups(
        self,
        private_group: bytes,
        targets: Sequence[bytes],
        service: int,
        message_type: int,
    ) -> bool:
        return True


class GuardedPolicy:
    """Ask a policy of somebody else's; an exception in it denies and is logged."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.name = policy.name
        self.checks_requests = policy.checks_requests

    def open_connection(self, private_name: bytes) -> bool:
        return self._ask(lambda: self._policy.open_connection(private_name))

    def join_group(self, private_group: bytes, group: bytes) -> bool:
        return self._ask(lambda: self._policy.join_group(private_group, group))

    def leave_group(self, private_group: bytes, group: bytes) -> bool:
        return self._ask(lambda: self._policy.leave_group(private_group, group))

    def send_to_private_groups(
        self, private_group: bytes, targets: Sequence[bytes], service: int, message_type: int
    ) -> bool:
        return self._ask(
            lambda: self._policy.send_to_private_groups(
                private_group, targets, service, message_type
            )
        )

    def send_to_groups(
        self, private_group: bytes, targets: Sequence[bytes], service: int, message_type: int
    ) -> bool:
        return self._ask(
            lambda: self._policy.send_to_groups(private_group, targets, service, message_type)
        )

    def _ask(self, question: Callable[[], bool]) -> bool:
        try:
            return bool(question())
        except Exception:
            # A defect of the policy must neither open the door nor stop the daemon.
            _log.exception("access control policy failed, request denied policy=%s", self.name)
            return False


def available_policies() -> tuple[str, ...]:
    """Return the names that AccessControlPolicy may have, PERMIT first."""
    others = (name for name in plugins.installed(GROUP) if name != Permit.name)
    return (Permit.name, *others)


def load_policy(name: str) -> Policy:
    """Return the policy that AccessControlPolicy names.

    Raises ConfigurationError if there is none of that name or it cannot be made.
    """
    if name == Permit.name:
        return Permit()
    policy = plugins.make(GROUP, name)
    if policy is None:
        raise ConfigurationError(
            f"no such access control policy: {name!r}; "
            f"AccessControlPolicy can be {' or '.join(available_policies())}"
        )
    if not isinstance(policy, Policy):
        raise ConfigurationError(
            f"access control policy {name!r} is a {type(policy).__name__}, which lacks "
            "attributes of spread.daemon.access.Policy"
        )
    return GuardedPolicy(policy)

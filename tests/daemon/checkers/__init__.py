"""The guarantees that clients of one daemon can see, one class each, as judges of a history.

Numbers are those of the page on client-visible guarantees. With a single daemon there are no
splits: every member that stays in a group moves together with every other.
"""

from tests.daemon.checkers.checker import Checker
from tests.daemon.checkers.integrity import (
    Fidelity,
    NoDuplicates,
    RightRecipients,
    SenderFidelity,
)
from tests.daemon.checkers.membership import (
    Causes,
    IdProgress,
    IdUniqueness,
    NoNetworkEvents,
    SelfInclusion,
    ViewAgreement,
)
from tests.daemon.checkers.ordering import (
    Causality,
    Fifo,
    NoGaps,
    TotalOrder,
    VirtualSynchrony,
)
from tests.daemon.checkers.reliability import (
    NoSilentLoss,
    PrivateMessages,
    RequestOrder,
    SafeDelivery,
    SelfDelivery,
)
from tests.daemon.trace import History

__all__ = ["CHECKERS", "Checker", "violations"]

CHECKERS: tuple[Checker, ...] = (
    Fidelity(),
    NoDuplicates(),
    RightRecipients(),
    SenderFidelity(),
    SelfInclusion(),
    ViewAgreement(),
    IdUniqueness(),
    IdProgress(),
    Causes(),
    NoNetworkEvents(),
    TotalOrder(),
    VirtualSynchrony(),
    NoGaps(),
    Fifo(),
    Causality(),
    SelfDelivery(),
    SafeDelivery(),
    RequestOrder(),
    NoSilentLoss(),
    PrivateMessages(),
)


def violations(history: History) -> list[str]:
    """Return what contradicts any guarantee, each sentence behind the number of its guarantee."""
    return [
        f"{checker.number} {type(checker).__name__}: {sentence}"
        for checker in CHECKERS
        for sentence in checker.check(history)
    ]

"""The guarantees that clients can see, one class each, as judges of a history.

Each takes the whole trace of a run, of simulated or of real daemons, and reports what contradicts
its guarantee. Needed are the events of each connection in program order, unique messages, and which
connections were closed; whether a run came to rest (`History.healed_at`) decides if what never came
was lost or only late. Numbers are those of the page on client-visible guarantees.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Final

from spread.sim.checkers.acceptance import AcceptedMessages, BackPressure
from spread.sim.checkers.checker import Checker, Violation
from spread.sim.checkers.evidence import Evidence
from spread.sim.checkers.integrity import (
    NoCreation,
    NoDuplication,
    RightRecipients,
    SenderFidelity,
    Wholeness,
)
from spread.sim.checkers.liveness import Liveness
from spread.sim.checkers.membership import (
    Causes,
    IdProgress,
    IdUniqueness,
    SelfInclusion,
    ViewAgreement,
)
from spread.sim.checkers.network_views import (
    TransitionalSets,
    TransitionalSignals,
    UndisturbedGroups,
)
from spread.sim.checkers.reliability import SafeDelivery, SafeDeliveryInTransition, SelfDelivery
from spread.sim.checkers.requests import NoSilentLoss, PrivateMessages, RequestOrder
from spread.sim.checkers.sender_order import FifoOrder
from spread.sim.checkers.synchrony import (
    AgreedDelivery,
    NoGaps,
    SameView,
    UnorderedServices,
    VirtualSynchrony,
)
from spread.sim.checkers.total_order import CausalOrder, SamePoint, TotalOrder
from spread.sim.trace import History

__all__ = ["CHECKERS", "VIOLATIONS_MAX", "Checker", "Evidence", "Violation", "check_all"]

CHECKERS: Final[tuple[Checker, ...]] = (
    NoCreation(),
    NoDuplication(),
    RightRecipients(),
    Wholeness(),
    SenderFidelity(),
    SelfInclusion(),
    ViewAgreement(),
    IdUniqueness(),
    IdProgress(),
    Causes(),
    TransitionalSignals(),
    TransitionalSets(),
    UndisturbedGroups(),
    SamePoint(),
    TotalOrder(),
    VirtualSynchrony(),
    NoGaps(),
    FifoOrder(),
    CausalOrder(),
    UnorderedServices(),
    SelfDelivery(),
    AgreedDelivery(),
    SafeDelivery(),
    SafeDeliveryInTransition(),
    SameView(),
    Liveness(),
    RequestOrder(),
    NoSilentLoss(),
    BackPressure(),
    AcceptedMessages(),
    PrivateMessages(),
)

VIOLATIONS_MAX: Final = 20
"""Sentences of one checker about one history: the first ones tell what is wrong."""


def check_all(history: History, checkers: Sequence[Checker] = CHECKERS) -> list[Violation]:
    """Return what contradicts any guarantee, at most `VIOLATIONS_MAX` for each."""
    evidence = Evidence.of(history)
    return [
        Violation(checker.number, checker.name, sentence)
        for checker in checkers
        for sentence in islice(checker.check(evidence), VIOLATIONS_MAX)
    ]

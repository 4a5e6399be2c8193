"""Run a workload on a system: clients at its daemons in turn, all driven by one generator."""

import secrets
from contextlib import ExitStack

from bench.load import Bounds, Measurement, Workload, join, new_load, run
from bench.session import Session
from bench.system import System


def drive(
    system: System, workload: Workload, bounds: Bounds, *, transport: str = "tcp"
) -> Measurement:
    """Open the sessions of a workload, run it, and return what was measured.

    Senders are at daemons 0, 1, 2 and so on, round, then receivers from where senders ended.
    Raises LoadError when messages are lost, changed, out of order, or stop to come; SessionError
    and OSError when sessions cannot be opened.
    """
    token = secrets.token_hex(3)
    groups = [f"bench-{token}-{i}".encode() for i in range(workload.groups)]
    with ExitStack() as stack:
        sessions: list[Session] = []
        for number in range(workload.senders + workload.receivers):
            session = system.open(
                number % system.size,
                f"{token}{number}",
                membership=workload.membership,
                transport=transport,
            )
            sessions.append(stack.enter_context(session))
        senders, receivers = sessions[: workload.senders], sessions[workload.senders :]
        join(groups, [*(senders if workload.senders_receive else []), *receivers])
        return run(
            new_load(workload, groups, senders, receivers), workload, bounds, probe=system.cpu_s
        )

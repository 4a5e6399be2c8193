"""Run a workload on a system: clients at its daemons in turn, all driven by one generator."""

from bench.load import Bounds, Measurement, Workload, measure_with
from bench.system import System


def drive(
    system: System, workload: Workload, bounds: Bounds, *, transport: str = "tcp"
) -> Measurement:
    """Open the sessions of a workload, run it, and return what was measured.

    Senders are at daemons 0, 1, 2 and so on, round, then receivers from where senders ended.
    Raises LoadError when messages are lost, changed, out of order, or stop to come; SessionError
    and OSError when sessions cannot be opened.
    """
    return measure_with(
        lambda number, name: system.open(
            number % system.size, name, membership=workload.membership, transport=transport
        ),
        workload,
        bounds,
        hosts=system.size,
        probe=system.cpu_s,
        split_probe=system.cpu_split_s,
    )

"""Documents of benchmarks that never ran, for tests of what is made from them."""

from typing import Any

from bench.cell import Figure
from bench.document import CellRecord, Document, Limit, Program, Run
from bench.system import LIMIT

RATE = Figure(title="100 B", unit="messages/s", target=450_000)
KNEE = Figure(title="knee", unit="messages/s")


def curve(*p99s: float, ended: str = "") -> dict[str, Any]:
    """A curve with a rate for each p99 in µs, and one more that ended if there is a reason."""
    points: list[dict[str, Any]] = [
        point(1000.0 * number, us_p99) for number, us_p99 in enumerate(p99s, 1)
    ]
    if ended:
        points.append(point(1000.0 * (len(p99s) + 1), 0.0, ended))
    return {
        "payload_size": 100,
        "maximum_per_s": 10_000.0,
        "knee_per_s": 1000.0 * len(p99s),
        "us_p99_bound": 5 * p99s[0],
        "points": points,
    }


def point(rate_per_s: float, us_p99: float, ended: str = "") -> dict[str, Any]:
    parts = {f"us_{part}": us_p99 for part in ("p50", "p90", "p99", "p999", "max")}
    return {
        "offered_per_s": rate_per_s,
        "delivered_per_s": rate_per_s,
        **parts,
        "daemon_cpu_us_per_message": 1.0,
        "ended": ended,
    }


def cell(name: str, kind: str, figure: Figure, runs: dict[str, list[Run]]) -> CellRecord:
    return CellRecord(
        name=name,
        kind=kind,
        title=f"title of {name}",
        topology="3 daemons",
        workload=None,
        has_limit=True,
        figures=[figure],
        runs=runs,
        faults={},
    )


def rates(label_values: dict[str, list[float]]) -> CellRecord:
    """A cell of rates, by label."""
    runs = {
        label: [Run(values=[value]) for value in values] for label, values in label_values.items()
    }
    return cell("ring-100", "ring", RATE, runs)


def curves(label_curves: dict[str, list[dict[str, Any]]]) -> CellRecord:
    """A cell of curves, by label."""
    runs = {
        label: [Run(values=[each["knee_per_s"]], extra={"curve": each}) for each in several]
        for label, several in label_curves.items()
    }
    return cell("curve-100", "curve", KNEE, runs)


def document(*cells: CellRecord, command: str = "spread -n {name}") -> Document:
    """A document of two implementations and the limit."""
    return Document(
        machine={
            "time": "2026-01-02T03:04:05+00:00",
            "processor": "a processor",
            "core_count": 2,
            "memory_gb": 8.0,
            "kernel": "Linux 6.1",
            "load_average": 0.1,
            "python": "3.11.0",
            "numpy": "2.0",
            "cython": "3.1",
            "commit": "abc1234+",
        },
        effort={"runs": 3, "duration_s": 2.0, "warm_up_s": 1.0},
        implementations=[
            Program(label="ours", command=command),
            Program(label="other", command="other -c {config}"),
            Program(label=LIMIT.label, command=LIMIT.command),
        ],
        limits={"udp": Limit(title="datagrams", unit="datagrams/s", values=[50_000.0])},
        cells=list(cells),
    )

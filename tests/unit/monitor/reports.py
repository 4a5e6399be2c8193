"""Reports of a daemon `a` in a ring with `b` and `c`, second by second."""

from collections.abc import Mapping
from dataclasses import replace

from spread.monitor.report import Peer, Report, RingName, Windows

__all__ = ["PEERS", "course", "report"]

PEERS = (Peer("b", "10.0.0.2", is_member=True), Peer("c", "10.0.0.3", is_member=True))


def report(second: float = 0, /, **fields: object) -> Report:
    """Return a report of `a`, taken so many seconds after the first; `fields` replace its own."""
    usual = Report(
        daemon="a",
        address="10.0.0.1",
        process=7,
        time_s=1_800_000_000 + second,
        uptime_s=100 + second,
        ring=RingName("a", 5),
        members=("a", "b", "c"),
        peers=PEERS,
        windows=Windows(160, 20, 15),
    )
    return replace(usual, **fields)  # type: ignore[arg-type]


def course(
    seconds: int, growth: Mapping[str, float] | None = None, /, **fields: object
) -> list[Report]:
    """Return reports of so many seconds whose counters grow by `growth` a second."""
    return [
        report(
            second,
            counters={name: int(each * second) for name, each in (growth or {}).items()},
            **fields,
        )
        for second in range(seconds + 1)
    ]

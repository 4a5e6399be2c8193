"""One run as a value: the cluster, the clients, the faults. A file of JSON holds one for ever."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from random import Random
from typing import Any, Final, Self

from spread.sim.agenda import MS, SECOND
from spread.sim.cluster import Cluster, scaled_timeouts
from spread.sim.faults import PROFILES, Fault, Kind, schedule

__all__ = ["Scenario", "draw"]

FORMAT: Final = 2
LENGTH_NS: Final = 3 * SECOND


@dataclass(frozen=True, slots=True)
class Scenario:
    """All that decides a run; times in nanoseconds."""

    seed: int
    segments: tuple[int, ...]  # Daemons in each.
    clients: int
    pause_ns: int  # Mean time between two requests of a client.
    length_ns: int  # Of the time with faults.
    scale: int  # How many times shorter than the defaults all timers are.
    multicast: bool
    payload_max: int
    delay_ns: int
    jitter_ns: int
    busy_ns: int
    remembers: bool
    accelerated: bool
    faults: tuple[Fault, ...]
    measures: bool = False  # Whether daemons look how large datagrams may be.

    @property
    def cluster(self) -> Cluster:
        """The daemons of the run."""
        return Cluster(
            segments=self.segments,
            timeouts=scaled_timeouts(self.scale),
            multicast=self.multicast,
            payload_max=self.payload_max,
            delay_ns=self.delay_ns,
            jitter_ns=self.jitter_ns,
            busy_ns=self.busy_ns,
            remembers=self.remembers,
            measures=self.measures,
            options=(f"AcceleratedRing = {'yes' if self.accelerated else 'no'}",),
        )

    def with_faults(self, faults: Sequence[Fault]) -> Self:
        """Return the same run with other faults."""
        return replace(self, faults=tuple(faults))

    def to_json(self) -> str:
        """Return the text of a file that replays the run."""
        fields = {"format": FORMAT, **asdict(self), "faults": None}
        head = json.dumps(fields, indent=1)
        faults = ",\n  ".join(json.dumps(_plain(fault)) for fault in self.faults)
        return head.replace("null", f"[\n  {faults}\n ]") + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read such a text; raises ValueError for another one."""
        fields: dict[str, Any] = json.loads(text)
        if fields.pop("format", None) != FORMAT:
            raise ValueError(f"not a scenario of format {FORMAT}")
        fields["segments"] = tuple(fields["segments"])
        fields["faults"] = tuple(_fault(each) for each in fields["faults"])
        return cls(**fields)


def _plain(fault: Fault) -> dict[str, Any]:
    """Return the fields of a fault that are not empty."""
    return {name: value for name, value in asdict(fault).items() if value or name == "at_ns"}


def _fault(fields: dict[str, Any]) -> Fault:
    parts = tuple(tuple(part) for part in fields.pop("parts", ()))
    return Fault(**{**fields, "kind": Kind(fields["kind"]), "parts": parts})


def draw(
    seed: int,
    *,
    daemons: tuple[int, int] = (2, 9),
    faults: str = "standard",
    length_ns: int = LENGTH_NS,
    clients: int | None = None,
) -> Scenario:
    """Draw the run of a seed: least and most `daemons`, a profile of faults by its name."""
    numbers = Random(f"{seed}/scenario")
    count = numbers.randint(*daemons)
    scale = numbers.choice((10, 16, 20, 25))
    return Scenario(
        seed=seed,
        segments=_segments(count, numbers),
        clients=clients or numbers.randint(8, 12),
        pause_ns=int(numbers.choice((8, 15, 30)) * MS),
        length_ns=length_ns,
        scale=scale,
        multicast=numbers.random() < 0.7,
        payload_max=numbers.choice((400, 1408, 1408, 8000)),
        delay_ns=int(numbers.uniform(0.05, 0.3) * MS),
        jitter_ns=int(numbers.uniform(0.02, 0.2) * MS),
        busy_ns=int(numbers.choice((0, 0, 0.2, 1)) * MS),
        remembers=True,
        accelerated=numbers.random() < 0.8,
        measures=numbers.random() < 0.7,
        faults=schedule(PROFILES[faults], count, length_ns, scale, numbers),
    )


def _segments(daemons: int, numbers: Random) -> tuple[int, ...]:
    """Spread daemons over one to three segments, mostly one."""
    count = min(numbers.choice((1, 1, 1, 2, 3)), daemons)
    cuts = sorted(numbers.sample(range(1, daemons), count - 1))
    return tuple(b - a for a, b in zip([0, *cuts], [*cuts, daemons], strict=True))

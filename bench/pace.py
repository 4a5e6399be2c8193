"""How long cells take, so that a run can say when it will be over."""

from collections.abc import Sequence

from bench.cell import Cell, Effort

CHANGE_S = 0.4  # Of a run: sessions, joins, drain.
# Seconds of a run of cells that do more than one load, whatever the effort says.
RUNS_S = {
    "curve": 19.0,
    "crash-groups": 20.0,
    "crash": 2.5,
    "silence": 5.0,
    "part": 4.6,
    "loss": 6.6,
    "slow-host": 9.0,
    "scale-groups-3": 25.0,
    "scale": 12.0,
    "idle": 9.8,
    "client": 0.5,
    "memory": 8.0,
    "ring-work": 5.5,
    "profile": 4.5,
    "calls": 1.5,
}


class Pace:
    """What is left of a run, by what was expected of the cells and what they took."""

    def __init__(self, cells: Sequence[Cell], effort: Effort, implementation_count: int) -> None:
        """`implementation_count` is without the bare forwarder unless it runs, too."""
        self._expected_s = [expected_s(cell, effort, implementation_count) for cell in cells]
        self._taken_s = 0.0
        self._done = 0

    def note(self, seconds: float) -> None:
        """Take note of what the next cell took."""
        self._taken_s += seconds
        self._done += 1

    @property
    def left_s(self) -> float:
        """Seconds that the rest will take, as fast or slow as what is done."""
        done_s = sum(self._expected_s[: self._done])
        rest_s = sum(self._expected_s[self._done :])
        return rest_s * (self._taken_s / done_s if done_s else 1.0)


def expected_s(cell: Cell, effort: Effort, implementation_count: int) -> float:
    """Return about how many seconds all runs of a cell take."""
    run_s = effort.warm_up_s + effort.seconds_of(cell.kind) + CHANGE_S
    special = [seconds for prefix, seconds in RUNS_S.items() if cell.name.startswith(prefix)]
    count = implementation_count if cell.has_limit else 1
    return (special[0] if special else run_s) * effort.runs_of(cell.kind) * count


def clock(seconds: float) -> str:
    """Return a time in minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"

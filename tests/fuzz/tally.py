"""What a fuzz run counted, and how it is told."""

import time
from collections import Counter
from dataclasses import dataclass, field

__all__ = ["Tally"]

FINDINGS_MAX = 20  # Kept; more of the same would only fill the screen.


@dataclass
class Tally:
    """Counts of one run; `findings` are inputs whose outcome is wrong, with their story."""

    target: str
    seed: int
    inputs: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    crashes: int = 0
    hangs: int = 0
    disagreements: int = 0
    findings: list[str] = field(default_factory=list)
    resident_before: int = 0  # Bytes.
    resident_after: int = 0
    descriptors_before: int = 0
    descriptors_after: int = 0
    _started: float = field(default_factory=time.monotonic)

    def count(self, outcome: str, inputs: int = 1) -> None:
        self.inputs += inputs
        self.outcomes[outcome] += inputs

    def crash(self, story: str) -> None:
        self.crashes += 1
        self._keep(f"crash: {story}")

    def hang(self, story: str) -> None:
        self.hangs += 1
        self._keep(f"hang: {story}")

    def disagree(self, story: str) -> None:
        """Note an answer that contradicts the protocol page."""
        self.disagreements += 1
        self._keep(f"wrong answer: {story}")

    @property
    def is_clean(self) -> bool:
        return not (self.crashes or self.hangs or self.disagreements)

    def report(self) -> str:
        """Return the counts as text, the first line on its own a summary."""
        seconds = max(time.monotonic() - self._started, 1e-9)
        lines = [
            f"{self.target}: {self.inputs} inputs with seed {self.seed} in {seconds:.1f} s "
            f"({self.inputs / seconds:.0f}/s), {self.crashes} crashes, {self.hangs} hangs, "
            f"{self.disagreements} wrong answers",
            "  outcomes: "
            + ", ".join(f"{name} {number}" for name, number in self.outcomes.most_common()),
        ]
        if self.resident_before:
            lines.append(
                f"  resident {self.resident_before / 2**20:.1f} MiB before, "
                f"{self.resident_after / 2**20:.1f} MiB after; descriptors "
                f"{self.descriptors_before} before, {self.descriptors_after} after"
            )
        return "\n".join([*lines, *(f"  {finding}" for finding in self.findings)])

    def _keep(self, finding: str) -> None:
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(finding)

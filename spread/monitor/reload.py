"""What came of a reload, or would come of it: the answer to two kinds of query."""

from dataclasses import dataclass

__all__ = ["ReloadChange", "ReloadOutcome"]


@dataclass(frozen=True, slots=True)
class ReloadChange:
    """One difference between the running configuration and the file."""

    kind: str
    """network: a new ring; option: at once; later: at the next start; refused: not at all."""
    subject: str
    """A daemon, the word of an option."""
    sentence: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class ReloadOutcome:
    """Which file was read, and what follows."""

    daemon: str
    file: str
    done: bool = False
    """The file is in force; False for a preview, and if there are errors."""
    errors: tuple[str, ...] = ()
    """Why it cannot be in force, with places in the file; then nothing has changed."""
    is_partial: bool = False
    """Something failed when it was put in force: the daemon has to be restarted."""
    warnings: tuple[str, ...] = ()
    changes: tuple[ReloadChange, ...] = ()
    hash_before: int = 0
    hash_after: int = 0
    """Spread's hash; daemons that disagree about it after a reload have read different files."""
    ring_hash_before: int = 0
    ring_hash_after: int = 0
    """Daemons with different ones cannot form a ring."""

"""The time in a ring's id: seconds that never repeat, as far as we can remember.

Larger than every one before in this process, and than the one kept in StateDir if the file sets
one, so that a restart within a second or after a backward step of the clock gives a fresh id.
"""

from pathlib import Path

from spread.errors import ConfigurationError

__all__ = ["as_signed", "next_ring_time"]

FILE_NAME = "ring-time"


def next_ring_time(wall_seconds: int, state_dir: str | None) -> int:
    """Return the time for a new ring, in seconds since 1970, and keep it in `state_dir`.

    Raises ConfigurationError when the directory cannot be used.
    """
    if state_dir is None:
        return wall_seconds
    path = Path(state_dir, FILE_NAME)
    try:
        chosen = max(wall_seconds, _last(path) + 1)
        scratch = path.with_suffix(".new")
        scratch.write_text(f"{chosen}\n", encoding="ascii")
        scratch.replace(path)
    except OSError as error:
        raise ConfigurationError(
            f'StateDir "{state_dir}" cannot be used: {error.strerror}; '
            "create it and let the daemon's user write to it, or remove StateDir"
        ) from error
    return chosen


def as_signed(word: int) -> int:
    """Return the 32-bit word as the signed number that clients compare."""
    return (word + 0x80000000) % 0x100000000 - 0x80000000


def _last(path: Path) -> int:
    try:
        return int(path.read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        # A torn or foreign file tells nothing; the clock alone must do.
        return 0

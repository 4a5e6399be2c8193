"""Have as many descriptors as a run needs, for this process and the daemons it starts."""

import resource
from pathlib import Path


def allow_descriptors(count: int) -> int:
    """Allow `count` more descriptors than are open now, as far as may be.

    Returns how many may be opened; fewer than `count` when the hard limit forbids it.
    """
    open_count = len(list(Path("/proc/self/fd").iterdir()))
    wanted = open_count + count
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))
        except (ValueError, OSError):  # Above the hard limit only root may go.
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft - open_count

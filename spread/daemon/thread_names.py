"""Names of threads where the system shows them: `top -H`, `ps -L`, a debugger.

The interpreter names threads for itself only. On Linux a process may write the names of its own
threads to files of /proc, whatever privileges it has dropped; without /proc they stay as they are.
"""

import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

from spread.system import IS_LINUX

__all__ = ["SIZE_MAX", "show_thread_names"]

SIZE_MAX: Final = 15
"""Characters that the system keeps of a name."""


def show_thread_names() -> None:
    """Tell the system the names of all threads that run, but for the process's own."""
    if not IS_LINUX:
        return
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and thread.native_id is not None:
            with suppress(OSError):
                Path(f"/proc/self/task/{thread.native_id}/comm").write_text(thread.name)

"""What differs between operating systems, behind one face.

Nothing else in Python code asks which system it runs on, but for facilities of one system that a
module is all about. `posix` and `windows` have the same names with the same meaning; where a
system lacks something, its function says so by what it returns, and no caller needs to know why.
"""

# ruff: noqa: F403, F405 - each of the two has these names in an `__all__` of its own.

import sys
from typing import Final

if sys.platform == "win32":
    from spread.system.windows import *
else:
    from spread.system.posix import *

__all__ = [
    "ADMINISTRATOR",
    "AF_UNIX",
    "CAN_BIND_SEGMENT",
    "FORBIDDEN_PORT",
    "HANG_UP",
    "HAS_UNIX_SOCKETS",
    "INTERRUPTED",
    "IS_LINUX",
    "KEEP",
    "KEYLESS",
    "MEANINGLESS_OPTIONS",
    "O_CLOEXEC",
    "O_DIRECTORY",
    "O_NOFOLLOW",
    "O_PATH",
    "QUIT_SIGNALS",
    "STOP_SIGNALS",
    "SYSTEM_DIRECTORIES",
    "allow_cutting",
    "change_group",
    "change_owner",
    "change_root",
    "change_user",
    "claim_address",
    "console_ends",
    "error_text",
    "forbid_cutting",
    "force_buffer",
    "group_number",
    "identities",
    "ignore_refusals",
    "interrupt",
    "is_root",
    "is_writable",
    "leave_signals",
    "local_addresses",
    "lock",
    "memory_directory",
    "open_appending",
    "path_mtu",
    "patiently",
    "process_figures",
    "queued_error",
    "raise_descriptor_limit",
    "read_at",
    "regain_root",
    "reuse_address",
    "send_with",
    "thread_cpu_s",
    "understands_sequences",
    "user_number",
    "utf8_console",
    "wake_up_on",
]

IS_LINUX: Final[bool] = sys.platform == "linux"
"""For modules about a facility of Linux, which say in their docstring what is done without it."""

"""Windows: no forks, no numbers of users, no Unix sockets, ports that are shared unless claimed.

See `spread.system` for the names.
"""

import ctypes
import errno
import msvcrt
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from ctypes import wintypes
from pathlib import Path
from typing import Final, TypeVar

assert sys.platform == "win32"

from spread.system.windows_calls import (  # noqa: E402 - unknown to checkers elsewhere.
    INVALID_HANDLE,
    FileTime,
    MemoryCounters,
    failed,
    iphlpapi,
    kernel32,
    ws2_32,
)
from spread.system.windows_console import (  # noqa: E402 - as above.
    console_ends,
    understands_sequences,
    utf8_console,
)

__all__ = [
    "ADMINISTRATOR",
    "AF_UNIX",
    "CAN_BIND_SEGMENT",
    "FORBIDDEN_PORT",
    "HANG_UP",
    "HAS_UNIX_SOCKETS",
    "INTERRUPTED",
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

T = TypeVar("T")

MS_PER_S: Final = 1_000
BYTES_PER_KB: Final = 1024

# -- Files and places ---------------------------------------------------------------------------

SYSTEM_DIRECTORIES: Final[tuple[str, ...]] = (
    str(Path(os.environ.get("PROGRAMDATA", r"C:\ProgramData"), "spread")),
)
"""Where configuration files of the whole system lie."""

_ACCOUNT: Final = "the account that it is started with decides; see spread service install -h"

MEANINGLESS_OPTIONS: Final[dict[str, str]] = {
    "RuntimeDir": "a process has no root directory of its own",
    "DaemonUser": _ACCOUNT,
    "DaemonGroup": _ACCOUNT,
    "SocketPortReuse": "a port is the daemon's alone, and free once its connections have ended",
}
"""Options of the configuration that do nothing on this system, and why."""

O_CLOEXEC: Final = os.O_NOINHERIT
O_DIRECTORY: Final = 0
O_NOFOLLOW: Final = 0
O_PATH: Final = os.O_RDONLY

LOCKED_AT: Final = 0x7FFF_FFF0
"""A byte beyond all that is in a file that is locked: a lock keeps others from reading there."""

PATIENCE_S: Final = 10.0
"""Nobody looks at a small file for longer, on a busy machine either."""
PAUSE_S: Final = 0.02

_APPEND: Final = 0x0004 | 0x0010_0000  # FILE_APPEND_DATA, SYNCHRONIZE
_SHARE_ALL: Final = 0x0001 | 0x0002 | 0x0004  # To read, to write, to move and remove.
_OPEN_ALWAYS: Final = 4
_NORMAL: Final = 0x80


def memory_directory() -> Path:
    """Return where files outlive the process: a directory of the account's own."""
    own = os.environ.get("LOCALAPPDATA")
    directory = Path(own, "spread") if own else Path(SYSTEM_DIRECTORIES[0])
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def lock(descriptor: int) -> bool:
    """Take a file as this process's own; False if another process has it."""
    try:
        os.lseek(descriptor, LOCKED_AT, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    except OSError:
        return False
    finally:
        os.lseek(descriptor, 0, os.SEEK_SET)
    return True


def change_owner(file: int | str, user_id: int, group_id: int) -> None:  # noqa: ARG001
    """Give a file, open or by name, to a user and a group; they have no numbers here."""
    raise _lacking("numbers of users")


def open_appending(
    path: str | Path,
    mode: int,  # noqa: ARG001
    *,
    flags: int = 0,  # noqa: ARG001
    directory: int | None = None,  # noqa: ARG001
) -> int:
    """Open a file at whose end is written, and that others may move away.

    Raise OSError; ValueError for a name that no file can have.
    """
    if "\0" in str(path):
        raise ValueError("embedded null character")  # The system would take what stands before it.
    handle = kernel32.CreateFileW(str(path), _APPEND, _SHARE_ALL, None, _OPEN_ALWAYS, _NORMAL, None)
    if handle == INVALID_HANDLE:
        raise failed(str(path))
    try:
        return msvcrt.open_osfhandle(handle, os.O_APPEND | os.O_BINARY | os.O_NOINHERIT)
    except OSError:
        kernel32.CloseHandle(handle)
        raise


def read_at(descriptor: int, size: int, offset: int) -> bytes:
    """Read from a place in a file. Raise OSError."""
    os.lseek(descriptor, offset, os.SEEK_SET)
    return os.read(descriptor, size)


def patiently(attempt: Callable[[], T]) -> T:
    """Return what an attempt on files returns, made again while others forbid it for a moment.

    Raise OSError. Who looks at a file, such as a virus scanner, keeps others from replacing it.
    """
    end_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            return attempt()
        except PermissionError:
            if time.monotonic() > end_s:
                raise
            time.sleep(PAUSE_S)


# -- Users --------------------------------------------------------------------------------------


def is_root() -> bool:
    """Tell whether this process may become any user."""
    return False


def user_number(name: str) -> int | None:  # noqa: ARG001
    """Return the number of a user: none has one."""
    return None


def group_number(name: str) -> int | None:  # noqa: ARG001
    """Return the number of a group: none has one."""
    return None


def change_root(directory: str) -> None:  # noqa: ARG001
    """Make a directory the root of all names."""
    raise _lacking("root directories of processes")


def change_group(group_id: int) -> None:  # noqa: ARG001
    """Become a member of this group and of no other."""
    raise _lacking("numbers of groups")


def change_user(user_id: int) -> None:  # noqa: ARG001
    """Become this user."""
    raise _lacking("numbers of users")


def identities() -> tuple[set[int], set[int]]:
    """Return all users and all groups that this process is, in whatever role."""
    return set(), set()


def regain_root() -> bool:
    """Try to become root again; return whether that worked."""
    return False


# -- Signals, threads, limits -------------------------------------------------------------------

STOP_SIGNALS: Final[tuple[signal.Signals, ...]] = (signal.SIGINT, signal.SIGTERM, signal.SIGBREAK)
"""End a daemon in order."""

INTERRUPTED: Final = (0xC000_013A,)
"""Statuses of children that what stops a daemon has ended before they took heed of it."""

KEYLESS: Final = subprocess.CREATE_NEW_PROCESS_GROUP
"""Creation flags of a child that Ctrl-C does not reach, only those who started it."""

HANG_UP: Final[signal.Signals | None] = None
"""Asks a daemon to open its log and to read its configuration again; `spread --reload` does it."""

KEEP: Final[signal.Signals | None] = None
"""Asks a daemon to keep what its flight recorder has; `spmonitor trace` asks for it."""

QUIT_SIGNALS: Final[tuple[signal.Signals, ...]] = (signal.SIGTERM, signal.SIGBREAK)
"""End an interactive program in order, beside the Ctrl-C that it may want for other things."""

_QUERY_THREAD: Final = 0x0040


def leave_signals() -> None:
    """Let signals pass by the calling thread: here they never come to another than the main one."""


def wake_up_on(handler: Callable[[int, object], None]) -> bool:  # noqa: ARG001
    """Prepare the main thread to be interrupted; False where that cannot be."""
    return False


def interrupt(thread: int) -> None:
    """Run the handler of `wake_up_on` soon; not here."""


def raise_descriptor_limit() -> None:
    """Take as many descriptors as the system allows; sockets have no limit but memory."""


def process_figures() -> dict[str, int]:
    """Return what the process has used, by the names of `spread.counters.PROCESS`."""
    used = os.times()
    counters = MemoryCounters(size=ctypes.sizeof(MemoryCounters))
    kernel32.K32GetProcessMemoryInfo(
        kernel32.GetCurrentProcess(), ctypes.byref(counters), counters.size
    )
    return {
        "cpu_user_ms": round(used.user * MS_PER_S),
        "cpu_system_ms": round(used.system * MS_PER_S),
        "resident_peak_kb": int(counters.working_set_peak) // BYTES_PER_KB,
    }


def thread_cpu_s(thread: threading.Thread) -> float:
    """Return the processor time of another thread; 0 if the system does not tell."""
    handle = kernel32.OpenThread(_QUERY_THREAD, False, thread.native_id or 0)
    if not handle:
        return 0.0
    times = [FileTime() for _ in range(4)]
    is_told = kernel32.GetThreadTimes(handle, *(ctypes.byref(each) for each in times))
    kernel32.CloseHandle(handle)
    return times[2].seconds() + times[3].seconds() if is_told else 0.0


# -- Sockets ------------------------------------------------------------------------------------

ADMINISTRATOR: Final = "administrator"
"""Who may see, and do, everything."""

FORBIDDEN_PORT: Final = (
    "a program has it for itself alone, or Windows keeps it: "
    '"netsh interface ipv4 show excludedportrange tcp" shows what it keeps, with udp likewise'
)
"""Why the system refuses a port that nobody has."""

HAS_UNIX_SOCKETS: Final = False
AF_UNIX: Final = 1
"""The number of the family, which Python takes on no call here."""

CAN_BIND_SEGMENT: Final = False
"""Whether a socket can have the broadcast or multicast address of a segment."""

SOCKET_ERRORS: Final = 10_000
"""Errors of sockets have numbers above this."""

_IP_DONTFRAGMENT: Final = 14  # ws2ipdef.h
_IP_MTU: Final = 73
_SIO_UDP_CONNRESET: Final = 0x9800_000C
_SIO_UDP_NETRESET: Final = 0x9800_000F
_MORE: Final = 122  # ERROR_INSUFFICIENT_BUFFER
_ROW_SIZE: Final = 24  # MIB_IPADDRROW, which begins with the address.


def error_text(number: int) -> str:
    """Return what the system calls an error, also one of sockets."""
    return ctypes.FormatError(number).strip() if number > SOCKET_ERRORS else os.strerror(number)


def local_addresses() -> tuple[str, ...] | None:
    """Return the IPv4 addresses of all interfaces, each once; None if the system does not tell."""
    size = wintypes.DWORD(0)
    room = ctypes.create_string_buffer(4)
    while (status := iphlpapi.GetIpAddrTable(room, ctypes.byref(size), True)) == _MORE:
        room = ctypes.create_string_buffer(size.value)
    if status:
        return None
    count = int.from_bytes(room.raw[:4], "little")
    starts = range(4, 4 + count * _ROW_SIZE, _ROW_SIZE)
    found = (socket.inet_ntoa(room.raw[start : start + 4]) for start in starts)
    return tuple(dict.fromkeys(each for each in found if each != "0.0.0.0"))


def reuse_address(sock: socket.socket) -> None:
    """Let a socket have an address that others, or closed connections, have, too.

    The option of that name would let anybody take the address. Connections that the other end has
    not closed yet may keep it for a while.
    """


def claim_address(sock: socket.socket) -> None:
    """Let nobody else have the address of a socket that is going to be bound."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)


def ignore_refusals(sock: socket.socket) -> None:
    """Let a datagram that nobody took be no error of the next call, which may be for another."""
    off, size = wintypes.BOOL(False), wintypes.DWORD(0)
    for control in (_SIO_UDP_CONNRESET, _SIO_UDP_NETRESET):
        ws2_32.WSAIoctl(
            sock.fileno(),
            control,
            ctypes.byref(off),
            ctypes.sizeof(off),
            None,
            0,
            ctypes.byref(size),
            None,
            None,
        )


def allow_cutting(sock: socket.socket) -> None:
    """Allow the network to cut datagrams that are too large for it; that is the rule here."""


def forbid_cutting(sock: socket.socket) -> bool:
    """Forbid it; False where that cannot be."""
    sock.setsockopt(socket.IPPROTO_IP, _IP_DONTFRAGMENT, 1)
    return True


def force_buffer(sock: socket.socket, option: int, size: int) -> None:
    """Set the size of a buffer above the system's limit; here there is none."""


def path_mtu(sock: socket.socket) -> int | None:
    """Return the largest packet for where a socket is connected. Raise OSError."""
    mtu = sock.getsockopt(socket.IPPROTO_IP, _IP_MTU)
    # The loopback interface says that it has no bound.
    return mtu if 0 < mtu <= 0xFFFF else None


def send_with(
    sock: socket.socket,  # noqa: ARG001
    data: bytes,  # noqa: ARG001
    ancillary: list[tuple[int, int, bytes]],  # noqa: ARG001
    target: tuple[str, int],  # noqa: ARG001
) -> int:
    """Send a datagram with instructions for the system."""
    raise _lacking("instructions for datagrams")


def queued_error(
    sock: socket.socket,  # noqa: ARG001
) -> tuple[list[tuple[int, int, bytes]], tuple[str, int] | None]:
    """Return the next error of a datagram sent before, and its target."""
    raise _lacking("error queues")


def is_writable(descriptor: int, timeout_s: float) -> bool:  # noqa: ARG001
    """Wait until a pipe or a device takes bytes: nothing tells, so they are taken as ready."""
    return True


def _lacking(what: str) -> OSError:
    return OSError(errno.EOPNOTSUPP, f"Windows has no {what}")

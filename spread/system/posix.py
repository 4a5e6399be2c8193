"""Systems with forks, signals, users and Unix sockets: Linux, the BSDs, macOS.

See `spread.system` for the names; what only Linux has is asked for here, too.
"""

import array
import fcntl
import grp
import os
import pwd
import resource
import select
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

assert sys.platform != "win32"

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

IS_LINUX: Final[bool] = sys.platform == "linux"

MS_PER_S: Final = 1_000

RESIDENT_UNIT: Final = 1024 if sys.platform == "darwin" else 1
"""How many units of the system's peak of memory are one KiB."""

# -- Files and places ---------------------------------------------------------------------------

SYSTEM_DIRECTORIES: Final[tuple[str, ...]] = ("/etc", "/usr/local/etc")
"""Where configuration files of the whole system lie; access files only in the first."""

MEANINGLESS_OPTIONS: Final[dict[str, str]] = {}
"""Options of the configuration that do nothing on this system, and why."""

MEMORY_FILE_SYSTEM: Final = "/dev/shm"

O_CLOEXEC: Final = os.O_CLOEXEC
O_DIRECTORY: Final = os.O_DIRECTORY
O_NOFOLLOW: Final = os.O_NOFOLLOW
O_PATH: Final[int] = getattr(os, "O_PATH", os.O_RDONLY)


def memory_directory() -> Path:
    """Return where files outlive the process, best without a disk."""
    runtime = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    for each in (MEMORY_FILE_SYSTEM if IS_LINUX else "", runtime):
        if each and os.access(each, os.W_OK | os.X_OK):
            return Path(each)
    import tempfile  # Large, and needed by few.

    return Path(tempfile.gettempdir())


def lock(descriptor: int) -> bool:
    """Take a file as this process's own; False if another process has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def change_owner(file: int | str, user_id: int, group_id: int) -> None:
    """Give a file, open or by name, to a user and a group. Raise OSError."""
    os.chown(file, user_id, group_id)


def open_appending(
    path: str | Path, mode: int, *, flags: int = 0, directory: int | None = None
) -> int:
    """Open a file at whose end is written, and that others may move away. Raise OSError.

    It is created with `mode`; `flags` are further ones, `directory` is where `path` begins.
    """
    # O_NONBLOCK: opening a named pipe that nobody reads fails instead of waiting for a reader.
    flags |= os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_NOCTTY
    return os.open(path, flags, mode, dir_fd=directory)


def read_at(descriptor: int, size: int, offset: int) -> bytes:
    """Read from a place in a file. Raise OSError."""
    return os.pread(descriptor, size, offset)


def patiently(attempt: Callable[[], T]) -> T:
    """Return what an attempt on files returns, made again while others forbid it for a moment.

    Raise OSError. Here nobody does.
    """
    return attempt()


# -- Users --------------------------------------------------------------------------------------


def is_root() -> bool:
    """Tell whether this process may become any user."""
    return os.geteuid() == 0


def user_number(name: str) -> int | None:
    """Return the number of a user, None if there is no such user."""
    try:
        return pwd.getpwnam(name).pw_uid
    except (KeyError, ValueError):
        return None


def group_number(name: str) -> int | None:
    """Return the number of a group, None if there is no such group."""
    try:
        return grp.getgrnam(name).gr_gid
    except (KeyError, ValueError):
        return None


def change_root(directory: str) -> None:
    """Make a directory the root of all names. Raise OSError or ValueError."""
    # Some calls of the C library read the time zone's file anew, and would not find it any more,
    # unless the environment names the zone: then it is read once, here.
    os.environ.setdefault("TZ", ":/etc/localtime")
    time.tzset()
    os.chdir(directory)
    os.chroot(".")
    os.chdir("/")


def change_group(group_id: int) -> None:
    """Become a member of this group and of no other. Raise OSError."""
    os.setgroups([group_id])
    os.setresgid(group_id, group_id, group_id)


def change_user(user_id: int) -> None:
    """Become this user. Raise OSError."""
    os.setresuid(user_id, user_id, user_id)


def identities() -> tuple[set[int], set[int]]:
    """Return all users and all groups that this process is, in whatever role."""
    return set(os.getresuid()), {*os.getresgid(), *os.getgroups()}


def regain_root() -> bool:
    """Try to become root again; return whether that worked."""
    try:
        os.seteuid(0)
    except PermissionError:
        return False
    return True


# -- Signals, threads, limits -------------------------------------------------------------------

STOP_SIGNALS: Final[tuple[signal.Signals, ...]] = (signal.SIGINT, signal.SIGTERM)
"""End a daemon in order."""

INTERRUPTED: Final = (-signal.SIGINT, -signal.SIGTERM)
"""Statuses of children that what stops a daemon has ended before they took heed of it."""

KEYLESS: Final = 0
"""Creation flags of a child that Ctrl-C does not reach; there are none such here."""

HANG_UP: Final[signal.Signals | None] = signal.SIGHUP
"""Asks a daemon to open its log and to read its configuration again."""

KEEP: Final[signal.Signals | None] = signal.SIGUSR1
"""Asks a daemon to keep what its flight recorder has."""

QUIT_SIGNALS: Final[tuple[signal.Signals, ...]] = (signal.SIGTERM, signal.SIGHUP)
"""End an interactive program in order, beside the Ctrl-C that it may want for other things."""

# Raised by the thread's own instructions, so a handler must run there.
_SYNCHRONOUS_SIGNALS: Final = {
    signal.SIGSEGV,
    signal.SIGBUS,
    signal.SIGFPE,
    signal.SIGILL,
    signal.SIGABRT,
}


def leave_signals() -> None:
    """Let signals pass by the calling thread: they are for the one that waits in the loop."""
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - _SYNCHRONOUS_SIGNALS)


def console_ends(stop: Callable[[], None], *, is_service: bool = False) -> Callable[[], None]:  # noqa: ARG001
    """Call `stop`, from any thread, when the console closes, and hold it until what is returned
    is called. Here a signal tells, so nothing is to be done.
    """
    return _nothing


def utf8_console() -> Callable[[], None]:
    """Let the console show UTF-8 that is written past Python; returns what undoes it."""
    return _nothing


def understands_sequences() -> bool:
    """Tell whether the terminal of this process moves its cursor when told to."""
    return os.environ.get("TERM", "dumb") != "dumb"


def wake_up_on(handler: Callable[[int, object], None]) -> bool:
    """Prepare the main thread to be interrupted; False where that cannot be."""
    signal.signal(signal.SIGUSR1, handler)
    return True


def interrupt(thread: int) -> None:
    """Run the handler of `wake_up_on` soon, even if the main thread `thread` waits for input."""
    signal.pthread_kill(thread, signal.SIGUSR1)


def raise_descriptor_limit() -> None:
    """Take as many descriptors as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        # Systems whose limit has no end refuse to be asked for all of it: then it stays.
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):
            return


def process_figures() -> dict[str, int]:
    """Return what the process has used, by the names of `spread.counters.PROCESS`."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "cpu_user_ms": round(usage.ru_utime * MS_PER_S),
        "cpu_system_ms": round(usage.ru_stime * MS_PER_S),
        "resident_peak_kb": usage.ru_maxrss // RESIDENT_UNIT,
    }


def thread_cpu_s(thread: threading.Thread) -> float:
    """Return the processor time of another thread; 0 if the system does not tell."""
    if not IS_LINUX or thread.ident is None:
        return 0.0
    return time.clock_gettime(time.pthread_getcpuclockid(thread.ident))


# -- Sockets ------------------------------------------------------------------------------------

ADMINISTRATOR: Final = "root"
"""Who may see, and do, everything."""

FORBIDDEN_PORT: Final = "ports below 1024 are for root or with CAP_NET_BIND_SERVICE only"
"""Why the system refuses a port that nobody has."""

HAS_UNIX_SOCKETS: Final = True
AF_UNIX: Final = socket.AF_UNIX

CAN_BIND_SEGMENT: Final = True
"""Whether a socket can have the broadcast or multicast address of a segment."""

# Of Linux; not in every Python's `socket`.
_IP_MTU_DISCOVER: Final = 10
_IP_PMTUDISC_DONT: Final = 0
_IP_PMTUDISC_PROBE: Final = 3
_IP_MTU: Final = 14
_FORCED: Final = {socket.SO_SNDBUF: 32, socket.SO_RCVBUF: 33}
"""For root, these pass the system's limit."""

# Linux: list the addresses of all interfaces; size of one entry of the list, and where in it the
# four bytes of an IPv4 address stand.
_SIOCGIFCONF: Final = 0x8912
_IFREQ_SIZE: Final = 40 if struct.calcsize("P") == 8 else 32
_IFREQ_ADDRESS: Final = slice(20, 24)
_IFREQ_COUNT_MAX: Final = 1000
"""Room for so many addresses; a host with more is asked for the first ones only."""


def error_text(number: int) -> str:
    """Return what the system calls an error, also one of sockets."""
    return os.strerror(number)


def local_addresses() -> tuple[str, ...] | None:
    """Return the IPv4 addresses of all interfaces, each once; None if the system does not tell."""
    if not IS_LINUX:
        return None
    room = array.array("B", bytes(_IFREQ_SIZE * _IFREQ_COUNT_MAX))
    request = struct.pack("iP", len(room), room.buffer_info()[0])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        answer = fcntl.ioctl(probe.fileno(), _SIOCGIFCONF, request)
    (size,) = struct.unpack_from("i", answer)
    entries = room.tobytes()[:size]
    starts = range(0, len(entries), _IFREQ_SIZE)
    addresses = (entries[start : start + _IFREQ_SIZE][_IFREQ_ADDRESS] for start in starts)
    return tuple(dict.fromkeys(map(socket.inet_ntoa, addresses)))


def reuse_address(sock: socket.socket) -> None:
    """Let a socket have an address that others, or closed connections, have, too."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)


def claim_address(sock: socket.socket) -> None:
    """Let nobody else have the address of a socket that is going to be bound; the rule here."""


def ignore_refusals(sock: socket.socket) -> None:
    """Let a datagram that nobody took be no error of the next call; here such errors tell more."""


def allow_cutting(sock: socket.socket) -> None:
    """Allow the network to cut datagrams that are too large for it."""
    if IS_LINUX:
        sock.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _IP_PMTUDISC_DONT)


def forbid_cutting(sock: socket.socket) -> bool:
    """Forbid it; False where that cannot be."""
    if IS_LINUX:
        sock.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _IP_PMTUDISC_PROBE)
    return IS_LINUX


def force_buffer(sock: socket.socket, option: int, size: int) -> None:
    """Set the size of a buffer above the system's limit. Raise OSError without the right to it."""
    if IS_LINUX:
        sock.setsockopt(socket.SOL_SOCKET, _FORCED[option], size)


def path_mtu(sock: socket.socket) -> int | None:
    """Return the largest packet for where a socket is connected. Raise OSError."""
    return sock.getsockopt(socket.IPPROTO_IP, _IP_MTU) if IS_LINUX else None


def send_with(
    sock: socket.socket,
    data: bytes,
    ancillary: list[tuple[int, int, bytes]],
    target: tuple[str, int],
) -> int:
    """Send a datagram with instructions for the system. Raise OSError."""
    return sock.sendmsg([data], ancillary, 0, target)


def queued_error(
    sock: socket.socket,
) -> tuple[list[tuple[int, int, bytes]], tuple[str, int] | None]:
    """Return the next error of a datagram sent before, and its target. Raise OSError for none."""
    _, ancillary, _, target = sock.recvmsg(0, 256, socket.MSG_ERRQUEUE)
    return ancillary, target


def is_writable(descriptor: int, timeout_s: float) -> bool:
    """Wait until a pipe or a device takes bytes, and tell whether it does."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(timeout_s * 1000))


def _nothing() -> None:
    """Undo nothing."""

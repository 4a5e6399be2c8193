"""Who holds an address that we cannot have: for the error message, as far as Linux tells.

The kernel lists sockets with the numbers of their inodes; processes show the inodes that they
hold. Other users' processes are visible to root only, so "nobody found" says nothing.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from spread.config.listens import ANY_ADDRESS, Listen, Transport

__all__ = ["SocketOwner", "closing_connection_count", "find_owners", "how_to_find_owner"]

PROC = Path("/proc")

COMMAND_SIZE_MAX = 80  # Characters of a command line that a message shows.

TIME_WAIT = "06"


@dataclass(frozen=True, slots=True)
class SocketOwner:
    """A process that holds a socket."""

    process_id: int
    command: str

    def __str__(self) -> str:
        """Return `process 123 (command line)`."""
        return f"process {self.process_id} ({self.command})"


def find_owners(listen: Listen) -> tuple[SocketOwner, ...]:
    """Return the processes that hold the address of `listen`, by process number."""
    inodes = set(_unix_inodes(listen) if listen.path else _inet_inodes(listen))
    if not inodes:
        return ()
    links = {f"socket:[{inode}]" for inode in inodes}
    return tuple(
        SocketOwner(number, _command(number))
        for number in sorted(_process_numbers())
        if links & set(_descriptor_links(number))
    )


def closing_connection_count(listen: Listen) -> int:
    """Return how many closed TCP connections still hold the port, for about a minute each."""
    if listen.transport is not Transport.TCP:
        return 0
    return sum(1 for entry in _inet_entries(listen) if entry.state == TIME_WAIT)


def how_to_find_owner(listen: Listen, platform: str = sys.platform) -> str:
    """Return the command that shows who holds the address of `listen` on this system."""
    if platform == "linux":
        if listen.path:
            return f"ss -lpx src {listen.path}"
        kind = "t" if listen.transport is Transport.TCP else "u"
        return f"ss -l{kind}pn 'sport = :{listen.port}'"
    if platform == "win32":
        return f"netstat -ano -p {listen.transport.value}"
    return f"lsof -nP {listen.path or f'-i {listen.transport.value}:{listen.port}'}"


@dataclass(frozen=True, slots=True)
class _InetEntry:
    address: str
    port: int
    state: str
    inode: int


def _inet_inodes(listen: Listen) -> Iterator[int]:
    return (entry.inode for entry in _inet_entries(listen) if entry.inode)


def _inet_entries(listen: Listen) -> Iterator[_InetEntry]:
    # A socket of IPv6 that is bound to all addresses takes the port of IPv4 too.
    for name in (listen.transport.value, f"{listen.transport.value}6"):
        for line in _lines(PROC / "net" / name)[1:]:
            entry = _parse_inet(line)
            if entry.port == listen.port and _overlap(entry.address, listen.address):
                yield entry


def _parse_inet(line: str) -> _InetEntry:
    #   sl  local_address rem_address   st tx_queue:rx_queue tr:when retrnsmt  uid timeout inode
    words = line.split()
    address, port = words[1].split(":")
    return _InetEntry(_address(address), int(port, 16), words[3], int(words[9]))


def _address(text: str) -> str:
    # The last (or only) 32 bits as the processor reads them; IPv4 within IPv6 stands there too.
    word = int(text[-8:], 16).to_bytes(4, sys.byteorder)
    return ".".join(map(str, word))


def _overlap(one: str, other: str) -> bool:
    return one == other or ANY_ADDRESS in (one, other)


def _unix_inodes(listen: Listen) -> Iterator[int]:
    # Num RefCount Protocol Flags Type St Inode Path
    for line in _lines(PROC / "net" / "unix")[1:]:
        words = line.split(maxsplit=7)
        if len(words) == 8 and words[7] == listen.path:
            yield int(words[6])


def _process_numbers() -> Iterator[int]:
    try:
        yield from (int(path.name) for path in PROC.iterdir() if path.name.isdecimal())
    except OSError:
        return  # No such file system here.


def _descriptor_links(number: int) -> Iterator[str]:
    try:
        for path in (PROC / str(number) / "fd").iterdir():
            yield str(path.readlink())
    except OSError:
        return  # It belongs to somebody else, or has ended meanwhile.


def _command(number: int) -> str:
    arguments = "".join(_lines(PROC / str(number) / "cmdline")).rstrip("\0").split("\0")
    name = "".join(_lines(PROC / str(number) / "comm"))
    return (" ".join(arguments) or name)[:COMMAND_SIZE_MAX]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []

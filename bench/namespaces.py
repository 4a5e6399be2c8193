"""Network namespaces without names: one lives as long as a descriptor, a socket or a process does.

Nothing of them shows in the host's own network, two runs cannot meet, and when a run dies its
namespaces go with it.
"""

import ctypes
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

__all__ = ["Namespace", "NamespaceError", "why_impossible"]

CLONE_NEWNET = 0x40000000
OWN = "/proc/thread-self/ns/net"

_libc = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None


class NamespaceError(Exception):
    """The system refused what a network needs."""


def _call(result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise NamespaceError(os.strerror(number))


class Namespace:
    """A network of its own, with nothing in it but a loopback interface."""

    def __init__(self) -> None:
        made: list[int] = []
        failures: list[NamespaceError] = []

        def make() -> None:
            # Of this thread only, which ends; the descriptor keeps what it made.
            try:
                _call(_libc.unshare(CLONE_NEWNET))
                made.append(os.open(OWN, os.O_RDONLY | os.O_CLOEXEC))
            except NamespaceError as error:
                failures.append(error)

        thread = Thread(target=make)
        thread.start()
        thread.join()
        if failures:
            raise failures[0]
        self.descriptor = made[0]
        try:
            self.ip("link set lo up")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of it; its interfaces vanish when no process is left in it."""
        os.close(self.descriptor)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Sockets and processes that this thread makes meanwhile belong to the namespace."""
        home = os.open(OWN, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _call(_libc.setns(self.descriptor, CLONE_NEWNET))
            try:
                yield
            finally:
                _call(_libc.setns(home, CLONE_NEWNET))
        finally:
            os.close(home)

    def ip(self, *commands: str, others: Sequence["Namespace"] = ()) -> None:
        """Run commands of ip(8); `{0}`, `{1}` in them stand for the namespaces of `others`.

        Raises NamespaceError with what it said.
        """
        descriptors = [each.descriptor for each in others]
        places = [f"/proc/self/fd/{number}" for number in descriptors]
        text = "".join(f"{command.format(*places)}\n" for command in commands)
        with self.entered():
            done = subprocess.run(
                ["ip", "-batch", "-"],
                input=text,
                capture_output=True,
                text=True,
                pass_fds=descriptors,
                check=False,
            )
        if done.returncode != 0:
            raise NamespaceError(f"{done.stderr.strip()}; the commands were:\n{text}")

    def set_option(self, name: str, value: str) -> None:
        """Set an option of its network, as `ipv4/ip_forward`."""
        with self.entered():
            Path("/proc/sys/net", name).write_text(value)


def why_impossible() -> str:
    """Return why networks cannot be made here; empty if they can."""
    if os.name != "posix" or not Path(OWN).exists():
        return "network namespaces are Linux's"
    if os.geteuid() != 0:
        return "only root may make network namespaces"
    try:
        one = Namespace()
    except (NamespaceError, FileNotFoundError) as error:
        return f"network namespaces are not to be had here: {error}"
    try:
        other = Namespace()
        try:
            one.ip(
                "link add bridge0 type bridge",
                "link add port0 type veth peer name eth0 netns {0}",
                "link set port0 master bridge0",
                others=[other],
            )
        finally:
            other.close()
    except NamespaceError as error:
        return f"bridges and virtual cables are not to be had here: {error}"
    finally:
        one.close()
    return ""

"""The Unix socket of the daemon, as a file: taken over if stale, removed if still ours.

The file stands in a directory that everybody may write to. So nothing but a socket is ever
removed, no link is followed, and what is ours is known by its inode, not by its name. The number
of the inode is ours until the socket is closed, because the socket holds on to the file.
"""

import contextlib
import os
import socket
import stat
from pathlib import Path

from spread.config.listens import Listen
from spread.daemon.listen_errors import ListenError, in_use, refusal
from spread.system import AF_UNIX, O_DIRECTORY, O_NOFOLLOW, O_PATH, change_owner

__all__ = ["SocketFile", "open_unix_socket"]

# Whoever can reach the directory may connect: who gets a session is decided by authentication.
_UMASK_FOR_0666 = 0o111


class SocketFile:
    """The name of a bound Unix socket, to be removed even from another root directory."""

    def __init__(self, path: Path) -> None:
        """Remember the socket that `path` names at present. Raise OSError."""
        self._name = path.name
        self._directory = os.open(path.parent, O_PATH | O_DIRECTORY)
        try:
            self._identity = _identity(self._status())
        except OSError:
            os.close(self._directory)
            raise

    def give_to(self, user_id: int, group_id: int) -> None:
        """Let the user that the daemon is going to be remove the file. Raise OSError."""
        if not hasattr(os, "O_PATH"):
            return
        # By descriptor: a name could lead to another file between the look and the change.
        file = os.open(self._name, O_PATH | O_NOFOLLOW, dir_fd=self._directory)
        try:
            if _identity(os.fstat(file)) == self._identity:
                change_owner(f"/proc/self/fd/{file}", user_id, group_id)
        finally:
            os.close(file)

    def remove(self) -> None:
        """Remove the file if it is still ours. To be called before the socket is closed."""
        # Gone already, or not ours to remove any more: the next start deals with it.
        with contextlib.suppress(OSError):
            if _identity(self._status()) == self._identity:
                os.unlink(self._name, dir_fd=self._directory)

    def close(self) -> None:
        """Close the directory."""
        os.close(self._directory)

    def _status(self) -> os.stat_result:
        return os.stat(self._name, dir_fd=self._directory, follow_symlinks=False)


def open_unix_socket(listen: Listen, backlog: int) -> tuple[socket.socket, SocketFile]:
    """Return a listening socket at `listen.path`, for everybody, and its file.

    A socket that nobody listens on is replaced. Raise `AddressInUseError` for a living one and
    `ListenError` for everything else in the way.
    """
    path = Path(listen.path)
    _make_way(listen, path)
    listener = socket.socket(AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.setblocking(False)
        umask = os.umask(_UMASK_FOR_0666)
        try:
            listener.bind(listen.path)
        finally:
            os.umask(umask)
        listener.listen(backlog)
        return listener, SocketFile(path)
    except OSError as error:
        listener.close()
        raise refusal(listen, error) from error


def _make_way(listen: Listen, path: Path) -> None:
    try:
        mode = path.lstat().st_mode
        if not stat.S_ISSOCK(mode):
            raise ListenError(
                f"cannot listen on {listen}: the file is no socket; remove it if it is not needed"
            )
        if _is_alive(listen.path):
            raise in_use(listen)
        path.unlink()
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise ListenError(
            f"cannot listen on {listen}: an old file cannot be replaced: "
            f"{getattr(error, 'strerror', None) or error}; remove it as its owner"
        ) from error


def _is_alive(path: str) -> bool:
    with socket.socket(AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return False
        except FileNotFoundError:
            raise
        except OSError:
            # Busy, of another kind, or closed to us: not ours to remove in any case.
            return True
    return True


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino

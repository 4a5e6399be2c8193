"""`spread --reload`: ask the daemon of a configuration file to read it again, and say what came.

The daemon answers after it has read the file, so what is printed is what is in force. A request or
an answer may be lost: the same question is asked again, and answered the same, for a while.
"""

import json
import secrets
import socket
import sys
import time
from typing import Final

from spread.config import Configuration, main_address
from spread.monitor.inquiries import Again, Inquiries, Reply
from spread.monitor.queries import Kind, Query

__all__ = ["run"]

EXIT_DONE: Final = 0
EXIT_REFUSED: Final = 1
EXIT_SILENT: Final = 3

WAIT_S: Final = 10.0
"""A daemon that looks up names of hosts may take seconds."""

REPEAT_S: Final = 1.0

DATAGRAM_MAX: Final = 65_535


def run(configuration: Configuration, *, wait_s: float = WAIT_S) -> int:
    """Ask the daemon that is `me` of this configuration; print its answer, return the status."""
    address, port = main_address(configuration.me), configuration.segment.port
    query = Query(secrets.randbits(32), Kind.RELOAD, {}, configuration.me.address)
    try:
        reply = _ask(query, address, port, wait_s)
    except OSError as error:
        print(f"spread: {address}:{port}: {error.strerror}", file=sys.stderr)
        return EXIT_SILENT
    if reply is None:
        print(
            f"spread: no daemon answers at {address}:{port} ({configuration.me.name}). If it is "
            "running under another port, restart it: a port cannot be changed by reloading",
            file=sys.stderr,
        )
        return EXIT_SILENT
    return _tell(reply)


def _ask(query: Query, address: str, port: int, wait_s: float) -> Reply | None:
    inquiries = Inquiries()
    end = time.monotonic() + wait_s
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        while (left := end - time.monotonic()) > 0:
            asker.sendto(inquiries.ask(query, address), (address, port))
            reply = _receive(asker, inquiries, time.monotonic() + min(left, REPEAT_S))
            if reply is not None:
                return reply
    return None


def _receive(asker: socket.socket, inquiries: Inquiries, until: float) -> Reply | None:
    while (left := until - time.monotonic()) > 0:
        asker.settimeout(left)
        try:
            data, (source, port) = asker.recvfrom(DATAGRAM_MAX)
        except TimeoutError:
            return None
        except ConnectionError:
            # The host says that nobody listens; the daemon may be about to.
            continue
        reply = inquiries.add(data, source)
        if isinstance(reply, Again):
            asker.sendto(reply.datagram, (source, port))
        elif reply is not None:
            return reply
    return None


def _tell(reply: Reply) -> int:
    outcome = json.loads(reply.json)
    if reply.kind == Kind.ERROR:
        print(f"spread: the daemon cannot reload: {outcome['error']}", file=sys.stderr)
        return EXIT_REFUSED
    for each in outcome["warnings"]:
        print(each)
    if outcome["errors"]:
        for each in outcome["errors"]:
            print(each, file=sys.stderr)
        print("spread: not reloaded, the running configuration stays in force", file=sys.stderr)
        return EXIT_REFUSED
    for change in outcome["changes"]:
        print(change["sentence"])
    if not outcome["changes"]:
        print("nothing has changed")
    return EXIT_DONE

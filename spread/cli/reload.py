"""`spread --reload`: ask the daemon of a configuration file to read it again, and say what came.

The daemon answers when the file is in force, so what is printed is. A request or an answer may be
lost: the same question is asked again, and answered the same, for a while. A daemon that has to
look up names of hosts may take its time: it is waited for as long as it answers other questions.
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
"""After so long without an answer the daemon is asked whether it is there."""

WAITS_MAX: Final = 6
"""So often, as long as it is."""

ALIVE_S: Final = 2.0
"""How long it has to say so."""

REPEAT_S: Final = 1.0

DATAGRAM_MAX: Final = 65_535


def run(configuration: Configuration, *, wait_s: float = WAIT_S) -> int:
    """Ask the daemon that is `me` of this configuration; print its answer, return the status."""
    address, port = main_address(configuration.me), configuration.segment.port
    query = Query(secrets.randbits(32), Kind.RELOAD, {}, configuration.me.address)
    known = Query(secrets.randbits(32), Kind.REPORT, {}, configuration.me.address)
    name = f"{address}:{port} ({configuration.me.name})"
    try:
        for _ in range(WAITS_MAX):
            reply = _ask(query, address, port, wait_s)
            if reply is not None:
                return _tell(reply)
            if _ask(known, address, port, ALIVE_S) is None:
                _complain(
                    f"no daemon answers at {name}. If it is running under another port, restart "
                    "it: a port cannot be changed by reloading"
                )
                return EXIT_SILENT
    except OSError as error:
        _complain(f"{address}:{port}: {error.strerror}")
        return EXIT_SILENT
    _complain(
        f"the daemon at {name} answers, and has not reloaded yet: it may be looking up names of "
        "hosts. Its log will say what came of it"
    )
    return EXIT_SILENT


def _complain(sentence: str) -> None:
    print(f"spread: {sentence}", file=sys.stderr)


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
        _complain(f"the daemon cannot reload: {outcome['error']}")
        return EXIT_REFUSED
    for each in outcome["warnings"]:
        print(each)
    if outcome["errors"]:
        for each in outcome["errors"]:
            print(each, file=sys.stderr)
        if outcome.get("is_partial"):
            _complain("in force only in part: restart the daemon")
        else:
            _complain("not reloaded, the running configuration stays in force")
        return EXIT_REFUSED
    for change in outcome["changes"]:
        print(change["sentence"])
    if not outcome["changes"]:
        print("nothing has changed")
    return EXIT_DONE

"""`spmonitor web`: the page of the ring."""

import argparse
import os
from typing import Final

from spread.cli.command_line import Exit
from spread.cli.monitoring import open_socket_for, roster_of
from spread.errors import ConfigurationError

__all__ = ["TOKEN_VARIABLE", "add_arguments", "run"]

TOKEN_VARIABLE: Final = "SPMONITOR_TOKEN"
"""In the environment, unlike in the arguments, other users of this host do not see a token."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument(
        "--bind",
        metavar="ADDRESS:PORT",
        help="where to listen (default 127.0.0.1:8803); needs a token if other hosts can reach it",
    )
    parser.add_argument(
        "--token",
        metavar="TOKEN",
        help=f"what a reader must show, 16 characters or more (default ${TOKEN_VARIABLE}, which "
        "other users of this host cannot see); made if one is needed",
    )
    parser.add_argument(
        "--host",
        action="append",
        default=[],
        metavar="NAME",
        help="a further name under which a page on this host may be opened, such as a proxy's",
    )


def run(given: argparse.Namespace) -> int:
    """Serve the page until a signal says stop; returns the exit status."""
    try:
        from spread.monitor.web.place import Place
        from spread.monitor.web.server import Server
        from spread.monitor.web.watcher import watching
    except ModuleNotFoundError as missing:
        raise ConfigurationError(
            f'the page needs {missing.name}: install it with pip install "spreadring[web]"'
        ) from missing
    roster = roster_of(given)
    place = Place() if given.bind is None else Place.parse(given.bind)
    server = Server(
        watching(roster, lambda: open_socket_for(given), given.interval),
        place,
        token=given.token or os.environ.get(TOKEN_VARIABLE),
        hosts=frozenset(name.lower() for name in given.host),
    )
    for line in server.introduction():
        print(line, flush=True)
    server.run()
    return Exit.OK

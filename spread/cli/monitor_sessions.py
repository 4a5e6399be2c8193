"""`spmonitor sessions`: the sessions for which the most waits, of all daemons."""

import argparse
import json
from dataclasses import asdict

from spread.cli.command_line import Exit
from spread.cli.monitoring import open_client, roster_of, say
from spread.errors import PeerError
from spread.monitor.client import NoAnswerError, RingClient
from spread.monitor.overview import duration, number, table
from spread.monitor.queries import Kind
from spread.monitor.report import SessionLine, from_json

__all__ = ["add_arguments", "run", "sessions_of"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(given: argparse.Namespace) -> int:
    """Show the slowest sessions of every daemon; returns the exit status."""
    roster = roster_of(given)
    found: list[tuple[str, SessionLine]] = []
    status = Exit.OK
    with open_client(given, roster) as client:
        for target in roster.targets:
            try:
                found += [(target.name, each) for each in sessions_of(client, target.name)]
            except NoAnswerError as error:
                say(str(error))
                status = Exit.UNAVAILABLE
    found.sort(key=lambda each: -each[1].queued_bytes)
    if given.json:
        print(json.dumps([{"daemon": name, **asdict(each)} for name, each in found], indent=2))
    elif found:
        head = ("SESSION", "DAEMON", "HOST", "MESSAGES", "BYTES", "AGE")
        print("\n".join(table([head, *(_row(name, each) for name, each in found)])))
    else:
        print("no session has anything waiting for it")
    return status


def sessions_of(client: RingClient, daemon: str) -> list[SessionLine]:
    """Return the slowest sessions of a daemon.

    Raises `NoAnswerError` if it does not answer, `PeerError` if its answer makes no sense.
    """
    value = json.loads(client.query(daemon, Kind.SESSIONS))
    lines = value.get("sessions") if isinstance(value, dict) else value
    if not isinstance(lines, list):
        raise PeerError(f"{daemon} answers with {value!r:.40} instead of a list of sessions")
    return [from_json(SessionLine, json.dumps(each).encode()) for each in lines]


def _row(daemon: str, session: SessionLine) -> tuple[str, ...]:
    return (
        session.name,
        daemon,
        session.host or "-",
        number(session.queued_messages),
        number(session.queued_bytes),
        duration(session.age_s),
    )

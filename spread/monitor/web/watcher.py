"""The daemons of a ring, asked once a second: `Watch` over the client of `spread.monitor`."""

import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from spread.errors import PeerError
from spread.monitor.client import AsyncRingClient
from spread.monitor.flight_file import FlightFile
from spread.monitor.queries import Kind
from spread.monitor.report import GroupPage, SessionLine, from_json
from spread.monitor.roster import Roster
from spread.monitor.silence import explain
from spread.monitor.trace import file_of_answer
from spread.monitor.udp import MonitorSocket
from spread.monitor.watch import INTERVAL_S, RingWatch, Watched
from spread.monitor.web.sight import Seen, Sight

__all__ = ["Watcher", "watching"]


@asynccontextmanager
async def watching(
    roster: Roster, open_socket: Callable[[], MonitorSocket], interval_s: float | None = None
) -> AsyncIterator["Watcher"]:
    """Ask the daemons of a roster for as long as the block runs, once a second by default."""
    sock = open_socket()
    async with AsyncRingClient(roster, sock=sock, interval_s=interval_s or INTERVAL_S) as client:
        yield Watcher(client)


@dataclass(frozen=True, slots=True)
class Watcher:
    """What the client knows, in the form that the page wants."""

    client: AsyncRingClient

    def look(self) -> Sight:
        """Return what is known now."""
        now_s = time.monotonic()
        watch = self.client.watch
        seen = tuple(_seen(each, watch, now_s) for each in watch.daemons.values())
        return Sight(time.time(), seen, now_s, watch.unexpected)

    async def changed(self) -> None:
        """Wait until something has come in."""
        await self.client.changed()

    async def groups(self, daemon: str, offset: int, count: int, prefix: str) -> GroupPage:
        """Return groups as `daemon` knows them; PeerError if it does not answer in time."""
        arguments = {"offset": offset, "count": count, "prefix": prefix}
        return from_json(GroupPage, await self.client.query(daemon, Kind.GROUPS, arguments))

    async def sessions(self, daemon: str) -> tuple[SessionLine, ...]:
        """Return the slowest sessions of `daemon`; PeerError if it does not answer in time."""
        answer = json.loads(await self.client.query(daemon, Kind.SESSIONS))
        lines = answer.get("sessions") if isinstance(answer, dict) else answer
        if not isinstance(lines, list):
            raise PeerError(f"{daemon}: its list of sessions is none")
        return tuple(from_json(SessionLine, json.dumps(each).encode()) for each in lines)

    async def trace(self, daemon: str, packets: int) -> FlightFile:
        """Return the end of what `daemon` recorded; PeerError if it does not answer in time."""
        answer = await self.client.query(daemon, Kind.TRACE, {"packets": packets})
        return file_of_answer(answer)


def _seen(watched: Watched, watch: RingWatch, now_s: float) -> Seen:
    target = watched.target
    silence = explain(watched, watch, now_s) if watched.is_silent else None
    return Seen(
        name=target.name,
        address=target.address,
        port=target.port,
        history=watched.history,
        silent_s=None if watched.heard_s is None else now_s - watched.heard_s,
        segment=target.segment,
        is_classic=bool(watched.is_classic),
        is_refused=watched.trouble == "refused",
        why_silent=silence.sentence if silence is not None else "",
        checks=silence.checks if silence is not None else (),
    )

"""Does what has been decided about a monitor's datagram: replies, answers to queries, commands."""

from collections.abc import Callable, Iterable
from functools import partial

from spread.config.model import EventPriority, EventType
from spread.daemon.commands import Commands
from spread.daemon.event_sink import EventSink
from spread.daemon.monitor_decisions import (
    Answer,
    Ask,
    Decision,
    Partition,
    Reload,
    SetWindows,
    Stop,
)
from spread.daemon.monitor_server import MonitorServer
from spread.daemon.observer import Reply, Request, State
from spread.daemon.query_server import QueryServer
from spread.daemon.responder import Responder
from spread.errors import SpreadError
from spread.monitor.probes import is_probe
from spread.monitor.queries import Kind

__all__ = ["Later", "MonitorDesk"]

Later = Callable[[Ask], None]
"""Sees to it that a query is answered some time later; SpreadError says why it will not be."""


class MonitorDesk:
    """Between the watching thread and what it serves."""

    def __init__(
        self,
        server: MonitorServer,
        queries: QueryServer,
        commands: Commands,
        responder: Responder,
        log: EventSink,
    ) -> None:
        self._server = server
        self._queries = queries
        self._commands = commands
        self._responder = responder
        self._log = log
        self._later: dict[int, Later] = {}

    def answer_later(self, kind: Kind, later: Later) -> None:
        """Know who answers queries of a kind that take their time."""
        self._later[kind] = later

    @property
    def counters(self) -> dict[str, int]:
        """What came of datagrams, by the names of `spread.counters`."""
        return {
            **self._server.counters,
            "monitor_probes": self._responder.noted,
            "monitor_probes_refused": self._responder.refused,
        }

    def answer(self, request: Request, state: State) -> Iterable[Reply]:
        """Return the replies to a datagram, and have done what it commands."""
        if is_probe(request.data):
            self._responder.take(request.data, request.source)
            return ()
        if self._responder.take_reply(request.data, request.source):
            return ()
        decision = self._server.datagram(request.data, request.source, request.port, state.report)
        if isinstance(decision, Answer):
            return [Reply(each, decision.address, decision.port) for each in decision.datagrams]
        if isinstance(decision, Ask):
            datagrams = self._datagrams(decision, state)
            self._server.answered(request.source, len(datagrams))
            return [Reply(each, decision.address, decision.port) for each in datagrams]
        if decision is not None:
            self._command(decision)
        return ()

    def _datagrams(self, ask: Ask, state: State) -> tuple[bytes, ...]:
        later = self._later.get(ask.query.kind)
        if later is None:
            return self._queries.answer(ask.query, state)
        try:
            later(ask)
        except SpreadError as error:
            return self._queries.refuse(ask.query, error)
        return ()

    def _command(self, decision: Decision) -> None:
        try:
            self._do(decision)
        except SpreadError as error:
            self._log.event(
                EventType.PRINT | EventType.STATUS,
                EventPriority.WARNING,
                "command of a monitor not carried out",
                reason=error,
                lines=(),
            )

    def _do(self, decision: Decision) -> None:
        if isinstance(decision, Reload):
            self._commands.reload(decision.asked_by)
        if not isinstance(decision, (Partition, SetWindows, Stop)):
            return
        done = partial(self._server.carried_out, decision.told)
        if isinstance(decision, Partition):
            self._commands.partition(decision.components, done)
        elif isinstance(decision, SetWindows):
            given = (decision.window, decision.personal, decision.accelerated)
            self._commands.windows(given, done)
        else:
            self._commands.stop(done)

"""Does what has been decided about a monitor's datagram: replies, answers to queries, commands."""

from collections.abc import Iterable

from spread.config.model import EventPriority, EventType
from spread.daemon.commands import Commands
from spread.daemon.event_sink import EventSink
from spread.daemon.monitor_server import (
    Answer,
    Ask,
    Decision,
    MonitorServer,
    Partition,
    Reload,
    SetWindows,
    Stop,
)
from spread.daemon.observer import Reply, Request, State
from spread.daemon.query_server import QueryServer
from spread.daemon.responder import Responder
from spread.errors import SpreadError
from spread.monitor.probes import is_probe

__all__ = ["MonitorDesk"]


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
            datagrams = self._queries.answer(decision.query, state)
            self._server.answered(request.source, len(datagrams))
            return [Reply(each, decision.address, decision.port) for each in datagrams]
        if decision is not None:
            self._command(decision)
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
        if isinstance(decision, Partition):
            self._commands.partition(decision.components)
        elif isinstance(decision, SetWindows):
            self._commands.windows(decision.window, decision.personal, decision.accelerated)
        elif isinstance(decision, Reload):
            self._commands.reload(decision.asked_by)
        elif isinstance(decision, Stop):
            self._commands.stop()

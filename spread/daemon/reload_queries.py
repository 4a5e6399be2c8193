"""The queries about reloads, answered when another thread has read the file."""

from functools import partial

from spread.daemon.monitor_decisions import Ask
from spread.daemon.monitor_server import MonitorServer
from spread.daemon.observer import Observer, Reply
from spread.daemon.query_server import QueryServer
from spread.daemon.reloads import Reloads
from spread.monitor.reload import ReloadOutcome
from spread.monitor.report import to_json

__all__ = ["ReloadQueries"]


class ReloadQueries:
    """Between the watching thread, which has the questions, and the one that reads files."""

    def __init__(
        self, reloads: Reloads, server: MonitorServer, queries: QueryServer, observer: Observer
    ) -> None:
        self._reloads = reloads
        self._server = server
        self._queries = queries
        self._observer = observer

    def preview(self, ask: Ask) -> None:
        """Have a question answered what a reload would change."""
        self._reloads.preview(partial(self._tell, ask), _key(ask))

    def reload(self, ask: Ask) -> None:
        """Have a reload done, once for each number of an asker, and answered."""
        asked_by = f"{ask.address}:{ask.port} as {ask.query.requester}"
        self._reloads.reload(asked_by, partial(self._tell, ask), _key(ask))

    def _tell(self, ask: Ask, outcome: ReloadOutcome) -> None:
        """Called in the reload's thread; sends are the watching thread's."""
        self._observer.post(partial(self._answer, ask, outcome))

    def _answer(self, ask: Ask, outcome: ReloadOutcome) -> None:
        datagrams = self._queries.reply(ask.query, to_json(outcome))
        self._server.answered(ask.address, len(datagrams))
        self._observer.send(Reply(each, ask.address, ask.port) for each in datagrams)


def _key(ask: Ask) -> tuple[str, int]:
    return ask.address, ask.query.nonce

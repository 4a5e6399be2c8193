"""What a monitor finds that looks at a ring from one of its hosts."""

from collections.abc import Iterator
from contextlib import contextmanager

from spread.monitor.client import RingClient
from spread.monitor.report import Finding, Report
from spread.monitor.roster import read_roster
from spread.monitor.udp import open_socket
from tests.netns.daemons import Daemon

__all__ = ["Sight", "sight_from"]


class Sight:
    """Asks all daemons once a second, whenever it is looked at."""

    def __init__(self, client: RingClient) -> None:
        self.client = client

    def finding(self, rule: str, subject: str = "") -> Finding | None:
        """Return a finding in force of this rule, about this subject if one is given."""
        self.client.step(0.0)
        return next(
            (
                each
                for each in self.client.watch.findings
                if each.rule == rule and subject in ("", each.subject)
            ),
            None,
        )

    def report(self, daemon: str) -> Report | None:
        """Return the last report of a daemon."""
        self.client.step(0.0)
        return self.client.watch.daemons[daemon].report

    def findings(self) -> tuple[Finding, ...]:
        """Return all findings in force."""
        self.client.step(0.0)
        return self.client.watch.findings


@contextmanager
def sight_from(daemon: Daemon) -> Iterator[Sight]:
    """Look at the ring of a daemon that has been started, from its host."""
    with daemon.host.namespace.entered():
        sock = open_socket()
        roster = read_roster(str(daemon.directory / "spread.conf"), daemon.name)
    with RingClient(roster, sock=sock) as client:
        yield Sight(client)

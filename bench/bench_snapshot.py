"""What the ring's thread does for those who watch: one snapshot a second; under 50 us is the bound.

`test_report` is the watching thread's part of it, `test_page` that of a page of groups.
"""

from random import Random
from typing import cast

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from spread._frames import encode
from spread._snapshot import Snapshots
from spread.config import local_ring
from spread.config.model import EventPriority, EventType
from spread.daemon.access import Permit
from spread.daemon.access_files import AccessFiles
from spread.daemon.auth import Authentication
from spread.daemon.composition import Parts, compose
from spread.daemon.event_sink import EventSink
from spread.daemon.group_pages import GroupPages
from spread.daemon.handshake import Accepted, ClientVersion, HandshakeSettings
from spread.daemon.network import name_bytes
from spread.daemon.reporting import Reports
from spread.daemon.ring_time import RingTimes
from spread.daemon.snapshot import Publisher, Snapshot, Sources
from spread.daemon.view_history import ViewHistory
from spread.daemon.watching import identity_of
from spread.monitor.report import to_json

DAEMONS = 32
SESSIONS = 1_000
GROUPS = 10_000
AGREED = 0x10


class NoLog:
    """Takes events and forgets them."""

    def event(
        self, types: EventType, priority: EventPriority, wording: str, /, **fields: object
    ) -> None:
        pass


class Watched:
    """A daemon of a ring of several, with sessions for each of which a message waits."""

    def __init__(self, *, sessions: int) -> None:
        configuration = local_ring(4803, DAEMONS, 1)
        self.parts: Parts = compose(
            configuration,
            log=cast(EventSink, NoLog()),
            clock_ns=lambda: 1,
            numbers=Random(1),
            incarnation=1,
            ring_times=RingTimes(lambda: 1, None),
            handshake=HandshakeSettings(
                name_bytes(configuration.me.name),
                Authentication.load(("NULL",), (), AccessFiles(())),
                Permit(),
            ),
        )
        for number in range(sessions):
            self._let_in(b"s%d" % number)
        self.snapshots: list[Snapshot] = []
        sources = Sources(
            snapshots=Snapshots(self.parts.node),
            groups=self.parts.control.groups,
            views=ViewHistory(["d1"], ["127.0.0.1"], lambda: 1.0),
            membership=self.parts.membership,
        )
        self.publisher = Publisher(sources, identity_of(configuration, 1), self._take)

    def _take(self, snapshot: Snapshot) -> None:
        self.snapshots = [snapshot]

    def _let_in(self, name: bytes) -> None:
        node, sessions = self.parts.node, self.parts.control.sessions
        private_group = b"#%s#local1" % name
        slot = node.open_session()
        opening = sessions.open(slot, "127.0.0.1", 1, lambda: cast("object", None))  # type: ignore[arg-type, return-value]
        sessions.accept(opening, _accepted(name, private_group), 1)
        node.accept(slot, private_group, frame_size_max=1 << 20, asks_policy=False)
        node.send([slot], encode(AGREED, name, [b"group"], 0, bytes(100)))


def _accepted(name: bytes, private_group: bytes) -> Accepted:
    return Accepted(
        private_name=name,
        private_group=private_group,
        membership=False,
        priority=0,
        large_messages=False,
        client_version=ClientVersion(4, 4, 0),
        policy=Permit(),
        reply=b"",
        leftover=b"",
    )


@pytest.mark.parametrize("sessions", [0, SESSIONS])
def test_publish(benchmark: BenchmarkFixture, sessions: int) -> None:
    watched = Watched(sessions=sessions)

    benchmark(watched.publisher.publish)

    (snapshot,) = watched.snapshots
    assert len(snapshot.figures.peers()) == DAEMONS
    assert len(snapshot.figures.slowest()) == min(sessions, 100)


@pytest.mark.parametrize("sessions", [0, SESSIONS])
def test_report(benchmark: BenchmarkFixture, sessions: int) -> None:
    watched = Watched(sessions=sessions)
    watched.publisher.publish()
    (snapshot,) = watched.snapshots

    reports = Reports(watched.parts.control.sessions.named)

    text = benchmark(lambda: to_json(reports.report(snapshot, {})))

    assert text.startswith(b'{"daemon":"local1"')


def test_page(benchmark: BenchmarkFixture) -> None:
    watched = Watched(sessions=0)
    groups = watched.parts.control.groups
    for number in range(GROUPS):
        groups.join(b"#amy#local1", b"group-%d" % number)

    page = benchmark(lambda: GroupPages(groups).page(5_000, 100))

    assert page.total == GROUPS
    assert len(page.groups) == 100

"""Rings of daemons on networks of several shapes, each a context manager."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.switch import Host, Plug, Switch
from tests.netns.daemons import Daemon, configuration, segment
from tests.netns.stage import Stage

__all__ = ["Ring", "lan", "two_networks", "two_segments", "two_segments_of_one_network"]

GATEWAY = 254


@dataclass(slots=True)
class Ring:
    """The daemons of one configuration, and the switch that connects them."""

    switch: Switch
    text: str
    directory: Path
    daemons: list[Daemon]

    @contextmanager
    def stage(self) -> Iterator[Stage]:
        """Let clients act; before, whatever an earlier test did to the ring is made good."""
        stage = Stage(self.daemons)
        try:
            self.repair()
            stage.until_rings(range(len(self.daemons)))
            yield stage
        except BaseException:
            for daemon in self.daemons:
                daemon.close()  # What is broken must not break the next test.
            raise
        finally:
            stage.close()

    def repair(self) -> None:
        """Plug all cables in, where they belong, and let every daemon run."""
        for host in self.switch.hosts.values():
            self.switch.plug_in(host)
        for daemon in self.daemons:
            if daemon.is_running and daemon.is_paused:
                daemon.resume()
            if not daemon.is_running:
                daemon.start()

    def part_names(self, *parts: Sequence[int]) -> list[list[str]]:
        """Return the names of the hosts of daemons."""
        return [[self.daemons[number].host.name for number in part] for part in parts]

    def split(self, *parts: Sequence[int]) -> None:
        """Part the network: each part's hosts, by the numbers of their daemons, get a bridge."""
        self.switch.split(*self.part_names(*parts))

    def merge(self) -> None:
        """Connect all hosts to one bridge."""
        self.split(range(len(self.daemons)))

    def add_daemon(self, host: Host, name: str, text: str | None = None) -> Daemon:
        """Return a further daemon, not started, that is no part of the ring's own."""
        directory = self.directory / f"{host.name}-{name}"
        return Daemon(-1, name, host, directory, text or self.text, host.address)


@contextmanager
def lan(  # noqa: PLR0913 - the shape of a network.
    directory: Path,
    size: int,
    *,
    address: str = "239.255.1.1",
    options: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    starts: bool = True,
    mtu: int = 1500,
) -> Iterator[Ring]:
    """A ring of `size` daemons d1, d2... in one segment, on hosts 10.1.0.1, 10.1.0.2...

    `address` is the segment's; hosts and switch take frames of `mtu` bytes.
    """
    with Switch(["main", "part1", "part2"], mtu) as switch:
        hosts = [
            switch.add_host(f"h{number}", Plug("eth0", f"10.1.0.{number}/24", "main"))
            for number in range(1, size + 1)
        ]
        places = {f"d{number}": host.address for number, host in enumerate(hosts, 1)}
        text = configuration(segment(places, address=address), options=options)
        with _running(switch, text, directory, hosts, environment, starts=starts) as ring:
            yield ring


@contextmanager
def two_segments(directory: Path, sizes: tuple[int, int]) -> Iterator[Ring]:
    """A ring in two segments 10.1.1.0 and 10.1.2.0, each on a bridge of its own, and a router."""
    with Switch(["main", "other"]) as switch:
        hosts = []
        segments = []
        for number, (bridge, size) in enumerate(zip(("main", "other"), sizes, strict=True), 1):
            places = {}
            for place in range(1, size + 1):
                plug = Plug("eth0", f"10.1.{number}.{place}/24", bridge)
                host = switch.add_host(f"h{number}{place}", plug)
                hosts.append(host)
                places[f"d{number}{place}"] = host.address
            segments.append(segment(places, address=f"239.255.1.{number}"))
        switch.add_router(
            "router",
            Plug("eth0", f"10.1.1.{GATEWAY}/24", "main"),
            Plug("eth1", f"10.1.2.{GATEWAY}/24", "other"),
        )
        for host in hosts:
            host.route(f"{host.address.rpartition('.')[0]}.{GATEWAY}")
        text = configuration(*segments)
        with _running(switch, text, directory, hosts) as ring:
            yield ring


@contextmanager
def two_segments_of_one_network(directory: Path, sizes: tuple[int, int]) -> Iterator[Ring]:
    """A ring in two segments with one multicast address, all of them on one bridge."""
    with Switch(["main"]) as switch:
        hosts = []
        segments = []
        for number, size in enumerate(sizes, 1):
            places = {}
            for place in range(1, size + 1):
                plug = Plug("eth0", f"10.1.0.{number}{place}/24", "main")
                host = switch.add_host(f"h{number}{place}", plug)
                hosts.append(host)
                places[f"d{number}{place}"] = host.address
            segments.append(segment(places))
        with _running(switch, configuration(*segments), directory, hosts) as ring:
            yield ring


@contextmanager
def two_networks(directory: Path) -> Iterator[Ring]:
    """A ring on 10.1.0.0, whose daemons serve clients on 10.2.0.0 only: all shapes of an entry."""
    with Switch(["main", "clients"]) as switch:
        hosts = [
            switch.add_host(
                f"h{number}",
                Plug("eth0", f"10.1.0.{number}/24", "main"),
                Plug("eth1", f"10.2.0.{number}/24", "clients"),
            )
            for number in (1, 2, 3)
        ]
        desk = switch.add_host("desk", Plug("eth0", "10.2.0.99/24", "clients"))
        places = {
            "d1": "10.1.0.1 { D 10.1.0.1 C 10.2.0.1 }",
            "d2": "10.2.0.2 { D 10.1.0.2 C 10.2.0.2 }",
            "d3": "10.1.0.3 { D 10.1.0.3 C 10.2.0.3 M 10.2.0.3 }",
        }
        with _running(switch, configuration(segment(places)), directory, hosts) as ring:
            for number, daemon in enumerate(ring.daemons, 1):
                daemon.address = f"10.2.0.{number}"
                daemon.clients = desk
            yield ring


@contextmanager
def _running(
    switch: Switch,
    text: str,
    directory: Path,
    hosts: Sequence[Host],
    environment: Mapping[str, str] | None = None,
    *,
    starts: bool = True,
) -> Iterator[Ring]:
    daemons = [
        Daemon(
            number,
            f"d{host.name[1:]}",
            host,
            directory / host.name,
            text,
            host.address,
            environment=dict(environment or {}),
        )
        for number, host in enumerate(hosts)
    ]
    try:
        if starts:
            for daemon in daemons:
                daemon.start()
        yield Ring(switch, text, directory, daemons)
    finally:
        for daemon in daemons:
            daemon.close()

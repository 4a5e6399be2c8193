"""The simulated world: hosts with daemons, the network between them, time, and what was seen.

Everything that happens follows from the `Cluster`, the seed and the calls made here: there is no
other clock and no other source of chance.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from random import Random

from spread.config.model import EventPriority
from spread.sim.agenda import Agenda
from spread.sim.cluster import Cluster, configurations
from spread.sim.host import Host
from spread.sim.network import Network, Weather
from spread.sim.ring_watch import RingWatch
from spread.sim.trace import DaemonStarted, DaemonStopped, FaultNote, History, RingInstalled

__all__ = ["Log", "World"]

Log = Callable[[int | None, EventPriority, str, dict[str, object]], None]
"""Takes events of the daemons' logs: number of the daemon, None for what is done to the world;
priority, wording, fields."""


class World:
    """Daemons 0, 1, ... in configuration order, and what can be done to them."""

    def __init__(self, cluster: Cluster, seed: int, *, log: Log | None = None) -> None:
        self.cluster = cluster
        self.seed = seed
        self.log = log
        self.agenda = Agenda()
        self.network = Network(cluster, self.agenda, Random(f"{seed}/network"))
        self.watch = RingWatch()
        self.network.watch = self.watch.token_sent
        every = configurations(cluster)
        self.history = History(tuple(each.me.name.encode() for each in every))
        self.hosts = [Host(self, number, each) for number, each in enumerate(every)]
        for host in self.hosts:
            self.network.attach(host)
        self._split = 0
        self._storms: list[dict[str, float]] = []

    @property
    def now_ns(self) -> int:
        """The time of the world, which no daemon sees."""
        return self.agenda.now_ns

    def run(self, duration_ns: int) -> None:
        """Let time pass."""
        self.agenda.run(self.agenda.now_ns + duration_ns)

    def run_until(self, condition: Callable[[], bool], limit_ns: int, step_ns: int) -> bool:
        """Let time pass until the condition holds; False when it does not within the limit."""
        end_ns = self.agenda.now_ns + limit_ns
        while not condition():
            if self.agenda.now_ns >= end_ns:
                return False
            self.agenda.run(min(self.agenda.now_ns + step_ns, end_ns))
        return True

    # -- Daemons ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Start every daemon."""
        for host in self.hosts:
            host.start()

    def crash(self, daemon: int, *, silent: bool = False, restart_ns: int | None = None) -> None:
        """Kill a daemon; start another after `restart_ns`. If `silent`, its kernel dies too."""
        host = self.hosts[daemon]
        if not host.is_up:
            return
        self.note(f"crash {daemon}{' silently' if silent else ''}")
        host.crash(silent=silent)
        if restart_ns is not None:
            self.agenda.after(restart_ns, self.restart, daemon)

    def restart(self, daemon: int) -> None:
        """Start a daemon that does not run."""
        if not self.hosts[daemon].is_up:
            self.note(f"start {daemon}")
            self.hosts[daemon].start()

    def leave(self, daemon: int, *, grace_ns: int, restart_ns: int | None = None) -> None:
        """Ask a daemon to leave in order; it ends after `grace_ns`."""
        host = self.hosts[daemon]
        if host.is_up and not host.is_paused:
            self.note(f"leave {daemon}")
            host.leave()
            self.agenda.after(grace_ns, self._crash_life, daemon, host.life, restart_ns)

    def _crash_life(self, daemon: int, life: int, restart_ns: int | None) -> None:
        if self.hosts[daemon].life == life:
            self.crash(daemon, restart_ns=restart_ns)

    def pause(self, daemon: int, duration_ns: int | None = None) -> None:
        """Stop a daemon in its tracks, for a time or until `resume`."""
        host = self.hosts[daemon]
        if host.is_up and not host.is_paused:
            self.note(f"pause {daemon}")
            host.pause()
            if duration_ns is not None:
                self.agenda.after(duration_ns, self._resume_life, daemon, host.life)

    def _resume_life(self, daemon: int, life: int) -> None:
        if self.hosts[daemon].life == life:
            self.resume(daemon)

    def resume(self, daemon: int) -> None:
        """Let a paused daemon go on."""
        if self.hosts[daemon].is_paused:
            self.note(f"resume {daemon}")
            self.hosts[daemon].resume()

    def move_wall_clock(self, daemon: int, seconds: int) -> None:
        """Set a host's wall clock forward or back."""
        self.note(f"clock {daemon} {seconds:+d} s")
        self.hosts[daemon].wall_offset_s += seconds

    # -- Network ----------------------------------------------------------------------------------

    def partition(self, parts: Iterable[Iterable[int]], duration_ns: int | None = None) -> None:
        """Split the network; daemons that are not named share a part. Replaces earlier splits."""
        self._split += 1
        assigned = [0] * self.cluster.size
        for number, members in enumerate(parts, 1):
            for daemon in members:
                assigned[daemon] = number
        self.network.parts = assigned
        self.note(f"partition {assigned}")
        if duration_ns is not None:
            self.agenda.after(duration_ns, self._join_parts, self._split)

    def move(self, daemon: int, part: int, duration_ns: int | None = None) -> None:
        """Put one daemon into the part of that number."""
        self._split += 1
        self.network.parts[daemon] = part
        self.note(f"partition {self.network.parts}")
        if duration_ns is not None:
            self.agenda.after(duration_ns, self._join_parts, self._split)

    def _join_parts(self, split: int) -> None:
        """End a split, if no other has come since."""
        if split == self._split:
            self.network.parts = [0] * self.cluster.size
            self.note("parts join")

    def cut(self, links: Sequence[tuple[int, int]], duration_ns: int | None = None) -> None:
        """Let nothing through from the first to the second of each pair."""
        self.note(f"cut {links}")
        self.network.cut.update(links)
        if duration_ns is not None:
            self.agenda.after(duration_ns, self._mend, tuple(links))

    def _mend(self, links: Sequence[tuple[int, int]]) -> None:
        self.note(f"mend {list(links)}")
        self.network.cut.difference_update(links)

    def narrow(
        self, links: Sequence[tuple[int, int]], size: int, duration_ns: int | None = None
    ) -> None:
        """Let no datagram of more than `size` bytes through from the first to the second of each
        pair."""
        self.note(f"narrow {links} {size} bytes")
        self.network.narrow.update(dict.fromkeys(links, size))
        if duration_ns is not None:
            self.agenda.after(duration_ns, self._widen, tuple(links))

    def _widen(self, links: Sequence[tuple[int, int]]) -> None:
        self.note(f"widen {list(links)}")
        for link in links:
            self.network.narrow.pop(link, None)

    def change_weather(self, duration_ns: int | None = None, **changes: float) -> None:
        """Set chances of loss and the like (see `Weather`), for a time or for good.

        Of several in force at a time, the worst counts.
        """
        self.note(f"weather {changes}")
        self._storms.append(changes)
        self._blow()
        if duration_ns is not None:
            self.agenda.after(duration_ns, self._calm, changes)

    def _calm(self, changes: dict[str, float]) -> None:
        """End a storm, unless healing has ended it before."""
        if any(each is changes for each in self._storms):
            self.note(f"end of weather {changes}")
            self._storms = [each for each in self._storms if each is not changes]
            self._blow()

    def _blow(self) -> None:
        weather = self.network.weather
        for field in fields(Weather):
            values = [storm[field.name] for storm in self._storms if field.name in storm]
            setattr(weather, field.name, max(values, default=field.default))

    def heal(self) -> None:
        """End every split and cut, start and resume all daemons; the weather is fine again."""
        self._split += 1
        self.network.heal()
        self._storms.clear()
        self._blow()
        for host in self.hosts:
            self.resume(host.number)
            self.restart(host.number)
        self.note("healed")

    def rings(self) -> list[tuple[int, ...]]:
        """Return, for each daemon, the members of the ring that it has installed."""
        return [host.ring for host in self.hosts]

    def is_whole(self) -> bool:
        """Tell whether all daemons have one ring with all of them."""
        everybody = tuple(range(self.cluster.size))
        return all(ring == everybody for ring in self.rings())

    def is_settled(self) -> bool:
        """Tell whether the running daemons of every part have one ring; cut links do not count."""
        running = [host for host in self.hosts if host.serves]
        parts = self.network.parts
        return all(
            host.ring
            == tuple(other.number for other in running if parts[other.number] == parts[host.number])
            for host in running
        )

    def has_nothing_to_send(self) -> bool:
        """Tell whether every daemon has sent what its clients gave it, and everybody has that."""
        return all(host.parts is not None and host.parts.node.ring_settled() for host in self.hosts)

    def highest_seqs(self) -> int:
        """Return a sum that grows with every packet of a ring."""
        return sum(
            host.parts.node.ring_statistics()["seq"]
            for host in self.hosts
            if host.parts is not None
        )

    # -- What hosts tell --------------------------------------------------------------------------

    def daemon_started(self, host: Host) -> None:
        """A daemon begins its life."""
        self.history.daemons.append(
            DaemonStarted(self.history.tick(), self.now_ns, host.number, host.life)
        )

    def daemon_stopped(self, host: Host) -> None:
        """A daemon's life is over."""
        self.history.daemons.append(
            DaemonStopped(self.history.tick(), self.now_ns, host.number, host.life)
        )

    def ring_installed(self, host: Host, ring: tuple[int, int], members: tuple[int, ...]) -> None:
        """A daemon has installed a ring."""
        self.history.daemons.append(
            RingInstalled(self.history.tick(), self.now_ns, host.number, host.life, ring, members)
        )
        self.watch.installed(host.number, ring, members)

    def note(self, text: str) -> None:
        """Keep what was done to the world."""
        if self.log is not None:
            self.log(None, EventPriority.PRINT, text, {})
        self.history.faults.append(FaultNote(self.history.tick(), self.now_ns, text))

"""The composition root of the daemon: the only place that knows the concrete classes of all parts.

    configuration  ->  log  ->  sockets  ->  authentication, control, node, reactor
                   ->  privileges given up  ->  ready  ->  loop  ->  orderly end

The order matters: what is found by name (log, access files, plug-ins) is opened before the root
directory and the user change, the sockets while root may still bind them, and readiness is told
when a client can connect.
"""

import os
import random
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv4Network
from pathlib import Path
from typing import Final

from spread._datagrams import Datagrams
from spread._faults import Faults
from spread._node import Node
from spread._reactor import Reactor
from spread.config import Configuration, Known, Purpose, Transport, listens, main_address
from spread.config.host import HostView
from spread.config.model import EventPriority, EventType, Options
from spread.config.system_host import SystemHost
from spread.daemon import auth
from spread.daemon.acceptor import Acceptor
from spread.daemon.access import load_policy
from spread.daemon.activity import ALIVE_INTERVAL_S, ActivityFile
from spread.daemon.composition import Parts, compose
from spread.daemon.configuration_file import ConfigurationFile
from spread.daemon.daemon_log import DaemonLog
from spread.daemon.datagram_size import DatagramSize, find_datagram_size
from spread.daemon.event_ring import EventRing
from spread.daemon.final_count import final_count
from spread.daemon.findings import HostSockets, findings
from spread.daemon.flight_recorder import Bearings, FlightRecorder
from spread.daemon.handover import Handover
from spread.daemon.handshake import HandshakeSettings
from spread.daemon.incarnation import next_incarnation
from spread.daemon.listeners import Listeners, multicast_group, open_listeners
from spread.daemon.membership.settings import RingSettings
from spread.daemon.metrics import MetricsPages, MetricsServer, open_metrics
from spread.daemon.network import is_ring, name_bytes
from spread.daemon.notify import Notifier
from spread.daemon.orderly_end import OrderlyEnd
from spread.daemon.privileges import Identity
from spread.daemon.privileges import apply as change_privileges
from spread.daemon.privileges import plan as plan_privileges
from spread.daemon.process import access_files, rest_collector, state_directory
from spread.daemon.receive_buffers import ReceiveBuffers
from spread.daemon.reconfiguration import Reconfiguration, Running
from spread.daemon.reload import Reloader, Sources
from spread.daemon.reloads import Reloads
from spread.daemon.replies import replies_from
from spread.daemon.ring_sockets import ring_sockets, sending_socket
from spread.daemon.ring_time import RingTimes, StateRecord
from spread.daemon.self_watch import SelfWatch
from spread.daemon.signals import Manager, Signals
from spread.daemon.wanted_faults import faults_finding, wanted_faults
from spread.daemon.watching import Surroundings, Watching
from spread.daemon.witness import DaemonWitness
from spread.errors import ConfigurationError
from spread.eventlog import EventLog, LogFormat
from spread.eventlog_destinations import Destinations
from spread.monitor.queries import Kind
from spread.monitor.report import Report
from spread.system import HANG_UP, raise_descriptor_limit, utf8_console

__all__ = ["Start", "serve"]

GARBAGE_THRESHOLD: Final = 50_000
"""Objects that may come into being between two searches for garbage in cycles."""

NS_PER_S: Final = 1_000_000_000
NS_PER_US: Final = 1_000

WORDS: Final = 1 << 32
"""Numbers of 32 bits: ids of rings are signed for clients and unsigned among daemons."""

TROUBLES: Final = ("dropped_", "unsent_")
"""How the names of counters begin that tell what datagrams were not taken or not sent."""


@dataclass(frozen=True, slots=True)
class Start:
    """What the command line asks for."""

    configuration: Configuration
    warnings: tuple[str, ...] = ()
    log_format: LogFormat = "classic"
    writes_activity: bool = False
    monitor_allow: tuple[IPv4Network, ...] = ()
    """Networks whose monitors are answered, beside the hosts of the configuration."""
    known: Known = field(default_factory=Known)
    """Names of methods and policies that the file may use when it is read again."""
    metrics: tuple[str, int] | None = None
    """Address and port at which metrics are served; None for none."""
    host: HostView = field(default_factory=SystemHost)
    """What is asked about this host when the file is read again."""
    manager: Manager | None = None
    """A service manager that has more to say than signals and NOTIFY_SOCKET."""
    ends_with_input: bool = False
    """Whether the end of standard input stops the daemon: its parent is gone, or wants it so."""


def serve(start: Start) -> int:
    """Run one daemon until a signal stops it; returns 0.

    Raises ConfigurationError, with its exit status, when the daemon cannot start.
    """
    with ExitStack() as stack:
        signals = Signals(is_service=start.manager is not None)
        stack.callback(signals.close)
        if start.manager is not None:
            start.manager.follow(signals)
        if start.ends_with_input:
            signals.follow_input()
        stack.callback(utf8_console())
        log = EventLog(
            start.configuration.options,
            log_format=start.log_format,
            destinations=Destinations(redirects=True),
        )
        stack.callback(log.close)
        try:
            _Daemon(start, log, signals, stack).run()
        except ConfigurationError as error:
            # The program tells who started it; the log tells whoever looks there afterwards.
            if start.configuration.options.event_log_file is not None:
                log.event(EventType.EXIT, EventPriority.FATAL, "daemon cannot start", reason=error)
            raise
    return 0


class _Daemon:
    """One running daemon; everything it opens is closed by the stack."""

    def __init__(self, start: Start, log: EventLog, signals: Signals, stack: ExitStack) -> None:
        self._start = start
        self._configuration = start.configuration
        self._log = log
        self._events = EventRing(log)
        self._signals = signals
        self._said = DaemonLog(self._events, start.configuration)
        self._said.starts(start.warnings)
        self._faults = self._wanted_faults()
        self._listeners: Listeners = stack.enter_context(
            open_listeners(
                listens(self._configuration),
                group=multicast_group(self._configuration.segment),
                home=main_address(self._configuration.me),
                buffer=None if self._faults is None else self._faults.buffer,
            )
        )
        self._activity: ActivityFile | None = None
        if start.writes_activity:
            self._activity = ActivityFile(Path.cwd(), self._configuration.me.name)
            stack.callback(self._activity.close)
        self._notifier = Notifier(os.environ.get("NOTIFY_SOCKET"))
        stack.callback(self._notifier.close)
        self._state_dir = state_directory(self._configuration)
        self._access_files = access_files(stack)
        self._ring_times = self._open_ring_times(stack)
        self._witness = DaemonWitness(
            self._configuration, self._events, self._activity, sequence=self._sequence
        )
        self._size = None
        if is_ring(self._configuration):
            self._size = find_datagram_size(self._configuration)
        self._incarnation = next_incarnation(time.time_ns(), self._state_dir)
        self._flight = self._open_flight_recorder(stack)
        self._parts = self._compose()
        self._node: Node = self._parts.node
        if self._flight is not None:
            self._node.set_recorder(self._flight.recorder)
        self._control = self._parts.control
        self._reactor = Reactor(self._node)
        self._reactor.set_busy_poll(start.configuration.options.busy_poll * NS_PER_US)
        self._datagrams: Datagrams | None = None
        if self._parts.ring is not None and self._size is not None:
            self._attach_ring(self._parts.ring, self._size)
        self._metrics = self._open_metrics(stack)
        self._watching = self._compose_watching(stack)
        self._reloads = self._compose_reloads(stack)
        self._watching.observer.complete_with(self._self_watch(stack).complete)
        self._acceptor = Acceptor(
            self._reactor, connected=self._control.connected, refused=self._said.connection_refused
        )
        stack.callback(self._acceptor.close)

    def run(self) -> None:
        """Serve clients until a signal comes, then let them go in order."""
        raise_descriptor_limit()
        self._watch()
        self._drop_privileges()
        self._enter_ring()
        rest_collector()
        self._notifier.ready()
        if self._start.manager is not None:
            self._start.manager.ready()
        try:
            self._reactor.run()
        finally:
            self._notifier.stopping()
            if self._start.manager is not None:
                self._start.manager.stopping()
            self._end()
        counted = final_count(self._node, self._datagrams, self._parts.membership)
        self._said.tell("statistics", **counted)
        self._said.stopped(self._counters())

    # -- Parts ------------------------------------------------------------------------------------

    def _wanted_faults(self) -> Faults | None:
        faults = wanted_faults() if is_ring(self._configuration) else None
        if faults is not None:
            self._said.faults(faults_finding(faults))
        return faults

    def _open_ring_times(self, stack: ExitStack) -> RingTimes:
        record = None
        if self._state_dir is not None:
            record = StateRecord(self._state_dir)
            stack.callback(record.close)
        lost = partial(self._said.ring_time_lost, self._state_dir)
        return RingTimes(_wall_seconds, record, lost)

    def _open_flight_recorder(self, stack: ExitStack) -> FlightRecorder | None:
        """Record from here on; what is noted stays if the daemon does not end in order."""
        options = self._configuration.options
        if not options.flight_recorder:
            return None
        change = plan_privileges(options, Identity.current()).change
        owner = None if change is None else (change.user_id, change.group_id)
        flight = FlightRecorder(
            Bearings(self._configuration, self._incarnation, self._state_dir, owner), self._events
        )
        self._events.follow(flight.note)

        def end(kind: type[BaseException] | None, *_: object) -> None:
            self._events.follow(None)
            is_crash = kind is not None and not issubclass(kind, ConfigurationError)
            flight.close(is_crash=is_crash)

        stack.push(end)
        return flight

    def _keep_flight(self) -> None:
        if self._flight is not None:
            self._watching.observer.post(partial(self._flight.keep, "a signal asked for it"))

    def _compose(self) -> Parts:
        return compose(
            self._configuration,
            log=self._events,
            clock_ns=time.monotonic_ns,
            numbers=random.SystemRandom(),
            incarnation=self._incarnation,
            ring_times=self._ring_times,
            handshake=self._handshake(self._configuration.options),
            witness=self._witness,
            sizes=() if self._size is None else self._size.sizes,
            receive_buffer=self._listeners.least_buffers()[0],
        )

    def _handshake(self, options: Options) -> HandshakeSettings:
        """Read the access files and the policy; ConfigurationError if one of them is wrong."""
        authentication = auth.Authentication.load(
            options.auth_allowed, options.auth_required, self._access_files
        )
        for warning in authentication.warnings:
            self._events.event(EventType.ACM, EventPriority.WARNING, warning)
        return HandshakeSettings(
            daemon_name=name_bytes(self._configuration.me.name),
            authentication=authentication,
            policy=load_policy(options.access_policy),
            message_size_max=options.max_message_size,
        )

    def _attach_ring(self, ring: RingSettings, size: DatagramSize) -> None:
        """Let the reactor serve the UDP sockets for other daemons."""
        sockets = ring_sockets(self._configuration, self._listeners, multicast=ring.multicast)
        self._datagrams = Datagrams(
            self._node,
            sockets,
            window=ring.largest_window,
            report=self._said.send_failed,
            faults=self._faults,
            offload=self._faults is None or self._faults.offload,
        )
        self._reactor.attach_ring(self._datagrams)
        found = HostSockets(
            *self._listeners.least_buffers(),
            self._datagrams.segmentation,
            self._datagrams.coalescing,
        )
        self._said.findings(findings(size, found))

    def _compose_watching(self, stack: ExitStack) -> Watching:
        sender = sending_socket(self._configuration, self._listeners).socket
        watching = Watching(
            self._configuration,
            self._parts,
            self._datagrams,
            self._events,
            Surroundings(
                replies_from(sender, main_address(self._configuration.me)),
                self._reactor.stop,
                self._listeners.least_buffers(),
                self._start.monitor_allow,
            ),
        )
        stack.callback(watching.close)
        self._witness.follow_rings(watching.ring_installed)
        if self._flight is not None:
            watching.queries.add(Kind.TRACE, self._flight.answer)
        return watching

    def _compose_reloads(self, stack: ExitStack) -> Reloads:
        path, sources = self._configuration.path, None
        if path is not None:
            file = ConfigurationFile(path)
            stack.callback(file.close)
            sources = Sources(file, self._start.host, self._start.known, self._handshake)
        running = Running(
            parts=self._parts,
            log=self._events,
            set_log=self._set_log,
            listeners=self._listeners,
            datagrams=self._datagrams,
            set_busy_poll=self._reactor.set_busy_poll,
            followers=(
                self._follow,
                self._said.configured,
                self._witness.configured,
                self._watching.configured,
            )
            + (() if self._flight is None else (self._flight.configured,)),
            publish=self._watching.publisher.publish,
        )
        handover = Handover(
            self._watching.calls.call_soon,
            Reconfiguration(self._configuration, running, self._incarnation).put_in_force,
            self._events,
        )
        reloads = Reloads(
            Reloader(
                self._configuration,
                sources,
                log=self._events,
                put_in_force=handover,
                warnings=self._start.warnings,
            ),
            self._events,
        )
        stack.callback(reloads.stop)
        stack.callback(handover.close)
        self._watching.attach_reloads(reloads)
        return reloads

    def _follow(self, configuration: Configuration) -> None:
        self._configuration = configuration

    def _set_log(self, options: Options) -> None:
        self._log.reconfigure(options)
        if HANG_UP is None:
            # Nothing else would tell that the file has been moved away.
            self._log.reopen()

    def _hang_up(self) -> None:
        """Open the log file again, and read the configuration again if there is a file of it."""
        self._log.reopen()
        if self._configuration.path is not None:
            self._reloads.hang_up()

    def _self_watch(self, stack: ExitStack) -> SelfWatch:
        sockets = [
            each.socket
            for each in self._listeners.sockets
            if each.listen.transport is Transport.UDP
        ]
        buffers = ReceiveBuffers(sockets)
        stack.callback(buffers.close)
        counted = [self._watching.calls.counters, self._reloads.counters]
        threads = []
        if self._metrics is not None:
            counted.append(self._metrics.counters)
            threads.append(self._metrics.thread)
        return SelfWatch(self._events, buffers, counted, threads)

    def _open_metrics(self, stack: ExitStack) -> MetricsServer | None:
        if self._start.metrics is None:
            return None
        pages = MetricsPages(self._last_report)
        server = MetricsServer(open_metrics(*self._start.metrics), pages.answer, self._events)
        stack.callback(server.close)
        return server

    def _last_report(self) -> Report | None:
        state = self._watching.observer.state
        return None if state is None else state.report

    def _counters(self) -> dict[str, int]:
        counters = self._node.statistics()
        if self._parts.membership is not None and self._datagrams is not None:
            counters |= self._parts.membership.counters | self._datagrams.statistics()
        return counters

    def _sequence(self) -> int:
        return self._node.statistics()["packets"]

    def _watch(self) -> None:
        """Let the loop see signals and clients that connect."""
        answer = partial(
            self._signals.answer,
            stop=self._reactor.stop,
            hang_up=self._hang_up,
            keep=self._keep_flight,
        )
        self._reactor.watch(self._signals.fileno(), answer)
        self._reactor.watch(self._watching.calls.fileno(), self._watching.calls.run_all)
        for each in self._listeners.serving(Purpose.CLIENTS):
            is_unix = each.listen.transport is Transport.UNIX
            transport = auth.Transport.UNIX if is_unix else auth.Transport.TCP
            accept = partial(self._acceptor.accept, each.socket, transport)
            self._reactor.watch(each.socket.fileno(), accept)
        if self._parts.ring is None:
            for purpose in (Purpose.DAEMONS, Purpose.TOKEN, Purpose.SEGMENT):
                for each in self._listeners.serving(purpose):
                    self._reactor.watch_datagrams(each.socket.fileno())

    def _drop_privileges(self) -> None:
        options = self._configuration.options
        intended = plan_privileges(options, Identity.current())
        self._said.privileges(intended.notices, is_change=intended.change is not None)
        if intended.change is not None:
            self._listeners.give_to(intended.change.user_id, intended.change.group_id)
            self._log.give_to(intended.change.user_id, intended.change.group_id)
        change_privileges(intended)

    def _end(self) -> None:
        end = OrderlyEnd(self._reactor, self._parts, self._listeners)
        end.leave_ring()
        end.end_sessions()
        if self._state_dir is None:
            end.outlive_ring_time(self._witness.own_time, _wall_seconds)

    def _enter_ring(self) -> None:
        """Form a ring with whoever is there, or be the only one in it."""
        self._witness.started()
        if self._activity is not None:
            self._control.call_every(ALIVE_INTERVAL_S * NS_PER_S, self._witness.alive)
        if self._parts.membership is not None:
            self._parts.membership.start()
        else:
            ring = self._control.settings.ring
            name = (ring.leader % WORDS, ring.time % WORDS)
            self._witness.ring_named(name)
            self._witness.ring_installed(name, [0])
        self._watching.start(() if self._flight is None else (self._flight,))
        self._reloads.start()
        if self._metrics is not None:
            self._metrics.start()
            self._said.metrics_served(*self._metrics.address)
        self._said.tell(
            "daemon ready", listens=", ".join(str(each.listen) for each in self._listeners.sockets)
        )


def _wall_seconds() -> int:
    return int(time.time())

"""The composition root of the daemon: the only place that knows the concrete classes of all parts.

    configuration  ->  log  ->  sockets  ->  authentication, control, node, reactor
                   ->  privileges given up  ->  ready  ->  loop  ->  orderly end

The order matters: what is found by name (log, access files, plug-ins) is opened before the root
directory and the user change, the sockets while root may still bind them, and readiness is told
when a client can connect.
"""

import os
import random
import secrets
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

from spread._node import Node
from spread._reactor import Reactor
from spread.config import Configuration, Purpose, Transport, listens
from spread.config.model import EventPriority, EventType, Options
from spread.daemon import auth
from spread.daemon.acceptor import Acceptor
from spread.daemon.access import load_policy
from spread.daemon.access_files import AccessDirectory, AccessFiles
from spread.daemon.activity import ALIVE_INTERVAL_S, ActivityFile, ActivityRecorder
from spread.daemon.control import Control, ControlSettings
from spread.daemon.handshake import HandshakeSettings
from spread.daemon.listeners import Listeners, multicast_group, open_listeners
from spread.daemon.notify import Notifier
from spread.daemon.privileges import Identity
from spread.daemon.privileges import apply as change_privileges
from spread.daemon.privileges import plan as plan_privileges
from spread.daemon.ring_time import as_signed, next_ring_time
from spread.daemon.signals import Signals
from spread.daemon.views import RingId
from spread.errors import ConfigurationError
from spread.eventlog import EventLog, LogFormat
from spread.eventlog_destinations import Destinations
from spread.release import release

__all__ = ["Start", "serve"]

SESSION_MESSAGES_DEFAULT: Final = 1000
SESSION_BYTES_DEFAULT: Final = 16 * 1024 * 1024
"""A receiver is closed when more than so many messages and more than so many bytes wait for it."""

FAREWELL_NS: Final = 1_000_000_000
"""How long clients get to take what is queued for them when the daemon stops."""

NS_PER_MS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Start:
    """What the command line asks for."""

    configuration: Configuration
    warnings: tuple[str, ...] = ()
    log_format: LogFormat = "classic"
    writes_activity: bool = False


def serve(start: Start) -> int:
    """Run one daemon until a signal stops it; returns 0.

    Raises ConfigurationError, with its exit status, when the daemon cannot start.
    """
    with ExitStack() as stack:
        signals = Signals()
        stack.callback(signals.close)
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
        self._configuration = start.configuration
        self._log = log
        self._signals = signals
        self._announce(start.warnings)
        self._listeners: Listeners = stack.enter_context(
            open_listeners(
                listens(self._configuration), group=multicast_group(self._configuration.segment)
            )
        )
        self._activity: ActivityFile | None = None
        if start.writes_activity:
            self._activity = ActivityFile(Path.cwd(), self._configuration.me.name)
            stack.callback(self._activity.close)
        self._notifier = Notifier(os.environ.get("NOTIFY_SOCKET"))
        stack.callback(self._notifier.close)
        self._control = self._make_control()
        self._node = _make_node(self._control, self._configuration.options)
        self._control.attach(self._node)
        self._reactor = Reactor(self._node)
        self._acceptor = Acceptor(
            self._reactor, connected=self._control.connected, refused=self._connection_refused
        )
        stack.callback(self._acceptor.close)

    def run(self) -> None:
        """Serve clients until a signal comes, then let them go in order."""
        _raise_descriptor_limit()
        self._watch()
        self._drop_privileges()
        self._announce_ring()
        self._notifier.ready()
        try:
            self._reactor.run()
        finally:
            self._notifier.stopping()
            self._end_sessions()
            self._outlive_ring_time()
        self._print("daemon stopped", **_traffic(self._node))

    # -- Parts ------------------------------------------------------------------------------------

    def _make_control(self) -> Control:
        options = self._configuration.options
        authentication = auth.Authentication.load(
            options.auth_allowed, options.auth_required, _access_files()
        )
        for warning in authentication.warnings:
            self._log.event(EventType.ACM, EventPriority.WARNING, warning)
        ring_time = next_ring_time(int(time.time()), options.state_dir)
        daemons = [
            each.name for segment in self._configuration.segments for each in segment.daemons
        ]
        settings = ControlSettings(
            handshake=HandshakeSettings(
                daemon_name=_name_bytes(self._configuration.me.name),
                authentication=authentication,
                policy=load_policy(options.access_policy),
                message_size_max=options.max_message_size,
            ),
            ring=RingId(
                leader=as_signed(int(IPv4Address(self._configuration.me.address))),
                time=as_signed(ring_time),
            ),
            daemons=tuple(map(_name_bytes, daemons)),
            handshake_timeout_ns=options.handshake_timeout * NS_PER_MS,
            message_size_max=options.max_message_size,
            memberships_max=options.max_memberships,
        )
        numbers = random.SystemRandom()
        return Control(
            settings,
            log=self._log,
            clock_ns=time.monotonic_ns,
            random_number=partial(numbers.randrange, 9999),
            witness=None if self._activity is None else self._recorder(self._activity),
        )

    def _recorder(self, file: ActivityFile) -> ActivityRecorder:
        return ActivityRecorder(file, time.time, self._sequence)

    def _sequence(self) -> int:
        return self._node.statistics()["packets"]

    def _watch(self) -> None:
        """Let the loop see signals and clients that connect."""
        answer = partial(self._signals.answer, stop=self._reactor.stop, reopen=self._log.reopen)
        self._reactor.watch(self._signals.fileno(), answer)
        for each in self._listeners.serving(Purpose.CLIENTS):
            is_unix = each.listen.transport is Transport.UNIX
            transport = auth.Transport.UNIX if is_unix else auth.Transport.TCP
            accept = partial(self._acceptor.accept, each.socket, transport)
            self._reactor.watch(each.socket.fileno(), accept)
        for purpose in (Purpose.DAEMONS, Purpose.TOKEN, Purpose.SEGMENT):
            for each in self._listeners.serving(purpose):
                self._reactor.watch_datagrams(each.socket.fileno())

    def _drop_privileges(self) -> None:
        options = self._configuration.options
        intended = plan_privileges(options, Identity.current())
        for notice in intended.notices:
            # Who runs as root without a user of its own must see it under the default filters.
            kinds = EventType.SECURITY
            if intended.change is not None:
                kinds |= EventType.PRINT
            self._log.event(kinds, EventPriority.WARNING, notice.wording, **notice.fields)
        if intended.change is not None:
            self._listeners.give_to(intended.change.user_id, intended.change.group_id)
            self._log.give_to(intended.change.user_id, intended.change.group_id)
        change_privileges(intended)

    def _end_sessions(self) -> None:
        """Write what is queued, then close every connection."""
        for each in self._listeners.serving(Purpose.CLIENTS):
            self._reactor.unwatch(each.socket.fileno())
        self._reactor.drain(FAREWELL_NS)
        for session in list(self._control.sessions):
            self._node.end(session.slot)
        self._reactor.settle()

    def _outlive_ring_time(self) -> None:
        """Keep the port until the second of our ring's id is over: the next daemon needs another.

        Only a daemon that lived for less than a second waits here.
        """
        while as_signed(int(time.time())) == self._control.settings.ring.time:
            time.sleep(1 - time.time() % 1)

    # -- Log --------------------------------------------------------------------------------------

    def _print(self, wording: str, /, **fields: str | int) -> None:
        self._log.event(EventType.PRINT, EventPriority.PRINT, wording, lines=(), **fields)

    def _configured(
        self, wording: str, /, *, lines: Sequence[str] = (), **fields: str | int
    ) -> None:
        self._log.event(EventType.CONFIGURATION, EventPriority.INFO, wording, lines=lines, **fields)

    def _announce(self, warnings: tuple[str, ...]) -> None:
        configuration = self._configuration
        self._print("daemon starts", version=release(), process=os.getpid())
        self._print("configuration", file=configuration.path or "none, --local")
        for warning in warnings:
            self._log.event(EventType.CONFIGURATION, EventPriority.WARNING, warning)
        for number, segment in enumerate(configuration.segments):
            self._configured(
                "segment",
                number=number,
                address=segment.address,
                port=segment.port,
                daemons=len(segment.daemons),
                lines=[f"  {each.name} {each.address}" for each in segment.daemons],
            )
        self._configured("configuration hash", hash=configuration.hash)
        me = configuration.me
        self._configured(
            "own entry", name=me.name, address=me.address, port=configuration.segment.port
        )
        others = sum(len(segment.daemons) for segment in configuration.segments) - 1
        if others:
            self._log.event(
                EventType.PRINT | EventType.MEMBERSHIP,
                EventPriority.ERROR,
                "this release forms no ring between hosts; "
                "clients of other daemons are not reached",
                other_daemons=others,
            )

    def _announce_ring(self) -> None:
        me = self._configuration.me
        ring = self._control.settings.ring
        self._log.event(
            EventType.PRINT | EventType.MEMBERSHIP,
            EventPriority.PRINT,
            "membership",
            leader=ring.leader,
            time=ring.time,
            daemons=1,
            lines=[f"  {me.name} {me.address}"],
        )
        if self._activity is not None:
            self._activity.started(time.time())
            self._activity.membership(time.time(), ring.time, 0, self._present())
            self._control.call_every(ALIVE_INTERVAL_S * 1_000 * NS_PER_MS, self._record_alive)
        self._print(
            "daemon ready", listens=", ".join(str(each.listen) for each in self._listeners.sockets)
        )

    def _present(self) -> list[bool]:
        """For each configured daemon, whether it is in the ring: this one."""
        me = self._configuration.me
        return [each == me for segment in self._configuration.segments for each in segment.daemons]

    def _record_alive(self) -> None:
        if self._activity is not None:
            self._activity.alive(time.time(), self._sequence())

    def _connection_refused(self, reason: str) -> None:
        self._log.event(
            EventType.SESSION, EventPriority.WARNING, "connection refused", reason=reason
        )


def _make_node(control: Control, options: Options) -> Node:
    is_set = options.max_session_messages is not None
    return Node(
        control,
        route_seed=secrets.randbits(64),
        session_messages_max=options.max_session_messages
        if options.max_session_messages is not None
        else SESSION_MESSAGES_DEFAULT,
        session_bytes_max=SESSION_BYTES_DEFAULT,
        session_messages_exact=is_set,
        queued_bytes_max=options.max_queued_bytes,
        # Room for the largest messages of several clients at once, whatever the queues may hold.
        inbound_bytes_max=max(options.max_queued_bytes // 2, 4 * options.max_message_size),
    )


def _access_files() -> AccessFiles:
    return AccessFiles((AccessDirectory(Path.cwd()), AccessDirectory(Path("/etc"))))


def _name_bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _traffic(node: Node) -> dict[str, int]:
    counters = node.statistics()
    return {name: counters[name] for name in ("frames_in", "deliveries", "sessions_accepted")}


def _raise_descriptor_limit() -> None:
    """Take as many descriptors as the system allows: they bound the number of sessions."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        # Systems whose limit has no end refuse to be asked for all of it: then it stays.
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

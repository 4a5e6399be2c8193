"""What a daemon does about a datagram of a monitor: judged here, done by the caller.

    datagram, source  ->  MonitorServer  ->  Answer        datagrams to send
                                             Ask           a query for whoever has the reports
                                             Partition, SetWindows, Reload, Stop   for the ring

The checks come in the order of the monitor protocol, section 5, with these deviations: a source
that is neither this host, nor a configured one, nor allowed by name is ignored before all others;
maps must have their full length; a reload needs the magic number and a configured process id like
everything else; windows that would stop the daemon, or are no windows, are refused; `Stop` is an
orderly end. Each command that is carried out is logged with who asked, by whoever carries it out.

Whoever can reach the port decides how many datagrams come: each source has a budget, and refusals
of one kind get one line a minute for each source. Source addresses can be forged: a query is
answered only if it bears the cookie that was sent to its source, else by that cookie; and what
comes without one draws from other budgets than what comes with it, so that nobody uses up what is
somebody else's.
"""

from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from spread.config.model import Configuration, Daemon, EventPriority, EventType
from spread.daemon.cookies import Cookies
from spread.daemon.event_sink import EventSink
from spread.daemon.monitor_decisions import (
    WINDOW_MAX,
    Answer,
    Ask,
    Decision,
    Partition,
    Reload,
    SetWindows,
    Stop,
    Told,
)
from spread.daemon.monitor_limits import (
    ALL_BURST,
    ALL_RATE,
    RELOAD_BURST,
    RELOAD_RATE,
    REPLY_BURST,
    REPLY_RATE,
    Budgets,
    Minutes,
)
from spread.errors import PeerError
from spread.monitor.protocol import (
    KEEP,
    KILL,
    MAGIC,
    MONITOR_HASH,
    Command,
    Datagram,
    StatusReply,
    components,
    decode_datagram,
    encode_status,
    pairs,
)
from spread.monitor.queries import COOKIE, Kind, decode_query, encode_cookie
from spread.monitor.report import Report, Windows
from spread.monitor.status import status_record

__all__ = ["MonitorServer", "known_networks"]

_COUNTERS: Final = (
    "monitor_requests",
    "monitor_queries",
    "monitor_cookies",
    "monitor_refused",
    "monitor_strangers",
    "monitor_limited",
)
"""Their meanings stand in `spread.counters`."""


@dataclass(frozen=True, slots=True)
class _Request:
    """A datagram whose header has been read, and where it came from."""

    datagram: Datagram
    data: bytes
    source: str
    port: int
    is_proven: bool
    """Whether a cookie shows that the asker receives at this address and port."""

    @property
    def process(self) -> str:
        """Whom the requester says to be."""
        return str(IPv4Address(self.datagram.process))

    @property
    def asked_by(self) -> str:
        """Who asks, for the log."""
        return f"{self.source}:{self.port} as {self.process}"


class _RefusedError(Exception):
    """A request is not carried out; without a kind of event nothing is logged."""

    def __init__(self, kind: EventType | None, reason: str, **fields: object) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.fields = fields


class MonitorServer:
    """Judges the datagrams of monitors for one daemon."""

    def __init__(
        self,
        configuration: Configuration,
        *,
        log: EventSink,
        clock_ns: Callable[[], int],
        own_addresses: Collection[str] = (),
        allowed: Collection[IPv4Network] = (),
    ) -> None:
        """`own_addresses` are those of this host; `allowed` are networks that may ask, too."""
        self._log = log
        self._cookies = Cookies(clock_ns)
        self._proven = Budgets(clock_ns)
        self._unproven = Budgets(clock_ns)
        self._all_unproven = Budgets(clock_ns, ALL_RATE, ALL_BURST)
        self._reloads = Budgets(clock_ns, RELOAD_RATE, RELOAD_BURST)
        self._replies = Budgets(clock_ns, REPLY_RATE, REPLY_BURST)
        self._minutes = Minutes(clock_ns)
        self._own_addresses = frozenset(own_addresses)
        self._counters = dict.fromkeys(_COUNTERS, 0)
        self.reconfigure(configuration, allowed)

    def reconfigure(
        self, configuration: Configuration, allowed: Collection[IPv4Network] = ()
    ) -> None:
        """Go by another configuration from now on."""
        self._configuration = configuration
        self._allowed = tuple(allowed)
        daemons = [
            (daemon, number)
            for number, segment in enumerate(configuration.segments)
            for daemon in segment.daemons
        ]
        self._daemons = tuple(daemon for daemon, _ in daemons)
        self._number = self._daemons.index(configuration.me)
        self._configured = frozenset(
            address for daemon in self._daemons for address in _addresses(daemon)
        )
        self._addresses = {daemon.name: daemon.address for daemon in self._daemons}
        self._segments = {daemon.name: number for daemon, number in daemons}

    @property
    def counters(self) -> dict[str, int]:
        """The counters, by the names of `spread.counters`."""
        return dict(self._counters)

    def datagram(self, data: bytes, source: str, port: int, report: Report) -> Decision | None:
        """Judge a datagram from this address and port; `report` is what a status reply tells."""
        if not self._may_ask(source):
            self._count("monitor_strangers")
            self._tell(
                "request of a monitor ignored",
                "stranger",
                source,
                reason="its host is not in the configuration",
                remedy="allow its network with --monitor-allow or MonitorAllow",
            )
            return None
        is_proven = self._cookies.proves(data[COOKIE], source, port)
        if not self._may_go_on(source, is_proven=is_proven):
            self._count("monitor_limited")
            self._tell("requests of a monitor dropped", "too many", source)
            return None
        try:
            return self._judge(data, source, port, report, is_proven=is_proven)
        except _RefusedError as refusal:
            self._count("monitor_refused")
            if refusal.kind is not None:
                self._tell(
                    "request of a monitor refused",
                    (source, refusal.reason, refusal.fields.get("command")),
                    source,
                    kind=refusal.kind,
                    reason=refusal.reason,
                    **refusal.fields,
                )
            return None

    def answered(self, source: str, count: int) -> None:
        """A query of this source is answered with so many; it is heard again when it can pay."""
        self._replies.charge(source, count)

    def carried_out(self, told: Told) -> None:
        """Tell the log of a command; any thread may call this."""
        self._log.event(told.kinds, EventPriority.PRINT, told.wording, lines=(), **told.fields)

    def _may_go_on(self, source: str, *, is_proven: bool) -> bool:
        if is_proven:
            return self._replies.has(source) and self._proven.take(source)
        return self._unproven.take(source) and self._all_unproven.take("")

    def _judge(
        self, data: bytes, source: str, port: int, report: Report, *, is_proven: bool
    ) -> Decision | None:
        try:
            request = _Request(decode_datagram(data), data, source, port, is_proven)
        except PeerError as error:
            raise _RefusedError(
                EventType.PRINT, "not a datagram of a monitor", fault=error
            ) from error
        if request.datagram.hash not in (MONITOR_HASH, self._configuration.hash):
            raise _RefusedError(
                EventType.PRINT | EventType.NETWORK,
                "hash of another configuration",
                hash=request.datagram.hash,
                remedy="give the monitor the daemons' file; Spread's monitor sends 1100",
            )
        if request.datagram.command is Command.PARTITION:
            return self._partition(request)
        self._check_sender(request)
        if request.datagram.command is Command.STATUS:
            return self._status(request, report)
        if request.datagram.command is Command.FLOW_CONTROL:
            return self._flow_control(request, report)
        if request.datagram.command is Command.RELOAD:
            return self._reload(request)
        return self._query(request)

    # -- Commands ---------------------------------------------------------------------------------

    def _partition(self, request: _Request) -> Decision:
        fault, parts = None, (0,) * len(self._daemons)
        try:
            parts = components(request.datagram)[: len(self._daemons)]
        except PeerError as error:
            fault = error
        is_kill = parts[self._number] == KILL
        self._check_dangerous(EventType.PRINT, "kill" if is_kill else "partition")
        if not self._is_genuine(request):
            raise _RefusedError(None, "partition of nobody")
        if fault is not None:
            raise _RefusedError(EventType.PRINT, "partition map cut", fault=fault)
        if is_kill:
            return Stop(self._told("stopped by a monitor", request))
        names = [each.name for each in self._daemons] if any(parts) else []
        told = self._told(
            "partitioned by a monitor" if names else "partition ended by a monitor",
            request,
            component=parts[self._number],
        )
        return Partition(dict(zip(names, parts, strict=False)), told)

    def _check_sender(self, request: _Request) -> None:
        """Check what all requests but partitions have in common."""
        datagram = request.datagram
        transmitter = str(IPv4Address(datagram.transmitter))
        if transmitter == self._configuration.me.address:
            raise _RefusedError(None, "own packet")
        if datagram.magic != MAGIC and transmitter not in self._configured:
            raise _RefusedError(
                EventType.PRINT,
                "neither a monitor's magic number, nor a configured daemon as transmitter",
                magic=datagram.magic,
                transmitter=transmitter,
            )
        if len(datagram.body) != datagram.body_size:
            raise _RefusedError(
                EventType.PRINT,
                "body is not as long as announced",
                size=len(datagram.body),
                announced=datagram.body_size,
            )

    def _status(self, request: _Request, report: Report) -> Decision:
        self._check_genuine(EventType.STATUS, request)
        port = request.datagram.sequence & 0xFFFF
        if port == 0:
            raise _RefusedError(EventType.STATUS, "no port for the status reply")
        self._count("monitor_requests")
        self._log.event(
            EventType.STATUS,
            EventPriority.INFO,
            "status told to a monitor",
            lines=(),
            asked_by=request.asked_by,
            reply_port=port,
        )
        record = status_record(report, addresses=self._addresses, segments=self._segments)
        reply = encode_status(StatusReply(self._configuration.me.address, record))
        return Answer(request.process, port, (reply,))

    def _flow_control(self, request: _Request, report: Report) -> Decision:
        kind = EventType.FLOW_CONTROL
        self._check_dangerous(kind, "flow control")
        self._check_genuine(kind, request)
        try:
            numbers = pairs(request.datagram)
        except PeerError as error:
            raise _RefusedError(kind, "flow control map cut", fault=error) from error
        if len(self._daemons) == len(numbers):
            raise _RefusedError(kind, "128 daemons leave no place for the window")
        window, (personal, accelerated) = numbers[len(self._daemons)][0], numbers[self._number]
        fault = _window_fault(window, personal, accelerated, report.windows)
        if fault is not None:
            raise _RefusedError(kind, "windows that cannot be", fault=fault)
        told = self._told(
            "flow control changed by a monitor",
            request,
            kind,
            window=_shown(window),
            personal_window=_shown(personal),
            accelerated_window=_shown(accelerated),
        )
        return SetWindows(_given(window), _given(personal), _given(accelerated), told)

    def _reload(self, request: _Request) -> Decision:
        self._check_genuine(EventType.PRINT, request)
        self._check_reloads(request)
        self.carried_out(self._told("reload asked for by a monitor", request))
        return Reload(request.asked_by)

    def _query(self, request: _Request) -> Decision:
        try:
            query = decode_query(request.data)
        except PeerError as error:
            raise _RefusedError(EventType.STATUS, "query not understood", fault=error) from error
        query = replace(query, cookie=self._cookies.of(request.source, request.port))
        if not request.is_proven:
            self._count("monitor_cookies")
            cookie = encode_cookie(query, self._configuration.me.address)
            return Answer(request.source, request.port, (cookie,))
        if query.kind in (Kind.RELOAD, Kind.RELOAD_PREVIEW):
            self._check_genuine(EventType.PRINT, request)
            self._check_reloads(request)
        self._count("monitor_queries")
        if query.kind == Kind.RELOAD:
            self.carried_out(self._told("reload asked for by a query", request))
        return Ask(query, request.source, request.port)

    def _check_dangerous(self, kind: EventType, command: str) -> None:
        if not self._configuration.options.dangerous_monitor:
            raise _RefusedError(kind, "DangerousMonitor is not set", command=command)

    def _check_reloads(self, request: _Request) -> None:
        """Bound how often files are read, names looked up, and windows set by monitors lost."""
        if not self._reloads.take("proven" if request.is_proven else "unproven"):
            raise _RefusedError(EventType.PRINT, "too many reloads", command="reload")

    def _check_genuine(self, kind: EventType, request: _Request) -> None:
        command = request.datagram.command
        name = "" if command is None else str(command.name).lower()
        if request.datagram.magic != MAGIC:
            raise _RefusedError(kind, "not the magic number of a monitor", command=name)
        if not self._is_configured(request.process):
            raise _RefusedError(
                kind,
                "asked in the name of a host that is not configured",
                command=name,
                name=request.process,
            )

    # -- Who may ask ------------------------------------------------------------------------------

    def _may_ask(self, source: str) -> bool:
        address = IPv4Address(source)
        return (
            source in self._configured
            or source in self._own_addresses
            or address.is_loopback
            or any(address in each for each in self._allowed)
        )

    def _is_configured(self, process: str) -> bool:
        address = IPv4Address(process)
        return process in self._configured or any(address in each for each in self._allowed)

    def _is_genuine(self, request: _Request) -> bool:
        return request.datagram.magic == MAGIC and self._is_configured(request.process)

    # -- Telling ----------------------------------------------------------------------------------

    def _tell(
        self,
        wording: str,
        key: Hashable,
        source: str,
        *,
        kind: EventType = EventType.PRINT,
        **fields: object,
    ) -> None:
        """Log what is not done, once a minute for each key."""
        since = self._minutes.since(key)
        if since is not None:
            fields["since"] = since
            self._log.event(
                kind, EventPriority.WARNING, wording, lines=(), address=source, **fields
            )

    def _told(
        self, wording: str, request: _Request, kind: EventType = EventType.PRINT, **fields: object
    ) -> Told:
        """Return what the log is to say of a command when it is done, and who asked."""
        self._count("monitor_requests")
        return Told(EventType.PRINT | kind, wording, {"asked_by": request.asked_by, **fields})

    def _count(self, name: str) -> None:
        self._counters[name] += 1


def known_networks(
    configuration: Configuration,
    own_addresses: Collection[str] = (),
    allowed: Collection[IPv4Network] = (),
) -> list[tuple[int, int]]:
    """Return the networks whose hosts may ask, as pairs of address and mask.

    The ring's own hosts come first: of very many networks the last are not known.
    """
    daemons = [daemon for segment in configuration.segments for daemon in segment.daemons]
    hosts = {*own_addresses, *(each for daemon in daemons for each in _addresses(daemon))}
    networks = [IPv4Network("127.0.0.0/8"), *map(IPv4Network, sorted(hosts)), *allowed]
    return [(int(each.network_address), int(each.netmask)) for each in networks]


def _addresses(daemon: Daemon) -> tuple[str, ...]:
    return (daemon.address, *(each.address for each in daemon.interfaces))


def _window_fault(window: int, personal: int, accelerated: int, now: Windows) -> str | None:
    """Say why windows cannot be taken; one that is kept is judged as it is now."""
    if window == personal == accelerated == 0:
        return "all windows are 0: define them before they are sent, or nothing is sent any more"
    for name, value, least in (
        ("window", window, 1),
        ("personal window", personal, 1),
        ("accelerated window", accelerated, 0),
    ):
        if value != KEEP and not least <= value <= WINDOW_MAX:
            return f"{name} {value}: it is {least} to {WINDOW_MAX} packets, or -1 to keep it"
    window = now.window if window == KEEP else window
    personal = now.personal if personal == KEEP else personal
    accelerated = now.accelerated if accelerated == KEEP else accelerated
    if personal > window:
        return f"personal window {personal} is above window {window}"
    if accelerated > personal:
        return f"accelerated window {accelerated} is above personal window {personal}"
    return None


def _given(value: int) -> int | None:
    return None if value == KEEP else value


def _shown(value: int) -> str:
    return "kept" if value == KEEP else str(value)

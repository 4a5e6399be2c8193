"""Cells that a user puts together on the command line."""

from argparse import ArgumentParser, Namespace

from bench.cell import Cell, Figure
from bench.load import Workload
from bench.load_cell import LoadCell, Metric, delivery_cost, other_latency, own_latency, rate
from bench.session import SERVICES
from bench.system import ETHERNET_MTU, LOOPBACK, NAMESPACES, Topology
from bench.usage import UsageError
from bench.workload import PAYLOAD_MAX
from spread._faults import Faults
from spread.errors import ConfigurationError

DAEMONS_MAX = 128
MTU_RANGE = (576, 65_535)
SHAPE_OPTIONS = (
    *("daemons", "clients", "senders", "payload", "service", "window", "rate", "poisson"),
    *("groups", "transport", "mtu", "links", "options", "faults"),
)


def add_options(parser: ArgumentParser) -> None:
    """Add what describes a cell; each is None where it is not given."""
    group = parser.add_argument_group(
        "a cell of your own",
        "with any of these, this one is run in place of the named ones; --payload and --service "
        "take several by comma, which makes a cell of each combination",
    )
    group.add_argument("--daemons", type=int, help="number of daemons (1)")
    group.add_argument("--clients", type=int, help="clients at each daemon, all receive (1)")
    group.add_argument("--senders", type=int, help="how many of all clients send (all)")
    group.add_argument("--payload", help="bytes per message (100)")
    group.add_argument(
        "--service", help="such as agreed, safe, or agreed*9+safe for a mix (agreed)"
    )
    group.add_argument("--window", type=int, help="own messages under way per sender (100)")
    group.add_argument(
        "--rate", type=float, help="messages/s of each sender (what the window lets)"
    )
    group.add_argument(
        "--poisson", action="store_true", default=None, help="random intervals, with --rate"
    )
    group.add_argument("--groups", type=int, help="groups, each message to the next one (1)")
    group.add_argument("--transport", choices=("tcp", "unix"), help="of the clients (tcp)")
    group.add_argument("--mtu", type=int, help=f"of the links between namespaces ({ETHERNET_MTU})")
    group.add_argument(
        "--links",
        choices=(NAMESPACES, LOOPBACK),
        help="namespaces on a bridge, as root, or loopback addresses (what is possible)",
    )
    group.add_argument("--options", help="further lines of spread.conf, separated by ';'")
    group.add_argument("--faults", help="of the network between our daemons, such as loss=0.05")


def is_custom(given: Namespace) -> bool:
    """Whether any of the options was given."""
    return any(getattr(given, name) is not None for name in SHAPE_OPTIONS)


def custom_cells(given: Namespace) -> list[Cell]:
    """Return a cell for each combination of the options; raises UsageError."""
    topology = _topology(given)
    clients = _at_least("clients", given.clients, 1) * topology.daemons
    senders = clients if given.senders is None else given.senders
    if not 1 <= senders <= clients:
        raise UsageError(f"--senders {senders}: choose 1 to {clients}, the number of clients")
    payloads = [_payload(text) for text in (given.payload or "100").split(",")]
    mixes = (given.service or "agreed").split(",")
    return [
        _cell(given, topology, payload, mix, senders, clients)
        for mix in mixes
        for payload in payloads
    ]


def _cell(
    given: Namespace, topology: Topology, payload: int, mix: str, senders: int, clients: int
) -> LoadCell:
    rate_per_s = given.rate or 0.0
    if rate_per_s < 0:
        raise UsageError(f"--rate {rate_per_s:g}: choose messages per second, above 0")
    if given.poisson and not rate_per_s:
        raise UsageError("--poisson: random intervals need a --rate")
    workload = Workload(
        payload_size=payload,
        window=_at_least("window", given.window, 1, 100),
        rates=(rate_per_s,) if rate_per_s else (),
        is_poisson=bool(given.poisson),
        senders=senders,
        receivers=clients - senders,
        services=_services(mix),
        groups=_at_least("groups", given.groups, 1),
    )
    pace = f"{rate_per_s:g} messages/s each" if rate_per_s else f"window {workload.window}"
    title = f"{topology}, {clients} clients, {senders} send, {payload} B {mix.upper()}, {pace}"
    return LoadCell(
        name=f"custom-{mix}-{payload}",
        title=title,
        workload=workload,
        metrics=_metrics(title, senders, clients),
        kind="client path" if topology.daemons == 1 else "ring",
        topology=topology,
        transport=given.transport or "tcp",
    )


def _metrics(title: str, senders: int, clients: int) -> tuple[Metric, ...]:
    share = Figure(title=f"{title}: least by greatest rate of a sender", unit="ratio")
    return (
        rate(title),
        delivery_cost(f"{title}: daemons' CPU"),
        *(own_latency(f"{title}: own messages, {part}", part) for part in ("p50", "p99")),
        *(
            other_latency(f"{title}: messages of others, {part}", part)
            for part in ("p50", "p99")
            if clients > 1
        ),
        *([Metric(share, lambda measurement: measurement.fairness)] if senders > 1 else []),
    )


def _topology(given: Namespace) -> Topology:
    daemons = _at_least("daemons", given.daemons, 1)
    if daemons > DAEMONS_MAX:
        raise UsageError(f"--daemons {daemons}: choose 1 to {DAEMONS_MAX}")
    mtu = ETHERNET_MTU if given.mtu is None else given.mtu
    if not MTU_RANGE[0] <= mtu <= MTU_RANGE[1]:
        raise UsageError(f"--mtu {mtu}: choose {MTU_RANGE[0]} to {MTU_RANGE[1]}")
    options = tuple(line.strip() for line in (given.options or "").split(";") if line.strip())
    return Topology(
        daemons=daemons,
        mtu=mtu,
        options=options,
        faults=_faults(given.faults, daemons),
        links=given.links or "",
    )


def _faults(text: str | None, daemons: int) -> str:
    """Return the faults as given; raises UsageError where our daemons would not make them."""
    if text is None:
        return ""
    if daemons == 1:
        raise UsageError(f"--faults {text!r}: a daemon alone has no network, add --daemons")
    try:
        Faults(text)
    except ConfigurationError as error:
        raise UsageError(f"--faults: {error}") from error
    return text


def _at_least(option: str, value: int | None, least: int, default: int = 1) -> int:
    if value is None:
        return default
    if value < least:
        raise UsageError(f"--{option} {value}: choose {least} or more")
    return value


def _payload(text: str) -> int:
    if not text.isdecimal() or int(text) > PAYLOAD_MAX:
        raise UsageError(f"--payload {text!r}: choose bytes, 0 to {PAYLOAD_MAX:,}, without commas")
    return int(text)


def _services(mix: str) -> tuple[str, ...]:
    services: list[str] = []
    for part in mix.split("+"):
        name, _, count = part.partition("*")
        if name not in SERVICES or not (count or "1").isdecimal():
            known = ", ".join(SERVICES)
            raise UsageError(f"--service {mix!r}: choose of {known}; or a mix like agreed*9+safe")
        services += [name] * int(count or "1")
    return tuple(services)

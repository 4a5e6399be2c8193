"""Read a configuration file: bytes in, a checked `Configuration` or all its errors out."""

import re
from dataclasses import dataclass

from spread.config.diagnostics import (
    ConfigurationErrors,
    ConfigurationMissing,
    Diagnostic,
    Findings,
    Source,
    Stage,
)
from spread.config.grammar import read_tree
from spread.config.hashes import hash_text, spread_hash
from spread.config.host import HostView
from spread.config.identity import find_own
from spread.config.model import Configuration, Daemon, Interface, Options, Segment
from spread.config.network import DAEMONS_MAX, EVERY_USE, PORT_MAX, Network, read_network
from spread.config.option_pitfalls import warn_of_options
from spread.config.pitfalls import check_loopback_rule, is_wide_area, warn_of_pitfalls
from spread.config.settings import Known, Setting, evaluate
from spread.config.syntax import RouteNode
from spread.config.system_host import SystemHost
from spread.errors import ConfigurationError

__all__ = ["Examination", "Loaded", "examine", "load", "local", "local_ring", "parse", "read_bytes"]

# Bytes; 128 daemons with 10 interfaces each take 50,000, comments aside.
FILE_SIZE_MAX = 256 * 1024

# Bytes of the text under Spread's hash; classic monitors have room for no more.
HASH_TEXT_SIZE_MAX = 20_000

COST_MAX = 100

# A longer run of digits is several costs.
COST = re.compile(rb"[0-9]{1,3}")

# Daemons for a try share one host: what they record takes an eighth of what others take.
LOCAL_FLIGHT_KIB = 1024

LOCAL_ADDRESS = "127.0.0.1"
LOCAL_SEGMENT = "127.0.0.255"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file means, what it sets itself, and what to beware of."""

    configuration: Configuration
    warnings: tuple[Diagnostic, ...]
    given: tuple[Setting, ...]


@dataclass(frozen=True, slots=True)
class Examination:
    """All that can be said of a file.

    `loaded` is there if the file is right in itself. If merely the own entry was not found, an
    error says so and the first daemon of the file stands in for it.
    """

    errors: tuple[Diagnostic, ...]
    warnings: tuple[Diagnostic, ...]
    loaded: Loaded | None


def load(
    path: str, *, name: str | None = None, host: HostView | None = None, known: Known | None = None
) -> Loaded:
    """Read the file at `path` as the daemon `name`, or as the entry that has a local address.

    `host` is the host this runs on unless another is given. Raises `ConfigurationMissing` if the
    file cannot be read and `ConfigurationErrors` if it is wrong.
    """
    return parse(read_bytes(path), path, name=name, host=host or SystemHost(), known=known)


def parse(
    data: bytes,
    path: str,
    *,
    name: str | None = None,
    host: HostView,
    known: Known | None = None,
) -> Loaded:
    """Read the bytes of a file; `path` only serves messages.

    Raises `ConfigurationErrors` with all independent errors.
    """
    examination = examine(data, path, name=name, host=host, known=known)
    if examination.loaded is None or examination.errors:
        raise ConfigurationErrors(examination.errors, examination.warnings)
    return examination.loaded


def read_bytes(path: str) -> bytes:
    """Return the file at `path`, one byte more than a file may have at most.

    Raises `ConfigurationMissing` if it cannot be read.
    """
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - pathlib cannot read a bounded part.
            return file.read(FILE_SIZE_MAX + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigurationMissing(path, reason, "name a readable file with -c FILE") from error


def examine(
    data: bytes,
    path: str,
    *,
    name: str | None,
    host: HostView,
    known: Known | None = None,
) -> Examination:
    """Read the bytes of a file and return whatever is found; raises nothing."""
    findings = Findings(Source(data[:FILE_SIZE_MAX], path))
    if len(data) > FILE_SIZE_MAX:
        message = f"a configuration file has at most {FILE_SIZE_MAX} bytes"
        findings.error(None, message, "a shorter one", Stage.PARSE, found="a larger file")
        return Examination(findings.errors, (), None)
    tree = read_tree(findings)
    network = read_network(tree.segments, findings, host)
    evaluation = evaluate(tree.options, findings, known or Known())
    for route in tree.routes:
        _check_routes(route, findings)
        evaluation.give_routes(route.keyword, len(route.rows))
    is_whole = network is not None and not tree.is_damaged
    if network is not None and is_whole:
        check_loopback_rule(network, findings)
        _check_hash_text(network, findings)
    settings = evaluation.finish(wide_area=network is not None and is_wide_area(network.segments))
    is_right = not findings.error_count
    own = find_own(network, name, host, findings) if network is not None and is_whole else None
    loaded = None
    if network is not None and network.segments and is_right:
        warn_of_pitfalls(network, findings)
        warn_of_options(settings, findings, host)
        first = network.segments[0]
        own = own or (first, first.daemons[0])
        configuration = _assemble(network.segments, settings.options, own, path)
        loaded = Loaded(configuration, findings.warnings, settings.given)
    return Examination(findings.errors, findings.warnings, loaded)


def local(port: int, name: str = "localhost") -> Configuration:
    """Return the configuration of one daemon on the loopback interface, without a file.

    It listens on 127.0.0.1 only. Raises `ConfigurationError` for a port out of bounds.
    """
    _check_port(port)
    me = _local_daemon(name, LOCAL_ADDRESS)
    segment = Segment(LOCAL_SEGMENT, port, (me,))
    options = Options(flight_recorder=LOCAL_FLIGHT_KIB)
    return _assemble((segment,), options, (segment, me), None)


def local_ring(port: int, count: int, number: int) -> Configuration:
    """Return the configuration of daemon `number`, from 1, of a ring of `count` on loopback.

    Daemon k is called local<k> and listens on 127.0.0.<k> only. Raises `ConfigurationError` for
    a port or a count out of bounds.
    """
    _check_port(port)
    if not 1 <= number <= count <= DAEMONS_MAX:
        raise ConfigurationError(f"a ring of {count} daemons has no daemon {number}")
    daemons = tuple(_local_daemon(f"local{k}", f"127.0.0.{k}") for k in range(1, count + 1))
    segment = Segment(LOCAL_SEGMENT, port, daemons)
    options = Options(flight_recorder=LOCAL_FLIGHT_KIB)
    return _assemble((segment,), options, (segment, daemons[number - 1]), None)


def _check_port(port: int) -> None:
    if not 1 <= port <= PORT_MAX:
        raise ConfigurationError(f"port {port} cannot be used; choose one of 1 to {PORT_MAX}")


def _local_daemon(name: str, address: str) -> Daemon:
    return Daemon(name, address, (Interface(address, EVERY_USE),))


def _assemble(
    segments: tuple[Segment, ...],
    options: Options,
    own: tuple[Segment, Daemon],
    path: str | None,
) -> Configuration:
    segment, me = own
    text = hash_text(segments, options.accelerated_ring)
    return Configuration(
        segments=segments,
        options=options,
        me=me,
        segment=segment,
        hash_text=text,
        hash=spread_hash(text),
        wide_area=is_wide_area(segments),
        path=path,
    )


def _check_routes(route: RouteNode, findings: Findings) -> None:
    """Check a cost matrix, which then has no effect."""
    for row in route.rows:
        costs = [int(cost) for cost in COST.findall(row.text)]
        if len(costs) < route.segments_before:
            message = f"a row has one cost for each of the {route.segments_before} segments above"
            findings.error(row, message, "the missing costs, or no matrix at all", Stage.PARSE)
        if max(costs) > COST_MAX:
            findings.warn(row, f"costs above {COST_MAX} count as {COST_MAX}", f"{COST_MAX}")


def _check_hash_text(network: Network, findings: Findings) -> None:
    size = len(hash_text(network.segments, None))
    if size > HASH_TEXT_SIZE_MAX:
        message = (
            f"names and addresses together make {size} bytes, {HASH_TEXT_SIZE_MAX} are allowed"
        )
        findings.error(None, message, "fewer interfaces", Stage.LOAD, found="too much network")

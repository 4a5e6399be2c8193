"""The daemon's command line: `spread [-n NAME] [-c FILE] [-l y|n]` and what this daemon adds.

`spread doctor` is a program of its own, see `spread.cli.spread_doctor`, and so is
`spread service`, see `spread.cli.service`.

Exit status: 0 stopped by a signal, also -h and --version; 1 configuration wrong; 2 configuration
file missing or unreadable; 3 address, port or socket not to be had; 4 privileges; 64 usage; 70 a
defect of this program.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING

from spread.cli.service_arguments import Daemon, Parser, ServiceCommand, service_command
from spread.config import Configuration, ConfigurationErrors, Known, check, search
from spread.config.model import Options
from spread.errors import ConfigurationError
from spread.release import release

if TYPE_CHECKING:
    from spread.daemon.signals import Manager

__all__ = ["main"]

EXIT_DEFECT = 70
NAME_SIZE_MAX = 19
FILE_NAME_SIZE_MAX = 511
DEFAULT_PORT = 4803
DAEMONS_MAX = 128

_CLASSIC_FLAGS = ("-n", "-c", "-l")

_EPILOG = """\
spread doctor -h tells of the command that examines hosts and network of a ring,
spread service -h of the commands for the service of Windows.

exit status: 0 stopped by a signal, 1 configuration wrong, 2 configuration file missing,
3 address or port not to be had, 4 privileges, 64 usage, 70 defect of this program
"""


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="spread",
        description="Daemon of a group messaging ring; clients of the Spread Toolkit connect to it",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("-n", dest="name", metavar="NAME", help="take the entry with this name")
    parser.add_argument("-c", dest="file", metavar="FILE", help="configuration file")
    parser.add_argument(
        "-l", dest="activity", choices=("y", "n"), default="n", help="write the activity file"
    )
    parser.add_argument(
        "--local",
        nargs="?",
        const=1,
        type=int,
        metavar="N",
        help="run one daemon, or a ring of N, on this host only, without a configuration file",
    )
    parser.add_argument("--port", type=int, metavar="PORT", help="port of --local (default 4803)")
    parser.add_argument(
        "--check",
        nargs="?",
        const="",
        metavar="FILE",
        help="print what a configuration file means on this host, and stop",
    )
    parser.add_argument("--json", action="store_true", help="let --check print JSON")
    parser.add_argument(
        "--reload",
        action="store_true",
        help="let the daemon of the configuration file read it again, and stop",
    )
    parser.add_argument(
        "--log-format",
        choices=("classic", "json"),
        default="classic",
        help="form of the event log (default classic)",
    )
    parser.add_argument(
        "--monitor-allow",
        action="append",
        default=[],
        type=_network,
        metavar="NETWORK",
        help="answer monitors of this network, such as 10.1.0.0/16, too; may be repeated",
    )
    parser.add_argument(
        "--metrics",
        type=_metrics_listen,
        metavar="[ADDR:]PORT",
        help="serve metrics for Prometheus there; without an address for this host only",
    )
    # For the children of a ring on this host.
    parser.add_argument("--until-input-ends", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--version", action="version", version=f"spread {release()}")
    return parser


def _network(text: str) -> IPv4Network:
    try:
        return IPv4Network(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no IPv4 network: {error}") from error


def _metrics_listen(text: str) -> tuple[str, int]:
    """Return address and port."""
    address, _, port = text.rpartition(":")
    try:
        number, found = int(port), str(IPv4Address(address or "127.0.0.1"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no port, nor address:port") from error
    if not 0 < number < 65536:
        raise argparse.ArgumentTypeError(f"{text!r}: ports are 1 to 65535")
    return found, number


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = _parser()
    for argument in argv:
        if argument[:2] in _CLASSIC_FLAGS and len(argument) > 2:
            parser.error(f"{argument}: leave a blank between {argument[:2]} and its value")
    given = parser.parse_args(argv)
    if given.name == "Monitor":
        parser.error("-n Monitor: the name is reserved for monitors; name an entry of the file")
    if given.name is not None and len(os.fsencode(given.name)) > NAME_SIZE_MAX:
        parser.error(f"-n {given.name}: a daemon's name has at most {NAME_SIZE_MAX} bytes")
    if given.file is not None and len(os.fsencode(given.file)) > FILE_NAME_SIZE_MAX:
        parser.error(f"-c: a file name has at most {FILE_NAME_SIZE_MAX} bytes")
    if given.local is None and given.port is not None:
        parser.error("--port belongs to --local; the file names the ports of its segments")
    if given.local is not None and (given.file is not None or given.check is not None):
        parser.error("--local reads no file; leave out -c and --check")
    if given.local is not None:
        _check_local(parser, given)
    if given.port is not None and not 0 < given.port < 65535:
        parser.error(f"--port {given.port}: ports are 1 to 65534, and the next one is used too")
    if given.reload and (given.local is not None or given.check is not None):
        parser.error("--reload goes with a configuration file only; leave out --local and --check")
    if given.json and given.check is None:
        parser.error("--json belongs to --check")
    return given


def _check_local(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    if not 1 <= given.local <= DAEMONS_MAX:
        parser.error(f"--local {given.local}: a ring has 1 to {DAEMONS_MAX} daemons")
    if given.local == 1:
        return
    if given.name is None:
        return
    if given.name not in _local_names(given.local):
        parser.error(
            f"-n {given.name}: the daemons of --local {given.local} are called "
            f"local1 to local{given.local}"
        )


def _local_names(count: int) -> list[str]:
    return [f"local{number}" for number in range(1, count + 1)]


def _known() -> Known:
    from spread.daemon.access import available_policies
    from spread.daemon.auth import available_methods

    return Known(methods=available_methods(), policies=available_policies())


def _look(configuration: Configuration) -> list[tuple[str, dict[str, object]]]:
    """Return what this host gives to a daemon of several."""
    from spread.daemon.datagram_size import find_datagram_size
    from spread.daemon.findings import Finding, findings, probe_sockets
    from spread.daemon.network import is_ring
    from spread.daemon.wanted_faults import faults_finding, wanted_faults

    if not is_ring(configuration):
        return []
    faults = wanted_faults()
    sockets = probe_sockets()
    told: tuple[Finding, ...] = ()
    if faults is not None:
        told = (faults_finding(faults),)
        sockets = probe_sockets(faults.buffer, offload=faults.offload)
    found = (*told, *findings(find_datagram_size(configuration), sockets))
    return [(each.wording, dict(each.fields)) for each in found]


def _check(given: argparse.Namespace) -> int:
    path = given.check or given.file or search(None, ".")
    status, report = check(path, given.name, given.json, known=_known(), look=_look)
    print(report)
    return status


def _reload(given: argparse.Namespace) -> int:
    from spread.cli import reload
    from spread.config import load

    path = search(given.file, ".")
    return reload.run(load(path, name=given.name, known=_known()).configuration)


def _serve_ring(given: argparse.Namespace) -> int:
    from spread.cli import local_ring

    arguments = ["-l", given.activity, "--log-format", given.log_format]
    for network in given.monitor_allow:
        arguments += ["--monitor-allow", str(network)]
    arguments += ["--port", str(given.port or DEFAULT_PORT)]
    if given.metrics is not None:
        arguments += ["--metrics", "{}:{}".format(*given.metrics)]
    return local_ring.run(
        given.local,
        arguments,
        is_json=given.log_format == "json",
        ends_with_input=given.until_input_ends,
    )


def _local(given: argparse.Namespace) -> Configuration:
    from spread.config import local, local_ring

    port = given.port or DEFAULT_PORT
    if given.local == 1:
        return local(port, given.name or "localhost")
    return local_ring(port, given.local, 1 + _local_names(given.local).index(given.name))


def _metrics(given: argparse.Namespace, options: Options) -> tuple[str, int] | None:
    """Return where metrics are to be served; daemons of one host take a port each."""
    if given.metrics is None:
        port = options.metrics_port
        return None if port is None else (options.metrics_address, port)
    address, port = given.metrics
    if given.local is not None and given.local > 1:
        port += _local_names(given.local).index(given.name)
    return address, port


def _load(given: argparse.Namespace, known: Known) -> tuple[Configuration, tuple[str, ...]]:
    """Return the configuration to serve, and its warnings."""
    from spread.config import load

    if given.local is not None:
        return _local(given), ()
    loaded = load(search(given.file, "."), name=given.name, known=known)
    return loaded.configuration, tuple(map(str, loaded.warnings))


def _load_for_service(given: argparse.Namespace) -> Configuration:
    """Return the configuration; what the daemon would lack is told here, where somebody listens."""
    configuration, _ = _load(given, _known())
    if _metrics(given, configuration.options) is not None:
        from spread.monitor.prometheus import require_client

        require_client()
    return configuration


def _service(command: ServiceCommand) -> int:
    from spread.cli.service import carry_out

    return carry_out(
        command,
        Daemon(
            parse=_arguments,
            load=_load_for_service,
            serve=_serve,
        ),
    )


def _serve(given: argparse.Namespace, manager: "Manager | None" = None) -> int:
    from spread.daemon.assembly import Start, serve

    known = _known()
    configuration, warnings = _load(given, known)
    return serve(
        Start(
            configuration=configuration,
            warnings=warnings,
            log_format=given.log_format,
            writes_activity=given.activity == "y",
            monitor_allow=tuple(given.monitor_allow),
            known=known,
            metrics=_metrics(given, configuration.options),
            ends_with_input=given.until_input_ends,
            manager=manager,
        )
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the daemon until a signal stops it; returns the exit status."""
    argv = sys.argv[1:] if argv is None else argv
    if argv[:1] == ["doctor"]:
        from spread.cli import spread_doctor

        return spread_doctor.main(argv[1:])
    command = service_command(argv)
    try:
        if command is not None:
            return _service(command)
        given = _arguments(argv)
        if given.check is not None:
            return _check(given)
        if given.reload:
            return _reload(given)
        if given.local is not None and given.local > 1 and given.name is None:
            return _serve_ring(given)
        return _serve(given)
    except ConfigurationError as error:
        sys.stdout.flush()
        prefix = "" if isinstance(error, ConfigurationErrors) else "spread: "
        print(f"{prefix}{error}", file=sys.stderr)
        return error.exit_status
    except BrokenPipeError:
        # Whoever read the report of --check has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:
        import traceback

        traceback.print_exc()
        print("spread: this is a defect of the daemon; please report it", file=sys.stderr)
        return EXIT_DEFECT


if __name__ == "__main__":
    sys.exit(main())

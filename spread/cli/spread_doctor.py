"""`spread doctor`: examine configuration, own host, and the network between the daemons of a ring.

    spread doctor [-c FILE] [-n NAME] [--json]        look, from any host of the configuration
    spread doctor --listen [--for SECONDS]            be looked at where no daemon runs
    spread doctor --local N [--port PORT]             the daemons of spread --local N

Where the own daemon does not run and its ports are free, the doctor stands in for it meanwhile.

Exit status: 0 nothing fails, 1 something does, 2 configuration wrong or not readable, 64 usage, 70
a defect of this program, 130 Ctrl-C.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Final

from spread.cli.command_line import Exit, Parser, run
from spread.cli.terminal import width
from spread.config import (
    Configuration,
    ConfigurationErrors,
    Known,
    SystemHost,
    load,
    local,
    local_ring,
    main_address,
    search,
)
from spread.config.diagnostics import Diagnostic
from spread.config.listens import uses_segment_address
from spread.daemon.doctor_host import entry_checks
from spread.daemon.listen_errors import AddressInUseError
from spread.daemon.listening import Listening, StandIn
from spread.daemon.network import configured_daemons, network_hash
from spread.daemon.signals import Signals
from spread.errors import ArgumentError, ConfigurationError
from spread.monitor.doctor import exit_status, judge
from spread.monitor.doctor_evidence import Check, Entry, Evidence, Severity
from spread.monitor.doctor_text import as_record, text_lines
from spread.monitor.doctor_visit import Asker, Visit
from spread.monitor.udp import open_socket

__all__ = ["main"]

EXIT_CONFIGURATION: Final = 2
LOCAL_PORT: Final = 4803
DAEMONS_MAX: Final = 128

_STATUSES: Final = (
    "0 nothing fails, 1 something does, 2 configuration wrong or not readable, 64 usage, 130 Ctrl-C"
)


def parser() -> Parser:
    """Return the parser of the command line."""
    result = Parser(
        "spread doctor",
        "Examine configuration, own host, and the network between the daemons of a ring",
        _STATUSES,
    )
    add = result.add_argument
    add("-c", dest="file", metavar="FILE", help="configuration file (default spread.conf)")
    add("-n", dest="name", metavar="NAME", help="the entry of this host, if it is not found")
    add("--listen", action="store_true", help="answer doctors on other hosts, on the own ports")
    add(
        "--for",
        dest="seconds",
        type=_seconds,
        metavar="SECONDS",
        help="stop listening after so long",
    )
    add("--json", action="store_true", help="print all that was seen as JSON")
    add(
        "--local",
        nargs="?",
        const=1,
        type=int,
        metavar="N",
        help="the daemons of spread --local N on this host, instead of a file",
    )
    add("--port", type=int, metavar="PORT", help=f"their port (default {LOCAL_PORT})")
    return result


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns the exit status."""
    given = parser().parse_args(argv)
    return run("spread doctor", lambda: _run(given))


def _run(given: argparse.Namespace) -> int:
    _check(given)
    try:
        configuration, warnings = _configuration(given)
    except ConfigurationErrors as error:
        print(f"{error}", file=sys.stderr)
        return EXIT_CONFIGURATION
    except ConfigurationError as error:
        print(f"spread doctor: {error}", file=sys.stderr)
        return EXIT_CONFIGURATION
    if given.listen:
        return _listen(configuration, given.seconds)
    return _look(configuration, warnings, given)


def _check(given: argparse.Namespace) -> None:
    if given.local is None and given.port is not None:
        raise ArgumentError("--port belongs to --local; the file names the ports of its segments")
    if given.local is not None and given.file is not None:
        raise ArgumentError("--local reads no file; leave out -c")
    if given.local is not None and not 1 <= given.local <= DAEMONS_MAX:
        raise ArgumentError(f"--local {given.local}: a ring has 1 to {DAEMONS_MAX} daemons")
    if given.port is not None and not 0 < given.port < 65535:
        raise ArgumentError(f"--port {given.port}: ports are 1 to 65534, the next one is used too")
    if given.seconds is not None and not given.listen:
        raise ArgumentError("--for belongs to --listen")
    if given.listen and given.json:
        raise ArgumentError("--listen prints nothing that could be JSON; leave out one of the two")


def _configuration(given: argparse.Namespace) -> tuple[Configuration, tuple[Diagnostic, ...]]:
    if given.local is None:
        loaded = load(search(given.file, "."), name=given.name, known=_known())
        return loaded.configuration, loaded.warnings
    port = given.port or LOCAL_PORT
    if given.local == 1:
        return local(port, given.name or "localhost"), ()
    names = [f"local{number}" for number in range(1, given.local + 1)]
    if given.name is not None and given.name not in names:
        raise ArgumentError(f"-n {given.name}: there are local1 to local{given.local}")
    number = 1 if given.name is None else 1 + names.index(given.name)
    return local_ring(port, given.local, number), ()


def _known() -> Known:
    from spread.daemon.access import available_policies
    from spread.daemon.auth import available_methods

    return Known(methods=available_methods(), policies=available_policies())


def _listen(configuration: Configuration, seconds: float | None) -> int:
    try:
        listening = Listening(configuration, SystemHost())
    except ConfigurationError as error:
        print(f"spread doctor: {error}", file=sys.stderr)
        if isinstance(error, AddressInUseError):
            print("where a daemon runs, it answers doctors by itself", file=sys.stderr)
        return 1
    signals = Signals()
    try:
        with listening:
            name = configuration.me.name
            print(f"listening as {name} at {listening.places}; Ctrl-C ends this", flush=True)
            listening.run(signals.fileno(), seconds)
    finally:
        signals.close()
    return Exit.OK


def _look(
    configuration: Configuration, warnings: tuple[Diagnostic, ...], given: argparse.Namespace
) -> int:
    host = SystemHost()
    entries = _entries(configuration)
    own = configured_daemons(configuration).index(configuration.me)
    progress = _Progress()
    with ExitStack() as stack:
        ports = _stand_in(configuration, host, stack)
        asker = stack.enter_context(Asker(entries, open_socket()))
        checks = tuple(entry_checks(configuration, warnings, host))
        visit = Visit(entries, asker, own=own, progress=progress.say)
        try:
            evidence = visit.examine(checks, network_hash(configuration))
        finally:
            progress.end()
    evidence = replace(evidence, checks=(*checks, _port_check(evidence, own, ports)))
    problems = judge(evidence)
    status = exit_status(problems)
    if given.json:
        print(json.dumps(as_record(evidence, problems, status), indent=2))
    else:
        _print(text_lines(evidence, problems, width(sys.stdout)))
    return status


def _entries(configuration: Configuration) -> tuple[Entry, ...]:
    multicast = configuration.options.multicast
    return tuple(
        Entry(
            daemon.name,
            main_address(daemon),
            segment.port,
            number,
            uses_segment_address(segment, multicast),
        )
        for number, segment in enumerate(configuration.segments)
        for daemon in segment.daemons
    )


def _stand_in(
    configuration: Configuration, host: SystemHost, stack: ExitStack
) -> ConfigurationError | None:
    """Listen in the own daemon's place, or return who or what is in the way."""
    try:
        listening = Listening(configuration, host)
    except ConfigurationError as error:
        return error
    stack.enter_context(StandIn(listening))
    return None


def _port_check(evidence: Evidence, own: int, problem: ConfigurationError | None) -> Check:
    entry, facts = evidence.entries[own], evidence.facts.get(own)
    ports = f"UDP {entry.port} and {entry.port + 1} of {entry.address}"
    if problem is None:
        sentence = f"{ports} are free: no daemon runs here, the doctor stood in for it"
        return Check("ports", Severity.OK, sentence)
    if facts is not None and facts.is_daemon and facts.name == entry.name:
        return Check("ports", Severity.OK, f"{ports} are those of the daemon that runs here")
    if facts is not None and facts.name == entry.name:
        return Check("ports", Severity.OK, f"{ports} are those of a doctor that listens here")
    sentence, _, advice = str(problem).partition("; ")
    remedy = advice or "see who has the port, and stop it or choose another one in the file"
    return Check("ports", Severity.FAILURE, sentence, remedy)


class _Progress:
    """One line on the terminal that says what is going on; none elsewhere."""

    def __init__(self) -> None:
        self._shows = sys.stderr.isatty()
        self._size = 0

    def say(self, text: str) -> None:
        """Replace the line."""
        if self._shows:
            print(f"\r{text:<{self._size}}", end="", file=sys.stderr, flush=True)
            self._size = max(self._size, len(text))

    def end(self) -> None:
        """Remove the line."""
        if self._shows:
            print(f"\r{'':<{self._size}}\r", end="", file=sys.stderr, flush=True)


def _print(lines: Iterable[str]) -> None:
    encoding = sys.stdout.encoding or "ascii"
    for line in lines:
        print(line.encode(encoding, "replace").decode(encoding))


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return seconds


if __name__ == "__main__":
    sys.exit(main())

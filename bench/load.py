"""Run one workload against a daemon: sessions, joins, the compiled loop, and what it measured.

`python -m bench.load ADDRESS --payload 100` runs a single one, for profiling or by hand.
"""

import resource
import secrets
import socket
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, astuple, dataclass, replace

from bench._load import Load
from bench.address import Address
from bench.descriptors import allow_descriptors
from bench.histogram import Latency, latency
from bench.session import SERVICES, Session, SessionError, frame, open_session
from bench.workload import ACKNOWLEDGED, OWN, SLOWEST, UNBOUNDED, UNORDERED, Bounds, Workload

__all__ = [
    "ACKNOWLEDGED",
    "Bounds",
    "LoadError",
    "Measurement",
    "Opener",
    "Workload",
    "join",
    "measure",
    "measure_with",
    "new_load",
    "opened",
    "run",
]

SLICE_MS = 100  # The interpreter looks for signals and for stalls this often.
PHASE_MEASURE, PHASE_DRAIN, PHASE_DONE = 1, 2, 3
PACES = {OWN: 0, SLOWEST: 1, ACKNOWLEDGED: 2}  # As the compiled loop knows them.
SPARE_DESCRIPTORS = 16  # For the loop itself, files and pipes beside the sessions.

PROBLEMS = {
    1: "session {0} was closed by the daemon while reading (error number {4})",
    2: "session {0} was closed by the daemon while writing (error number {4})",
    3: "session {0} received a frame that cannot be cut ({4} bytes by its header)",
    4: "session {0} received a reject",
    5: "session {0} received a data message that is not for it",
    6: "session {0} received a message of {4} bytes ({3} expected), or of an unknown sender",
    7: "session {0} received message {4} of sender {1} where {3} was due",
    8: "session {0} received message {3} of sender {1} with bytes that were not sent",
    9: "session {0} began a frame of {4} bytes, for which there is no memory",
    10: "the sessions cannot be waited for (error number {4}); Linux 5.11 or later is needed",
}


class LoadError(Exception):
    """The daemon did not deliver what the workload needs it to deliver."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What one run delivered in its steady part, and what that cost."""

    seconds: float
    delivered: tuple[int, ...]  # Messages at each receiver.
    messages_per_s: float  # At the slowest receiver.
    deliveries_per_s: float  # At all receivers together.
    goodput_mbit_per_s: float  # Payload at the slowest receiver.
    latency_own: Latency
    latency_other: Latency  # At sessions of other daemons; with one daemon, at its other ones.
    reordered: int  # Under a service that does not promise order.
    generator_cpu_share: float  # Of one core.
    daemon_cpu_us_per_message: float | None = None
    offered_per_s: float | None = None  # Messages/s by the schedules of the senders.
    behind_ms: float = 0.0  # How late the latest sender was against its schedule at the end.
    fairness: float = 1.0  # Smallest by largest rate of a sender.
    client_user_us: float = 0.0  # Processor time of the generator per delivery.
    client_system_us: float = 0.0
    daemon_user_us: float | None = None  # Processor time of all daemons per delivery.
    daemon_system_us: float | None = None


Probe = Callable[[], float]  # CPU seconds that the daemon has used.
SplitProbe = Callable[[], tuple[float, float]]  # The same as user and system time.
Opener = Callable[[int, str], Session]  # Opens session i of a run under a name.


def measure(
    address: Address, workload: Workload, bounds: Bounds, probe: Probe | None = None
) -> Measurement:
    """Open the sessions of a workload at one daemon, run it, and return what was measured.

    Raises LoadError when messages are lost, changed, out of order, or stop to come; SessionError
    and OSError when sessions cannot be opened.
    """
    return measure_with(
        lambda _, name: open_session(address, name, membership=workload.membership),
        workload,
        bounds,
        probe=probe,
    )


def measure_with(
    opener: Opener,
    workload: Workload,
    bounds: Bounds,
    *,
    hosts: int = 1,
    probe: Probe | None = None,
    split_probe: SplitProbe | None = None,
) -> Measurement:
    """Do the same with sessions that `opener` opens: senders first, then those that only receive.

    With `hosts` daemons, session i is expected to be at daemon i % hosts.
    """
    with opened(opener, workload, hosts=hosts) as load:
        return run(load, workload, bounds, probe, split_probe)


@contextmanager
def opened(opener: Opener, workload: Workload, *, hosts: int = 1) -> Iterator[Load]:
    """Open and join the sessions of a workload, and close them at the end."""
    token = secrets.token_hex(3)
    groups = [f"bench-{token}-{i}".encode() for i in range(workload.groups)]
    count = workload.senders + workload.receivers
    require_descriptors(count)
    with ExitStack() as stack:
        sessions = [stack.enter_context(opener(i, f"{token}{i:x}")) for i in range(count)]
        senders, receivers = sessions[: workload.senders], sessions[workload.senders :]
        join(groups, sessions if workload.senders_receive else receivers)
        yield new_load(workload, groups, senders, receivers, hosts=hosts)


def require_descriptors(session_count: int) -> None:
    """Raise LoadError if so many sessions cannot be open in this process."""
    needed = session_count + SPARE_DESCRIPTORS
    allowed = allow_descriptors(needed)
    if allowed < needed:
        raise LoadError(
            f"{session_count} sessions need {needed} descriptors, this process may open {allowed}; "
            "raise the hard limit (ulimit -Hn) or run fewer"
        )


def join(groups: Sequence[bytes], sessions: Sequence[Session]) -> None:
    """Make each session a member of each group; all joins are ordered on return."""
    for session in sessions:
        for group in groups:
            session.join(group)
    for session in sessions:
        session.barrier()


def new_load(
    workload: Workload,
    groups: Sequence[bytes],
    senders: Sequence[Session],
    receivers: Sequence[Session] = (),
    *,
    hosts: int = 1,
) -> Load:
    """Return the compiled loop with its sessions; they must stay open while it runs."""
    load = Load(
        len(senders) + len(receivers),
        message_size=workload.message_size,
        prefix_size=workload.prefix_size,
        template_count=workload.template_count,
        slot_count=workload.slot_count,
        window=workload.window or UNBOUNDED,
        pace=PACES[workload.paced_by],
        ordered=not any(service in UNORDERED for service in workload.services),
    )
    for i, session in enumerate(senders):
        load.add_session(
            session.fileno(),
            workload.senders_receive,
            templates(workload, session.private_group, groups),
            interval_ns=workload.interval_ns(i),
            seed=workload.seed_of(i),
            host=i % hosts,
        )
    for i, session in enumerate(receivers, len(senders)):
        load.add_session(session.fileno(), True, host=i % hosts)
    return load


def templates(workload: Workload, private_group: bytes, groups: Sequence[bytes]) -> bytes:
    """Return the frames that a sender repeats, one after the other."""
    payload = bytes(i % 251 for i in range(workload.payload_size))
    return b"".join(
        frame(
            private_group,
            SERVICES[workload.services[i % len(workload.services)]],
            [groups[(i + j) % len(groups)] for j in range(workload.groups_per_message)],
            data=payload,
        )
        for i in range(workload.template_count)
    )


def run(
    load: Load,
    workload: Workload,
    bounds: Bounds,
    probe: Probe | None = None,
    split_probe: SplitProbe | None = None,
) -> Measurement:
    """Drive the loop through warm-up, measurement and drain; raises LoadError."""
    marks: dict[int, Mark] = {}
    load.start(
        warm_up_count=bounds.warm_up_count,
        warm_up_ns=int(bounds.warm_up_s * 1e9),
        count=bounds.count,
        duration_ns=int(bounds.duration_s * 1e9),
    )
    last = PHASE_DRAIN if workload.paced_by == ACKNOWLEDGED else PHASE_DONE
    progress, progress_s, phase = 0, time.monotonic(), 0
    while phase < last:
        phase = load.advance(SLICE_MS)
        if load.problem is not None:
            raise LoadError(PROBLEMS[load.problem[0]].format(*load.problem[1:3], *load.problem[2:]))
        if phase not in marks:
            marks[phase] = Mark.now(probe, split_probe)
        if load.progress != progress:
            progress, progress_s = load.progress, time.monotonic()
        elif time.monotonic() - progress_s > bounds.stall_s:
            raise LoadError(
                f"no message arrived for {bounds.stall_s:g} s, {progress} had arrived before"
            )
    measurement = _measurement(load, workload, marks)
    return replace(
        measurement,
        daemon_cpu_us_per_message=measurement.daemon_cpu_us_per_message if probe else None,
        daemon_user_us=measurement.daemon_user_us if split_probe else None,
        daemon_system_us=measurement.daemon_system_us if split_probe else None,
    )


@dataclass(frozen=True, slots=True)
class Mark:
    """Processor time used up to the begin of a phase, in seconds."""

    user_s: float  # Of this thread.
    system_s: float
    daemon_s: float
    daemon_user_s: float
    daemon_system_s: float

    @classmethod
    def now(cls, probe: Probe | None, split_probe: SplitProbe | None) -> "Mark":
        """Take all of them at once; zero without a probe."""
        used = resource.getrusage(resource.RUSAGE_THREAD)
        daemon_s = probe() if probe else 0.0
        return cls(
            used.ru_utime, used.ru_stime, daemon_s, *(split_probe() if split_probe else (0.0, 0.0))
        )

    def us_until(self, later: "Mark", count: int) -> "Mark":
        """Return the microseconds used from here to `later` for each of `count`."""
        pairs = zip(astuple(self), astuple(later), strict=True)
        return Mark(*((end - begin) * 1e6 / max(1, count) for begin, end in pairs))


def _measurement(load: Load, workload: Workload, marks: dict[int, Mark]) -> Measurement:
    """Return what the loop counted, with daemon costs as if all had been probed."""
    seconds = load.measured_ns / 1e9
    delivered = load.delivered or [0]
    begin, end = marks[PHASE_MEASURE], marks[PHASE_DRAIN]
    slowest, deliveries = min(delivered), sum(delivered)
    by_sender = load.delivered_by_sender
    cost = begin.us_until(end, deliveries)
    busy_s = end.user_s - begin.user_s + end.system_s - begin.system_s
    return Measurement(
        seconds=seconds,
        delivered=tuple(delivered),
        messages_per_s=slowest / seconds,
        deliveries_per_s=deliveries / seconds,
        goodput_mbit_per_s=slowest * workload.payload_size * 8 / seconds / 1e6,
        latency_own=latency(*load.latency_own),
        latency_other=latency(*load.latency_other),
        reordered=load.reordered_messages,
        generator_cpu_share=busy_s / seconds,
        daemon_cpu_us_per_message=begin.us_until(end, slowest).daemon_s if slowest else None,
        offered_per_s=workload.offered_per_s,
        behind_ms=load.behind_ns / 1e6,
        fairness=min(by_sender) / max(by_sender) if max(by_sender) else 1.0,
        client_user_us=cost.user_s,
        client_system_us=cost.system_s,
        daemon_user_us=cost.daemon_user_s,
        daemon_system_us=cost.daemon_system_s,
    )


def main() -> None:
    """Run one workload from the command line and print the measurement as JSON."""
    import json

    from bench.address import parse_address
    from bench.usage import Parser

    parser = Parser("python -m bench.load", __doc__)
    parser.add_argument("address", help="/path, host:port, port@host or port")
    parser.add_argument("--payload", type=int, default=100, help="bytes (default 100)")
    parser.add_argument("--window", type=int, default=200, help="messages per sender (200)")
    parser.add_argument("--interval", type=int, default=0, help="µs between messages (none)")
    parser.add_argument("--rate", default="", help="messages/s of the senders in turn, by comma")
    parser.add_argument("--poisson", action="store_true", help="random intervals of that mean")
    parser.add_argument("--senders", type=int, default=1)
    parser.add_argument("--receivers", type=int, default=0, help="sessions that only receive")
    parser.add_argument("--send-only", action="store_true", help="senders do not receive")
    parser.add_argument("--service", default="agreed", help="one, or several by comma, in turn")
    parser.add_argument("--groups", type=int, default=1, help="groups in turn (1)")
    parser.add_argument("--groups-per-message", type=int, default=1)
    parser.add_argument("--membership", action="store_true", help="sessions see views")
    parser.add_argument("--pace", choices=("own", "slowest"), default="", help="window advances by")
    parser.add_argument("--warm-up", type=float, default=0.5, help="seconds (0.5)")
    parser.add_argument("--duration", type=float, default=2.0, help="seconds (2)")
    parser.add_argument("--count", type=int, default=0, help="measure at least so many messages")
    given = parser.parse_args()
    try:
        address, workload = parse_address(given.address), _workload(given)
        if address.host:
            socket.getaddrinfo(address.host, address.port)
    except (ValueError, socket.gaierror) as error:
        parser.error(f"{given.address}: {error}")
    bounds = Bounds(warm_up_s=given.warm_up, duration_s=given.duration, count=given.count)
    try:
        measurement = measure(address, workload, bounds)
    except (LoadError, SessionError, OSError, ValueError) as error:
        parser.exit(1, f"bench.load: {address}: {error}\n")
    print(json.dumps(asdict(measurement), indent=2))


def _workload(given: Namespace) -> Workload:
    return Workload(
        payload_size=given.payload,
        window=given.window,
        interval_us=given.interval,
        rates=tuple(float(rate) for rate in given.rate.split(",") if rate),
        is_poisson=given.poisson,
        senders=given.senders,
        senders_receive=not given.send_only,
        receivers=given.receivers,
        services=tuple(given.service.split(",")),
        groups=given.groups,
        groups_per_message=given.groups_per_message,
        membership=given.membership,
        pace=given.pace,
    )


if __name__ == "__main__":
    main()

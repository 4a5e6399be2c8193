"""Run one workload against a daemon: sessions, joins, the compiled loop, and what it measured.

`python -m bench.load ADDRESS --payload 100` runs a single one, for profiling or by hand.
"""

import math
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass

from bench._load import Load
from bench.address import Address
from bench.histogram import Latency, latency
from bench.session import HEADER, NAME_SIZE, SERVICES, Session, frame, open_session

RING_SIZE = 256 * 1024  # Frames laid out for sending: stays in the level 2 cache.
SLICE_MS = 100  # The interpreter looks for signals and for stalls this often.
PHASE_MEASURE, PHASE_DRAIN, PHASE_DONE = 1, 2, 3
UNORDERED = ("unreliable", "reliable")
ACKNOWLEDGED = "acknowledged"

PROBLEMS = {
    1: "session {0} was closed by the daemon while reading (error number {4})",
    2: "session {0} was closed by the daemon while writing (error number {4})",
    3: "session {0} received a frame that cannot be cut ({4} bytes by its header)",
    4: "session {0} received a reject",
    5: "session {0} received a data message that is not for it",
    6: "session {0} received a message of {4} bytes ({3} expected), or of an unknown sender",
    7: "session {0} received message {4} of sender {1} where {3} was due",
    8: "session {0} received message {3} of sender {1} with bytes that were not sent",
}


class LoadError(Exception):
    """The daemon did not deliver what the workload needs it to deliver."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What is sent by whom to whom.

    Each receiver joins all `groups`; message i goes to `groups_per_message` of them, from group i
    on, with service i of `services`, both counted round.
    """

    payload_size: int
    window: int = 200  # Own messages under way at most, per sender.
    interval_us: int = 0  # Between messages of a sender; 0: as fast as the window allows.
    senders: int = 1
    senders_receive: bool = True
    receivers: int = 0  # Sessions that only receive.
    services: tuple[str, ...] = ("agreed",)
    groups: int = 1
    groups_per_message: int = 1
    membership: bool = False
    pace: str = ""  # "own", "slowest" or "acknowledged"; empty: own where senders receive.

    @property
    def paced_by(self) -> str:
        """Whose deliveries advance the window."""
        return self.pace or ("own" if self.senders_receive else "slowest")

    @property
    def template_count(self) -> int:
        """Messages after which groups and services repeat."""
        return math.lcm(self.groups, len(self.services))

    @property
    def prefix_size(self) -> int:
        """Bytes of header and group list."""
        return HEADER.size + NAME_SIZE * self.groups_per_message

    @property
    def message_size(self) -> int:
        """Bytes of one message on the wire."""
        return self.prefix_size + self.payload_size

    @property
    def slot_count(self) -> int:
        """Frames in a sender's ring: whole rounds of the templates, near RING_SIZE or window."""
        wanted = min(self.window, max(1, RING_SIZE // self.message_size))
        return self.template_count * math.ceil(wanted / self.template_count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How long to warm up and to measure: both the time and the count must be reached."""

    warm_up_s: float = 0.0
    duration_s: float = 0.0
    warm_up_count: int = 0  # Messages at the slowest receiver.
    count: int = 0
    stall_s: float = 10.0  # Without any progress for so long, a run has failed.


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What one run delivered in its steady part, and what that cost."""

    seconds: float
    delivered: tuple[int, ...]  # Messages at each receiver.
    messages_per_s: float  # At the slowest receiver.
    deliveries_per_s: float  # At all receivers together.
    goodput_mbit_per_s: float  # Payload at the slowest receiver.
    latency_own: Latency
    latency_other: Latency
    reordered: int  # Under a service that does not promise order.
    generator_cpu_share: float  # Of one core.
    daemon_cpu_us_per_message: float | None = None


Probe = Callable[[], float]  # CPU seconds that the daemon has used.


def measure(
    address: Address, workload: Workload, bounds: Bounds, probe: Probe | None = None
) -> Measurement:
    """Open the sessions of a workload, run it, and return what was measured.

    Raises LoadError when messages are lost, changed, out of order, or stop to come; SessionError
    and OSError when sessions cannot be opened.
    """
    token = secrets.token_hex(3)
    groups = [f"bench-{token}-{i}".encode() for i in range(workload.groups)]
    with ExitStack() as stack:
        names = iter(f"{token}{i}" for i in range(workload.senders + workload.receivers))
        senders = [
            stack.enter_context(open_session(address, next(names), membership=workload.membership))
            for _ in range(workload.senders)
        ]
        receivers = [
            stack.enter_context(open_session(address, next(names), membership=workload.membership))
            for _ in range(workload.receivers)
        ]
        join(groups, [*(senders if workload.senders_receive else []), *receivers])
        return run(new_load(workload, groups, senders, receivers), workload, bounds, probe)


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
) -> Load:
    """Return the compiled loop with its sessions; they must stay open while it runs."""
    load = Load(
        len(senders) + len(receivers),
        message_size=workload.message_size,
        prefix_size=workload.prefix_size,
        template_count=workload.template_count,
        slot_count=workload.slot_count,
        window=workload.window,
        interval_ns=workload.interval_us * 1000,
        ordered=not any(service in UNORDERED for service in workload.services),
        paced_by_own=workload.paced_by == "own",
        paced_by_acknowledgements=workload.paced_by == ACKNOWLEDGED,
    )
    for session in senders:
        frames = templates(workload, session.private_group, groups)
        load.add_session(session.fileno(), workload.senders_receive, frames)
    for session in receivers:
        load.add_session(session.fileno(), True)
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


def run(load: Load, workload: Workload, bounds: Bounds, probe: Probe | None = None) -> Measurement:
    """Drive the loop through warm-up, measurement and drain."""
    marks: dict[int, tuple[float, float]] = {}
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
        marks.setdefault(phase, (time.thread_time(), probe() if probe else 0.0))
        if load.progress != progress:
            progress, progress_s = load.progress, time.monotonic()
        elif time.monotonic() - progress_s > bounds.stall_s:
            raise LoadError(
                f"no message arrived for {bounds.stall_s:g} s, {progress} had arrived before"
            )
    return _measurement(load, workload, marks, probed=probe is not None)


def _measurement(
    load: Load, workload: Workload, marks: dict[int, tuple[float, float]], *, probed: bool
) -> Measurement:
    seconds = load.measured_ns / 1e9
    delivered = load.delivered or [0]
    (cpu_begin, daemon_begin), (cpu_end, daemon_end) = marks[PHASE_MEASURE], marks[PHASE_DRAIN]
    slowest = min(delivered)
    return Measurement(
        seconds=seconds,
        delivered=tuple(delivered),
        messages_per_s=slowest / seconds,
        deliveries_per_s=sum(delivered) / seconds,
        goodput_mbit_per_s=slowest * workload.payload_size * 8 / seconds / 1e6,
        latency_own=latency(*load.latency_own),
        latency_other=latency(*load.latency_other),
        reordered=load.reordered_messages,
        generator_cpu_share=(cpu_end - cpu_begin) / seconds,
        daemon_cpu_us_per_message=(
            (daemon_end - daemon_begin) * 1e6 / slowest if probed and slowest else None
        ),
    )


def main() -> None:
    """Run one workload from the command line and print the measurement as JSON."""
    import argparse
    import json

    from bench.address import parse_address

    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("address", type=parse_address, help="/path, host:port, port@host or port")
    parser.add_argument("--payload", type=int, default=100, help="bytes (default 100)")
    parser.add_argument("--window", type=int, default=200, help="messages per sender (200)")
    parser.add_argument("--interval", type=int, default=0, help="µs between messages (none)")
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
    workload = Workload(
        payload_size=given.payload,
        window=given.window,
        interval_us=given.interval,
        senders=given.senders,
        senders_receive=not given.send_only,
        receivers=given.receivers,
        services=tuple(given.service.split(",")),
        groups=given.groups,
        groups_per_message=given.groups_per_message,
        membership=given.membership,
        pace=given.pace,
    )
    bounds = Bounds(warm_up_s=given.warm_up, duration_s=given.duration, count=given.count)
    print(json.dumps(asdict(measure(given.address, workload, bounds)), indent=2))


if __name__ == "__main__":
    main()

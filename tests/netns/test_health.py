"""Real daemons in trouble: each says what is wrong with it, and stops saying so when it is over."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from spread._packets import PacketHeader, make_packet
from spread.service import AGREED_MESS, RELIABLE_MESS
from tests.fuzz.packet_oracle import Kind
from tests.netns.daemons import PORT, Daemon, LogEvent, configuration, segment
from tests.netns.rings import Ring, lan, two_segments_of_one_network
from tests.netns.sight import sight_from
from tests.netns.stage import Stage

LARGE = 60_000  # Bytes of a message: some forty packets.
SMALL_BUFFER = 16_384
LOSS = 0.05
PULSE_NS = 60_000_000  # A host that stands still so long, and runs so long, again and again.

# Read by the interpreter at its start: the daemon's wall clock is ahead by what a file says.
CLOCK = """\
import pathlib, time

_seconds, _file = time.time, pathlib.Path({file!r})
time.time = lambda: _seconds() + float(_file.read_text())
"""
BUFFERED, LOSING = 1, 2  # Numbers of the daemons whose host gives less than it should.


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ring]:
    """Three daemons: d1 has no trouble, d2 a small receive buffer, d3 loses what arrives."""
    with lan(tmp_path_factory.mktemp("health"), 3, starts=False) as made:
        made.daemons[BUFFERED].environment["SPREAD_TEST_FAULTS"] = f"buffer={SMALL_BUFFER}"
        made.daemons[LOSING].environment["SPREAD_TEST_FAULTS"] = f"loss={LOSS},seed=5"
        made_settable(made.daemons[0])
        yield made


def clock_file(daemon: Daemon) -> Path:
    """Where it stands by how many seconds the daemon's clock is ahead."""
    return daemon.directory / "clock" / "ahead"


def made_settable(daemon: Daemon) -> None:
    """Let the daemon's clock, from its next start on, follow a file."""
    file = clock_file(daemon)
    file.parent.mkdir(parents=True)
    file.write_text("0")
    (file.parent / "sitecustomize.py").write_text(CLOCK.format(file=str(file)))
    daemon.environment["PYTHONPATH"] = str(file.parent)


def findings(daemon: Daemon, rule: str, *words: str) -> list[LogEvent]:
    """Return the events with which a daemon says that a rule has found something."""
    begun = daemon.find("health finding", *words)
    return [each for each in begun if each.fields["rule"] == rule]


def is_over(daemon: Daemon, rule: str) -> bool:
    """Whether as many findings of a rule have ended as have begun."""
    ended = [each for each in daemon.find("health finding over") if each.fields["rule"] == rule]
    return len(ended) == len(findings(daemon, rule))


def test_losses_of_a_link_and_those_of_a_full_buffer_are_told_apart(ring: Ring) -> None:
    sound, buffered, losing = ring.daemons
    with ring.stage() as stage:
        sender = stage.client(0, "sender", "tea")
        stage.client(LOSING, "reader", "tea")

        def are_found() -> bool:
            if _is_caught_up(stage):
                sender.multicast(AGREED_MESS, [b"tea"], LARGE)
            return bool(
                findings(losing, "lossy-link", "d1 -> d3") and findings(buffered, "receive-overrun")
            )

        stage.until(are_found, "d3 to find a lossy link and d2 a full receive buffer")

    lossy = findings(losing, "lossy-link", "d1 -> d3")[0]
    assert "packets of d1 did not reach d3 at first" in lossy.fields["finding"]
    assert "between d1 and d3" in lossy.fields["remedy"]
    full = findings(buffered, "receive-overrun")[0]
    assert "its receive buffer of" in full.fields["finding"]
    assert "net.core.rmem_max" in full.fields["remedy"]
    assert not findings(losing, "receive-overrun")
    assert not findings(buffered, "lossy-link")
    # Its own multicast comes back to a sender, and is dropped for good reasons.
    assert not findings(sound, "receive-overrun")
    assert not findings(sound, "lossy-link")


def _is_caught_up(stage: Stage) -> bool:
    """Whether the clients have all that was sent: more would pile up, and be another trouble."""
    sent = len(stage.messages.sent)
    return all(
        client.trace is not None and len(list(client.trace.delivered())) >= sent
        for client in stage.clients
    )


def test_a_session_that_does_not_read_is_told_while_it_lasts(ring: Ring) -> None:
    daemon = ring.daemons[0]
    with ring.stage() as stage:
        sender = stage.client(0, "fast", "coffee")
        slow = stage.client(0, "slow", "coffee")
        stage.until(lambda: _is_in(sender, 2), "both in the group")
        slow.connection.stop_reading()
        for _ in range(250):  # Less than what ends a session, more than what the system keeps.
            sender.multicast(RELIABLE_MESS, [b"coffee"], LARGE)

        stage.until(lambda: findings(daemon, "slow-receiver"), "the slow session to be found")
        (event,) = findings(daemon, "slow-receiver")
        slow.connection.read_again()
        stage.until(lambda: is_over(daemon, "slow-receiver"), "the finding to end")

    assert event.fields["subject"] == "#slow#d1"
    assert "does not read fast enough" in event.fields["finding"]


def _is_in(client: object, size: int) -> bool:
    from spread.sim.trace import Viewed

    trace = getattr(client, "trace", None)
    views = [event for event in trace.events if isinstance(event, Viewed)] if trace else []
    return bool(views) and len(views[-1].members) == size


def test_a_host_that_stands_still_is_told_when_it_goes_on(ring: Ring) -> None:
    stopped = ring.daemons[0]
    with ring.stage() as stage:
        before = len(findings(stopped, "scheduler-delay"))
        stopped.pause()
        stage.until_rings([BUFFERED, LOSING])
        stopped.resume()

        stage.until(
            lambda: len(findings(stopped, "scheduler-delay")) > before, "the stop to be found"
        )
        stage.until_rings([0, 1, 2])

    event = findings(stopped, "scheduler-delay")[-1]
    assert event.fields["severity"] == "critical"
    assert "gave it no processor, or it was stopped" in event.fields["finding"]


def test_a_daemon_with_another_configuration_is_told(ring: Ring) -> None:
    other = configuration(segment({"d1": "10.1.0.1", "x": "10.1.0.3"}))
    with ring.stage() as stage:
        ring.daemons[LOSING].kill()
        stage.until_rings([0, 1])
        stranger = ring.add_daemon(ring.daemons[LOSING].host, "x", other)
        try:
            stranger.start()
            stage.until(
                lambda: findings(ring.daemons[0], "other-configuration"), "the other to be found"
            )
        finally:
            stranger.close()

    (event,) = findings(ring.daemons[0], "other-configuration")
    assert event.fields["severity"] == "critical"
    assert "the same file" in event.fields["remedy"]


def test_a_way_that_carries_in_one_direction_is_told_by_who_is_not_heard(ring: Ring) -> None:
    deaf = ring.daemons[LOSING].host

    def found() -> list[LogEvent]:
        """Return what those say that are not heard: who forms the ring finds out."""
        return [event for each in ring.daemons[:LOSING] for event in findings(each, "one-way-link")]

    with ring.stage() as stage:
        deaf.drop_arriving(PORT, PORT + 1)
        try:
            stage.until(found, "the one-way link to be found")
        finally:
            deaf.pass_arriving(PORT, PORT + 1)

    event = found()[0]
    assert event.fields["subject"] in ("d1 -> d3", "d2 -> d3")
    assert "d3 is heard by d" in event.fields["finding"]


def test_a_clock_that_is_set_is_told_with_step_and_direction(ring: Ring) -> None:
    daemon = ring.daemons[0]
    with ring.stage() as stage:
        clock_file(daemon).write_text("5")

        stage.until(lambda: findings(daemon, "clock-step"), "the step to be found")

    (event,) = findings(daemon, "clock-step")
    assert event.fields["finding"] == "the clock of d1's host was set ahead by 5.0 s"


def test_damaged_datagrams_are_told_with_their_sender(ring: Ring) -> None:
    daemon, sender = ring.daemons[0], ring.daemons[BUFFERED]
    with ring.stage() as stage, sight_from(daemon) as sight:
        stage.until(lambda: sight.report("d1"), "a report")
        report = sight.report("d1")
        assert report is not None
        packet = bytearray(make_packet(PacketHeader(Kind.PING, number=1), report.ring_hash, b""))
        packet[-1] ^= 1
        with sender.host.namespace.entered(), socket.socket(type=socket.SOCK_DGRAM) as sock:
            sock.sendto(packet, (daemon.host.address, PORT))

        stage.until(lambda: sight.finding("damaged-datagrams"), "the damage to be found")
        finding = sight.finding("damaged-datagrams")

    assert finding is not None
    assert "d1 dropped 1 damaged datagrams of d2 (10.1.0.2)" in finding.sentence


def test_datagrams_that_the_own_host_refuses_are_told(ring: Ring) -> None:
    daemon = ring.daemons[BUFFERED]
    with ring.stage() as stage:
        daemon.host.namespace.ip("route add prohibit 10.1.0.3/32")
        try:
            stage.until(lambda: findings(daemon, "send-refused"), "the refusal to be found")
        finally:
            daemon.host.namespace.ip("route del prohibit 10.1.0.3/32")

    event = findings(daemon, "send-refused")[-1]
    assert "a filter of this host refused them" in event.fields["finding"]


def test_the_host_that_makes_the_token_wait_is_named(ring: Ring) -> None:
    slow = ring.daemons[BUFFERED]
    with ring.stage() as stage, sight_from(ring.daemons[0]) as sight:
        ends = False

        def pulse() -> None:
            (slow.resume if slow.is_paused else slow.pause)()
            if not (ends and not slow.is_paused):
                stage.agenda.after(PULSE_NS, pulse)

        pulse()
        stage.until(lambda: sight.finding("slow-host"), "the slow host to be found")
        finding = sight.finding("slow-host")
        ends = True
        stage.until(lambda: not slow.is_paused, "the host to run again")

    assert finding is not None
    assert finding.subject == "d2"
    assert "d2 holds up the token" in finding.sentence


def test_segments_that_are_one_network_are_told_and_do_not_feed_each_other(tmp_path: Path) -> None:
    with two_segments_of_one_network(tmp_path, (2, 2)) as ring, ring.stage() as stage:
        sender, far = ring.daemons[0], ring.daemons[2]
        talker = stage.client(0, "talker", "tea")
        stage.client(2, "listener", "tea")

        def is_found() -> bool:
            if _is_caught_up(stage):
                talker.multicast(AGREED_MESS, [b"tea"], LARGE)
            return bool(findings(far, "shared-lan"))

        stage.until(is_found, "the network to be found")
        sender.terminate()
        far.terminate()
        stage.until(lambda: not (sender.is_running or far.is_running), "both to stop")
        made = sender.find("statistics")[0].fields["packets_made"]
        came = far.find("statistics")[0].fields["packets_received"]

    event = findings(far, "shared-lan")[0]
    assert "its segment and that of d11 and d12 seem to be one network" in event.fields["finding"]
    assert came < 4 * made

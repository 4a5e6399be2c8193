"""What is wrong outside of a daemon: it is told with peer, cause and remedy, and serves on."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.switch import Host, Plug
from tests.netns.daemons import PORT, Daemon, LogEvent, configuration, segment
from tests.netns.rings import Ring, lan
from tests.netns.stage import Stage

CLIENTS = 4
SOME = 300
PATIENCE = 40.0  # Seconds; who failed is tried again less and less often.

GROUP = "239.255.1.1"
DAY_S = 24 * 60 * 60

# Read by the interpreter at its start: the daemon's wall clock goes wrong by so many seconds.
CLOCK = """\
import time

_seconds, _nanoseconds = time.time, time.time_ns
time.time = lambda: _seconds() + {offset}
time.time_ns = lambda: _nanoseconds() + {offset} * 1_000_000_000
"""


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ring]:
    """A ring of three, with a fourth host on its switch."""
    with lan(tmp_path_factory.mktemp("bad_input"), 3) as started:
        started.switch.add_host("stranger", Plug("eth0", "10.1.0.99/24", "main"))
        yield started


def stranger(ring: Ring) -> Host:
    return ring.switch.hosts["stranger"]


def told(daemon: Daemon, about: str, *words: str) -> list[LogEvent]:
    """Return complaints about a peer, by name or address, that give cause and remedy."""
    found = [
        *daemon.find("trouble with a daemon", about, *words),
        *daemon.find("packet of a stranger dropped", about, *words),
    ]
    assert all(each.fields["remedy"] for each in found)
    assert all(each.fields.get("cause") or each.fields.get("reason") for each in found)
    return found


def until_told(stage: Stage, daemon: Daemon, about: str, *words: str) -> None:
    stage.until(
        lambda: told(daemon, about, *words),
        f"{daemon.name} to tell of {about}: {' '.join(words)}",
        PATIENCE,
    )


def set_clock(daemon: Daemon, offset_s: int) -> None:
    """Let the clock of a daemon's next life be wrong."""
    directory = daemon.directory / "clock"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "sitecustomize.py").write_text(CLOCK.format(offset=offset_s))
    daemon.environment["PYTHONPATH"] = str(directory)


# -- Strangers ------------------------------------------------------------------------------------


def test_daemons_of_two_configurations_on_one_network_stay_apart(ring: Ring) -> None:
    places = {each.name: each.host.address for each in ring.daemons} | {"d4": "10.1.0.99"}
    other = ring.add_daemon(stranger(ring), "d4", configuration(segment(places)))
    with ring.stage() as stage:
        before = ring.daemons[0].ring_id
        stage.talk(CLIENTS, seed=90)
        other.start()
        try:
            for daemon in ring.daemons:
                until_told(stage, daemon, "10.1.0.99", "another configuration")
            until_told(stage, other, "10.1.0.", "another configuration")
            stage.until(lambda: other.ring == ("d4",), "the stranger to be alone")
            stage.until_delivered(SOME)
        finally:
            other.close()

        stage.finish()
        assert ring.daemons[0].ring_id == before


@pytest.mark.parametrize(
    ("datagram", "reason"),
    [
        (bytes.fromhex("80000080") + bytes(60), "classic"),
        (bytes.fromhex("800000c0") + bytes(1400), "classic"),
        (b"GET / HTTP/1.1\r\n\r\n", "no packet of a daemon"),
        (b"", "no packet of a daemon"),
        (bytes(65_000), "no packet of a daemon"),
        (b"\xf5sr\x02\x63" + bytes(80), "another version"),
    ],
    ids=["classic data", "classic other", "text", "empty", "large", "other version"],
)
def test_datagrams_of_others_are_dropped_and_told(ring: Ring, datagram: bytes, reason: str) -> None:
    with ring.stage() as stage:
        before = ring.daemons[0].ring_id
        stage.talk(CLIENTS, seed=91)
        with stranger(ring).namespace.entered():
            sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with sender:
            for port in (PORT, PORT + 1):
                sender.sendto(datagram, (ring.daemons[0].host.address, port))
            sender.sendto(datagram, (GROUP, PORT))
            until_told(stage, ring.daemons[0], "10.1.0.99", reason)
        stage.until_delivered(SOME)

        stage.finish()
        assert ring.daemons[0].ring_id == before


def test_a_daemon_that_stops_says_what_it_dropped(ring: Ring) -> None:
    with ring.stage() as stage:
        with stranger(ring).namespace.entered():
            sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with sender:
            for _ in range(7):
                sender.sendto(b"GET / HTTP/1.1\r\n\r\n", (ring.daemons[2].host.address, PORT))
        until_told(stage, ring.daemons[2], "10.1.0.99", "no packet of a daemon")
        ring.daemons[2].terminate()
        stage.until(lambda: not ring.daemons[2].is_running, "d3 to end")

    (stopped,) = ring.daemons[2].find("daemon stopped")
    assert stopped.fields["dropped_not_ours"] >= 7


def test_packets_that_are_repeated_or_damaged_by_others_change_nothing(ring: Ring) -> None:
    with ring.stage() as stage:
        before = ring.daemons[0].ring_id
        with stranger(ring).namespace.entered():
            tap = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with tap:
            membership = socket.inet_aton(GROUP) + socket.inet_aton("10.1.0.99")
            tap.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
            tap.bind((GROUP, PORT))
            tap.setblocking(False)
            stage.talk(CLIENTS, seed=92)
            count = 0
            while count < 200:
                stage.until_delivered(1)
                count += _repeat(tap, count)
        until_told(stage, ring.daemons[1], "10.1.0.99", "damaged")

        stage.finish()
        assert ring.daemons[0].ring_id == before


def _repeat(tap: socket.socket, number: int) -> int:
    """Send a packet of the ring that was heard once more, and with a wrong bit."""
    try:
        heard, (source, _) = tap.recvfrom(1 << 16)
    except BlockingIOError:
        return 0
    if source == "10.1.0.99":
        return 0
    damaged = bytearray(heard)
    damaged[number % len(heard)] ^= 1 << number % 8
    for data in (heard, bytes(damaged)):
        tap.sendto(data, (GROUP, PORT))
    return 1


def test_a_second_daemon_with_the_same_name_is_told_and_disturbs_no_other(ring: Ring) -> None:
    double = ring.add_daemon(stranger(ring), "d2")
    with ring.stage() as stage:
        stage.talk(CLIENTS, seed=93)
        stage.until_delivered(SOME)
        double.start()
        try:
            for daemon in (ring.daemons[0], ring.daemons[2]):
                until_told(stage, daemon, "d2", "two running daemons use this name")
            stage.until_delivered(SOME)
            stage.until(
                lambda: {"d1", "d3"} <= {*ring.daemons[0].ring} == {*ring.daemons[2].ring},
                "the others in one ring",
                PATIENCE,
            )
        finally:
            double.close()
        ring.daemons[1].kill()
        ring.daemons[1].start()

        stage.finish(PATIENCE)


# -- Hosts ----------------------------------------------------------------------------------------


def test_a_daemon_on_a_host_with_another_address_is_told(tmp_path: Path) -> None:
    with lan(tmp_path, 3, starts=False) as ring:
        host = ring.daemons[2].host
        host.namespace.ip("address flush dev eth0", "address add 10.1.0.33/24 dev eth0")
        host.route_multicast()
        ring.daemons[2].address = "10.1.0.33"
        stage = Stage(ring.daemons)
        try:
            ring.repair()
            stage.until_rings([0, 1])
            until_told(stage, ring.daemons[0], "d3", "another address")
            until_told(stage, ring.daemons[1], "d3", "another address")
            stage.talk(CLIENTS, seed=94)
            stage.until_delivered(SOME)
        finally:
            stage.close()


def test_a_clock_far_ahead_is_told_and_keeps_its_daemon_out(tmp_path: Path) -> None:
    with lan(tmp_path, 3, starts=False) as ring:
        set_clock(ring.daemons[2], 30 * DAY_S)
        stage = Stage(ring.daemons)
        try:
            ring.repair()
            stage.until_rings([0, 1], [2])
            until_told(stage, ring.daemons[0], "d3", "ahead")
            stage.talk(CLIENTS, seed=95)
            stage.until_delivered(SOME)
            ring.daemons[2].kill()
            set_clock(ring.daemons[2], 0)
            (ring.daemons[2].directory / "ring-time").unlink(missing_ok=True)
            ring.daemons[2].start()
        finally:
            stage.close()


@pytest.mark.parametrize("offset_s", [3_600, -3_600, -3_650 * DAY_S], ids=["1h", "-1h", "-10y"])
def test_a_clock_that_is_wrong_by_less_does_not_matter(tmp_path: Path, offset_s: int) -> None:
    with lan(tmp_path, 3) as ring, ring.stage() as stage:
        stage.talk(CLIENTS, seed=96)
        ring.daemons[1].kill()
        set_clock(ring.daemons[1], offset_s)
        ring.daemons[1].start()

        stage.finish(PATIENCE)


# -- Links ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("victim", [0, 2], ids=["leader", "member"])
def test_a_firewall_before_the_token_port_is_told_and_the_others_go_on(
    tmp_path: Path, victim: int
) -> None:
    others = [number for number in range(3) if number != victim]
    with lan(tmp_path, 3, starts=False) as ring:
        ring.daemons[victim].host.drop_arriving(PORT + 1)
        stage = Stage(ring.daemons)
        try:
            ring.repair()
            stage.until_rings(others, [victim], seconds=PATIENCE)
            stage.until(
                lambda: any(
                    told(ring.daemons[number], f"d{victim + 1}", "firewalls") for number in others
                ),
                "somebody to tell of the firewall",
                PATIENCE,
            )
            stage.talk(CLIENTS, seed=97)
            stage.until_delivered(SOME)

            ring.daemons[victim].host.pass_arriving(PORT + 1)
            if victim > 0:
                stage.finish(PATIENCE)  # Which may take until it is tried again.
        finally:
            stage.close()


def test_multicast_that_does_not_arrive_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    with lan(tmp_path, 3, starts=False) as ring:
        ring.switch.set_multicast("h3", passes=False)
        stage = Stage(ring.daemons)
        try:
            ring.repair()
            stage.until(
                lambda: all({"d1", "d2"} <= set(each.ring) for each in ring.daemons[:2]),
                "a ring with d1 and d2",
            )
            stage.talk(CLIENTS, seed=98)
            stage.until(
                lambda: (
                    any(told(each, "d3", "multicast") for each in ring.daemons[:2])
                    or told(ring.daemons[2], "d1", "multicast")
                    or told(ring.daemons[2], "d2", "multicast")
                ),
                "somebody to tell that multicast is missing",
                PATIENCE,
            )
            stage.until_delivered(SOME)

            ring.switch.set_multicast("h3", passes=True)
            stage.finish(PATIENCE)
        finally:
            stage.close()


def test_a_link_of_one_way_does_not_break_the_ring_of_the_others(tmp_path: Path) -> None:
    with lan(tmp_path, 3, options=["Multicast = no"]) as ring, ring.stage() as stage:
        stage.talk(CLIENTS, seed=99)
        stage.until_delivered(SOME)
        ring.daemons[2].host.drop_arriving(PORT, PORT + 1)
        stage.until_rings([0, 1], [2], seconds=PATIENCE)
        until_told(stage, ring.daemons[0], "d3", "does not hear this daemon")
        stage.until_delivered(SOME)

        ring.daemons[2].host.pass_arriving(PORT, PORT + 1)
        stage.finish(PATIENCE)

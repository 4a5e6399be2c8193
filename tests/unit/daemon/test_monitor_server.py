"""What a daemon decides about datagrams of monitors, by itself and against the recorded cases.

Where it differs from the recording on purpose, `EXCEPTIONS` says how and why.
"""

import json
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spread.config import Configuration
from spread.config.load import parse
from spread.config.model import EventType
from spread.daemon.cookies import PERIOD_NS
from spread.daemon.monitor_decisions import (
    Answer,
    Ask,
    Decision,
    Partition,
    Reload,
    SetWindows,
    Stop,
)
from spread.daemon.monitor_limits import ALL_BURST, BURST, RELOAD_BURST, REPLY_BURST, REPLY_RATE
from spread.daemon.monitor_server import MonitorServer, known_networks
from spread.monitor.protocol import (
    Command,
    Datagram,
    Request,
    decode_status,
    encode_datagram,
    encode_request,
)
from spread.monitor.queries import REQUEST_SIZE_MIN, Kind, Query, decode_part, encode_query
from spread.monitor.report import Report, RingName, Windows
from tests.unit.daemon.event_list import EventList

VECTORS = Path(__file__).parents[2] / "vectors" / "monitor"
RECORDING = json.loads((VECTORS / "hand-made-requests.json").read_text())
CASES = {case["case"]: case for case in RECORDING["cases"]}

EXCEPTIONS = {
    "status with the old hash": "the hash that monitors see does not change by a reload: answered",
    "partition, body of 4 entries": "a map that is cut is refused",
    "flow control, all zero": "windows that stop the daemon are refused",
    "status shows zero windows": "they have been refused",
    "reload from an unlisted sender": "a reload needs a configured sender, like all else",
}

PORT = 40_000
"""From which a monitor asks."""

REPORT = Report(
    daemon="d1",
    address="127.0.0.1",
    uptime_s=6.5,
    ring=RingName("d1", 5),
    members=("d1",),
    windows=Windows(160, 20, 15),
    counters={"token_resends": 9, "installs": 1},
    gauges={"round": 15.0},
)


class Host:
    def local_addresses(self) -> tuple[str, ...]:
        return ("127.0.0.1",)

    def own_name_addresses(self) -> tuple[str, ...]:
        return ()

    def look_up(self, name: str) -> str | None:
        del name
        return None

    def meaningless_options(self) -> dict[str, str]:
        return {}

    def log_problem(self, path: str) -> str | None:
        del path
        return None


class Clock:
    now_ns = 1

    def __call__(self) -> int:
        return self.now_ns


class Bench:
    """A server for the daemon d1 of the recorded configuration."""

    def __init__(self, *, dangerous: bool = False, allowed: tuple[str, ...] = ()) -> None:
        text = RECORDING["config_dangerous" if dangerous else "config"]
        self.configuration = read(text)
        self.log = EventList()
        self.clock = Clock()
        self.server = MonitorServer(
            self.configuration,
            log=self.log,
            clock_ns=self.clock,
            allowed=[IPv4Network(each) for each in allowed],
        )

    def take(self, data: bytes, source: str = "127.0.0.1") -> Decision | None:
        """Have a datagram judged, and what is decided told as if it had been done."""
        decision = self.server.datagram(data, source, PORT, REPORT)
        if isinstance(decision, (Partition, SetWindows, Stop)):
            self.server.carried_out(decision.told)
        return decision

    def cookie(self, source: str = "127.0.0.1") -> bytes:
        """Return what a query without a cookie brings to its source."""
        answer = self.take(encode_query(Query(1, Kind.REPORT)), source)
        assert isinstance(answer, Answer)
        assert (answer.address, answer.port) == (source, PORT)
        (datagram,) = answer.datagrams
        return decode_part(datagram).cookie

    def ask(self, query: Query, source: str = "127.0.0.1") -> Decision | None:
        """Take a query of an asker who has got his cookie."""
        return self.take(encode_query(replace(query, cookie=self.cookie(source))), source)


def read(text: str) -> Configuration:
    return parse(text.encode(), "spread.conf", host=Host()).configuration


def request(command: Command, **more) -> bytes:
    return encode_request(Request(command, "127.0.0.1", 6600, **more))


@pytest.mark.parametrize("name", [name for name in CASES if name not in EXCEPTIONS])
def test_recorded_request_has_the_recorded_effect(name):
    case = CASES[name]
    bench = Bench(dangerous=case["dangerous_monitor"])

    decision = bench.take(bytes.fromhex(case["request"]))

    if case["to_port"] == 5200:
        assert (decision is None) == (
            case["reaction"].startswith("ignored") or "ignored" in case["reaction"]
        )
        assert isinstance(decision, Answer) == (case["reply"] is not None)
        assert isinstance(decision, Stop) == case["daemon_exited"]
        assert bool(bench.log.events) == case["logged"]
    if "logged under" in case["reaction"]:
        kind = EventType[case["reaction"].rpartition(" ")[2]]
        assert bench.log.told[0].types & kind


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_exception_is_refused_or_answered_with_a_line_in_the_log(name):
    bench = Bench(dangerous=CASES[name]["dangerous_monitor"])

    decision = bench.take(bytes.fromhex(CASES[name]["request"]))

    assert isinstance(decision, Answer) == name.startswith("status")
    assert decision is None or isinstance(decision, Answer)


def test_first_status_reply_is_the_recorded_one_byte_for_byte():
    bench = Bench()
    case = CASES["status, little endian"]

    answer = bench.take(bytes.fromhex(case["request"]))

    assert answer == Answer("127.0.0.1", 6600, (bytes.fromhex(case["reply"]),))


def test_status_reply_goes_to_the_port_asked_for_in_the_own_byte_order():
    answer = Bench().take(encode_request(Request(Command.STATUS, "127.0.0.2", 7, order="big")))

    assert isinstance(answer, Answer)
    assert (answer.address, answer.port) == ("127.0.0.2", 7)
    assert decode_status(answer.datagrams[0]).order == "little"


def test_partition_names_the_components_of_the_configured_daemons():
    decision = Bench(dangerous=True).take(request(Command.PARTITION, components=(3, 1, 9, 9)))

    assert isinstance(decision, Partition)
    assert decision.components == {"d1": 3, "d2": 1}


def test_map_of_zeros_ends_a_partition():
    decision = Bench(dangerous=True).take(request(Command.PARTITION))

    assert isinstance(decision, Partition)
    assert decision.components == {}


def test_own_entry_of_minus_one_stops_the_daemon_and_says_who_asked():
    bench = Bench(dangerous=True)

    decision = bench.take(request(Command.PARTITION, components=(-1, 0)))

    assert isinstance(decision, Stop)
    ((wording, fields),) = bench.log.events
    assert wording == "stopped by a monitor"
    assert fields["asked_by"] == "127.0.0.1:40000 as 127.0.0.1"


def test_recorded_windows_are_taken():
    case = CASES["flow control, big endian"]

    decision = Bench(dangerous=True).take(bytes.fromhex(case["request"]))

    assert isinstance(decision, SetWindows)
    assert (decision.window, decision.personal, decision.accelerated) == (150, 50, 10)


def test_windows_that_are_kept_are_not_named():
    case = CASES["flow control, keep everything"]

    decision = Bench(dangerous=True).take(bytes.fromhex(case["request"]))

    assert isinstance(decision, SetWindows)
    assert (decision.window, decision.personal, decision.accelerated) == (None, None, None)


@pytest.mark.parametrize(
    ("pair", "window", "fault"),
    [
        ((0, 0), 0, "all windows are 0"),
        ((0, 10), 100, "personal window 0"),
        ((20, 10), 0, "window 0"),
        ((20, -2), 100, "accelerated window -2"),
        ((20, 10), 769, "window 769"),
        ((101, 10), 100, "personal window 101 is above window 100"),
        ((20, 21), 100, "accelerated window 21 is above personal window 20"),
        ((-1, 10), 15, "personal window 20 is above window 15"),
    ],
)
def test_windows_that_cannot_be_are_refused_with_the_reason(pair, window, fault):
    bench = Bench(dangerous=True)

    decision = bench.take(request(Command.FLOW_CONTROL, pairs=(pair, (20, 15), (window, 0))))

    assert decision is None
    assert fault in str(bench.log.events[0][1]["fault"])


def test_reload_is_taken_without_dangerous_monitor():
    assert isinstance(Bench().take(request(Command.RELOAD)), Reload)


@pytest.mark.parametrize("kind", [Kind.RELOAD, Kind.RELOAD_PREVIEW])
def test_reload_by_a_query_needs_a_configured_host_as_the_command_does(kind):
    bench = Bench()

    assert bench.ask(Query(1, kind)) is None
    assert bench.ask(Query(1, kind, {}, "10.9.9.9")) is None
    assert isinstance(bench.ask(Query(1, kind, {}, "127.0.0.1")), Ask)


def test_reloads_for_all_who_have_a_cookie_are_limited_together():
    bench = Bench()
    query = Query(1, Kind.RELOAD, {}, "127.0.0.1")
    sources = [f"127.0.0.{number}" for number in range(1, 2 * RELOAD_BURST + 1)]

    asked = [bench.ask(query, source=each) for each in sources]
    preview = bench.ask(replace(query, kind=Kind.RELOAD_PREVIEW))
    bench.clock.now_ns += 1_000_000_000

    assert sum(each is not None for each in asked) == RELOAD_BURST
    assert preview is None
    assert bench.ask(query) is not None


def test_reloads_that_may_be_forged_are_limited_and_leave_those_with_a_cookie_theirs():
    bench = Bench()
    query = Query(1, Kind.RELOAD, {}, "127.0.0.1")

    forged = [bench.take(request(Command.RELOAD)) for _ in range(2 * RELOAD_BURST)]

    assert sum(each is not None for each in forged) == RELOAD_BURST
    assert isinstance(bench.ask(query), Ask)


def test_query_is_handed_on_with_the_source_of_its_datagram():
    query = Query(5, Kind.GROUPS, {"offset": 0})

    bench = Bench()

    decision = bench.ask(query)

    assert decision == Ask(replace(query, cookie=bench.cookie()), "127.0.0.1", PORT)


def test_query_without_its_sources_cookie_is_answered_by_the_cookie_only():
    bench = Bench()
    cookie = bench.cookie()
    query = encode_query(Query(1, Kind.REPORT, cookie=cookie))

    elsewhere = bench.take(query, source="127.0.0.2")
    other_port = bench.server.datagram(query, "127.0.0.1", PORT + 1, REPORT)

    for each in (elsewhere, other_port):
        assert isinstance(each, Answer)
        assert sum(map(len, each.datagrams)) < REQUEST_SIZE_MIN
    assert isinstance(bench.take(query), Ask)
    assert bench.server.counters["monitor_cookies"] == 3


def test_cookie_is_taken_for_one_period_more_and_then_another_one_is_sent():
    bench = Bench()
    query = encode_query(Query(1, Kind.REPORT, cookie=bench.cookie()))
    bench.clock.now_ns += PERIOD_NS

    renewed = bench.take(query)
    bench.clock.now_ns += PERIOD_NS

    assert isinstance(renewed, Ask)
    assert isinstance(bench.take(query), Answer)
    assert isinstance(bench.take(encode_query(renewed.query)), Ask)


def test_requests_under_a_forged_address_use_up_nothing_of_the_host_that_has_it():
    bench = Bench()
    query = encode_query(Query(1, Kind.REPORT, cookie=bench.cookie()))
    forged = encode_query(Query(1, Kind.REPORT))

    answers = [bench.take(forged) for _ in range(5 * BURST)]

    assert answers[-1] is None
    assert isinstance(bench.take(query), Ask)


def test_requests_of_all_that_have_shown_nothing_are_limited_together():
    bench = Bench()
    proven = encode_query(Query(1, Kind.REPORT, cookie=bench.cookie()))
    data = request(Command.STATUS)

    answers = [bench.take(data, f"127.0.{n // 256}.{n % 256}") for n in range(ALL_BURST + 99)]

    assert sum(each is not None for each in answers) == ALL_BURST - 1
    assert isinstance(bench.take(proven), Ask)


def test_status_as_port_zero_is_refused():
    data = encode_request(Request(Command.STATUS, "127.0.0.1", 0x10000))

    assert Bench().take(data) is None


@pytest.mark.parametrize("command", [Command.STATUS, Command.RELOAD, Command.PARTITION])
def test_host_outside_the_configuration_is_ignored_counted_and_told_once(command):
    bench = Bench(dangerous=True)

    decisions = [bench.take(request(command), source=f"10.9.9.{host}") for host in range(3)]

    assert decisions == [None] * 3
    assert bench.server.counters["monitor_strangers"] == 3
    ((wording, fields),) = bench.log.events
    assert wording == "request of a monitor ignored"
    assert "--monitor-allow" in str(fields["remedy"])


def test_host_of_an_allowed_network_is_answered():
    bench = Bench(allowed=("10.9.0.0/16",))
    data = encode_request(Request(Command.STATUS, "10.9.9.1", 6600))

    answer = bench.take(data, source="10.9.9.1")

    assert isinstance(answer, Answer)
    assert answer.address == "10.9.9.1"


def test_refusals_of_a_kind_are_told_once_a_minute():
    bench = Bench()

    for _ in range(4):
        bench.take(request(Command.PARTITION, components=(1, 0)))
    bench.clock.now_ns += 60_000_000_000
    bench.take(request(Command.PARTITION, components=(1, 0)))

    assert [fields["since"] for _, fields in bench.log.events] == [0, 3]
    assert bench.server.counters["monitor_refused"] == 5


def test_flood_of_one_source_is_limited_and_counted_and_others_are_answered():
    bench = Bench()
    data = encode_request(Request(Command.STATUS, "127.0.0.1", 6600))

    answers = [bench.take(data) for _ in range(BURST + 20)]

    assert sum(each is not None for each in answers) == BURST
    assert bench.server.counters["monitor_limited"] == 20
    assert bench.take(data, source="127.0.0.2") is not None


def test_long_replies_to_one_source_are_limited():
    bench = Bench()
    query = encode_query(Query(1, Kind.GROUPS, cookie=bench.cookie()))
    told = 0

    for _ in range(BURST // 2):
        if bench.take(query) is not None:
            bench.server.answered("127.0.0.1", 64)
            told += 64
    other = bench.ask(Query(1, Kind.GROUPS), source="127.0.0.2")
    bench.clock.now_ns += 1_000_000_000 * 64 // REPLY_RATE

    assert REPLY_BURST <= told < REPLY_BURST + 64
    assert bench.server.counters["monitor_limited"] == BURST // 2 - told // 64
    assert other is not None
    assert bench.take(query) is not None


def test_strangers_do_not_make_a_daemon_forget_who_has_sent_too_much():
    bench = Bench()
    data = encode_request(Request(Command.STATUS, "127.0.0.1", 6600))
    for _ in range(BURST):
        bench.take(data)

    for number in range(300):
        bench.take(data, source=f"10.1.{number // 256}.{number % 256}")

    assert bench.take(data) is None
    assert bench.server.counters["monitor_strangers"] == 300


def test_known_networks_are_those_of_hosts_that_may_ask():
    bench = Bench()
    allowed = [IPv4Network("10.7.0.0/16")]

    networks = known_networks(bench.configuration, ["192.0.2.1"], allowed)

    assert (0x7F000000, 0xFF000000) in networks
    assert (0x0A070000, 0xFFFF0000) in networks
    assert (0xC0000201, 0xFFFFFFFF) in networks
    assert (0x7F000001, 0xFFFFFFFF) in networks
    assert networks[-1] == (0x0A070000, 0xFFFF0000), "the ring's own hosts come first"


def test_new_configuration_decides_from_then_on():
    bench = Bench()

    bench.server.reconfigure(read(RECORDING["config_dangerous"]))

    assert isinstance(bench.take(request(Command.PARTITION, components=(1, 0))), Partition)


@given(
    command=st.sampled_from(Command),
    order=st.sampled_from(("little", "big")),
    words=st.lists(
        st.sampled_from((0, 1100, 15051963, 0x7F000001, 0xFFFFFFFF)), min_size=7, max_size=7
    ),
    size=st.sampled_from((0, 256, 512, 100)),
    body=st.binary(max_size=600),
)
def test_any_datagram_is_judged(command, order, words, size, body):
    bits = command | (0x80000080 if order == "little" else 0)
    data = encode_datagram(Datagram(order, bits, *words, size, 0, 0, 0, body))

    decision = Bench(dangerous=True).take(data)

    assert decision is None or isinstance(decision, Decision)


@given(data=st.binary(max_size=80))
def test_any_bytes_are_judged(data):
    assert Bench(dangerous=True).take(data) is None


def test_command_that_has_not_been_done_is_not_in_the_log():
    bench = Bench(dangerous=True)
    data = request(Command.PARTITION, components=(3, 1))

    decision = bench.server.datagram(data, "127.0.0.1", PORT, REPORT)
    before = list(bench.log.events)
    assert isinstance(decision, Partition)
    bench.server.carried_out(decision.told)

    assert before == []
    ((wording, fields),) = bench.log.events
    assert (wording, fields["component"]) == ("partitioned by a monitor", 3)

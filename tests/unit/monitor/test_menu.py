"""The interactive monitor: it sends what Spread's monitor sends, and its traps are mended."""

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spread.config import SystemHost
from spread.config.load import parse
from spread.errors import ConfigurationError
from spread.monitor.menu import Menu
from spread.monitor.protocol import (
    Command,
    StatusRecord,
    StatusReply,
    decode_datagram,
    encode_status,
)
from spread.monitor.queries import decode_query, encode_reply
from spread.monitor.report import Report, Windows, to_json
from spread.monitor.roster import Roster, roster_of

VECTORS = Path(__file__).resolve().parents[2] / "vectors" / "monitor"

THREE = """\
DangerousMonitor = true
Spread_Segment 127.0.0.255:5200 { d1 127.0.0.1 }
Spread_Segment 127.0.0.255:5210 { d2 127.0.0.2 }
Spread_Segment 127.0.0.255:5220 { d3 127.0.0.3 }
"""


def vector(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((VECTORS / f"{name}.json").read_text())
    return found


def roster(text: str, name: str = "d1") -> Roster:
    return roster_of(
        parse(text.encode(), "spread.conf", name=name, host=SystemHost()).configuration
    )


STATUS_OF_D2 = encode_status(StatusReply("127.0.0.2", StatusRecord(my_id="127.0.0.2")))


def not_read() -> Roster:
    raise ConfigurationError("spread.conf:1:1: found 'x': no such statement")


@dataclass
class Desk:
    """A menu, its clock, and what it has said and sent."""

    roster: Roster
    read_again: Callable[[], Roster] = not_read
    now_s: float = 1000.0
    said: list[str] = field(default_factory=list)
    sent: list[tuple[str, int, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.menu = Menu(
            self.roster,
            reply_port=6543,
            interval_s=3,
            now=lambda: self.now_s,
            random_number=itertools.count(1).__next__,
            read_again=self.read_again,
        )

    def type(self, keys: str) -> None:
        for line in keys.splitlines():
            self._note(self.menu.take(line))

    def wait(self, seconds: float) -> None:
        """Let time pass, deadline by deadline."""
        end_s = self.now_s + seconds
        while self.menu.next_deadline() <= end_s:
            self.now_s = max(self.now_s, self.menu.next_deadline())
            self._note(self.menu.due())
        self.now_s = end_s

    def receive(self, data: bytes, address: str) -> None:
        """Take a datagram from that address, and from a port of no meaning."""
        self._note(self.menu.receive(data, (address, 31000)))

    def classic(self) -> list[tuple[str, int, bytes]]:
        """Return what was sent without queries, which classic monitors do not know."""
        return [each for each in self.sent if decode_datagram(each[2]).command is not Command.QUERY]

    def answer_queries(self, **fields: Any) -> None:
        """Let every daemon that was asked for a report send one with these fields."""
        for address, port, data in list(self.sent):
            if decode_datagram(data).command is not Command.QUERY:
                continue
            name = f"d{address[-1]}"
            report = Report(daemon=name, address=address, port=port, uptime_s=100, **fields)
            for part in encode_reply(decode_query(data), to_json(report), address):
                self.receive(part, address)

    def _note(self, text: list[str]) -> None:
        self.said += text
        self.sent += [
            (each.target.address, each.target.port, each.data) for each in self.menu.outgoing()
        ]


@pytest.fixture
def desk() -> Desk:
    return Desk(roster(THREE))


def requests_of(recorded: dict[str, Any]) -> list[tuple[str, int, bytes]]:
    return [
        (each["to"][0], each["to"][1], bytes.fromhex(each["hex"]))
        for each in recorded["packets"]
        if each["direction"] == "monitor to daemon"
    ]


def keys_of(recorded: dict[str, Any]) -> str:
    keys = recorded["keys_typed"]
    return keys if isinstance(keys, str) else "".join(keys)


@pytest.mark.parametrize(
    "name",
    ["partition", "partition-cancel", "flow-control", "flow-control-keep", "kill"],
)
def test_commands_are_those_of_the_recordings_byte_for_byte(name: str) -> None:
    recorded = vector(name)
    desk = Desk(roster(recorded["config"]))

    desk.type(keys_of(recorded))

    assert desk.sent == requests_of(recorded)


def test_reload_is_that_of_the_recording_byte_for_byte() -> None:
    recorded = vector("reload")
    desk = Desk(roster(recorded["config"]), lambda: roster(recorded["config"]))

    desk.type(keys_of(recorded))

    assert desk.sent == requests_of(recorded)


def test_status_is_asked_for_as_in_the_recording_at_once_and_again() -> None:
    recorded = vector("status")
    desk = Desk(roster(recorded["config"]))

    desk.type(keys_of(recorded))
    desk.wait(3)

    assert desk.sent == requests_of(recorded)


@pytest.mark.parametrize("name", ["status", "status-after-loss", "status-while-partitioned"])
def test_screen_shows_the_numbers_of_the_recording(name: str) -> None:
    recorded = vector(name)
    desk = Desk(roster(recorded["config"]))
    desk.type("0\nall\n\n")
    replies = [each for each in recorded["packets"] if each["direction"] != "monitor to daemon"]

    for reply, screen in zip(replies, recorded["screen"], strict=True):
        desk.said.clear()
        desk.receive(bytes.fromhex(reply["hex"]), reply["fields"]["proc_id"])
        shown = "\n".join(desk.said)

        assert f"Status at {screen['daemon']} V 4.4.0 (state {screen['state']} " in shown
        assert f"gstate {screen['gstate']} " in shown
        assert f"after {screen['sec']} seconds" in shown
        assert f"{screen['num_procs']} procs in {screen['num_segments']} segments" in shown
        assert f"leader is {screen['leader']}, {screen['protocol']} protocol" in shown
        assert dict(labelled(desk.said)) | {
            "rounds": str(screen["token_rounds"]),
            "tok_hurry": str(screen["token_hurry"]),
            "memb change": str(screen["membership_changes"]),
            "sent pack": str(screen["packet_sent"]),
            "recv pack": str(screen["packet_recv"]),
            "retrans": str(screen["retrans"]),
            "u retrans": str(screen["u_retrans"]),
            "s retrans": str(screen["s_retrans"]),
            "b retrans": str(screen["b_retrans"]),
            "My_aru": str(screen["my_aru"]),
            "Aru": str(screen["aru"]),
            "Highest seq": str(screen["highest_seq"]),
            "Sessions": str(screen["num_sessions"]),
            "Groups": str(screen["num_groups"]),
            "Window": str(screen["window"]),
            "Deliver M": str(screen["message_delivered"]),
            "Deliver Pk": str(screen["packet_delivered"]),
            "P/A Window": f"{screen['personal_window']}/{screen['accelerated_window']}",
        } == dict(labelled(desk.said))


def labelled(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Yield label and value of the six lines with three of each, and of the differences."""
    for line in lines[3:-1]:
        for at in range(0, len(line), 26):
            label, _, value = line[at : at + 26].partition(":")
            yield label.strip(), value.strip()


def test_differences_are_those_to_the_reply_before_of_the_same_daemon() -> None:
    recorded = vector("status")
    desk = Desk(roster(recorded["config"]))
    desk.type("0\nall\n\n")
    replies = [each for each in recorded["packets"] if each["direction"] != "monitor to daemon"]
    first, second = (each for each in replies if each["fields"]["proc_id"] == "127.0.0.2")

    for reply in replies:
        desk.said.clear()
        desk.receive(bytes.fromhex(reply["hex"]), reply["fields"]["proc_id"])
        if reply is second:
            break

    seconds = second["fields"]["status"]["sec"] - first["fields"]["status"]["sec"]
    assert seconds == 3
    assert dict(labelled(desk.said))["Delta sec"] == str(seconds)


def test_windows_that_were_never_defined_are_not_sent(desk: Desk) -> None:
    desk.type("6\n")

    assert desk.sent == []
    assert "define them with 5" in desk.said[-1]


def test_a_partition_that_was_never_defined_is_not_sent(desk: Desk) -> None:
    desk.type("2\n")

    assert desk.sent == []


def test_whoever_defines_windows_is_told_how_large_they_can_be(desk: Desk) -> None:
    desk.type("5\n")

    assert any("at most 768 for daemons of ours" in line for line in desk.said)


def test_a_window_of_zero_is_asked_for_again(desk: Desk) -> None:
    desk.type("5\n0\n")

    assert desk.menu.prompt == "window of all: "
    assert "'0' is no window" in desk.said[-1]


def test_accelerated_windows_are_kept_where_the_file_does_not_ask_for_them(desk: Desk) -> None:
    desk.type("5\n100\n15\n16\n17\n6\n")

    body = decode_datagram(desk.sent[0][2]).body
    assert body[:12] == b"\x0f\x00\xff\xff\x10\x00\xff\xff\x11\x00\xff\xff"


def test_a_partition_is_sent_again_before_daemons_forget_it(desk: Desk) -> None:
    desk.type("1\n0\n0\n1\n2\n")
    first = desk.classic()
    desk.wait(25)

    assert desk.classic() == first * 2


def test_a_cancelled_partition_is_not_sent_again(desk: Desk) -> None:
    desk.type("1\n0\n0\n1\n2\n4\n")
    count = len(desk.classic())
    desk.wait(60)

    assert len(desk.classic()) == count


def test_nothing_chosen_ends_the_status(desk: Desk) -> None:
    desk.type("0\nall\n\n0\nnone\n\n")
    desk.sent.clear()
    desk.wait(60)

    assert desk.sent == []


def test_an_unknown_name_is_named_and_asked_for_again(desk: Desk) -> None:
    desk.type("0\nd9\nd2\n\n")

    assert "there is no daemon d9; there are d1, d2, d3" in desk.said
    assert [each[0] for each in desk.sent] == ["127.0.0.2"]


def test_a_daemon_without_a_reply_is_named_once_with_what_to_check(desk: Desk) -> None:
    desk.type("0\nd2\n\n")
    desk.wait(10)

    named = [line for line in desk.said if line.startswith("d2 does not answer")]
    assert len(named) == 1
    assert any(line.startswith("    check: ") for line in desk.said)


def test_a_daemon_that_nobody_runs_is_named_at_once(desk: Desk) -> None:
    desk.type("0\nd2\n\n")

    shown = desk.menu.failed("127.0.0.2", 5210, "refused")

    assert shown[0].startswith("d2 does not answer: nobody has 127.0.0.2, UDP port 5210")


def test_a_status_reply_from_another_address_is_not_shown(desk: Desk) -> None:
    desk.type("0\nd2\n\n")
    before = len(desk.said)

    desk.receive(STATUS_OF_D2, "10.0.0.9")

    assert len(desk.said) == before
    assert desk.menu.is_waiting


def test_a_status_reply_from_a_further_address_of_the_daemon_is_shown() -> None:
    first, second, third = roster(THREE).targets
    second = replace(second, others=("127.0.0.2", "10.0.0.2"))
    desk = Desk(replace(roster(THREE), targets=(first, second, third)))
    desk.type("0\nd2\n\n")

    desk.receive(STATUS_OF_D2, "10.0.0.2")

    assert any(line.startswith("Status at d2 ") for line in desk.said)


def test_a_report_from_another_address_is_not_shown(desk: Desk) -> None:
    desk = Desk(replace(desk.roster, own=None, own_problem="no entry"))
    desk.type("0\nd3\n\n")
    before = len(desk.said)
    query = decode_query(desk.sent[-1][2])

    for part in encode_reply(query, to_json(Report("d3", "127.0.0.3")), "127.0.0.3"):
        desk.receive(part, "10.0.0.9")

    assert len(desk.said) == before


def test_who_answered_instead_of_a_daemon_is_told(desk: Desk) -> None:
    desk.type("0\nd2\n\n")
    desk.receive(encode_status(StatusReply("10.0.0.9")), "127.0.0.2")
    desk.wait(1)

    assert (
        "d2 does not answer: at 127.0.0.2, UDP port 5210, a daemon answers that calls itself "
        "10.0.0.9" in desk.said
    )


def test_a_host_without_an_entry_asks_by_queries(desk: Desk) -> None:
    stranger = Roster(desk.roster.targets, own=None, own_problem="no entry", path="spread.conf")
    desk = Desk(stranger)

    desk.type("0\nd3\n\n")
    desk.answer_queries(state="GATHER", sessions=7)

    assert desk.classic() == []
    assert any("Status at d3" in line and "state 4 GATHER" in line for line in desk.said)
    assert dict(labelled(desk.said[-11:]))["Sessions"] == "7"


def test_a_command_that_a_daemon_refuses_is_told(desk: Desk) -> None:
    desk.type("1\n0\n0\n1\n2\n")
    desk.wait(2)
    desk.answer_queries(dangerous_monitor=False)

    assert (
        "d3 did not take the partition: it refuses, DangerousMonitor is not set in its "
        "configuration" in desk.said
    )


def test_a_command_that_took_effect_needs_no_words(desk: Desk) -> None:
    desk.type("5\n100\n15\n15\n15\n6\n")
    desk.wait(2)
    before = list(desk.said)
    desk.answer_queries(dangerous_monitor=True, windows=Windows(100, 15, 9))

    assert desk.said == before
    assert not desk.menu.is_waiting


def test_a_broken_file_is_not_sent_to_the_daemons(desk: Desk) -> None:
    desk.type("r\n")

    assert desk.sent == []
    assert "spread.conf:1:1: found 'x': no such statement" in desk.said


def test_reload_shows_both_hashes_and_forgets_definitions(desk: Desk) -> None:
    other = roster(THREE + "Spread_Segment 127.0.0.255:5230 { d4 127.0.0.4 }\n")
    desk = Desk(desk.roster, lambda: other)

    desk.type("1\n0\n0\n1\nr\n2\n")

    assert f"hash of the configuration: {desk.roster.hash} before, {other.hash} now" in desk.said
    assert "define one with 1" in desk.said[-1]


@pytest.mark.parametrize("key", ["9", "q", "quit"])
def test_leaving(desk: Desk, key: str) -> None:
    desk.type(key)

    assert desk.menu.has_ended


def test_stopping_nobody_sends_nothing(desk: Desk) -> None:
    desk.type("8\n\n")

    assert desk.sent == []


@given(st.lists(st.text(alphabet="0123456789qrx-all none d1\té", max_size=6), max_size=40))
def test_no_line_breaks_the_menu(lines: list[str]) -> None:
    desk = Desk(roster(THREE), lambda: roster(THREE))

    for line in lines:
        desk._note(desk.menu.take(line))
    desk.wait(30)

    assert desk.menu.prompt


@given(st.binary(max_size=200))
def test_no_datagram_breaks_the_menu(data: bytes) -> None:
    desk = Desk(roster(THREE))
    desk.type("0\nall\n\n")
    said = len(desk.said)

    desk.receive(data, "127.0.0.1")

    assert len(desk.said) == said

"""Recorded requests of monitors, sent to a real daemon in their order: what it does and answers.

Where this project deliberately differs from the recording ("Differences from Spread 4.4"):

    status with the old hash          answered: the same file has the same hash after a reload
    partition, body of 4 entries      refused: a map must have all its entries
    flow control, all zero            refused: nothing would be sent any more
    status shows zero windows         they are as before
    reload from an unlisted sender    refused
    status after reload               the ring is accelerated from the first start, not only after
                                      a reload, where the file does not say
    kill                              the daemon ends in order, with status 0

`UNLOGGED` lists where the log differs: what comes to the token port, or is too short to be known
for a monitor's, is told as a packet of a stranger, once a minute.
"""

import dataclasses
import json
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from spread.monitor.protocol import (
    Command,
    Datagram,
    Request,
    StatusReply,
    decode_datagram,
    decode_status,
    encode_datagram,
    encode_request,
    encode_status,
)
from spread.monitor.queries import Kind
from tests.daemon.harness.file_ring import Member
from tests.daemon.harness.ports import free_port
from tests.daemon.harness.waiting import DEADLINE, wait_until

VECTORS = Path(__file__).parents[1] / "vectors" / "monitor"
RECORDING = json.loads((VECTORS / "hand-made-requests.json").read_text())
CASES = {case["case"]: case for case in RECORDING["cases"]}
SAFE = [name for name, case in CASES.items() if not case["dangerous_monitor"]]
DANGEROUS = [name for name, case in CASES.items() if case["dangerous_monitor"]]
LAST = "kill"
OP = 1
PATIENCE = 0.25  # Seconds after which a status is asked for again.
REPLY_PORT = re.compile(r"reply_port=(\d+)")

ANSWERED = ("status with the old hash",)
VOLATILE = ("sec", "token_hurry", "token_rounds", "membership_changes", "accelerated_ring")
WINDOWS = ("window", "personal_window", "accelerated_window")
UNLOGGED = ("status sent to the token port",)


class Bench:
    """The daemon d1 of the recorded configuration, and a monitor's sockets."""

    def __init__(self, directory: Path, text: str) -> None:
        port = free_port()
        text = text.replace("5200", str(port)).replace("5210", str(free_port()))
        self.daemon = Member(1, port, directory)
        flags = "DebugFlags = { PRINT EXIT STATUS FLOW_CONTROL NETWORK }\n"
        self.daemon.file.write_text(flags + text)
        self.sockets = ExitStack()
        self.sender, self.receiver = self._open("127.0.0.1"), self._open("127.0.0.1")
        # Each source has a budget: what is recorded must not suffer from what is asked beside it.
        self.asker = self._open("127.0.0.2")
        self.controls: list[int] = []
        """Ports to which replies to the questions for the status were asked for."""

    def _open(self, address: str) -> socket.socket:
        opened = self.sockets.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        opened.bind((address, 0))
        return opened

    def start(self) -> None:
        self.daemon.start()
        wait_until(self._has_ring, "the first ring, as reports tell")
        self.hash = self.daemon.ask(Kind.REPORT)["configuration_hash"]

    def _has_ring(self) -> bool:
        report = self.daemon.ask(Kind.REPORT)
        return report["state"] == "OP" and report["counters"]["installs"] > 0

    def send(self, case: dict) -> None:
        data = bytes.fromhex(case["request"])
        if len(data) >= 40:
            datagram = decode_datagram(data)
            own = case["case"] in ("status with the old hash", SAFE[8])
            data = encode_datagram(
                dataclasses.replace(
                    datagram,
                    sequence=self.receiver.getsockname()[1],
                    hash=self.hash if own else datagram.hash,
                )
            )
        self.sender.sendto(data, ("127.0.0.1", self.daemon.port + case["to_port"] - 5200))

    def status(self) -> StatusReply:
        """Ask for the status by a socket of its own; what was sent before has been judged then."""
        return wait_until(self._ask_status, "a status")

    def _ask_status(self) -> StatusReply | None:
        # A port for each question: the reply to an earlier one may be late.
        control = self._open("127.0.0.1")
        control.settimeout(PATIENCE)
        self.controls.append(control.getsockname()[1])
        data = encode_request(Request(Command.STATUS, "127.0.0.1", self.controls[-1]))
        self.asker.sendto(data, ("127.0.0.1", self.daemon.port))
        try:
            return decode_status(control.recv(65535))
        except TimeoutError:
            return None

    def replied(self) -> bytes | None:
        """Return what has come for the receiver."""
        self.receiver.setblocking(False)
        try:
            return self.receiver.recv(65535)
        except BlockingIOError:
            return None

    def lines_since(self, control: int) -> list[str]:
        """Return the lines of the log behind the control with this port, without controls."""
        wait_until(lambda: self.controls[-1] in self._ports_and_lines()[0], "the last line")
        ports, lines = self._ports_and_lines()
        first = ports.index(control) + 1
        return [
            line
            for port, line in zip(ports[first:], lines[first:], strict=True)
            if port not in self.controls
        ]

    def _ports_and_lines(self) -> tuple[list[int], list[str]]:
        """Return the port for the reply that each line of the log tells of, or 0; and the lines."""
        lines = self.daemon.output().split("\n")[:-1]
        found = [REPLY_PORT.search(line) for line in lines]
        return [int(each[1]) if each else 0 for each in found], lines

    def close(self) -> None:
        if self.daemon.process is not None and self.daemon.process.poll() is None:
            assert self.daemon.stop() == 0
        self.sockets.close()


@pytest.fixture(scope="module")
def safe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    bench = Bench(tmp_path_factory.mktemp("safe"), RECORDING["config"])
    bench.start()
    yield bench
    bench.close()


@pytest.fixture(scope="module")
def dangerous(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    bench = Bench(tmp_path_factory.mktemp("dangerous"), RECORDING["config_dangerous"])
    bench.start()
    yield bench
    bench.close()


def check(bench: Bench, case: dict) -> None:
    """Send a recorded request; check reply and log."""
    bench.status()
    before = bench.controls[-1]

    bench.send(case)
    bench.status()

    reply = bench.replied()
    is_answered = case["reply"] is not None or case["case"] in ANSWERED
    assert (reply is not None) == is_answered
    if case["reply"] is not None and reply is not None:
        assert reply == as_recorded(bytes.fromhex(case["reply"]), reply)
    if case["logged"] and case["case"] not in UNLOGGED:
        # A command is told when the ring's thread has carried it out.
        wait_until(lambda: bench.lines_since(before), "a line of the log")
    else:
        lines = bench.lines_since(before)
        assert [line for line in lines if "packet of a stranger" not in line] == []


def as_recorded(recorded: bytes, reply: bytes) -> bytes:
    """Return the recorded reply with what depends on time and windows put in."""
    there, here = decode_status(recorded), decode_status(reply)
    changed = {name: getattr(here.record, name) for name in (*VOLATILE, *WINDOWS)}
    return encode_status(
        dataclasses.replace(there, record=dataclasses.replace(there.record, **changed))
    )


@pytest.mark.parametrize("name", SAFE)
def test_request_to_a_daemon_in_safe_mode_is_taken_as_recorded(safe: Bench, name: str) -> None:
    check(safe, CASES[name])

    assert (safe.status().record.window, safe.status().record.personal_window) == (160, 20)


@pytest.mark.parametrize("name", [each for each in DANGEROUS if each != LAST])
def test_request_to_a_daemon_that_obeys_is_taken_as_recorded(dangerous: Bench, name: str) -> None:
    check(dangerous, CASES[name])


def test_recorded_partition_is_in_force_and_told(dangerous: Bench) -> None:
    dangerous.send(CASES["partition, big endian, component 1"])

    wait_until(lambda: dangerous.daemon.ask(Kind.REPORT)["partition"] == [1, 0], "the partition")
    wait_until(lambda: "partitioned by a monitor" in dangerous.daemon.output(), "it in the log")

    cut = CASES["partition, body of 4 entries"]
    dangerous.send(cut)
    wait_until(lambda: "partition map cut" in dangerous.daemon.output(), "a warning of the map")


def test_recorded_windows_are_in_force_and_zeros_change_nothing(dangerous: Bench) -> None:
    dangerous.send(CASES["flow control, big endian"])
    wait_until(lambda: dangerous.status().record.window == 150, "the windows")
    dangerous.send(CASES["flow control, all zero"])
    dangerous.status()
    dangerous.send(CASES["flow control, keep everything"])
    wait_until(lambda: "kept" in dangerous.daemon.output(), "windows that are kept")

    record = dangerous.status().record
    assert (record.window, record.personal_window, record.accelerated_window) == (150, 50, 10)
    assert "all windows are 0" in dangerous.daemon.output()


def test_reload_puts_the_windows_of_the_file_in_force_again(dangerous: Bench) -> None:
    dangerous.send(CASES["flow control, big endian"])
    wait_until(lambda: dangerous.status().record.window == 150, "the windows")

    data = encode_request(Request(Command.RELOAD, "127.0.0.1"))
    dangerous.sender.sendto(data, ("127.0.0.1", dangerous.daemon.port))

    wait_until(lambda: dangerous.status().record.window == 160, "the windows of the file")


def test_kill_ends_the_daemon_in_order(tmp_path: Path) -> None:
    bench = Bench(tmp_path, RECORDING["config_dangerous"])
    bench.start()
    try:
        bench.send(CASES[LAST])

        assert bench.daemon.process is not None
        assert bench.daemon.process.wait(DEADLINE) == 0
        assert "stopped by a monitor asked_by=" in bench.daemon.output()
        assert "daemon stopped" in bench.daemon.output()
    finally:
        bench.close()


def test_flood_does_not_keep_another_monitor_from_its_answer(safe: Bench) -> None:
    flood = encode_datagram(Datagram("little", 0x81000080, process=0x7F000001, sequence=9))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flooder:
        flooder.bind(("127.0.0.3", 0))
        for _ in range(3000):
            flooder.sendto(flood, ("127.0.0.1", safe.daemon.port))

    wait_until(lambda: safe.daemon.ask(Kind.REPORT)["counters"]["monitor_limited"], "the limit")
    assert safe.status().record.num_procs == 1


def test_daemon_that_starts_alone_tells_states_and_members_as_recorded(tmp_path: Path) -> None:
    recording = json.loads((VECTORS / "status-before-membership.json").read_text())
    # Nobody else is in its segment, so it does not look for others there: no reply of state SEG.
    _, gathering, alone = (bytes.fromhex(each["hex"]) for each in recording["replies"])
    bench = Bench(tmp_path, recording["config"])
    bench.daemon.start()
    try:
        first = encode_status(bench.status())
        wait_until(lambda: bench.status().record.state == OP, "the first membership")
        last = encode_status(bench.status())

        assert first == as_recorded(gathering, first)
        assert last == as_recorded(alone, last)
    finally:
        bench.close()

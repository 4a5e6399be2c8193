"""`spflooder` as its users run it, against a daemon and against readers of all kinds."""

import asyncio
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import spread
import spread.aio
from spread.cli.flood.controls import Control, control_of, count_payload
from spread.cli.flood.flooder import Flooder
from spread.cli.flood.measurement import Measurement
from spread.cli.flood.progress import Progress
from spread.cli.spflooder import parser, plan_of
from tests.daemon.conftest import StartDaemon
from tests.daemon.harness.process import Daemon
from tests.daemon.programs import Script, at_terminal, run_program, with_pipes

OK, USAGE, UNAVAILABLE, INTERRUPTED = 0, 64, 69, 130
TIMEOUT_S = 20


@pytest.fixture(scope="module")
def shared_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon for all tests that leave it alone."""
    daemon = Daemon.start(tmp_path_factory.mktemp("daemon"))
    yield daemon
    daemon.stop()


@pytest.fixture
def address(shared_daemon: Daemon) -> str:
    return f"{shared_daemon.port}@127.0.0.1"


def report_of(script: Script) -> dict[str, Any]:
    """Wait for a flooder with `--json` to end well and return its report."""
    status, output, errors = script.end()
    assert (status, errors) == (OK, "")
    document: dict[str, Any] = json.loads(output)
    return document


# Alone.


@pytest.mark.parametrize("service", ["unreliable", "reliable", "fifo", "causal", "agreed", "safe"])
def test_a_member_floods_itself_with_any_service(service: str, address: str) -> None:
    done = run_program(
        "spflooder", "-s", address, "-m", "1000", "-b", "100", "--service", service, "--json"
    )

    report = json.loads(done.stdout)
    assert report["outcome"] == "complete"
    assert report["service"] == service
    assert report["sent"]["messages"] == report["received"]["messages"] == 1000
    assert report["sent"]["payload_bytes"] == 100_000
    assert report["latency_us"]["count"] == 1000
    assert report["latency_us"]["min"] <= report["latency_us"]["p50"] <= report["latency_us"]["max"]
    assert (done.returncode, done.stderr) == (OK, "")


def test_the_report_for_people(address: str) -> None:
    done = run_program("spflooder", "-s", address, "-m", "500", "-b", "0", "-u", "me")

    first, plan, sent, received, latency, values = done.stdout.splitlines()
    assert first == f"#me#d1 at {address}, group flooder"
    assert plan == "plan      read and write, agreed, 0 bytes, window 200"
    assert sent.startswith("sent      500 messages in 0.")
    assert received.startswith("received  500 messages in 0.")
    assert latency == "latency   of 500 own messages that came back, in us"
    assert values.startswith("          min ")
    assert done.returncode == OK


@pytest.mark.parametrize("window", [1, 2, 3, 7, 65_535])
@pytest.mark.parametrize("direction", [[], ["-wo"]], ids=["both", "write-only"])
def test_every_window_comes_to_its_end(window: int, direction: list[str], address: str) -> None:
    done = run_program(
        "spflooder", "-s", address, "-m", "300", "-b", "1", "--window", str(window), *direction
    )

    assert "sent      300 messages" in done.stdout
    assert (done.returncode, done.stderr) == (OK, "")


def test_a_writer_without_readers_measures_what_comes_back_to_it(address: str) -> None:
    done = run_program("spflooder", "-s", address, "-wo", "-m", "1050", "--json")

    report = json.loads(done.stdout)
    assert report["received"] is None
    assert report["sent"]["messages"] == 1050
    assert report["latency_us"]["count"] == 11  # Each hundredth, and the last.


def test_a_rate_is_kept(address: str) -> None:
    done = run_program("spflooder", "-s", address, "-m", "51", "--rate", "250", "--json")

    report = json.loads(done.stdout)
    assert report["rate_per_s"] == 250
    assert report["sent"]["seconds"] >= 50 / 250


def test_large_messages(address: str) -> None:
    done = run_program("spflooder", "-s", address, "-m", "20", "-b", "143000", "--json")

    assert json.loads(done.stdout)["received"]["payload_bytes"] == 20 * 143_000


# Together.


def test_writers_and_readers_in_several_processes(address: str) -> None:
    common = ("-s", address, "-b", "100", "--json")
    with (
        with_pipes("spflooder", "-u", "r1", "-ro", "-n", "2", *common) as first_reader,
        with_pipes("spflooder", "-u", "r2", "-ro", "-n", "2", *common) as second_reader,
        with_pipes("spflooder", "-u", "w1", "-wo", "-n", "2", "-m", "3000", *common) as writer,
    ):
        other = run_program("spflooder", "-u", "w2", "-wo", "-n", "2", "-m", "2000", *common)

        expected = {
            "#w1#d1": {"received": 3000, "sent": 3000},
            "#w2#d1": {"received": 2000, "sent": 2000},
        }
        assert report_of(first_reader)["senders"] == expected
        assert report_of(second_reader)["senders"] == expected
        assert report_of(writer)["sent"]["messages"] == 3000
    assert (other.returncode, other.stderr) == (OK, "")


def test_members_that_all_read_and_write_wait_for_each_other(address: str) -> None:
    common = ("-s", address, "-n", "3", "-m", "2000", "-b", "100", "--json")
    with (
        with_pipes("spflooder", "-u", "a", *common) as first,
        with_pipes("spflooder", "-u", "b", *common) as second,
    ):
        third = run_program("spflooder", "-u", "c", *common)

        reports = [report_of(first), report_of(second), json.loads(third.stdout)]
    for report in reports:
        assert report["received"]["messages"] == 6000
        assert set(report["senders"]) == {"#a#d1", "#b#d1", "#c#d1"}


# Flow control.


@pytest.fixture
def reader(address: str) -> Iterator[spread.Mailbox]:
    """A reader that the test plays."""
    with spread.connect(address, "reader", timeout=TIMEOUT_S) as mailbox:
        mailbox.join("flooder")
        mailbox.receive(TIMEOUT_S)
        yield mailbox


def next_message(mailbox: spread.Mailbox) -> spread.Message:
    while True:
        message = mailbox.receive(TIMEOUT_S)
        if isinstance(message, spread.Message):
            return message


def next_data(mailbox: spread.Mailbox) -> spread.Message:
    """Return the next message that is data of a flood; a call may come more than once."""
    while True:
        message = next_message(mailbox)
        if message.mess_type > 0:
            return message


def answer(reader: spread.Mailbox) -> str:
    """Answer a writer's call; returns its private group."""
    call = next_message(reader)
    assert control_of(call) is Control.CALL
    reader.multicast(spread.AGREED_MESS, call.sender, b"r", Control.ANSWER)
    return call.sender


def acknowledge(reader: spread.Mailbox, writer: str, count: int) -> None:
    reader.multicast(spread.RELIABLE_MESS, writer, count_payload(count), Control.ACK)


def test_a_writer_never_runs_ahead_of_its_slowest_reader(
    address: str, reader: spread.Mailbox
) -> None:
    with with_pipes(
        "spflooder", "-s", address, "-wo", "-n", "1", "-m", "100", "--window", "10", "--json"
    ) as script:
        writer = answer(reader)
        for acknowledged in range(0, 100, 5):
            for _ in range(5):
                assert next_data(reader).mess_type == 5
            # Whatever else has come by now is within the window.
            waiting_bytes = reader.poll()
            assert waiting_bytes <= 5 * (48 + 64 + 1000)
            acknowledge(reader, writer, acknowledged + 5)

        assert control_of(next_message(reader)) is Control.END
        assert report_of(script)["sent"]["messages"] == 100


def test_a_reader_that_says_bye_is_not_waited_for(address: str, reader: spread.Mailbox) -> None:
    with with_pipes(
        "spflooder", "-s", address, "-wo", "-n", "1", "-m", "100", "--window", "10", "--json"
    ) as script:
        writer = answer(reader)
        next_data(reader)

        reader.multicast(spread.AGREED_MESS, writer, b"", Control.BYE)

        assert report_of(script)["sent"]["messages"] == 100


def test_a_reader_that_disconnects_is_not_waited_for(address: str, reader: spread.Mailbox) -> None:
    with with_pipes(
        "spflooder", "-s", address, "-n", "2", "-m", "100", "--window", "10", "--json"
    ) as script:
        answer(reader)
        next_data(reader)

        reader.disconnect()

        assert report_of(script)["sent"]["messages"] == 100


def test_a_reader_that_does_not_read_is_not_overrun(start_daemon: StartDaemon) -> None:
    # Two windows of such messages are more than buffers and a queue of ten take.
    daemon = start_daemon("MaxSessionMessages = 10")
    address = f"{daemon.port}@127.0.0.1"
    flags = ("-wo", "-n", "1", "-m", "80", "-b", "140000", "--window", "8", "--json")
    with (
        spread.connect(address, "witness", timeout=TIMEOUT_S) as witness,
        spread.connect(address, "reader", timeout=TIMEOUT_S) as reader,
    ):
        reader.join("flooder")
        witness.join("flooder")
        reader.receive(TIMEOUT_S)
        with with_pipes("spflooder", "-s", address, *flags) as script:
            writer = answer(reader)
            for count in range(8, 81, 8):
                for _ in range(8):
                    next_data(witness)
                for _ in range(8):
                    next_data(reader)
                acknowledge(reader, writer, count)

            assert report_of(script)["sent"]["messages"] == 80


def test_a_reader_that_acknowledges_nothing_is_left_behind_in_the_end(
    address: str, reader: spread.Mailbox
) -> None:
    plan = plan_of(parser().parse_args(["-wo", "-n", "1", "-m", "50", "--window", "10"]))
    measurement, warnings = Measurement(), list[str]()

    async def flood() -> None:
        async with spread.aio.connect(address, "writer", timeout=TIMEOUT_S) as mailbox:
            flooder = Flooder(
                mailbox, plan, measurement, Progress(None), warnings.append, patience_s=0.05
            )
            answering = asyncio.to_thread(answer, reader)
            await asyncio.gather(flooder.run(), answering)

    asyncio.run(flood())

    assert measurement.sent.count == 50
    assert warnings == [
        "#reader#d1 has not acknowledged for 0.05 s; going on without it",
    ]


# Strangers.


def test_a_flood_ignores_what_others_say_in_its_group(address: str, reader: spread.Mailbox) -> None:
    with with_pipes("spflooder", "-s", address, "-n", "2", "-m", "50", "--json") as script:
        writer = answer(reader)
        for mess_type, payload in ((-1, b"x"), (-3, b""), (-4, b"short"), (-9, b""), (-5, b"xyz")):
            reader.multicast(spread.AGREED_MESS, "flooder", payload, mess_type)
        reader.multicast(spread.AGREED_MESS, "flooder", b"hello")
        acknowledge(reader, writer, 2**63)

        report = report_of(script)

    assert report["sent"]["messages"] == 50
    assert report["senders"]["#flooder#d1"] == {"received": 50, "sent": None}


def test_a_reader_can_count_messages_of_a_writer_that_says_nothing_at_its_end(
    address: str, reader: spread.Mailbox
) -> None:
    with with_pipes("spflooder", "-u", "r", "-s", address, "-ro", "-m", "20", "--json") as script:
        view = reader.receive(TIMEOUT_S)
        assert isinstance(view, spread.Membership)
        assert "#r#d1" in view.members

        for _ in range(20):
            reader.multicast(spread.AGREED_MESS, "flooder", b"classic")

        assert report_of(script)["senders"] == {"#reader#d1": {"received": 20, "sent": None}}


def test_a_writer_that_goes_before_its_end_is_not_waited_for(
    address: str, reader: spread.Mailbox
) -> None:
    with with_pipes("spflooder", "-u", "r", "-s", address, "-ro") as script:
        reader.receive(TIMEOUT_S)
        reader.multicast(spread.AGREED_MESS, "flooder", b"one", 100)
        assert control_of(next_message(reader)) is None
        assert control_of(next_message(reader)) is Control.ACK

        reader.disconnect()

        status, output, errors = script.end()
    assert errors == "spflooder: #reader#d1 has gone before it was done\n"
    assert "received  1 message" in output
    assert status == OK


# When it goes wrong.


def test_nobody_listening() -> None:
    done = run_program("spflooder", "-s", "1@127.0.0.1")

    assert done.stderr.startswith("spflooder: no daemon at 1@127.0.0.1 (")
    assert (done.returncode, done.stdout) == (UNAVAILABLE, "")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["-b", "20000000"], "-b 20000000: this daemon takes messages of at most"),
        (["--group", "a#b"], "cannot join group 'a#b'"),
        (["--group", "x" * 32], "give 1 to 31"),
    ],
)
def test_what_the_daemon_does_not_take_is_wrong_usage(
    arguments: list[str], complaint: str, address: str
) -> None:
    done = run_program("spflooder", "-s", address, *arguments)

    assert complaint in done.stderr
    assert (done.returncode, done.stdout) == (USAGE, "")


def test_a_size_beyond_the_configured_one_is_refused_before_anything_is_sent(address: str) -> None:
    done = run_program("spflooder", "-s", address, "-b", "200000", "-m", "5")

    assert "-b 200000: this daemon takes messages of at most 143888 bytes" in done.stderr
    assert done.returncode == USAGE


def test_a_lost_session_is_reported_with_what_there_was(daemon: Daemon) -> None:
    with (
        spread.connect(f"{daemon.port}@127.0.0.1", "me") as witness,
        with_pipes("spflooder", "-s", str(daemon.port), "--rate", "1000", "--json") as script,
    ):
        witness.join("flooder")
        next_message(witness)

        daemon.stop()

        status, output, errors = script.end()
    assert json.loads(output)["outcome"] == "session lost"
    assert errors.startswith("spflooder: the daemon closed the session of #flooder#d1 (")
    assert status == UNAVAILABLE


def test_ctrl_c_reports_what_there_was(address: str, reader: spread.Mailbox) -> None:
    with with_pipes("spflooder", "-s", address, "--rate", "1000") as script:
        next_message(reader)

        script.process.send_signal(signal.SIGINT)

        status, output, errors = script.end()
    assert "interrupted: what follows is what there was until then" in output
    assert (status, errors) == (INTERRUPTED, "")


def test_ctrl_c_before_anything_was_sent_is_silent(address: str, reader: spread.Mailbox) -> None:
    with with_pipes("spflooder", "-s", address, "-n", "5") as script:
        next_message(reader)

        script.process.send_signal(signal.SIGINT)

        assert script.end() == (INTERRUPTED, "", "")


# At a terminal.


def test_a_bar_is_drawn_on_a_terminal_and_removed(
    address: str, reader: spread.Mailbox, tmp_path: Path
) -> None:
    with at_terminal(
        "spflooder", "-s", address, "-wo", "-n", "1", "-m", "200", "--window", "2", home=tmp_path
    ) as terminal:
        terminal.wait_for("waiting for readers: 0 of 1 have answered")
        writer = answer(reader)
        for count in range(1, 201):
            next_data(reader)
            acknowledge(reader, writer, count)

        assert terminal.wait() == OK

    first = [line.split()[0] for line in terminal.screen.lines]
    assert first[:5] == ["#flooder#d1", "plan", "sent", "latency", "min"]
    assert not any("of 200" in line for line in terminal.screen.lines[5:])
    assert "%  64 of 200" in terminal.output

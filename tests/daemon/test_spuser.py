"""`spuser` as its users run it: from a script, at a terminal, and when things go wrong."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

import spread
from tests.daemon.conftest import StartDaemon
from tests.daemon.harness.ports import free_port
from tests.daemon.harness.process import REPOSITORY, Daemon
from tests.daemon.policy_for_vectors import publish
from tests.daemon.programs import Terminal, at_terminal, run_program, with_pipes
from tests.docs.pages import blocks
from tests.unit.client import frames
from tests.unit.client.peer import Peer, peer

OK, USAGE, DATA, UNAVAILABLE, OUTPUT, INTERRUPTED, TERMINATED = 0, 64, 65, 69, 74, 130, 143
PROMPT = "spuser>"
HELP = "any other letter than those of commands shows the commands"
TIMEOUT_S = 20


@pytest.fixture(scope="module")
def shared_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon for all tests that leave it alone: their sessions end in order, names are free."""
    daemon = Daemon.start(tmp_path_factory.mktemp("daemon"))
    yield daemon
    daemon.stop()


@pytest.fixture
def address(shared_daemon: Daemon) -> str:
    return f"{shared_daemon.port}@127.0.0.1"


@pytest.fixture
def bob(address: str) -> Iterator[spread.Mailbox]:
    """Somebody else in the group `tea`."""
    with spread.connect(address, "bob", timeout=TIMEOUT_S) as mailbox:
        mailbox.join("tea")
        mailbox.receive(TIMEOUT_S)
        yield mailbox


def next_message(mailbox: spread.Mailbox) -> spread.Message:
    while True:
        message = mailbox.receive(TIMEOUT_S)
        if isinstance(message, spread.Message):
            return message


def script(address: str, *lines: str) -> tuple[int, list[str], str]:
    """Run a script as user `al`; returns status, what it showed, and errors."""
    done = run_program("spuser", "-u", "al", "-s", address, text="\n".join([*lines, ""]))
    first, *shown = done.stdout.splitlines()
    assert first == f"connected to {address} as #al#d1"
    return done.returncode, shown, done.stderr


# Scripts.


def test_a_script_joins_sends_and_receives_step_by_step(address: str) -> None:
    status, shown, errors = script(
        address, "d", "j tea", "r", "s tea", "milk first", "r", "l tea", "r", "q", "never read"
    )

    view, members, vs_set, data, left = shown
    assert view.startswith("view of tea: #al#d1 joined; 1 member, own index 0, group id ")
    assert (members, vs_set) == ("    members: #al#d1", "    vs-set 1 (own): #al#d1")
    assert data == "#al#d1 to tea (safe, 10 bytes): milk first"
    assert left == "left tea: this session is no member any more"
    assert (status, errors) == (OK, "")


def test_messages_are_shown_as_they_arrive(address: str, bob: spread.Mailbox) -> None:
    with with_pipes("spuser", "-u", "al", "-s", address) as al:
        al.say("j tea")
        al.read_to("view of tea: #al#d1 joined; 2 members")

        bob.multicast(spread.AGREED_MESS, "tea", "hello", mess_type=7)

        al.read_to("#bob#d1 to tea (agreed, type 7, 5 bytes): hello")
        bob.disconnect()
        al.read_to("view of tea: #bob#d1 disconnected; 1 member")
        assert al.end()[0] == OK


def test_a_line_goes_to_several_groups(address: str, bob: spread.Mailbox) -> None:
    script(address, "s tea coffee #bob#d1", "to all of you")

    message = next_message(bob)
    assert message.groups == ("tea", "coffee", "#bob#d1")
    assert message.payload == b"to all of you"
    assert message.service is spread.Service.SAFE


def test_lines_up_to_an_empty_one_are_one_message(address: str, bob: spread.Mailbox) -> None:
    status, _, _ = script(address, "m tea", "one", " two", "", "s tea", "after")

    assert next_message(bob).payload == b"one\n two\n"
    assert next_message(bob).payload == b"after"
    assert status == OK


def test_the_end_of_the_input_ends_a_message_of_several_lines(
    address: str, bob: spread.Mailbox
) -> None:
    status, _, _ = script(address, "m tea", "one")

    assert next_message(bob).payload == b"one\n"
    assert status == OK


@pytest.mark.parametrize("size", [0, 1, 30, 5000])
def test_a_burst_is_ten_messages_of_the_size(size: int, address: str, bob: spread.Mailbox) -> None:
    script(address, "b tea", str(size))

    payloads = [next_message(bob).payload for _ in range(10)]
    assert [len(payload) for payload in payloads] == [size] * 10


def test_the_messages_of_a_burst_are_numbered(address: str, bob: spread.Mailbox) -> None:
    script(address, "b tea", "12")

    first, *_, last = [next_message(bob).payload for _ in range(10)]
    assert (first, last) == (b"1 of 10 ....", b"10 of 10 ...")


def test_bytes_that_are_no_text_pass_unchanged(address: str, bob: spread.Mailbox) -> None:
    run_program("spuser", "-s", address, text=b"s tea\n\xff\xfe \xc3\xa4\n")

    assert next_message(bob).payload == b"\xff\xfe \xc3\xa4"


def test_the_service_can_be_chosen(address: str, bob: spread.Mailbox) -> None:
    run_program("spuser", "-s", address, "--service", "fifo", text="s tea\nx\n")

    assert next_message(bob).service is spread.Service.FIFO


def test_while_disabled_messages_wait_to_be_received(address: str) -> None:
    _, shown, _ = script(address, "d", "s #al#d1", "1", "s #al#d1", "2", "r", "e", "d", "p")

    assert shown[0] == "#al#d1 to #al#d1 (safe, 1 byte): 1"
    assert shown[-1].endswith("bytes wait to be received")


def test_receiving_one_works_while_enabled(address: str, bob: spread.Mailbox) -> None:
    with with_pipes("spuser", "-u", "al", "-s", address) as al:
        al.say("j tea")
        al.read_to("vs-set")
        al.say("r", "p")

        # Those that come before the command are shown as they arrive, and it waits for the next.
        bob.multicast(spread.AGREED_MESS, "tea", "hello")
        while "bytes wait to be received" not in (line := al.next_line()):
            assert line == "#bob#d1 to tea (agreed, 5 bytes): hello"
            bob.multicast(spread.AGREED_MESS, "tea", "hello")


def test_a_random_name_is_the_daemons_choice(address: str) -> None:
    done = run_program("spuser", "-r", "-s", address)

    assert done.stdout.startswith(f"connected to {address} as #r")
    assert done.returncode == OK


def test_the_script_of_the_documentation_shows_what_the_page_says(tmp_path: Path) -> None:
    page = blocks("docs/programs.md")
    command, shown = next(pair for pair in pairwise(page) if pair[0].text.startswith("$ printf"))
    port = free_port()
    daemon = Daemon.start_with(tmp_path, ["--local", "--port", str(port)], port)

    done = subprocess.run(
        command.text.removeprefix("$ ").replace(
            "spuser", f"{sys.executable} -m spread.cli.spuser -s {port}"
        ),
        shell=True,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=True,
    )

    daemon.stop()
    output = re.sub(r"7F000001:[0-9A-F]{8}:", "7F000001:6B02DC52:", done.stdout)
    assert output.replace(f"to {port} ", "to 4803 ") == shown.text


# Errors in scripts.


def test_a_wrong_command_is_reported_with_its_line_and_the_others_are_carried_out(
    address: str, bob: spread.Mailbox
) -> None:
    status, _, errors = script(address, "", "j tea coffee", "s tea", "hello")

    assert errors == "spuser: line 2: j takes one group, not 2: j GROUP\n"
    assert next_message(bob).payload == b"hello"
    assert status == DATA


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (["j"], "j takes one group, not 0"),
        (["l a b"], "l takes one group, not 2"),
        (["s"], "s takes at least one group"),
        (["m"], "m takes at least one group"),
        (["b"], "b takes at least one group"),
        (["b tea", "many"], "b: a size is a number of bytes, not 'many'"),
        (["b tea"], "b: the input ended before the size"),
        (["s tea"], "s: the input ended before the message"),
        (["p tea"], "p stands alone, without 'tea'"),
        (["r tea"], "r stands alone"),
        (["e tea"], "e stands alone"),
        (["d tea"], "d stands alone"),
        (["j #a#b"], "cannot join group '#a#b'; use characters from '$' to '~'"),
        ([f"s {'x' * 40}", "hello"], "cannot send to group"),
        (["b tea", "20000000"], "this daemon takes 143952"),
        (["x"], "there is no command 'x'"),
    ],
)
def test_what_cannot_be_done_is_said(lines: list[str], complaint: str, address: str) -> None:
    status, _, errors = script(address, *lines)

    assert complaint in errors
    assert "Traceback" not in errors
    assert status == DATA


def test_anything_else_shows_the_commands(address: str) -> None:
    _, shown, _ = script(address, "help")

    assert [line.split()[0] for line in shown] == list("jlsmbrpedq")


def test_a_rejected_request_is_shown_and_counts(start_daemon: StartDaemon, tmp_path: Path) -> None:
    publish(tmp_path)
    daemon = start_daemon('AccessControlPolicy = "VECTORS"', plugins=tmp_path)

    done = run_program("spuser", "-s", str(daemon.port), text="d\nj nojoin\nr\n")

    assert done.stdout.splitlines()[1:] == ["rejected: join of nojoin"]
    assert done.returncode == DATA


# Sessions that do not come about.


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["-s", "nowhere"], "daemon address 'nowhere' is none of"),
        (["-r", "-u", "al"], "leave out -u"),
        (["-p", "secret"], "-p belongs to -n USER"),
        (["-n", "al"], "-n needs -p when there is no terminal"),
        (["--service", "best"], "no service 'best'"),
        (["--timeout", "0"], "no number of seconds"),
        (["-x"], "unrecognized arguments: -x"),
        (["-n", "u" * 33, "-p", "x"], "32 fit"),
    ],
)
def test_usage_errors(arguments: list[str], complaint: str) -> None:
    done = run_program("spuser", *arguments)

    assert complaint in done.stderr
    assert (done.returncode, done.stdout) == (USAGE, "")


def test_nobody_listening() -> None:
    done = run_program("spuser", "-s", "1@127.0.0.1")

    assert done.stderr == (
        "spuser: no daemon at 1@127.0.0.1 (Connection refused); start one, or check host and port\n"
    )
    assert done.returncode == UNAVAILABLE


def test_a_daemon_that_does_not_answer_is_left_at_the_timeout() -> None:
    with peer() as silent:
        done = run_program("spuser", "-s", silent.address, "--timeout", "0.1")

    assert "did not complete the handshake within 0.1 s" in done.stderr
    assert done.returncode == UNAVAILABLE


@pytest.mark.usefixtures("bob")
def test_a_name_in_use(address: str) -> None:
    done = run_program("spuser", "-s", address, "-u", "bob")

    assert "choose another name with -u" in done.stderr
    assert done.returncode == UNAVAILABLE


@pytest.mark.parametrize(("password", "status"), [("secret", OK), ("wrong", UNAVAILABLE)])
def test_user_and_password(password: str, status: int, start_daemon: StartDaemon) -> None:
    pytest.importorskip("passlib")
    daemon = start_daemon(
        'AllowedAuthMethods = "PWORD"', files={"spread.access_pword": "joe:abNANd1rDfiNc\n"}
    )

    done = run_program("spuser", "-s", str(daemon.port), "-n", "joe", "-p", password)

    assert done.returncode == status
    assert ("refused user 'joe'" in done.stderr) == (status == UNAVAILABLE)


# The end of a session.


@pytest.fixture
def daemon_peer() -> Iterator[Peer]:
    with peer() as it:
        yield it


def test_a_session_that_ends_ends_the_program_at_once_and_says_why(daemon: Daemon) -> None:
    with with_pipes("spuser", "-s", str(daemon.port)) as user:
        user.read_to("connected")

        daemon.stop()

        assert user.process.wait(TIMEOUT_S) == UNAVAILABLE
        _, _, errors = user.end()
    assert errors.startswith("spuser: the daemon closed the session of #user#d1 (end of stream, ")
    assert errors.count("\n") == 1


def test_what_arrived_before_the_end_is_shown(daemon_peer: Peer) -> None:
    accepted = daemon_peer.accepting()
    with with_pipes("spuser", "-s", daemon_peer.address) as user:
        conversation = accepted.result()
        conversation.send(
            frames.signal("tea")
            + frames.network_view("tea", [["#a#d1"], ["#me#d1", "#b#d2"]], own=1)
            + frames.data(b"last words", groups=("tea",))
        )
        conversation.close()

        user.process.wait(TIMEOUT_S)
        status, output, errors = user.end()

    shown = output.splitlines()[1:]
    assert shown[0].startswith("transitional signal for tea: ")
    assert shown[1].startswith("view of tea: network change; 3 members, own index 1")
    assert shown[2:] == [
        "    members: #a#d1 #me#d1 #b#d2",
        "    vs-set 1: #a#d1",
        "    vs-set 2 (own): #me#d1 #b#d2",
        "#alice#d1 to tea (agreed, 10 bytes): last words",
    ]
    assert "(end of stream, between two messages)" in errors
    assert status == UNAVAILABLE


def test_nonsense_from_the_daemon_is_no_defect_of_the_program(daemon_peer: Peer) -> None:
    accepted = daemon_peer.accepting()
    with with_pipes("spuser", "-s", daemon_peer.address) as user:
        accepted.result().send(b"\xff" * 48)

        user.process.wait(TIMEOUT_S)
        status, _, errors = user.end()

    assert (status, errors.count("\n")) == (UNAVAILABLE, 1)


def test_the_session_is_lost_while_one_message_is_awaited(daemon: Daemon) -> None:
    with with_pipes("spuser", "-s", str(daemon.port)) as user:
        user.say("r", "help")
        user.read_to("connected")

        daemon.stop()

        assert user.process.wait(TIMEOUT_S) == UNAVAILABLE


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, INTERRUPTED), (signal.SIGTERM, TERMINATED)]
)
def test_a_signal_ends_a_script_in_order(
    number: signal.Signals, status: int, address: str, bob: spread.Mailbox
) -> None:
    with with_pipes("spuser", "-u", "al", "-s", address) as al:
        al.say("j tea", "s tea", "hello")
        al.read_to("hello")

        al.process.send_signal(number)

        assert al.process.wait(TIMEOUT_S) == status
        assert al.end()[2] == ""
    assert next_message(bob).payload == b"hello"


def test_a_reader_that_has_seen_enough_ends_the_program(address: str, bob: spread.Mailbox) -> None:
    with with_pipes("spuser", "-u", "al", "-s", address) as al:
        al.say("j tea")
        al.read_to("vs-set")
        assert al.process.stdout is not None
        al.process.stdout.close()

        bob.multicast(spread.AGREED_MESS, "tea", "hello")

        assert al.process.wait(TIMEOUT_S) == OK
        assert al.process.stderr is not None
        assert al.process.stderr.read() == b""


def test_output_that_cannot_be_written_is_said(address: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "spread.cli.spuser", "-s", address],
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            cwd=REPOSITORY,
            timeout=TIMEOUT_S,
            check=False,
        )

    assert done.stderr == b"spuser: [Errno 28] No space left on device\n"
    assert done.returncode == OUTPUT


# At a terminal.


@pytest.fixture
def al(address: str, tmp_path: Path) -> Iterator[Terminal]:
    """A user at a terminal, who sees the first prompt."""
    with at_terminal("spuser", "-u", "al", "-s", address, home=tmp_path) as terminal:
        terminal.wait_for(f"connected to {address} as #al#d1", HELP, PROMPT)
        yield terminal


def joined(al: Terminal) -> None:
    al.type("j tea\r")
    al.wait_for("    members: #al#d1 #bob#d1", "    vs-set 1 (own): #al#d1", PROMPT)


def test_what_arrives_does_not_touch_the_line_being_typed(
    al: Terminal, bob: spread.Mailbox
) -> None:
    joined(al)
    al.type("s te coffee" + "\x1b[D" * len(" coffee"))
    al.wait_for("spuser> s te coffee")
    al.wait_for_cursor(len("spuser> s te"))

    bob.multicast(spread.AGREED_MESS, "tea", "hello")
    al.wait_for("#bob#d1 to tea (agreed, 5 bytes): hello", "spuser> s te coffee")
    bob.multicast(spread.AGREED_MESS, "tea", "one\ntwo")
    al.wait_for("    one", "    two", "spuser> s te coffee")

    al.wait_for_cursor(len("spuser> s te"))
    al.type("a\r")
    al.wait_for("spuser> s tea coffee", "message:")
    al.type("yes\r")
    al.wait_for("message: yes", "#al#d1 to tea coffee (safe, 3 bytes): yes", PROMPT)
    payloads = [next_message(bob).payload for _ in range(3)]
    assert payloads == [b"hello", b"one\ntwo", b"yes"]


def test_a_flood_leaves_the_typed_line_whole(al: Terminal, bob: spread.Mailbox) -> None:
    joined(al)
    al.type("l te")
    al.wait_for("spuser> l te")

    for number in range(200):
        bob.multicast(spread.AGREED_MESS, "tea", f"message {number}")

    al.wait_for("#bob#d1 to tea (agreed, 11 bytes): message 199", "spuser> l te")
    al.type("a\r")
    al.wait_for("spuser> l tea", "left tea: this session is no member any more", PROMPT)


def test_a_typed_line_longer_than_the_terminal_scrolls_sideways(
    al: Terminal, bob: spread.Mailbox
) -> None:
    joined(al)
    al.type("s tea " + "x" * 100 + " end")
    al.wait_for_end("x end")
    shown = al.screen.lines[-1]

    bob.multicast(spread.AGREED_MESS, "tea", "hello")

    al.wait_for("#bob#d1 to tea (agreed, 5 bytes): hello", shown)


def test_a_long_message_is_cut_on_a_terminal(al: Terminal, bob: spread.Mailbox) -> None:
    joined(al)

    bob.multicast(spread.AGREED_MESS, "tea", "x" * 5000)

    al.wait_for(". and 4000 bytes more", PROMPT)


def test_commands_are_recalled_and_kept_for_the_next_time(
    al: Terminal, address: str, tmp_path: Path
) -> None:
    al.type("p\r")
    al.wait_for("0 bytes wait to be received", PROMPT)
    al.type("s tea\rsecret\r")
    al.wait_for("message: secret", PROMPT)
    al.type("\x1b[A")
    al.wait_for("spuser> s tea")
    al.type("\x1b[A")
    al.wait_for("spuser> p")
    al.type("\x15q\r")
    assert al.wait() == OK

    with at_terminal("spuser", "-s", address, home=tmp_path) as again:
        again.wait_for(PROMPT)
        again.type("\x1b[A\x1b[A")
        again.wait_for("spuser> s tea")
    assert "secret" not in (tmp_path / ".local/state/spread/spuser_history").read_text()


@pytest.mark.usefixtures("bob")
def test_the_tab_key_completes_groups_and_members(al: Terminal) -> None:
    joined(al)

    al.type("s #b\tt\t")

    al.wait_for("spuser> s #bob#d1 tea")


def test_the_end_of_the_input_quits(al: Terminal) -> None:
    al.type("\x04")

    assert al.wait() == OK


def test_mistakes_at_a_terminal_are_no_failure(al: Terminal) -> None:
    al.type("j\r")
    al.wait_for("j takes one group, not 0: j GROUP", PROMPT)
    al.type("q\r")

    assert al.wait() == OK


def test_ctrl_c_gives_up_waiting_for_a_message(al: Terminal) -> None:
    al.type("r\r")
    al.wait_for("waiting for a message; Ctrl-C gives up")

    al.interrupt_until("given up", PROMPT)

    al.type("p\r")
    al.wait_for("0 bytes wait to be received", PROMPT)


def test_ctrl_c_gives_up_an_unfinished_message(al: Terminal, bob: spread.Mailbox) -> None:
    al.type("m tea\rone\r")
    al.wait_for("message, up to an empty line: one", "...")

    al.interrupt_until("given up", PROMPT)

    al.type("s tea\rtwo\r")
    assert next_message(bob).payload == b"two"


def test_ctrl_c_at_the_prompt_ends_the_program(al: Terminal) -> None:
    al.type("half a comm")
    al.wait_for("spuser> half a comm")

    assert al.end_by(lambda: al.type("\x03")) == INTERRUPTED


def test_the_end_of_the_session_needs_no_key(daemon: Daemon, tmp_path: Path) -> None:
    with at_terminal("spuser", "-s", str(daemon.port), home=tmp_path) as terminal:
        terminal.wait_for(PROMPT)
        terminal.type("half a comm")
        terminal.wait_for("spuser> half a comm")

        daemon.stop()

        assert terminal.wait() == UNAVAILABLE
        assert "spuser> half a comm" in terminal.screen.lines
        assert any(line.startswith("spuser: the daemon closed") for line in terminal.screen.lines)


def test_termination_restores_the_terminal(al: Terminal) -> None:
    echoes_before = al.echoes

    status = al.end_by(al.process.terminate)

    assert status == TERMINATED
    assert (echoes_before, al.echoes) == (False, True)


def test_a_password_is_asked_for_and_not_shown(start_daemon: StartDaemon, tmp_path: Path) -> None:
    pytest.importorskip("passlib")
    daemon = start_daemon(
        'AllowedAuthMethods = "PWORD"', files={"spread.access_pword": "joe:abNANd1rDfiNc\n"}
    )
    with at_terminal("spuser", "-s", str(daemon.port), "-n", "joe", home=tmp_path) as terminal:
        terminal.wait_for("password of joe:")
        terminal.type("secret\r")
        terminal.wait_for(
            "password of joe:", f"connected to {daemon.port} as #user#d1", HELP, PROMPT
        )

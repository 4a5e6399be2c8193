"""The blocking mailbox against a peer that does what daemons do only when things go wrong."""

import gc
import os
import select
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import spread
from tests.capabilities import needs_reading_ahead, needs_resets, needs_unix_sockets
from tests.daemon.harness.waiting import wait_until
from tests.unit.client import frames
from tests.unit.client.peer import Conversation, Peer, peer

KILL = b"\x80\x00\x04\x80"
HEADER_SIZE = 48


@pytest.fixture
def daemon() -> Iterator[Peer]:
    with peer() as it:
        yield it


@pytest.fixture
def session(daemon: Peer) -> Iterator[tuple[spread.Mailbox, Conversation]]:
    """A mailbox and the peer's side of it."""
    accepted = daemon.accepting()
    mailbox = spread.connect(daemon.address, "me", timeout=10)
    conversation = accepted.result()
    yield mailbox, conversation
    conversation.close()
    mailbox.disconnect()


Session = tuple[spread.Mailbox, Conversation]


# Connecting.


def test_nobody_listening_is_a_connect_error_that_names_the_address(daemon: Peer) -> None:
    daemon.stop_listening()

    with pytest.raises(spread.ConnectError, match=r"no daemon at 1@127") as caught:
        spread.connect("1@127.0.0.1", timeout=10)

    assert caught.value.code == spread.COULD_NOT_CONNECT


@needs_unix_sockets
def test_missing_unix_socket_is_a_connect_error_that_says_what_to_write() -> None:
    with pytest.raises(spread.ConnectError, match=r"/tmp/1 .*write 1@HOST"):
        spread.connect("1")


def test_unknown_host_is_an_address_error() -> None:
    with pytest.raises(spread.AddressError, match="no IPv4 address") as caught:
        spread.connect("4803@no-such-host.invalid")

    assert caught.value.code == spread.ILLEGAL_SPREAD


def test_daemon_that_never_answers_is_left_at_the_timeout(daemon: Peer) -> None:
    with pytest.raises(spread.ConnectTimeoutError, match=r"handshake within 0\.05 s") as caught:
        spread.connect(daemon.address, timeout=0.05)

    assert isinstance(caught.value, TimeoutError)
    assert caught.value.code == spread.CONNECTION_CLOSED


def test_daemon_that_closes_during_the_handshake(daemon: Peer) -> None:
    with ThreadPoolExecutor() as executor:
        executor.submit(lambda: daemon.accept().close())
        with pytest.raises(spread.SessionClosedError, match="during the handshake"):
            spread.connect(daemon.address, timeout=10)


# Under Wine the list is there, but it is not that of the program.
@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's list of descriptors")
def test_failed_connect_leaves_no_descriptor_open(daemon: Peer) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))

    with pytest.raises(spread.ConnectTimeoutError):
        spread.connect(daemon.address, timeout=0.05)

    assert len(list(Path("/proc/self/fd").iterdir())) == before


# Receiving.


def test_messages_are_received_in_order_however_many_arrive_at_once(session: Session) -> None:
    mailbox, conversation = session
    conversation.send(b"".join(frames.data(bytes([number])) for number in range(200)))

    received = [mailbox.receive(10) for _ in range(200)]

    assert [message.payload[0] for message in received if isinstance(message, spread.Message)] == (
        list(range(200))
    )


def test_receive_gives_up_at_its_timeout_and_loses_nothing(session: Session) -> None:
    mailbox, conversation = session
    frame = frames.data(b"payload")
    conversation.send(frame[:50])

    with pytest.raises(spread.ReceiveTimeoutError) as caught:
        mailbox.receive(0.01)
    conversation.send(frame[50:])

    assert isinstance(caught.value, TimeoutError)
    assert isinstance(mailbox.receive(10), spread.Message)


def test_receive_without_waiting_returns_what_is_there(session: Session) -> None:
    mailbox, conversation = session

    with pytest.raises(spread.ReceiveTimeoutError):
        mailbox.receive(0)
    conversation.send(frames.data(b"1") + frames.data(b"2"))
    mailbox.receive(10)

    assert isinstance(mailbox.receive(0), spread.Message)


def test_rejected_message_is_raised_once_and_receiving_goes_on(session: Session) -> None:
    mailbox, conversation = session
    conversation.send(frames.reject(0x10, ["g", "#me#d1"]) + frames.data(b"next"))

    with pytest.raises(spread.error, match="refused a message to g"):
        mailbox.receive(10)

    assert isinstance(mailbox.receive(10), spread.Message)


def test_nonsense_closes_the_mailbox(session: Session) -> None:
    mailbox, conversation = session
    conversation.send(frames.header(0, "", 0, 0, 0))

    with pytest.raises(spread.ProtocolError):
        mailbox.receive(10)

    assert conversation.read_to_end() == b""
    with pytest.raises(spread.MailboxClosedError, match="unknown type"):
        mailbox.multicast(spread.SAFE_MESS, "g", b"")


def test_poll_counts_bytes_inside_and_outside(session: Session) -> None:
    mailbox, conversation = session
    frame = frames.data(b"x" * 52)  # 132 bytes.

    empty = mailbox.poll()
    conversation.send(frame + frame)
    wait_until(lambda: mailbox.poll() == 264, "both messages")
    mailbox.receive(10)

    assert empty == 0
    assert mailbox.poll() == 132


@pytest.fixture(params=["reading ahead", "reading one message at a time"])
def way_of_reading(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways, of which a system can do one or both; see `spread.client.readiness`."""
    if request.param != "reading ahead":
        monkeypatch.setattr("spread.client.mailbox.CAN_READ_AHEAD", False)
    return str(request.param)


def is_readable(mailbox: spread.Mailbox) -> bool:
    return bool(select.select([mailbox], [], [], 0)[0])


@pytest.mark.usefixtures("way_of_reading")
def test_select_sees_messages_that_wait_inside_the_mailbox(session: Session) -> None:
    mailbox, conversation = session
    seen = [is_readable(mailbox)]
    conversation.send(frames.data(b"1") + frames.data(b"2") + frames.data(b"3"))
    wait_until(lambda: mailbox.poll() == 3 * 81, "three messages")

    seen.append(is_readable(mailbox))
    for _ in range(3):
        mailbox.receive(10)
        seen.append(is_readable(mailbox))

    assert seen == [False, True, True, True, False]


@pytest.mark.usefixtures("way_of_reading")
def test_select_that_begins_late_sees_messages_that_were_read_ahead(session: Session) -> None:
    mailbox, conversation = session
    conversation.send(frames.data(b"1") + frames.data(b"2"))
    wait_until(lambda: mailbox.poll() == 2 * 81, "two messages")
    mailbox.receive(10)

    assert is_readable(mailbox)


@needs_reading_ahead
def test_select_sees_that_only_part_of_a_message_waits_inside(session: Session) -> None:
    mailbox, conversation = session
    conversation.send(frames.data(b"1") + frames.data(b"2")[:60])
    wait_until(lambda: mailbox.poll() == 81 + 60, "one message and a part")
    mailbox.receive(10)

    assert not is_readable(mailbox)


@pytest.mark.usefixtures("way_of_reading")
def test_select_sees_the_end_of_the_session(session: Session) -> None:
    mailbox, conversation = session
    mailbox.fileno()

    conversation.close()

    assert select.select([mailbox], [], [], 10)[0] == [mailbox]


@pytest.mark.usefixtures("way_of_reading")
def test_select_sees_a_message_behind_a_rejected_one(session: Session) -> None:
    mailbox, conversation = session
    mailbox.fileno()
    conversation.send(frames.reject(0x10, ["g", "#me#d1"]) + frames.data(b"next"))

    with pytest.raises(spread.MessageRejectedError):
        mailbox.receive(10)

    assert is_readable(mailbox)


# The end of a session.


def test_everything_that_came_is_received_before_the_end_is_reported(session: Session) -> None:
    mailbox, conversation = session
    conversation.send(frames.data(b"1") + frames.data(b"2") + frames.data(b"3")[:70])
    conversation.close()

    received = [mailbox.receive(10), mailbox.receive(10)]
    with pytest.raises(spread.SessionClosedError) as caught:
        mailbox.receive(10)

    assert len(received) == 2
    assert caught.value.args[0] == spread.CONNECTION_CLOSED
    assert caught.value.closure is not None
    assert caught.value.closure.bytes_of_message == 70


@needs_resets
def test_reset_is_named(session: Session) -> None:
    mailbox, conversation = session
    conversation.reset()

    with pytest.raises(spread.SessionClosedError, match="reset by peer"):
        mailbox.receive(10)


def test_calls_after_the_end_repeat_the_reason(session: Session) -> None:
    mailbox, conversation = session
    conversation.close()
    with pytest.raises(spread.SessionClosedError):
        mailbox.receive(10)

    with pytest.raises(spread.MailboxClosedError, match=r"receive\(\) called on .*: the daemon"):
        mailbox.receive()
    with pytest.raises(spread.MailboxClosedError, match=r"join\(\) called on closed mbox"):
        mailbox.join("g")
    with pytest.raises(spread.MailboxClosedError, match=r"poll\(\) called on closed mbox"):
        mailbox.poll()
    with pytest.raises(spread.MailboxClosedError, match=r"fileno\(\) called on closed mbox"):
        mailbox.fileno()


def test_failed_send_leaves_what_came_before_to_be_received(session: Session) -> None:
    mailbox, conversation = session
    conversation.send(frames.data(b"last"))
    wait_until(lambda: mailbox.poll() == 84, "the message")
    mailbox.receive(10)
    conversation.reset()

    def sending_fails() -> bool:
        try:
            mailbox.multicast(spread.SAFE_MESS, "g", b"")
        except spread.SessionClosedError:
            return True
        return False

    wait_until(sending_fails, "a send that notices")
    with pytest.raises(spread.MailboxClosedError):
        mailbox.multicast(spread.SAFE_MESS, "g", b"")
    with pytest.raises(spread.SessionClosedError):
        mailbox.receive(10)


# Sending.


def test_multicast_returns_the_number_of_bytes(session: Session) -> None:
    mailbox, _ = session

    assert mailbox.multicast(spread.SAFE_MESS, "g", "grün") == 5
    assert mailbox.multigroup_multicast(spread.SAFE_MESS, ("g", "h"), b"abc", 7) == 3


@pytest.mark.parametrize("groups", ["g", 7, None])
def test_groups_that_are_no_sequence_are_a_type_error(session: Session, groups: object) -> None:
    mailbox, _ = session

    with pytest.raises(TypeError, match="groups is a tuple"):
        mailbox.multigroup_multicast(spread.SAFE_MESS, groups, b"")  # type: ignore[arg-type]


def test_frame_larger_than_the_socket_holds_is_sent_whole(session: Session) -> None:
    mailbox, conversation = session
    payload = os.urandom(8 * 1024 * 1024)

    with ThreadPoolExecutor() as executor:
        read = executor.submit(conversation.read, HEADER_SIZE + 32 + len(payload))
        mailbox.multicast(spread.SAFE_MESS, "g", payload)

    assert read.result()[HEADER_SIZE + 32 :] == payload


def test_one_thread_receives_while_another_is_stuck_in_sending(session: Session) -> None:
    mailbox, conversation = session
    with ThreadPoolExecutor() as executor:
        sending = executor.submit(mailbox.multicast, spread.SAFE_MESS, "g", bytes(12_000_000))
        conversation.read(HEADER_SIZE)

        conversation.send(frames.data(b"meanwhile"))
        received = mailbox.receive(10)

        assert isinstance(received, spread.Message)
        assert not sending.done()
        conversation.read(32 + 12_000_000)
        assert sending.result() == 12_000_000


class InterruptedByTestError(Exception):
    """Raised by the signal handler of the test below."""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs interval timers")
def test_frame_cut_short_by_a_signal_is_completed_before_the_next(session: Session) -> None:
    mailbox, conversation = session
    payload = bytes(range(256)) * 40_000

    def interrupt(_number: int, _frame: object) -> None:
        raise InterruptedByTestError

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(InterruptedByTestError):
            mailbox.multicast(spread.SAFE_MESS, "g", payload)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    with ThreadPoolExecutor() as executor:
        stream = executor.submit(conversation.read, 2 * (HEADER_SIZE + 32) + len(payload) + 4)
        mailbox.multicast(spread.SAFE_MESS, "g", b"next")

    assert stream.result()[HEADER_SIZE + 32 :][: len(payload)] == payload
    assert stream.result()[-4:] == b"next"


# Leaving.


def test_disconnect_says_goodbye_and_waits_for_the_daemon_to_close(session: Session) -> None:
    mailbox, conversation = session
    conversation.send(frames.data(b"never received"))
    mailbox.multicast(spread.SAFE_MESS, "g", b"last words")

    with ThreadPoolExecutor() as executor:
        leaving = executor.submit(mailbox.disconnect)
        stream = conversation.read_to_end()
        assert not leaving.done()
        conversation.close()
        leaving.result()

    assert stream[HEADER_SIZE + 32 :][:10] == b"last words"
    assert stream[HEADER_SIZE + 32 + 10 :][:4] == KILL


def test_second_disconnect_does_nothing(session: Session) -> None:
    mailbox, conversation = session
    with ThreadPoolExecutor() as executor:
        executor.submit(conversation.hear_out)
        mailbox.disconnect()

    mailbox.disconnect()

    with pytest.raises(spread.MailboxClosedError, match="disconnected by this side") as caught:
        mailbox.receive()
    assert len(caught.value.args) == 1
    assert caught.value.code == spread.ILLEGAL_SESSION


def test_select_and_unread_messages_do_not_hide_that_the_mailbox_is_closed(
    session: Session,
) -> None:
    mailbox, conversation = session
    mailbox.fileno()
    conversation.send(frames.data(b"1") + frames.data(b"2"))
    wait_until(lambda: mailbox.poll() == 2 * 81, "two messages")
    mailbox.receive(10)
    conversation.close()

    mailbox.disconnect()

    with pytest.raises(spread.MailboxClosedError, match="disconnected by this side"):
        mailbox.receive()


def test_disconnect_wakes_a_thread_that_is_stuck_in_sending(daemon: Peer) -> None:
    accepted = daemon.accepting()
    mailbox = spread.connect(daemon.address, timeout=10)
    conversation = accepted.result()
    with ThreadPoolExecutor() as executor:
        sending = executor.submit(mailbox.multicast, spread.SAFE_MESS, "g", bytes(16_000_000))
        conversation.read(HEADER_SIZE)

        mailbox.disconnect()

        with pytest.raises(spread.MailboxClosedError, match="disconnected by this side"):
            sending.result()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs interval timers")
def test_signal_handler_may_disconnect_the_mailbox_that_waits(session: Session) -> None:
    mailbox, conversation = session
    before = signal.signal(signal.SIGALRM, lambda _number, _frame: mailbox.disconnect())
    with ThreadPoolExecutor() as executor:
        heard = executor.submit(conversation.hear_out)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            with pytest.raises(spread.MailboxClosedError, match="disconnected by this side"):
                mailbox.receive(20)
        finally:
            signal.signal(signal.SIGALRM, before)

    assert heard.result()[:4] == KILL


def test_disconnect_gives_up_on_a_daemon_that_hangs(daemon: Peer) -> None:
    accepted = daemon.accepting()
    mailbox = spread.connect(daemon.address, timeout=10)
    conversation = accepted.result()

    mailbox.disconnect()

    assert conversation.read_to_end()[:4] == KILL


def test_disconnect_ends_the_iteration_of_another_thread(session: Session) -> None:
    mailbox, conversation = session
    conversation.send(frames.data(b"1"))
    first = threading.Event()
    received = []

    def receive_all() -> None:
        for message in mailbox:
            received.append(message)
            first.set()

    receiver = threading.Thread(target=receive_all)
    receiver.start()
    first.wait(10)
    with ThreadPoolExecutor() as executor:
        executor.submit(conversation.hear_out)
        mailbox.disconnect()
    receiver.join(10)

    assert not receiver.is_alive()
    assert len(received) == 1


def test_iteration_raises_when_the_daemon_closes(session: Session) -> None:
    mailbox, conversation = session
    conversation.send(frames.data(b"1"))
    conversation.close()

    iterator = iter(mailbox)
    next(iterator)

    with pytest.raises(spread.SessionClosedError):
        next(iterator)


def test_context_manager_disconnects(daemon: Peer) -> None:
    accepted = daemon.accepting()
    with ThreadPoolExecutor() as executor:
        with spread.connect(daemon.address, timeout=10):
            conversation = accepted.result()
            stream = executor.submit(conversation.hear_out)
        assert stream.result()[:4] == KILL


def test_dropped_mailbox_disconnects(daemon: Peer) -> None:
    accepted = daemon.accepting()
    mailbox = spread.connect(daemon.address, timeout=10)
    conversation = accepted.result()

    with ThreadPoolExecutor() as executor:
        stream = executor.submit(conversation.hear_out)
        del mailbox
        gc.collect()

    assert stream.result()[:4] == KILL


# What runs tests side by side has threads; the child calls nothing that could wait for them.
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_child_after_a_fork_does_not_end_the_session_of_its_parent(session: Session) -> None:
    mailbox, conversation = session
    child = os.fork()
    if child == 0:
        mailbox.__del__()
        os._exit(0)
    os.waitpid(child, 0)

    mailbox.multicast(spread.SAFE_MESS, "g", b"still here")

    assert conversation.read(HEADER_SIZE + 32 + 10)[-10:] == b"still here"


def test_mailbox_says_what_it_is(session: Session) -> None:
    mailbox, _ = session

    assert repr(mailbox).startswith("<Mailbox #me#d1 at ")
    assert mailbox.daemon_version == (5, 0, 255)
    assert mailbox.limits == (16 * 1024 * 1024, 100)

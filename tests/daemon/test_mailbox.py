"""The blocking client and the real daemon."""

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import spread
from tests.daemon.conftest import StartDaemon
from tests.daemon.harness.process import Daemon

TIMEOUT = 30.0  # Seconds; only a failing test waits that long.
MIB = 1024 * 1024


def connect(daemon: Daemon, name: str = "", *, membership: bool = True) -> spread.Mailbox:
    return spread.connect(f"{daemon.port}@localhost", name, membership=membership, timeout=TIMEOUT)


def message_to(mailbox: spread.Mailbox) -> spread.Message:
    """Receive what must be a data message."""
    message = mailbox.receive(TIMEOUT)
    assert isinstance(message, spread.Message)
    return message


def membership_to(mailbox: spread.Mailbox) -> spread.Membership:
    """Receive what must be a membership message."""
    message = mailbox.receive(TIMEOUT)
    assert isinstance(message, spread.Membership)
    return message


@pytest.mark.parametrize(
    "form", ["{}", "{}@localhost", "{}@127.0.0.1", "spread://localhost:{}/", "localhost:{}"]
)
def test_daemon_is_reached_by_each_form_of_its_address(daemon: Daemon, form: str) -> None:
    with spread.connect(form.format(daemon.port), "me", timeout=TIMEOUT) as mailbox:
        assert mailbox.private_group == "#me#d1"


def test_daemon_of_this_package_says_so(daemon: Daemon) -> None:
    with connect(daemon) as mailbox:
        assert mailbox.daemon_version[:2] == (5, 0)
        assert mailbox.limits == (143_952, 100)


def test_daemon_tells_the_size_that_it_is_configured_for(start_daemon: StartDaemon) -> None:
    with connect(start_daemon("MaxMessageSize = 16777216")) as mailbox:
        assert mailbox.limits == (16 * MIB, 100)


def test_daemon_makes_up_a_name_for_a_client_without_one(daemon: Daemon) -> None:
    with connect(daemon) as mailbox:
        assert mailbox.private_group.startswith("#r")


def test_name_in_use_is_refused(daemon: Daemon) -> None:
    in_use = pytest.raises(spread.NameNotUniqueError, match="'alice' is in use")
    with connect(daemon, "alice"), in_use:
        connect(daemon, "alice")


def test_name_that_the_daemon_does_not_take_is_refused(daemon: Daemon) -> None:
    with pytest.raises(spread.SessionRejectedError, match="characters from") as caught:
        connect(daemon, "no#name")

    assert caught.value.code == spread.REJECT_ILLEGAL_NAME


def test_name_above_ten_bytes_is_cut(daemon: Daemon) -> None:
    with connect(daemon, "abcdefghijkl") as mailbox:
        assert mailbox.private_group == "#abcdefghij#d1"


def test_members_see_each_other_come_and_go(daemon: Daemon) -> None:
    with connect(daemon, "alice") as alice, connect(daemon, "bob") as bob:
        alice.join("g")
        seen = [membership_to(alice)]
        bob.join("g")
        seen.append(membership_to(alice))
        joined = membership_to(bob)
        bob.leave("g")
        seen.append(membership_to(alice))
        left = membership_to(bob)
        bob.join("g")
        seen.append(membership_to(alice))
        membership_to(bob)
        bob.disconnect()
        seen.append(membership_to(alice))

    both = ("#alice#d1", "#bob#d1")
    assert [(view.cause, view.members, view.changed_member) for view in seen] == [
        (spread.Cause.JOIN, both[:1], "#alice#d1"),
        (spread.Cause.JOIN, both, "#bob#d1"),
        (spread.Cause.LEAVE, both[:1], "#bob#d1"),
        (spread.Cause.JOIN, both, "#bob#d1"),
        (spread.Cause.DISCONNECT, both[:1], "#bob#d1"),
    ]
    assert joined.group_id == seen[1].group_id
    assert len({view.group_id for view in seen}) == len(seen)
    assert (joined.own_index, seen[1].own_index) == (1, 0)
    assert left.kind is spread.MembershipKind.SELF_LEFT


def test_session_without_membership_gets_data_only(daemon: Daemon) -> None:
    with connect(daemon, "quiet", membership=False) as quiet:
        quiet.join("g")
        quiet.multicast(spread.SAFE_MESS, "g", b"x")
        assert message_to(quiet).payload == b"x"


@pytest.mark.parametrize("service", list(spread.Service)[:6])
def test_each_service_is_delivered_under_its_name(daemon: Daemon, service: spread.Service) -> None:
    with connect(daemon, "me") as mailbox:
        size = mailbox.multicast(service, mailbox.private_group, "text", mess_type=-5)
        message = message_to(mailbox)

    assert size == 4
    assert message.service is service
    assert (message.payload, message.mess_type, message.endian) == (b"text", -5, 0)


def test_self_discard_reaches_the_others_only(daemon: Daemon) -> None:
    with connect(daemon, "me", membership=False) as me, connect(daemon, "you") as you:
        me.join("g")
        me.multicast(spread.AGREED_MESS | spread.SELF_DISCARD, ("#you#d1"), b"not to me")
        me.multigroup_multicast(
            spread.AGREED_MESS | spread.SELF_DISCARD, ("g", "#you#d1"), b"nor this"
        )
        me.multicast(spread.AGREED_MESS, me.private_group, b"but this")

        assert message_to(me).payload == b"but this"
        received = message_to(you), message_to(you)

    assert [each.payload for each in received] == [b"not to me", b"nor this"]
    assert received[1].self_discard
    assert received[1].groups == ("g", "#you#d1")


def test_message_to_a_hundred_groups_arrives_once(daemon: Daemon) -> None:
    groups = [f"g{number}" for number in range(100)]
    with connect(daemon, "me", membership=False) as mailbox:
        for group in groups[:3]:
            mailbox.join(group)
        mailbox.multigroup_multicast(spread.AGREED_MESS, groups, b"once")
        mailbox.multicast(spread.AGREED_MESS, mailbox.private_group, b"next")

        assert message_to(mailbox).groups == tuple(groups)
        assert message_to(mailbox).payload == b"next"


def test_one_thread_sends_while_another_receives(daemon: Daemon) -> None:
    count = 20_000
    payload = bytes(200)
    with connect(daemon, "me") as mailbox:

        def send() -> None:
            for number in range(count):
                mailbox.multicast(spread.FIFO_MESS, mailbox.private_group, payload, number % 1000)

        sender = threading.Thread(target=send)
        sender.start()
        received = [message_to(mailbox).mess_type for _ in range(count)]
        sender.join()

    assert received == [number % 1000 for number in range(count)]


def test_nothing_sent_is_lost_by_leaving_with_unread_input(daemon: Daemon) -> None:
    with connect(daemon, "listener", membership=False) as listener:
        listener.join("g")
        with connect(daemon, "speaker", membership=False) as speaker:
            speaker.join("g")
            for number in range(500):
                speaker.multicast(spread.FIFO_MESS, "g", bytes(1000), number)

        assert [message_to(listener).mess_type for _ in range(500)] == list(range(500))


def test_large_messages_pass_where_the_daemon_is_told_to_take_them(
    start_daemon: StartDaemon,
) -> None:
    daemon = start_daemon(f"MaxMessageSize = {16 * MIB}")
    payload = os.urandom(16 * MIB - 32)
    with connect(daemon, "me") as mailbox, ThreadPoolExecutor() as executor:
        receiving = executor.submit(message_to, mailbox)
        mailbox.multicast(spread.AGREED_MESS, mailbox.private_group, payload)

        assert receiving.result().payload == payload


def test_message_above_the_daemons_limit_is_refused_before_it_is_sent(daemon: Daemon) -> None:
    with connect(daemon, "me") as mailbox:
        with pytest.raises(spread.MessageTooLongError, match="this daemon takes 143952"):
            mailbox.multicast(spread.SAFE_MESS, mailbox.private_group, bytes(143_953 - 32))

        mailbox.multicast(spread.SAFE_MESS, mailbox.private_group, bytes(143_952 - 32))
        message = mailbox.receive(TIMEOUT)
        assert isinstance(message, spread.Message)
        assert len(message.payload) == 143_952 - 32


def test_reader_that_was_closed_for_lagging_gets_the_rest_and_then_the_reason(
    start_daemon: StartDaemon,
) -> None:
    daemon = start_daemon("MaxSessionMessages = 10")
    with (
        connect(daemon, "slow") as slow,
        connect(daemon, "fast", membership=False) as fast,
        connect(daemon, "watcher") as watcher,
    ):
        watcher.join("g")
        membership_to(watcher)
        slow.join("g")
        membership_to(watcher)
        _flood_until_gone(fast, watcher)

        error = _read_to_the_end(slow)

    assert error.closure is not None
    assert "the daemon closed the session of #slow#d1" in str(error)


def _flood_until_gone(fast: spread.Mailbox, watcher: spread.Mailbox) -> None:
    """Send to the private group of the slow one until the watcher sees it disconnected."""
    for _ in range(100_000):
        fast.multicast(spread.FIFO_MESS, "#slow#d1", bytes(10_000))
        if watcher.poll():
            break
    assert membership_to(watcher).cause is spread.Cause.DISCONNECT


def _read_to_the_end(mailbox: spread.Mailbox) -> spread.SessionClosedError:
    try:
        for _message in mailbox:
            continue
    except spread.SessionClosedError as error:
        return error
    raise AssertionError("the iteration ended by itself")


def test_daemon_that_stops_is_told_from_a_disconnect(daemon: Daemon) -> None:
    with connect(daemon, "me") as mailbox:
        daemon.signal(signal.SIGTERM)
        daemon.wait()

        with pytest.raises(spread.SessionClosedError, match="a daemon that stops looks just like"):
            mailbox.receive(TIMEOUT)


def test_password_opens_the_session_and_a_wrong_one_does_not(start_daemon: StartDaemon) -> None:
    daemon = start_daemon(
        'AllowedAuthMethods = "PWORD"', files={"spread.access_pword": "joe:abNANd1rDfiNc\n"}
    )
    address = f"{daemon.port}@localhost"

    right = spread.connect(address, auth=[spread.PasswordAuth("joe", "secret")], timeout=TIMEOUT)
    with right, pytest.raises(spread.AuthenticationError, match="refused user 'joe'"):
        spread.connect(address, auth=[spread.PasswordAuth("joe", "wrong")], timeout=TIMEOUT)


def test_address_opens_the_session(start_daemon: StartDaemon) -> None:
    daemon = start_daemon('AllowedAuthMethods = "IP"', files={"spread.access_ip": "local\n"})

    by_address = spread.connect(f"{daemon.port}@localhost", auth=[spread.IPAuth()], timeout=TIMEOUT)
    with by_address, pytest.raises(spread.AuthenticationError, match=r"does not offer .* NULL"):
        connect(daemon)

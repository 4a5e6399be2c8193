"""An open session without I/O: its end, and what can be told about it."""

import pytest

import spread
from spread.client.handshake import ConnectRequest
from spread.client.protocol import ClientProtocol, State
from tests.unit.client import frames


def open_protocol(version: bytes = b"\x05\x00\xff") -> ClientProtocol:
    protocol = ClientProtocol(ConnectRequest(name=b"me"))
    protocol.decoder.feed(b"\x05NULL \x01" + version + b"\x06#me#d1")
    protocol.negotiate()
    protocol.data_to_send()
    return protocol


def test_views_know_the_place_of_the_session() -> None:
    protocol = open_protocol()
    protocol.decoder.feed(frames.view(0x100, "g", ["#amy#d1", "#me#d1"], "#me#d1"))

    view = protocol.next_message()

    assert isinstance(view, spread.Membership)
    assert view.own_index == 1


def test_goodbye_is_said_once() -> None:
    protocol = open_protocol()
    frame = protocol.goodbye()

    with pytest.raises(spread.MailboxClosedError):
        protocol.goodbye()

    assert frame[:4] == b"\x80\x00\x04\x80"
    assert protocol.state is State.LEAVING


def test_end_between_messages_is_said_to_be_one() -> None:
    protocol = open_protocol()

    error = protocol.ended()

    assert error.closure == spread.Closure("#me#d1")
    assert "session of #me#d1 (end of stream, between two messages)" in str(error)
    assert "a daemon that stops looks just like this" in str(error)
    assert protocol.state is State.CLOSED


def test_end_in_mid_message_says_how_much_had_come() -> None:
    protocol = open_protocol()
    protocol.decoder.feed(frames.data(b"payload")[:60])

    error = protocol.ended()

    assert "in the middle of a message, of which 60 bytes had come" in str(error)


def test_messages_that_wait_are_not_taken_for_a_torn_one() -> None:
    protocol = open_protocol()
    protocol.decoder.feed(frames.data(b"payload"))

    error = protocol.ended(BrokenPipeError(32, "Broken pipe"))

    assert error.closure is not None
    assert error.closure.bytes_of_message == 0
    assert "(Broken pipe, with 87 bytes not yet received by this program)" in str(error)


def test_pause_of_the_reader_is_named_as_a_suspicion() -> None:
    error = open_protocol().ended(ConnectionResetError(104, "Connection reset"), pause_s_max=12.3)

    assert "Connection reset" in str(error)
    assert "did not read for up to 12.3 s" in str(error)


def test_short_pause_is_no_suspicion() -> None:
    assert "did not read" not in str(open_protocol().ended(pause_s_max=0.5))


def test_large_message_is_named_as_a_suspicion() -> None:
    protocol = open_protocol()
    protocol.multicast(spread.SAFE_MESS, ["g"], bytes(200_000), 0)

    assert "sent a message of 200032 bytes" in str(protocol.ended())


def test_end_may_be_noticed_by_both_directions() -> None:
    protocol = open_protocol()

    errors = [protocol.ended(BrokenPipeError(32, "Broken pipe")), protocol.ended()]

    assert [error.code for error in errors] == [spread.CONNECTION_CLOSED] * 2

"""The opening dialogue where the recorded ones do not lead: limits, flags, nonsense, the end."""

import pytest

import spread
from spread.client.handshake import ConnectRequest
from spread.client.protocol import ClientProtocol, State

LIST = b"\x05NULL "
ACCEPT = b"\x01\x04\x04\x00\x06#me#d1"


def protocol_for(request: ConnectRequest | None = None) -> ClientProtocol:
    return ClientProtocol(request or ConnectRequest(name=b"me"))


def answered(*answers: bytes) -> ClientProtocol:
    """Return a protocol that has taken these bytes from the daemon."""
    protocol = protocol_for()
    for answer in answers:
        protocol.decoder.feed(answer)
    protocol.negotiate()
    return protocol


@pytest.mark.parametrize(
    ("priority", "membership", "large", "flags"),
    [
        (0, False, False, 0x00),
        (0, True, False, 0x01),
        (1, True, False, 0x11),
        (9, False, False, 0x10),
        (-3, False, False, 0x00),
        (0, True, True, 0x03),
    ],
)
def test_flags_of_the_request(priority: int, membership: bool, large: bool, flags: int) -> None:
    request = ConnectRequest(b"me", priority, membership, takes_large_messages=large)

    assert request.encode() == b"\x04\x04\x00" + bytes([flags]) + b"\x02me"


def test_name_is_cut_to_ten_bytes_as_by_the_classic_library() -> None:
    assert ConnectRequest.of("abcdefghijkl", 0, True, ()).name == b"abcdefghij"


def test_more_than_two_methods_are_refused() -> None:
    methods = (spread.NullAuth(), spread.IPAuth(), spread.PasswordAuth("u", "p"))

    with pytest.raises(spread.ArgumentError, match="at most 2"):
        ConnectRequest.of("me", 0, True, methods)


def test_choice_waits_for_the_method_list() -> None:
    protocol = protocol_for()
    request = protocol.data_to_send()

    protocol.decoder.feed(LIST[:-1])
    early = protocol.negotiate(), protocol.data_to_send()
    protocol.decoder.feed(LIST[-1:])
    protocol.negotiate()

    assert request == b"\x04\x04\x00\x03\x02me"
    assert early == (None, b"")
    assert protocol.data_to_send() == b"NULL".ljust(90, b"\0")


def test_handshake_may_arrive_byte_by_byte() -> None:
    protocol = protocol_for()

    sessions = []
    for byte in LIST + ACCEPT:
        protocol.decoder.feed(bytes([byte]))
        sessions.append(protocol.negotiate())

    assert sessions[:-1] == [None] * (len(LIST + ACCEPT) - 1)
    assert protocol.private_group == "#me#d1"
    assert protocol.state is State.OPEN


def test_missing_never_reaches_beyond_the_field_that_is_due() -> None:
    protocol = protocol_for()
    stream = LIST + ACCEPT + b"next message"
    counts = []

    while protocol.negotiate() is None:
        counts.append(protocol.missing())
        protocol.decoder.feed(stream[: counts[-1]])
        stream = stream[counts[-1] :]

    assert counts == [1, 5, 1, 4, 6]
    assert stream == b"next message"


def test_message_behind_the_accept_is_not_lost() -> None:
    protocol = answered(LIST + ACCEPT + b"\0" * 7)

    assert protocol.decoder.buffered == 7


@pytest.mark.parametrize(
    ("version", "size_max", "groups_max"),
    [
        (b"\x05\x00\xff", 16 * 1024 * 1024, 100),
        (b"\x05\x00\xfe", 254 * 65_536, 100),
        (b"\x05\x00\x02", 143_952, 100),
        (b"\x05\x00\x00", 143_952, 100),
        (b"\x04\x04\x00", 143_151, 43),
        (b"\x05\x01\x00", 143_151, 43),
    ],
)
def test_limits_follow_the_daemon(version: bytes, size_max: int, groups_max: int) -> None:
    protocol = answered(LIST, b"\x01" + version + b"\x06#me#d1")

    assert protocol.limits == (size_max, groups_max)


@pytest.mark.parametrize(
    ("code", "kind", "text"),
    [
        (spread.REJECT_QUOTA, spread.SessionRejectedError, "no free session"),
        (spread.REJECT_NO_NAME, spread.SessionRejectedError, "wants a private name"),
        (spread.REJECT_ILLEGAL_NAME, spread.SessionRejectedError, "does not take .* 'me'"),
        (spread.REJECT_NOT_UNIQUE, spread.NameNotUniqueError, "'me' is in use"),
        (spread.REJECT_VERSION, spread.VersionError, "refused the protocol version"),
        (spread.REJECT_AUTH, spread.AuthenticationError, "refused authentication by NULL"),
        (-77, spread.SessionRejectedError, "code -77"),
    ],
)
@pytest.mark.parametrize("before", [b"", LIST], ids=["for the list", "for the accept"])
def test_negative_byte_is_the_code_of_a_refusal(
    before: bytes, code: int, kind: type[spread.SessionRejectedError], text: str
) -> None:
    with pytest.raises(kind, match=text) as caught:
        answered(before + bytes([code & 0xFF]))

    assert caught.value.args[0] == code


@pytest.mark.parametrize(
    "answer",
    [
        b"\x5b" + b"N" * 91,
        LIST + b"\x00",
        LIST + b"\x02",
        LIST + b"\x01\x04\x04\x00\x00",
        LIST + b"\x01\x04\x04\x00\x21" + b"#" * 33,
        b"\x7f" * 128,
    ],
)
def test_what_no_daemon_answers_is_a_protocol_error(answer: bytes) -> None:
    with pytest.raises(spread.ProtocolError):
        answered(answer)


def test_daemon_with_another_body_of_memberships_is_refused() -> None:
    with pytest.raises(spread.VersionError, match=r"3\.17\.4"):
        answered(LIST, b"\x01\x03\x11\x04\x06#me#d1")


def test_method_that_is_not_offered_is_not_chosen() -> None:
    protocol = protocol_for(ConnectRequest(b"me", auth=(spread.IPAuth(),)))
    protocol.decoder.feed(LIST)

    with pytest.raises(spread.AuthenticationError, match=r"does not offer .* IP; it offers NULL"):
        protocol.negotiate()

    assert protocol.data_to_send() == b"\x04\x04\x00\x03\x02me"


def test_password_is_sent_after_the_choice_and_its_verdict_obeyed() -> None:
    request = ConnectRequest(b"me", auth=(spread.PasswordAuth("joe", "secret and more"),))
    protocol = protocol_for(request)
    protocol.data_to_send()
    protocol.decoder.feed(b"\x06PWORD ")
    protocol.negotiate()

    sent = protocol.data_to_send()
    protocol.decoder.feed(b"\x00")

    assert sent == b"PWORD".ljust(90, b"\0") + b"joe".ljust(32, b"\0") + b"secret a"
    with pytest.raises(spread.AuthenticationError, match="refused user 'joe'"):
        protocol.negotiate()


def test_user_name_that_does_not_fit_is_refused() -> None:
    with pytest.raises(spread.ArgumentError, match="32 fit"):
        spread.PasswordAuth("u" * 33, "p")


def test_failed_handshake_cannot_be_continued() -> None:
    protocol = protocol_for()
    protocol.decoder.feed(b"\xfa")
    with pytest.raises(spread.NameNotUniqueError):
        protocol.negotiate()

    with pytest.raises(spread.MailboxClosedError, match="open a new connection"):
        protocol.negotiate()


def test_end_of_stream_in_the_handshake_says_where() -> None:
    protocol = protocol_for()

    error = protocol.ended()

    assert isinstance(error, spread.SessionClosedError)
    assert "during the handshake" in str(error)
    assert error.code == spread.CONNECTION_CLOSED


def test_nothing_can_be_asked_of_a_session_that_is_not_open() -> None:
    with pytest.raises(spread.MisuseError, match="handshake is not complete"):
        protocol_for().join("g")

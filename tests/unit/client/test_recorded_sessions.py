"""The client protocol against recorded sessions: same bytes out, same messages in."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import pytest

import spread
from spread._frames import decode_header
from spread._message_types import Membership, Message
from spread.client.auth import AuthMethod, IPAuth, NullAuth, PasswordAuth
from spread.client.handshake import ConnectRequest
from spread.client.protocol import ClientProtocol, State
from spread.service import JOIN_MESS, KILL_MESS, LEAVE_MESS, REGULAR_MESS
from tests.daemon.harness.transcript import Event, load, names
from tests.unit.client.recorded_api import Delivery, connect_codes, deliveries

HEADER_SIZE = 48
CHOICE_SIZE = 90
METHODS: dict[bytes, AuthMethod] = {
    b"NULL": NullAuth(),
    b"IP": IPAuth(),
    b"PWORD": PasswordAuth("joe", "secret"),
}


def clients_of(name: str) -> list[str]:
    return sorted({event.who for event in load(name).events if event.direction != "note"})


def recorded_clients() -> Iterator[tuple[str, str]]:
    """Every client whose library calls are recorded."""
    for name in names():
        for who in clients_of(name):
            if connect_codes(name, who):
                yield name, who


RECORDED = list(recorded_clients())
RECEIVERS = [(name, who) for name, who in RECORDED if deliveries(name, who)]


def events_of(name: str, who: str) -> list[Event]:
    return [event for event in load(name).events if event.who == who and event.data]


def request_of(events: list[Event]) -> ConnectRequest:
    """Read the arguments of a connect off its recorded bytes."""
    sent = [event.data for event in events if event.direction == "c2d"]
    flags, name = sent[0][3], sent[0][5:]
    choice = next((data for data in sent if len(data) == CHOICE_SIZE), b"NULL")
    methods = [choice[at : at + 30].rstrip(b"\0") for at in range(0, len(choice), 30)]
    return ConnectRequest(
        name=name,
        priority=flags >> 4,
        membership=bool(flags & 1),
        auth=tuple(METHODS[method] for method in methods if method),
        takes_large_messages=False,
    )


def request_again(protocol: ClientProtocol, frame: bytes) -> bytes:
    """Have the protocol make the request that `frame` is."""
    type_bits, _, count, mess_type, _, size = decode_header(frame)
    fields = [frame[HEADER_SIZE + 32 * index :][:32] for index in range(count)]
    groups = [field.partition(b"\0")[0].decode("latin-1") for field in fields]
    if type_bits & JOIN_MESS:
        return protocol.join(groups[0])
    if type_bits & LEAVE_MESS:
        return protocol.leave(groups[0])
    if type_bits & KILL_MESS:
        return protocol.goodbye()
    assert type_bits & REGULAR_MESS
    return protocol.multicast(type_bits, groups, frame[len(frame) - size :], mess_type)


def is_beyond_limits(frame: bytes) -> bool:
    """Whether the recorded library sent what its daemon lost or closed the session for."""
    _, _, count, _, _, size = decode_header(frame)
    return count > 43 or 32 * count + size > 143_151


def without_leftovers(frame: bytes) -> bytes:
    """Clear what the recorded library left behind the NUL of its group names."""
    count = decode_header(frame)[2]
    fields = [frame[HEADER_SIZE + 32 * index :][:32] for index in range(count)]
    names_cleared = b"".join(field.partition(b"\0")[0].ljust(32, b"\0") for field in fields)
    return frame[:HEADER_SIZE] + names_cleared + frame[HEADER_SIZE + 32 * count :]


def delivered(protocol: ClientProtocol) -> Iterator[Delivery]:
    """Everything that can be received, in the form of the classic library."""
    while True:
        try:
            message = protocol.next_message()
        except spread.MessageRejectedError as rejected:
            message = rejected.message
        if message is None:
            return
        yield as_delivery(message)


def as_delivery(message: Message | Membership) -> Delivery:
    if isinstance(message, Message):
        return Delivery(
            message.service_type,
            message.sender,
            message.groups,
            message.msg_type,
            message.endian,
            len(message.message),
            message.message.decode("latin-1"),
        )
    sizes = {
        spread.MembershipKind.VIEW: 20 + sum(4 + 32 * len(each) for each in message.vs_sets),
        spread.MembershipKind.TRANSITIONAL: 12,
        spread.MembershipKind.SELF_LEFT: 0,
    }
    return Delivery(
        message.service_type,
        message.group,
        message.members,
        message.own_index,
        0,
        sizes[message.kind],
        None,
        message.changed_member,
        message.vs_sets,
        message.extra,
    )


@pytest.mark.parametrize(("name", "who"), RECORDED)
def test_connect_has_the_recorded_result(name: str, who: str) -> None:
    events = events_of(name, who)
    protocol = ClientProtocol(request_of(events))
    result = 1

    try:
        for event in events:
            if event.direction == "d2c" and protocol.negotiate() is None:
                protocol.decoder.feed(event.data)
        assert protocol.negotiate() is not None
    except spread.SessionRejectedError as rejected:
        result = int(rejected.code or 0)

    assert [result] == connect_codes(name, who)


@pytest.mark.parametrize(("name", "who"), RECORDED)
def test_client_sends_the_recorded_bytes(name: str, who: str) -> None:
    events = events_of(name, who)
    protocol = ClientProtocol(request_of(events))
    expected, sent = [], []

    for event in events:
        if event.direction == "d2c":
            protocol.decoder.feed(event.data)
            if protocol.state is State.CONNECTING:
                with suppress(spread.SessionRejectedError):
                    protocol.negotiate()
        elif len(event.data) < HEADER_SIZE or len(event.data) == CHOICE_SIZE:
            expected.append(event.data)
            sent.append(protocol.data_to_send())
        elif not is_beyond_limits(event.data):
            expected.append(without_leftovers(event.data))
            sent.append(request_again(protocol, event.data))

    assert sent == expected


@pytest.mark.parametrize(("name", "who"), RECEIVERS)
def test_application_receives_what_the_recorded_one_did(name: str, who: str) -> None:
    events = events_of(name, who)
    protocol = ClientProtocol(request_of(events))
    received: list[Delivery] = []

    for event in events:
        if event.direction == "d2c":
            protocol.decoder.feed(event.data)
            if protocol.negotiate() is not None:
                received += delivered(protocol)

    expected = deliveries(name, who)
    comparable = [
        mine if theirs.data is not None else replace(mine, data=None)
        for mine, theirs in zip(received, expected, strict=False)
    ]
    assert comparable == expected

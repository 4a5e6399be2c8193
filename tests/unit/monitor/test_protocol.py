"""The classic monitor protocol, against recorded datagrams and random ones."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spread.errors import ArgumentError, PeerError
from spread.monitor.protocol import (
    DAEMONS_MAX,
    ByteOrder,
    Command,
    Datagram,
    Request,
    StatusRecord,
    StatusReply,
    components,
    decode_datagram,
    decode_status,
    encode_datagram,
    encode_request,
    encode_status,
    pairs,
)

VECTORS = Path(__file__).parents[2] / "vectors" / "monitor"

ORDERS: tuple[ByteOrder, ...] = ("little", "big")
WORD = st.integers(0, 0xFFFFFFFF)
HALF = st.integers(0, 0xFFFF)
SHORT = st.integers(-0x8000, 0x7FFF)


def recorded_datagrams() -> list:
    """Return bytes and recorded fields of every datagram of 40 bytes or more."""
    found = []
    for path in sorted(VECTORS.glob("*.json")):
        recording = json.loads(path.read_text())
        for number, each in enumerate(recording.get("packets", [])):
            found.append((f"{path.stem}-{number}", each["hex"], each["fields"]))
        for number, each in enumerate(recording.get("replies", [])):
            found.append((f"{path.stem}-reply-{number}", each["hex"], each["fields"]))
        for number, case in enumerate(recording.get("cases", [])):
            if case["request_fields"]:
                found.append((f"case-{number}", case["request"], case["request_fields"]))
            if case["reply"]:
                found.append((f"case-{number}-reply", case["reply"], case["reply_fields"]))
    return [pytest.param(bytes.fromhex(text), values, id=name) for name, text, values in found]


def is_sensible_request(data: bytes, recorded: dict) -> bool:
    sizes = {"partition": 256, "flow_control": 512, "status": 0, "reload": 0}
    return (
        recorded["transmitter_id"] == "0.0.0.0"
        and (recorded["memb_proc_id"], recorded["conf_hash"]) == (15051963, 1100)
        and recorded["data_len"] == sizes.get(recorded["command"])
        and len(data) == 40 + recorded["data_len"]
    )


RECORDED = recorded_datagrams()
STATUS_REPLIES = [each for each in RECORDED if "status" in each.values[1]]
REQUESTS = [each for each in RECORDED if is_sensible_request(*each.values)]


@pytest.mark.parametrize(("data", "recorded"), RECORDED)
def test_recorded_datagram_is_decoded_and_encoded_again_byte_for_byte(data, recorded):
    datagram = decode_datagram(data)

    assert encode_datagram(datagram) == data
    assert datagram.order == recorded["byte_order"]
    assert datagram.type_bits == int(recorded["type"], 16)
    assert datagram.magic == recorded["memb_proc_id"]
    assert datagram.sequence == recorded["seq"]
    assert datagram.hash == recorded["conf_hash"]
    assert datagram.body_size == recorded["data_len"]


@pytest.mark.parametrize(("data", "recorded"), STATUS_REPLIES)
def test_recorded_status_reply_is_decoded_and_encoded_again(data, recorded):
    reply = decode_status(data)

    assert reply.daemon == recorded["proc_id"]
    assert reply.record == StatusRecord(**recorded["status"])
    assert encode_status(reply) == data


@pytest.mark.parametrize(("data", "recorded"), REQUESTS)
def test_recorded_request_is_what_a_request_encodes_to(data, recorded):
    datagram = decode_datagram(data)

    request = Request(
        command=Command[recorded["command"].upper()],
        requester=recorded["proc_id"],
        reply_port=recorded["seq"],
        components=tuple(recorded.get("components", ())),
        pairs=tuple(map(tuple, recorded.get("pairs", ()))),
        order=recorded["byte_order"],
    )

    assert encode_request(request) == data
    assert datagram.command is request.command


def test_recorded_cases_hold_requests_of_all_commands():
    commands = {each.values[1]["command"] for each in REQUESTS}

    assert commands == {"status", "partition", "flow_control", "reload"}
    assert len(STATUS_REPLIES) > 30


def test_status_decides_when_flow_control_is_asked_for_too():
    assert Datagram("little", 0x85000080).command is Command.STATUS


def test_partition_decides_before_status():
    assert Datagram("little", 0x83000080).command is Command.PARTITION


def test_unknown_type_is_no_command():
    assert Datagram("big", 0x00000100).command is None


@given(
    order=st.sampled_from(ORDERS),
    words=st.lists(WORD, min_size=7, max_size=7),
    halves=st.lists(HALF, min_size=4, max_size=4),
    command=st.sampled_from(Command),
    body=st.binary(max_size=600),
)
def test_any_datagram_survives_its_bytes(order, words, halves, command, body):
    type_bits = command | (0x80000080 if order == "little" else 0)
    datagram = Datagram(order, type_bits, *words, *halves, body)

    assert decode_datagram(encode_datagram(datagram)) == datagram


@given(order=st.sampled_from(ORDERS), numbers=st.lists(SHORT, max_size=DAEMONS_MAX))
def test_partition_map_survives_its_bytes_in_both_orders(order, numbers):
    request = Request(Command.PARTITION, "10.0.0.1", components=tuple(numbers), order=order)

    read = components(decode_datagram(encode_request(request)))

    assert read == tuple(numbers) + (0,) * (DAEMONS_MAX - len(numbers))


@given(order=st.sampled_from(ORDERS), given=st.lists(st.tuples(SHORT, SHORT), max_size=DAEMONS_MAX))
def test_flow_control_map_survives_its_bytes_in_both_orders(order, given):
    request = Request(Command.FLOW_CONTROL, "10.0.0.1", pairs=tuple(given), order=order)

    read = pairs(decode_datagram(encode_request(request)))

    assert read == tuple(given) + ((0, 0),) * (DAEMONS_MAX - len(given))


@given(data=st.binary(max_size=700))
def test_any_bytes_are_a_datagram_or_refused(data):
    for decode in (decode_datagram, decode_status):
        with suppress(PeerError):
            decode(data)


@pytest.mark.parametrize("first", [b"\x80\x00\x00\x01", b"\x00\x00\x00\x81"])
def test_first_word_with_half_of_the_order_bits_is_refused(first):
    with pytest.raises(PeerError, match="byte order"):
        decode_datagram(first + bytes(36))


@pytest.mark.parametrize("size", [8, 254, 257, 512])
def test_partition_map_of_another_size_is_refused(size):
    datagram = Datagram("little", 0x82000080, body_size=size, body=bytes(size))

    with pytest.raises(PeerError, match="instead of 256"):
        components(datagram)


def test_map_whose_announced_size_is_another_is_refused():
    datagram = Datagram("little", 0x84000080, body_size=100, body=bytes(512))

    with pytest.raises(PeerError, match="announced as 100"):
        pairs(datagram)


def test_status_record_of_another_release_is_refused():
    datagram = Datagram("little", 0x81000080, body_size=92, body=bytes(92))

    with pytest.raises(PeerError, match=r"release 4\.4"):
        decode_status(encode_datagram(datagram))


def test_counter_beyond_its_field_wraps_and_a_size_stops_at_the_largest():
    record = StatusRecord(packet_sent=(1 << 32) + 5, membership_changes=32768, num_groups=100_000)

    read = decode_status(encode_status(StatusReply("10.0.0.1", record))).record

    assert read.packet_sent == 5
    assert read.membership_changes == -32768
    assert read.num_groups == 32767


@pytest.mark.parametrize("numbers", [(0,) * 129, (40000,)])
def test_map_that_does_not_fit_is_a_misuse(numbers):
    with pytest.raises(ArgumentError):
        encode_request(Request(Command.PARTITION, "10.0.0.1", components=numbers))


def test_request_of_somebody_without_an_address_is_a_misuse():
    with pytest.raises(ArgumentError, match="alpha"):
        encode_request(Request(Command.STATUS, "alpha"))

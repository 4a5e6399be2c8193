"""The decoder: what each kind of frame becomes, and what is refused."""

import gc
import struct
import sys

import pytest

import spread
from spread._decoder import Decoder
from spread._message_types import GroupId, Membership, Message
from tests.unit.client import frames

ORDERS = ["<", ">"]
LITTLE_HERE = sys.byteorder == "little"


def decode(*chunks: bytes) -> Message | Membership:
    """Decode the one message that `chunks` hold."""
    decoder = Decoder()
    for chunk in chunks:
        decoder.feed(chunk)
    message = decoder.next_message()
    assert message is not None
    assert decoder.next_message() is None
    assert decoder.buffered == 0
    return message


def decode_data(frame: bytes) -> Message:
    message = decode(frame)
    assert isinstance(message, Message)
    return message


def decode_membership(frame: bytes) -> Membership:
    message = decode(frame)
    assert isinstance(message, Membership)
    return message


# Data messages.


@pytest.mark.parametrize("order", ORDERS)
def test_data_message_has_all_fields_in_either_byte_order(order: str) -> None:
    frame = frames.data(
        b"payload", type_bits=0x60, groups=("g1", "#bob#d2"), mess_type=0x1234, order=order
    )

    message = decode_data(frame)

    assert message.sender == "#alice#d1"
    assert message.groups == ("g1", "#bob#d2")
    assert message.payload == b"payload"
    assert message.mess_type == 0x1234
    assert message.service is spread.Service.SAFE
    assert message.self_discard
    assert message.service_type == 0x60


@pytest.mark.parametrize(("sender_order", "mismatch"), [("<", not LITTLE_HERE), (">", LITTLE_HERE)])
def test_byte_order_of_the_sender_is_told_whatever_that_of_the_daemon(
    sender_order: str, mismatch: bool
) -> None:
    frame = frames.data(b"", mess_type=77, sender_order=sender_order)

    message = decode_data(frame)

    assert message.endian_mismatch is mismatch
    assert message.endian == int(mismatch)
    assert message.mess_type == 77


def test_historical_names_are_those_of_the_modern_ones() -> None:
    message = decode_data(frames.data(b"hi", mess_type=5))

    assert (message.message, message.msg_type) == (message.payload, message.mess_type)


def test_mess_type_is_signed() -> None:
    assert decode_data(frames.data(b"", mess_type=-2)).mess_type == -2


def test_unknown_high_bits_are_passed_on() -> None:
    assert decode_data(frames.data(b"", type_bits=0x40000010)).service_type == 0x40000010


def test_forged_membership_bits_do_not_make_a_data_message_a_view() -> None:
    assert decode_data(frames.data(b"x" * 56, type_bits=0x1110)).service is spread.Service.AGREED


def test_names_end_at_the_first_nul() -> None:
    message = decode_data(frames.data(b"", groups=(b"grp\0leftover",)))

    assert message.groups == ("grp",)


def test_name_of_32_bytes_without_nul_is_taken_whole() -> None:
    assert decode_data(frames.data(b"", groups=("g" * 32,))).groups == ("g" * 32,)


def test_name_that_is_no_utf8_survives_the_way_back() -> None:
    message = decode_data(frames.data(b"", groups=(b"gr\xfc",)))

    assert message.groups[0].encode("utf-8", "surrogateescape") == b"gr\xfc"


def test_message_to_no_group_is_received() -> None:
    assert decode_data(frames.data(b"x", groups=())).groups == ()


def test_repeated_names_are_the_same_objects() -> None:
    decoder = Decoder()
    decoder.feed(frames.data(b"1") + frames.data(b"2"))

    first, second = decoder.next_message(), decoder.next_message()

    assert isinstance(first, Message)
    assert isinstance(second, Message)
    assert first.sender is second.sender
    assert first.groups is second.groups


def test_changed_names_are_not_taken_from_the_message_before() -> None:
    decoder = Decoder()
    for sender, groups in [("#a#d", ("g",)), ("#b#d", ("h",)), ("#b#d", ("h", "g"))]:
        decoder.feed(frames.data(b"", sender=sender, groups=groups))

    messages = [decoder.next_message() for _ in range(3)]

    assert [(each.sender, each.groups) for each in messages if isinstance(each, Message)] == [
        ("#a#d", ("g",)),
        ("#b#d", ("h",)),
        ("#b#d", ("h", "g")),
    ]


def test_largest_data_message_is_received_whole() -> None:
    payload = b"x" * (16 * 1024 * 1024 - 32)

    assert decode_data(frames.data(payload)).payload == payload


def test_message_says_what_it_is() -> None:
    message = decode_data(frames.data(b"four", mess_type=9))

    assert repr(message) == ("<Message from '#alice#d1' to ('grp',): AGREED, mess_type 9, 4 bytes>")


# Membership messages.


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("cause", [spread.Cause.JOIN, spread.Cause.LEAVE, spread.Cause.DISCONNECT])
def test_view_of_one_change_names_the_changed_member(cause: spread.Cause, order: str) -> None:
    members = ("#alice#d1", "#carl#d1")

    view = decode_membership(frames.view(cause, "grp", members, "#bob#d2", order=order))

    assert view.kind is spread.MembershipKind.VIEW
    assert view.cause is cause
    assert view.group == "grp"
    assert view.members == members
    assert view.changed_member == "#bob#d2"
    assert view.vs_sets == (("#bob#d2",),)


@pytest.mark.parametrize("order", ORDERS)
def test_network_view_tells_who_came_together(order: str) -> None:
    vs_sets = (("#amy#d1", "#bob#d1"), ("#carl#d2",), ("#dave#d3",))

    view = decode_membership(frames.network_view("grp", vs_sets, own=1, order=order))

    assert view.cause is spread.Cause.NETWORK
    assert view.vs_sets == vs_sets
    assert view.vs_set == ("#carl#d2",)
    assert view.changed_member == ""


def test_view_knows_the_place_of_its_receiver() -> None:
    decoder = Decoder()
    decoder.set_private_group(b"#bob#d1")
    decoder.feed(frames.view(0x100, "grp", ["#alice#d1", "#bob#d1"], "#bob#d1"))
    decoder.feed(frames.view(0x100, "grp", ["#alice#d1"], "#alice#d1"))

    views = [decoder.next_message(), decoder.next_message()]

    assert [view.own_index for view in views if isinstance(view, Membership)] == [1, -1]


@pytest.mark.parametrize("order", ORDERS)
def test_transitional_signal_carries_the_id_of_the_old_view(order: str) -> None:
    old = decode_membership(frames.view(0x100, "grp", ["#a#d"], "#a#d", order=order))

    now = decode_membership(frames.signal("grp", order=order))

    assert now.kind is spread.MembershipKind.TRANSITIONAL
    assert now.cause is None
    assert now.group_id == old.group_id
    assert (now.members, now.vs_sets, now.changed_member) == ((), (), "")


def test_view_that_also_has_the_bit_of_a_signal_is_a_view() -> None:
    frame = patched(VIEW, 0, 0x3100 | frames.MARKER)

    view = decode_membership(frame)

    assert (view.kind, view.cause) == (spread.MembershipKind.VIEW, spread.Cause.JOIN)


def test_self_leave_has_neither_members_nor_id() -> None:
    left = decode_membership(frames.self_left("grp"))

    assert left.kind is spread.MembershipKind.SELF_LEFT
    assert left.cause is spread.Cause.LEAVE
    assert left.group_id is None
    assert left.members == ()


@pytest.mark.parametrize(
    ("frame", "reason", "subtype", "extra"),
    [
        (frames.view(0x100, "g", ["#a#d"], "#a#d"), 0x100, 0x1000, ("#a#d",)),
        (frames.view(0x400, "g", ["#a#d"], "#b#d"), 0x400, 0x1000, ("#b#d",)),
        (frames.network_view("g", [["#a#d", "#b#d"]], 0), 0x800, 0x1000, ("#a#d", "#b#d")),
        (frames.signal("g"), 0, 0x2000, ()),
        (frames.self_left("g"), 0x200, 0, ()),
    ],
    ids=["join", "disconnect", "network", "transitional", "self-leave"],
)
def test_historical_names_of_membership(
    frame: bytes, reason: int, subtype: int, extra: tuple[str, ...]
) -> None:
    message = decode_membership(frame)

    assert (message.reason, message.msg_subtype, message.extra) == (reason, subtype, extra)


def test_membership_says_what_it_is() -> None:
    views = [
        frames.view(0x100, "g", ["#a#d", "#b#d"], "#b#d"),
        frames.signal("g"),
        frames.self_left("g"),
    ]

    assert [repr(decode_membership(view)) for view in views] == [
        "<Membership VIEW of 'g', JOIN of '#b#d': 2 members>",
        "<Membership TRANSITIONAL of 'g': 0 members>",
        "<Membership SELF_LEFT of 'g', LEAVE: 0 members>",
    ]


# Group ids.


def group_id(address: int, time: int, index: int) -> GroupId:
    found = decode_membership(frames.signal("g", group_id=(address, time, index))).group_id
    assert found is not None
    return found


def test_equal_group_ids_are_equal_and_hash_alike() -> None:
    assert group_id(1, 2, 3) == group_id(1, 2, 3)
    assert hash(group_id(1, 2, 3)) == hash(group_id(1, 2, 3))


@pytest.mark.parametrize("other", [(9, 2, 3), (1, 9, 3), (1, 2, 9)])
def test_group_ids_differ_in_each_part(other: tuple[int, int, int]) -> None:
    assert group_id(1, 2, 3) != group_id(*other)


def test_group_id_is_not_equal_to_its_numbers() -> None:
    assert group_id(1, 2, 3) != (1, 2, 3)


def test_group_ids_have_no_order() -> None:
    with pytest.raises(TypeError):
        sorted([group_id(1, 2, 3), group_id(1, 2, 4)])  # type: ignore[type-var]


def test_group_id_shows_its_words() -> None:
    assert repr(group_id(0x7F000001, 0xFFFFFFFF, 1)) == "<group_id 7F000001:FFFFFFFF:00000001>"


# Rejected messages.


def test_rejected_message_is_raised_with_what_was_sent() -> None:
    decoder = Decoder()
    decoder.feed(frames.reject(0x10, ["grp", "#me#d1"], b"refused", mess_type=666))

    with pytest.raises(spread.MessageRejectedError, match="refused a message to grp") as caught:
        decoder.next_message()

    message = caught.value.message
    assert message is not None
    assert message.service_type == 0x00400010
    assert message.groups == ("grp", "#me#d1")
    assert (message.payload, message.mess_type) == (b"refused", 666)


@pytest.mark.parametrize(
    ("old_type", "text"), [(0x100, "refused to join grp"), (0x200, "refused to leave grp")]
)
def test_rejected_join_and_leave_say_so(old_type: int, text: str) -> None:
    decoder = Decoder()
    decoder.feed(frames.reject(old_type, ["grp", "#me#d1"]))

    with pytest.raises(spread.MessageRejectedError, match=text):
        decoder.next_message()


def test_stream_goes_on_behind_a_rejected_message() -> None:
    decoder = Decoder()
    decoder.feed(frames.reject(0x10, ["grp", "#me#d1"], b"no") + frames.data(b"next"))

    with pytest.raises(spread.MessageRejectedError):
        decoder.next_message()
    following = decoder.next_message()

    assert isinstance(following, Message)
    assert following.payload == b"next"


# Nonsense.


def patched(frame: bytes, offset: int, word: int) -> bytes:
    """Replace a 32-bit word, in little-endian order."""
    return frame[:offset] + struct.pack("<I", word & 0xFFFFFFFF) + frame[offset + 4 :]


VIEW = frames.view(0x100, "g", ["#a#d"], "#a#d")  # Body from byte 80: id, 1, 0, 1, name.

NONSENSE = {
    "negative group count": patched(frames.data(b""), 36, -1),
    "negative body size": patched(frames.data(b""), 44, -1),
    "101 groups in a data message": frames.data(b"", groups=["g"] * 101),
    "data message above 16 MiB": frames.header(0x10, "#a#d", 1, 0, 16 * 1024 * 1024 - 31),
    "view above 32 MiB": frames.header(0x1100, "g", 1, 0, 32 * 1024 * 1024),
    "huge group count": frames.header(0x1100, "g", 0x7FFFFFFF, 0, 0x7FFFFFFF),
    "unknown type": frames.header(0x100, "g", 0, 0, 0),
    "leave and disconnect without a view": frames.header(0x600, "g", 0, 0, 0),
    "no type": frames.header(0, "g", 0, 0, 0),
    "view without cause": patched(VIEW, 0, 0x1000 | frames.MARKER),
    "view with two causes": patched(VIEW, 0, 0x1300 | frames.MARKER),
    "view without body": frames.header(0x1100, "g", 0, 0, 0),
    "signal without id": frames.header(0x2000, "g", 0, 0, 4) + bytes(4),
    "no vs set": patched(VIEW, 92, 0),
    "more vs sets than there are": patched(VIEW, 92, 2),
    "huge number of vs sets": patched(VIEW, 92, -1),
    "own vs set elsewhere": patched(VIEW, 96, 4),
    "vs set larger than its message": patched(VIEW, 100, 2),
    "huge vs set": patched(VIEW, 100, -1),
    "join of nobody": patched(VIEW, 100, 0),
}


@pytest.mark.parametrize("frame", NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_is_a_protocol_error(frame: bytes) -> None:
    decoder = Decoder()
    decoder.feed(frame)

    with pytest.raises(spread.ProtocolError, match=r"daemon|view|vs set|signal"):
        decoder.next_message()


# Buffering.


def test_nothing_is_returned_before_the_last_byte() -> None:
    frame = frames.data(b"payload")
    decoder = Decoder()

    for byte in frame[:-1]:
        decoder.feed(bytes([byte]))
        assert decoder.next_message() is None
    decoder.feed(frame[-1:])

    assert decoder.next_message() is not None


def test_missing_counts_to_the_end_of_the_header_then_of_the_message() -> None:
    frame = frames.data(b"payload")
    decoder = Decoder()

    missing = [decoder.missing()]
    for part in (frame[:10], frame[10:48], frame[48:-1], frame[-1:]):
        decoder.feed(part)
        missing.append(decoder.missing())

    assert missing == [48, 38, len(frame) - 48, 1, 0]


def test_room_is_always_offered_and_never_invalidates_the_room_before() -> None:
    decoder = Decoder()
    frame = frames.data(b"x" * 1_000_000)
    rooms = []
    done = 0

    while done < len(frame):
        room = decoder.writable()
        rooms.append(room)
        step = min(len(room), len(frame) - done)
        room[:step] = frame[done : done + step]
        decoder.received(step)
        done += step

    assert min(map(len, rooms)) >= 65536
    message = decoder.next_message()
    assert isinstance(message, Message)
    assert message.payload == b"x" * 1_000_000


def test_memory_follows_the_bytes_that_came_not_those_announced() -> None:
    decoder = Decoder()
    decoder.feed(frames.header(0x10, "#a#d", 1, 0, 16 * 1024 * 1024 - 32))

    assert decoder.next_message() is None
    assert len(decoder.writable()) < 300_000


def test_buffer_shrinks_again_after_a_large_message() -> None:
    decoder = Decoder()
    decoder.feed(frames.data(b"x" * 4_000_000))

    decoder.next_message()

    assert len(decoder.writable()) < 300_000


@pytest.mark.parametrize("count", [-1, 10_000_000])
def test_more_bytes_than_there_was_room_for_are_refused(count: int) -> None:
    with pytest.raises(spread.MisuseError):
        Decoder().received(count)


def test_take_waits_for_the_whole_field() -> None:
    decoder = Decoder()
    decoder.feed(b"ab")

    early = decoder.take(3)
    decoder.feed(b"cd")

    assert early is None
    assert decoder.take(3) == b"abc"
    assert decoder.buffered == 1


def test_messages_outlive_their_decoder() -> None:
    message = decode_data(frames.data(b"payload"))

    gc.collect()

    assert (message.payload, message.sender) == (b"payload", "#alice#d1")


def test_messages_cannot_be_changed() -> None:
    message = decode_data(frames.data(b"payload"))

    with pytest.raises(AttributeError):
        message.payload = b"other"  # type: ignore[misc]

"""What `spuser` shows of each thing that arrives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import spread
from spread._decoder import Decoder
from spread.cli.user.descriptions import describe, describe_rejected, printable
from tests.unit.client import frames

ESCAPE = "\x1b[2J"


def decoded(frame: bytes) -> spread.Message | spread.Membership:
    decoder = Decoder()
    decoder.set_private_group(b"#me#d1")
    decoder.feed(frame)
    message = decoder.next_message()
    assert message is not None
    return message


def rejected(frame: bytes) -> spread.MessageRejectedError:
    with pytest.raises(spread.MessageRejectedError) as caught:
        decoded(frame)
    return caught.value


# Data.


def test_data_message_is_one_line_with_sender_group_service_and_text() -> None:
    message = decoded(frames.data(b"hello", type_bits=0x20))

    assert describe(message) == ["#alice#d1 to grp (safe, 5 bytes): hello"]


def test_all_groups_are_shown_in_the_order_of_the_message() -> None:
    message = decoded(frames.data(b"x", groups=("g2", "#bob#d2", "g1")))

    assert describe(message) == ["#alice#d1 to g2 #bob#d2 g1 (agreed, 1 byte): x"]


def test_empty_message_has_no_text() -> None:
    message = decoded(frames.data(b""))

    assert describe(message) == ["#alice#d1 to grp (agreed, 0 bytes)"]


def test_whatever_is_not_as_usual_is_said() -> None:
    frame = frames.data(b"x", type_bits=0x50, mess_type=-2, sender_order=">")

    assert describe(decoded(frame)) == [
        "#alice#d1 to grp (agreed, type -2, 1 byte, self-discard, other byte order): x"
    ]


def test_text_of_several_lines_is_indented() -> None:
    message = decoded(frames.data(b"one\ntwo\n"))

    assert describe(message) == ["#alice#d1 to grp (agreed, 8 bytes):", "    one", "    two"]


def test_text_cannot_move_the_cursor_or_begin_a_line() -> None:
    message = decoded(frames.data(f"a{ESCAPE}\rb\nview of grp\xff".encode("latin-1")))

    assert describe(message) == [
        "#alice#d1 to grp (agreed, 20 bytes):",
        r"    a\x1b[2J\rb",
        r"    view of grp\xff",
    ]


def test_names_cannot_move_the_cursor() -> None:
    frame = frames.data(b"x", sender=f"#{ESCAPE}#d1", groups=(f"a{ESCAPE}b",))

    assert describe(decoded(frame)) == [r"#\x1b[2J#d1 to a\x1b[2Jb (agreed, 1 byte): x"]


def test_long_text_is_cut_where_asked_for() -> None:
    message = decoded(frames.data(b"x" * 12))

    assert describe(message, size_max=10) == [
        "#alice#d1 to grp (agreed, 12 bytes): xxxxxxxxxx ... and 2 bytes more"
    ]


def test_text_as_long_as_the_limit_is_shown_whole() -> None:
    message = decoded(frames.data(b"x" * 10))

    assert describe(message, size_max=10) == ["#alice#d1 to grp (agreed, 10 bytes): xxxxxxxxxx"]


NAMES = st.binary(min_size=1, max_size=31).filter(lambda name: b"\0" not in name)


@given(NAMES, NAMES, st.binary(max_size=100), st.integers(0, 120))
def test_nothing_that_arrives_can_reach_the_terminal_raw(
    sender: bytes, group: bytes, payload: bytes, size_max: int
) -> None:
    message = decoded(frames.data(payload, sender=sender, groups=(group,)))

    for number, line in enumerate(describe(message, size_max=size_max)):
        assert line.isprintable()
        assert number == 0 or line.startswith("    ")


# Memberships.


@pytest.mark.parametrize(
    ("cause", "change"), [(0x100, "joined"), (0x200, "left"), (0x400, "disconnected")]
)
def test_view_says_who_came_or_went(cause: int, change: str) -> None:
    view = decoded(frames.view(cause, "grp", ["#alice#d1", "#me#d1"], "#bob#d2"))

    assert describe(view) == [
        f"view of grp: #bob#d2 {change}; 2 members, own index 1, "
        "group id 7F000001:6B02DC52:00000001",
        "    members: #alice#d1 #me#d1",
        "    vs-set 1 (own): #bob#d2",
    ]


def test_view_after_a_network_change_shows_the_sets_and_which_is_ours() -> None:
    view = decoded(frames.network_view("grp", [["#alice#d1", "#carl#d1"], ["#me#d1"]], own=1))

    assert describe(view) == [
        "view of grp: network change; 3 members, own index 2, group id 7F000001:6B02DC52:00000001",
        "    members: #alice#d1 #carl#d1 #me#d1",
        "    vs-set 1: #alice#d1 #carl#d1",
        "    vs-set 2 (own): #me#d1",
    ]


def test_transitional_signal_shows_the_id_of_the_old_view() -> None:
    (line,) = describe(decoded(frames.signal("grp")))

    assert line.startswith("transitional signal for grp: ")
    assert line.endswith("old group id 7F000001:6B02DC52:00000001")


def test_self_leave() -> None:
    assert describe(decoded(frames.self_left("grp"))) == [
        "left grp: this session is no member any more"
    ]


# Rejects.


def test_rejected_message_is_shown_without_the_sender_in_its_groups() -> None:
    error = rejected(frames.reject(0x20, ["grp", "#me#d1"], b"hello", mess_type=666))

    assert describe_rejected(error) == ["rejected: #me#d1 to grp (safe, type 666, 5 bytes): hello"]


@pytest.mark.parametrize(("type_bits", "request_name"), [(0x100, "join"), (0x200, "leave")])
def test_rejected_join_and_leave_name_the_group(type_bits: int, request_name: str) -> None:
    error = rejected(frames.reject(type_bits, ["grp", "#me#d1"]))

    assert describe_rejected(error) == [f"rejected: {request_name} of grp"]


# Escapes.


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("häuser 🙂", "häuser 🙂"),
        ("tab\tnul\0", r"tab\tnul\x00"),
        ("\u202eright to left", r"\u202eright to left"),
        ("\udcff", r"\xff"),
        ("\ud800", r"\ud800"),
    ],
)
def test_only_what_is_printable_is_shown_as_it_is(text: str, shown: str) -> None:
    assert printable(text) == shown

"""Views as bytes: every membership message that was recorded, and the largest ones there can be."""

import pytest

from spread.daemon.views import GroupId, RingId, View, self_leave_frame, view_frames
from spread.service import Cause
from tests.daemon.harness import transcript, wire
from tests.daemon.harness.transcript import Event

RING = RingId(0x7F000001, 0x6B02DC52)


def recorded(files: list[str]) -> list[tuple[str, Event]]:
    """Return the whole messages that the daemons of the recordings sent."""
    return [
        (name, event)
        for name in files
        for event in transcript.load(name).events
        if event.direction == "d2c" and wire.frame_size(event.data) == len(event.data)
    ]


MESSAGES = recorded(transcript.names())
VIEWS = [(name, event) for name, event in MESSAGES if wire.decode_frame(event.data).is_view]
SELF_LEAVES = [
    (name, event) for name, event in MESSAGES if wire.decode_frame(event.data).is_self_leave
]


def named(case: tuple[str, Event]) -> str:
    return f"{case[0]}-{case[1].index}"


def view_of(frame: wire.Frame) -> tuple[View, int]:
    """Return what a recorded message says, and the number of the receiver's own set."""
    body = frame.view()
    ring = RingId(body.group_id.address, body.group_id.time)
    view = View(
        group=wire.stripped(frame.name),
        id=GroupId(ring, body.group_id.index),
        cause=Cause(frame.type & 0xF00),
        members=frame.group_names,
        together=body.sets,
    )
    return view, body.own


def test_the_recordings_show_every_cause_and_several_sets() -> None:
    frames = [wire.decode_frame(event.data) for _, event in VIEWS]

    assert {frame.type & 0xF00 for frame in frames} == {0x100, 0x200, 0x400, 0x800}
    assert {len(frame.view().sets) for frame in frames} >= {1, 2, 3}
    assert {frame.view().own for frame in frames} >= {0, 1, 2}
    assert len(SELF_LEAVES) > 0


@pytest.mark.parametrize("case", VIEWS, ids=named)
def test_a_recorded_view_is_encoded_byte_for_byte(case: tuple[str, Event]) -> None:
    event = case[1]
    view, own = view_of(wire.decode_frame(event.data))

    frames = view_frames(view)

    assert frames[own] == event.data
    assert len(frames) == len(view.together)


@pytest.mark.parametrize("case", SELF_LEAVES, ids=named)
def test_a_recorded_self_leave_is_encoded_byte_for_byte(case: tuple[str, Event]) -> None:
    event = case[1]

    assert self_leave_frame(wire.stripped(event.data[4:36])) == event.data


def test_receivers_of_one_view_get_the_same_but_for_the_offset_of_their_set() -> None:
    sets = ((b"#a#d1", b"#b#d1"), (b"#c#d2",), (b"#d#d3",))
    members = tuple(name for names in sets for name in names)
    view = View(b"grp", GroupId(RING, 1), Cause.NETWORK, members, sets)

    frames = [wire.decode_frame(frame) for frame in view_frames(view)]

    assert [frame.view().own for frame in frames] == [0, 1, 2]
    assert [frame.data[16:20] for frame in frames] == [b"\0\0\0\0", b"\x44\0\0\0", b"\x68\0\0\0"]
    assert len({frame.data[:16] + frame.data[20:] for frame in frames}) == 1


def test_a_group_id_is_three_signed_words() -> None:
    assert GroupId(RingId(-1, -2), 3).pack() == b"\xff\xff\xff\xff\xfe\xff\xff\xff\3\0\0\0"


def test_a_group_may_have_more_views_than_a_signed_word_counts() -> None:
    assert GroupId(RING, 2**31).pack()[8:] == b"\0\0\0\x80"


def test_a_view_of_five_thousand_members_is_whole() -> None:
    members = tuple(b"#m%04d#d1" % number for number in range(5_000))
    view = View(b"grp", GroupId(RING, 5_000), Cause.JOIN, members, (members[-1:],))

    (encoded,) = view_frames(view)

    frame = wire.decode_frame(encoded)
    assert frame.group_names == members
    assert frame.view().sets == (members[-1:],)

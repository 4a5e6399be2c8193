"""The exchange of tables: what comes back was told; nonsense concerns its speaker alone."""

import struct
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spread.daemon import exchange as module
from spread.daemon.exchange import MESSAGE_SIZE_MAX, Exchange, encode_table
from spread.daemon.group_table import Group, GroupTable, Part
from spread.daemon.views import GroupId, RingId

RING = RingId(0x7F000001, 500)
OLD = GroupId(RingId(-5, 400), 7)
DAEMONS = (b"d1", b"d2", b"d3")
HEAD_SIZE = 32


def group(*parts: tuple[int, list[bytes]], changed: bool = False) -> Group:
    return Group(OLD, [Part(daemon, OLD, members) for daemon, members in parts], changed)


def table() -> dict[bytes, Group]:
    """Return groups of daemons 0 and 1 with everything that a message can tell."""
    whole = group((0, [b"#amy#d1", b"#bob#d1"]), (1, [b"#amy#d2"]), changed=True)
    part = group((1, [b"#amy#d2"]))
    part.lost = frozenset({(2, OLD), (0, OLD)})
    return {b"chat": whole, b"": part, b"#private": group((0, [b"#bob#d1"]))}


def told(
    groups: dict[bytes, Group], speaks_for: tuple[int, ...], ring: RingId = RING
) -> list[bytes]:
    state = GroupTable(groups)
    joined = {daemon: list(state.joined_at(daemon)) for daemon in speaks_for}
    return encode_table(ring, frozenset(speaks_for), joined, state.items())


def exchange(*members: int) -> Exchange:
    return Exchange(RING, frozenset(members), DAEMONS)


def test_a_table_comes_back_as_it_was() -> None:
    between = exchange(0, 1)
    (message,) = told(table(), (0, 1))

    assert between.receive(0, message) is None

    assert between.is_complete
    assert between.tables() == [table()]


def test_a_large_table_comes_in_several_messages() -> None:
    members = [b"#m%05d#d1" % number for number in range(9_000)]
    groups = {b"g%05d" % number: group((0, members[number:])) for number in range(0, 9_000, 500)}
    messages = told(groups, (0,))
    between = exchange(0)

    for message in messages:
        assert not between.is_complete
        assert between.receive(0, message) is None

    assert [len(message) for message in messages[:-1]] == [MESSAGE_SIZE_MAX] * (len(messages) - 1)
    assert len(messages) > 2
    assert between.tables() == [groups]


def test_it_is_complete_when_every_daemon_is_spoken_for() -> None:
    between = exchange(0, 1, 2)
    own = {b"g": group((2, [b"#zoe#d3"]))}

    between.receive(2, told(own, (2,))[0])
    assert not between.is_complete
    between.receive(0, told(table(), (0, 1))[0])

    assert between.is_complete
    assert between.tables() == [table(), own]


def test_a_daemon_without_groups_speaks_too() -> None:
    between = exchange(1)

    assert between.receive(1, told({}, (1,))[0]) is None

    assert between.tables() == [{}]


def test_a_message_of_another_ring_is_ignored() -> None:
    between = exchange(0, 1)
    (stale,) = told(table(), (0, 1), RingId(0x7F000001, 499))
    (message,) = told(table(), (0, 1))

    assert between.receive(0, stale) == "a message of another ring"
    between.receive(0, message)

    assert between.tables() == [table()]
    assert between.rejected == {}


def head(number: int = 0, is_last: int = 1, bits: int = 0b11) -> bytes:
    ring = struct.pack("<ii", *RING)
    return ring + struct.pack("<II16s", number, is_last, bits.to_bytes(16, "little"))


def words(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}I", *numbers)


MEMBERS = words(2) + b"\0\3amy" + b"\1\3bob"
ID = bytes(12)
ONE = words(1) + b"\1g\0" + ID
BAD_TABLES = {
    "nothing": b"",
    "a cut count": b"\0\0\0",
    "members cut": words(2) + b"\0\3amy",
    "a name cut": words(1) + b"\0\xffamy",
    "no groups": MEMBERS,
    "a member elsewhere": words(1) + b"\2\3amy" + words(0),
    "a member without a name": words(1) + b"\0\0" + words(0),
    "a name with a hash": words(1) + b"\0\3a#b" + words(0),
    "a name with a NUL": words(1) + b"\0\3a\0b" + words(0),
    "a name too long": words(1) + b"\0\x1d" + b"n" * 29 + words(0),
    "members out of order": words(2) + b"\1\3bob\0\3amy" + words(0),
    "a member twice": words(2) + b"\0\3amy\0\3amy" + words(0),
    "groups cut": MEMBERS + words(1),
    "bytes behind": MEMBERS + words(0) + b"x",
    "a group name too long": MEMBERS + words(1) + b"\x20" + b"g" * 32 + b"\0" + ID + words(1, 0),
    "a group name with a NUL": MEMBERS + words(1) + b"\1\0\0" + ID + words(1, 0) + b"\0",
    "groups out of order": MEMBERS
    + words(2)
    + b"".join(name + b"\0" + ID + words(1, 0) + b"\0" for name in (b"\1b", b"\1a")),
    "a group twice": MEMBERS + words(2) + (b"\1g\0" + ID + words(1, 0) + b"\0") * 2,
    "a wrong flag": MEMBERS + words(1) + b"\1g\2" + ID + words(1, 0) + b"\0",
    "a group without members": MEMBERS + ONE + words(0) + b"\0",
    "more members than there are": MEMBERS + ONE + words(3, 0, 1, 2) + b"\0",
    "a member that is not there": MEMBERS + ONE + words(1, 2) + b"\0",
    "numbers cut": MEMBERS + ONE + words(2, 0),
    "numbers out of order": MEMBERS + ONE + words(2, 1, 0) + b"\0",
    "lost daemons missing": MEMBERS + ONE + words(1, 0),
    "lost daemons cut": MEMBERS + ONE + words(1, 0) + b"\2\1",
    "lost daemons out of order": MEMBERS + ONE + words(1, 0) + b"\2\2\1",
}


@pytest.mark.parametrize("content", BAD_TABLES.values(), ids=BAD_TABLES.keys())
def test_a_table_that_makes_no_sense_counts_as_empty(content: bytes) -> None:
    between = exchange(0, 1)

    fault = between.receive(0, head() + content)

    assert between.rejected == {0: fault}
    assert between.tables() == [{}]
    assert not between.is_complete


def test_the_examples_of_nonsense_are_one_step_from_sense() -> None:
    between = exchange(0, 1)

    assert between.receive(0, head() + MEMBERS + ONE + words(2, 0, 1) + b"\2\1\2") is None


def test_a_table_is_taken_apart_message_by_message() -> None:
    between = exchange(0, 1)
    assert between.receive(0, head(0, is_last=0) + MEMBERS + words(3) + b"\1g\0") is None

    fault = between.receive(0, head(1, is_last=0) + ID + words(1, 7) + b"\0")

    assert fault == "a member of group b'g' is not there"


@settings(max_examples=100, deadline=None)
@given(cuts=st.lists(st.integers(0, 200), max_size=12))
def test_a_table_may_be_cut_anywhere(cuts: list[int]) -> None:
    (message,) = told(table(), (0, 1))
    whole = message[HEAD_SIZE:]
    places = [0, *sorted(min(each, len(whole)) for each in cuts), len(whole)]
    pieces = [whole[start:end] for start, end in pairwise(places)]
    between = exchange(0, 1)

    for number, piece in enumerate(pieces):
        assert between.receive(0, head(number, number == len(pieces) - 1) + piece) is None

    assert between.tables() == [table()]


BAD_MESSAGES = {
    "shorter than a head": head()[:-1],
    "without its first": head(number=1, is_last=0),
    "a wrong mark of the last": head(is_last=2),
    "for nobody": head(bits=0),
    "not for its sender": head(bits=0b10),
    "for others before its sender": head(bits=0b11),
    "for one that is not in the ring": head(bits=0b1100),
}


@pytest.mark.parametrize("message", BAD_MESSAGES.values(), ids=BAD_MESSAGES.keys())
def test_a_message_that_makes_no_sense_speaks_for_its_sender_alone(message: bytes) -> None:
    between = exchange(0, 1)

    assert between.receive(1, message) is not None
    assert not between.is_complete
    between.receive(0, told({}, (0,))[0])

    assert between.is_complete
    assert between.tables() == [{}, {}]


def test_a_message_behind_the_last_one_takes_back_what_was_said() -> None:
    between = exchange(0, 1, 2)
    (message,) = told(table(), (0, 1))
    between.receive(0, message)

    assert between.receive(0, message) == "a message behind the last one"

    assert between.tables() == [{}]
    assert between.receive(0, message) is None
    assert between.receive(1, told({}, (1,))[0]) is None
    assert between.receive(2, told({}, (2,))[0]) is None
    assert between.is_complete


def test_a_speaker_may_not_change_for_whom_it_speaks() -> None:
    between = exchange(0, 1)
    between.receive(0, head(is_last=0))

    assert between.receive(0, head(number=1, bits=0b01)) is not None


def test_nobody_is_spoken_for_twice() -> None:
    between = exchange(0, 1, 2)
    between.receive(1, told({}, (1, 2))[0])

    assert between.receive(0, told({}, (0, 1))[0]) == "daemons [1] have been spoken for"


def test_an_exchange_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STATES_SIZE_MAX", 100)
    between = exchange(0, 1)
    assert between.receive(0, head(is_last=0, bits=0b01) + bytes(18)) is None

    assert between.receive(1, head(bits=0b10) + bytes(19)) == "more than 100 bytes in all"
    assert between.receive(0, head(number=1, bits=0b01) + bytes(50)) is not None


@settings(max_examples=300, deadline=None)
@given(
    place=st.integers(0, 200),
    change=st.integers(1, 255),
    cut=st.integers(0, 20),
    more=st.binary(max_size=4),
)
def test_damage_anywhere_is_found_or_harmless(
    place: int, change: int, cut: int, more: bytes
) -> None:
    (message,) = told(table(), (0, 1))
    damaged = bytearray(message[: len(message) - cut] + more)
    damaged[place % len(damaged)] ^= change

    both = exchange(0, 1), exchange(0, 1)
    faults = [between.receive(0, bytes(damaged)) for between in both]

    assert faults[0] == faults[1]
    assert both[0].tables() == both[1].tables()
    for groups in both[0].tables():
        GroupTable(groups).invariants()

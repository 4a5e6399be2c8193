"""Control packets: what is sent comes back, and bytes of any kind do no harm."""

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from spread.daemon.membership.codec import BODY_SIZE_MAX, MalformedError, decode, encode, kind_of
from spread.daemon.membership.packets import (
    DAEMONS_MAX,
    HAVE_BITS_MAX,
    OLD_RINGS_MAX,
    Alive,
    Form,
    FormAck,
    FormId,
    FormMember,
    Heard,
    Join,
    Kind,
    Leave,
    OldRing,
    Packet,
    Refer,
    Role,
)

unhurried = settings(deadline=None, max_examples=300)

words = st.integers(0, 0xFFFFFFFF)
longs = st.integers(0, 0xFFFF_FFFF_FFFF_FFFF)
roles = st.sampled_from(Role)
kinds = st.sampled_from(Kind)
daemons = st.integers(0, DAEMONS_MAX - 1)
rings = st.tuples(words, words)
attempts = st.builds(FormId, daemons, words, longs)
daemon_lists = st.lists(daemons, unique=True).map(tuple)
rep_lists = st.lists(st.tuples(daemons, roles), unique_by=lambda rep: rep[0]).map(tuple)
heard_lists = st.lists(st.builds(Heard, daemons, longs), unique_by=lambda each: each.daemon).map(
    tuple
)


@st.composite
def forms(draw: st.DrawFn) -> Form:
    """Forms that can be, of either pass."""
    numbers = draw(st.permutations(range(DAEMONS_MAX)))[: draw(st.integers(1, DAEMONS_MAX))]
    count = draw(st.integers(1, len(numbers)))
    is_second_pass = draw(st.booleans())
    here = sorted(numbers[:count]) if is_second_pass else numbers[:count]
    names = draw(st.lists(rings, min_size=1, max_size=OLD_RINGS_MAX, unique=True))
    members = [FormMember(each, draw(longs), each, names[each % len(names)]) for each in here]
    attempt = draw(st.builds(FormId, st.sampled_from(here), words, longs))
    form = Form(attempt, draw(st.integers(0, 2 * DAEMONS_MAX - 1)), is_second_pass, members)
    for name in names:
        transitional = [each.daemon for each in members if each.old_ring == name]
        if transitional:
            form.old_rings.append(draw(old_rings(name, transitional)))
    if is_second_pass:
        form.hop = draw(st.integers(0, count - 1))
        form.ring = draw(rings.filter(any)) if form.hop else None
        for entry in form.old_rings:
            is_named = entry.transitional[0] in here[: form.hop]
            entry.transitional_time = draw(st.integers(1, 0xFFFFFFFF)) if is_named else 0
    else:
        split = draw(st.integers(count, len(numbers)))
        gone = draw(st.integers(count, split))
        form.withdrawn = numbers[count:gone]
        form.pending = numbers[gone:split]
        form.reps = [(each, draw(roles)) for each in numbers[split:]]
        form.next_rep = draw(st.integers(0, len(form.reps)))
    return form


@st.composite
def old_rings(draw: st.DrawFn, name: tuple[int, int], transitional: list[int]) -> OldRing:
    count = draw(st.integers(0, HAVE_BITS_MAX))
    stable = draw(st.integers(0, 2**63 - 1 - count))
    have = draw(st.integers(0, (1 << count) - 1)).to_bytes((count + 7) // 8, "little")
    obligations = sorted({*transitional, *draw(st.lists(daemons, max_size=5))})
    return OldRing(name, stable, stable + count, have, transitional, obligations)


packets: st.SearchStrategy[Packet] = st.one_of(
    st.builds(Alive, heard_lists, daemon_lists),
    st.builds(Join, roles, daemon_lists, rep_lists, heard_lists, daemon_lists, st.booleans()),
    st.builds(Refer, daemons, roles),
    forms(),
    st.builds(FormAck, attempts, st.booleans(), st.integers(0, 0xFFFF)),
    st.just(Leave()),
)


@unhurried
@given(packets)
def test_what_is_sent_comes_back(packet: Packet) -> None:
    body = encode(packet)

    assert len(body) <= BODY_SIZE_MAX
    assert decode(kind_of(packet), body, DAEMONS_MAX) == packet


@unhurried
@given(kinds, st.binary(max_size=400), st.integers(1, DAEMONS_MAX))
@example(Kind.FORM1, b"\0" * 400, 1)
@example(Kind.FORM2, b"\xff" * 400, DAEMONS_MAX)
def test_any_bytes_are_a_packet_or_malformed(kind: Kind, body: bytes, count: int) -> None:
    check(kind, body, count)


@unhurried
@given(packets, st.data())
def test_a_damaged_packet_is_another_packet_or_malformed(
    packet: Packet, data: st.DataObject
) -> None:
    body = bytearray(encode(packet))
    assume(body)
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))

    check(kind_of(packet), bytes(body), data.draw(st.sampled_from([3, DAEMONS_MAX])))


def check(kind: Kind, body: bytes, count: int) -> None:
    """What is taken is exactly what a peer of ours would send."""
    try:
        packet = decode(kind, body, count)
    except MalformedError:
        return
    assert kind_of(packet) is kind
    assert encode(packet) == body

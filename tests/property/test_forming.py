"""A form on its whole way among daemons of many old rings, against sets of sequence numbers."""

from dataclasses import dataclass, field

from hypothesis import Phase, event, given, settings
from hypothesis import strategies as st

from spread.daemon.membership.codec import decode, encode, kind_of
from spread.daemon.membership.forming import (
    Report,
    accept_second,
    add_member,
    awaited,
    create,
    route,
    withdraw,
)
from spread.daemon.membership.packets import (
    HAVE_BITS_MAX,
    OLD_RINGS_MAX,
    Form,
    FormId,
    FormMember,
    OldRing,
    Ring,
    Role,
)

# What fails here is small enough as it was found; making it smaller would take minutes.
unhurried = settings(
    deadline=None, max_examples=80, phases=set(Phase) - {Phase.shrink, Phase.explain}
)

COUNT = 40
IDS = tuple(0x0A000000 + number for number in range(COUNT))


@dataclass
class Daemon:
    """One daemon: what it holds of its ring, and what FORM2 told it."""

    number: int
    ring: Ring
    stable: int
    held: set[int]  # Above stable.
    obligations: list[int]
    told: OldRing | None = None
    new_ring: Ring | None = None
    now: int = 0

    @property
    def high(self) -> int:
        return max(self.held, default=self.stable)

    @property
    def member(self) -> FormMember:
        return FormMember(self.number, self.number, self.number, self.ring)

    def report(self) -> Report:
        return Report(self.member, self.stable, self.high, self.bits, self.obligations)

    def bits(self, after: int, last: int) -> bytes:
        held = (seq <= self.stable or seq in self.held for seq in range(after + 1, last + 1))
        word: int = sum(1 << place for place, is_held in enumerate(held) if is_held)
        return word.to_bytes((last - after + 7) // 8, "little")

    def next(self, minimum: int = 0, count: int = 1) -> int:
        first = max(self.now, minimum) + 1
        self.now = first + count - 1
        return first


@dataclass
class Network:
    """Daemons, and who speaks for whom."""

    daemons: dict[int, Daemon]
    groups: dict[int, list[int]]  # By representative.
    roles: dict[int, Role]
    withdrawn: set[int] = field(default_factory=set)


@st.composite
def networks(draw: st.DrawFn) -> Network:
    numbers = draw(st.permutations(range(COUNT)))[: draw(st.sampled_from([1, 2, 5, COUNT]))]
    ring_count = draw(st.sampled_from([1, 2, len(numbers)]))
    floors = draw(st.lists(st.integers(0, 50), min_size=ring_count, max_size=ring_count))
    daemons = {}
    for place, number in enumerate(numbers):
        which = place % ring_count
        stable = floors[which] + draw(st.integers(0, 8))
        # What anyone knows to be stable, everybody of its ring holds.
        known = set(range(stable + 1, floors[which] + 9))
        held = known | draw(st.sets(st.integers(stable + 1, stable + 30), max_size=10))
        if place > 0 and draw(st.integers(0, 9)) == 0:
            # The first is the creator; what others say may be more than a form has room for.
            held.add(stable + HAVE_BITS_MAX + draw(st.integers(0, 1)))
        owed = draw(st.lists(st.integers(0, COUNT - 1), max_size=3))
        daemons[number] = Daemon(number, (IDS[which], 1), stable, held, owed)
    rep_count = draw(st.integers(1, len(numbers)))
    reps = numbers[:rep_count]
    # Members may be claimed by several representatives, or be representatives themselves.
    groups = {rep: draw(st.lists(st.sampled_from(numbers), max_size=COUNT)) for rep in reps}
    return Network(daemons, groups, {rep: draw(st.sampled_from(Role)) for rep in reps})


def sent(form: Form) -> Form:
    """Return the form as it comes out of a datagram."""
    received = decode(kind_of(form), encode(form), COUNT)
    assert isinstance(received, Form)
    return received


def gather(network: Network, creator: int) -> Form:
    """Return the form after its first pass."""
    form = create(FormId(creator, 1, 1), network.groups[creator], network.roles.items())
    assert add_member(form, network.daemons[creator].report())
    visited = [creator]
    while True:
        target = route(form)
        if form.is_second_pass:
            assert target == form.members[0].daemon
            return form
        assert target is not None
        assert target not in visited
        visited.append(target)
        form = sent(form)
        daemon = network.daemons[target]
        assert awaited(form) == (target, network.roles.get(target))
        brings = network.groups.get(target, [])
        if not add_member(form, daemon.report(), brings):
            withdraw(form, target)
            network.withdrawn.add(target)


def install(network: Network, form: Form) -> None:
    """Take the form through its second pass."""
    target: int | None = form.members[0].daemon
    while target is not None:
        form = sent(form)
        daemon = network.daemons[target]
        daemon.told = accept_second(form, daemon.member, IDS, daemon)
        daemon.new_ring = form.ring
        target = route(form)


@unhurried
@given(networks())
def test_every_member_learns_what_its_old_ring_holds(network: Network) -> None:
    form = gather(network, creator=next(iter(network.groups)))
    members = [network.daemons[each.daemon] for each in form.members]
    event(f"somebody withdrew: {bool(network.withdrawn)}")

    install(network, form)

    assert len({each.new_ring for each in members}) == 1
    for daemon in members:
        told = daemon.told
        assert told is not None
        kin = [each for each in members if each.ring == daemon.ring]
        assert told.stable == max(each.stable for each in kin)
        assert told.high == max(max(each.high, told.stable) for each in kin)
        held = set().union(*(each.held for each in kin))
        bits = int.from_bytes(told.have, "little")
        found = {told.stable + 1 + place for place in range(bits.bit_length()) if bits >> place & 1}
        assert found == {seq for seq in held if seq > told.stable}
        assert told.transitional == [each.number for each in kin]
        owed = {number for each in kin for number in (each.number, *each.obligations)}
        assert told.obligations == sorted(owed)


@unhurried
@given(networks())
def test_everybody_who_was_named_is_a_member_or_withdrew(network: Network) -> None:
    creator = next(iter(network.groups))

    form = gather(network, creator)

    members = {each.daemon for each in form.members}
    speaking = members & {creator, *network.roles}
    named = {*network.roles, creator}.union(*(network.groups[each] for each in speaking))
    assert members == named - network.withdrawn
    assert len(form.old_rings) <= OLD_RINGS_MAX

"""Groups of several daemons through splits, merges and crashes: the same at all of them."""

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from spread.daemon import groups as groups_module
from spread.daemon.group_table import Group, GroupTable
from spread.daemon.views import GroupId
from tests.memory.group_checks import check_traces
from tests.memory.group_world import Kind, Line, World

SIZE_MAX = 4
hosts = st.integers(0, SIZE_MAX - 1)
names = st.sampled_from([b"amy", b"bob"])
groups = st.sampled_from([b"g", b"h"])
amounts = st.integers(1, 6)
KINDS: list[Kind] = [*["join"] * 4, *["message"] * 3, *["leave"] * 2, "end"]
kinds = st.sampled_from(KINDS)
holes = st.lists(st.integers(0, 12), min_size=SIZE_MAX, max_size=SIZE_MAX)


class GroupRings(RuleBasedStateMachine):
    """Daemons whose order is broken anywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(0)

    @initialize(size=st.integers(2, SIZE_MAX))
    def begin(self, size: int) -> None:
        self.world = World(size)
        self.world.settle()

    def number(self, host: int) -> int:
        return host % len(self.world.hosts)

    @rule(host=hosts, name=names, kind=kinds, group=groups)
    def submit(self, host: int, name: bytes, kind: Kind, group: bytes) -> None:
        client = self.world.client(self.number(host), name)
        if client.is_open:
            self.world.submit(client, kind, group)

    @rule(host=hosts, amount=amounts)
    def order(self, host: int, amount: int) -> None:
        self.world.order(self.number(host), amount)

    @rule(host=hosts, amount=amounts)
    def hold(self, host: int, amount: int) -> None:
        self.world.hold(self.number(host), amount)

    @rule(host=hosts, amount=amounts)
    def deliver(self, host: int, amount: int) -> None:
        self.world.deliver(self.number(host), amount)

    @rule()
    def go_on(self) -> None:
        """Let everything take place that can."""
        self.world.go_on()

    @rule(places=st.lists(st.integers(0, 3), min_size=SIZE_MAX, max_size=SIZE_MAX), holes=holes)
    def form(self, places: list[int], holes: list[int]) -> None:
        """Form rings of those who are at one place; nobody hears of a ring at place 3."""
        numbers = range(len(self.world.hosts))
        for place in range(3):
            if members := [number for number in numbers if places[number] == place]:
                self.world.install(members, iter(holes))

    @rule(host=hosts)
    def crash(self, host: int) -> None:
        self.world.crash(self.number(host))

    @invariant()
    def all_know_the_same(self) -> None:
        self.world.check_agreement()

    def teardown(self) -> None:
        if self.world.hosts:
            self.world.settle()
            self.world.check_agreement()
            self.world.check_settled()
            check_traces(self.world.clients)


def walk(seed: int, steps: int = 80) -> None:
    """Let a world live at random, with bursts and splits as they come in rings; check it all."""
    chance = Random(seed)
    size = chance.choice([2, 3, 3, 4, 5])
    world = World(size)
    world.settle()
    for _ in range(steps):
        happening = chance.choices(
            [burst, progress, World.go_on, crash, split], weights=[45, 30, 5, 2, 18]
        )[0]
        if happening is World.go_on:
            world.go_on()
        else:
            happening(world, chance)
        world.check_agreement()
    world.settle()
    world.check_agreement()
    world.check_settled()
    check_traces(world.clients)


def walk_often(count: int) -> None:
    for seed in range(count):
        walk(seed)


def burst(world: World, chance: Random) -> None:
    for _ in range(chance.randint(1, 5)):
        host = chance.randrange(len(world.hosts))
        client = world.client(host, chance.choice([b"amy", b"bob"]))
        if client.is_open:
            world.submit(client, chance.choice(KINDS), chance.choice([b"g", b"h", b"i"]))
        if chance.random() < 0.7:
            world.order(host, chance.randint(1, 4))


def progress(world: World, chance: Random) -> None:
    numbers = range(len(world.hosts))
    for step in (world.order, world.hold, world.deliver):
        for number in chance.sample(numbers, chance.randint(1, len(numbers))):
            step(number, chance.randint(1, 9))


def crash(world: World, chance: Random) -> None:
    world.crash(chance.randrange(len(world.hosts)))


def split(world: World, chance: Random) -> None:
    parts = chance.choice([1, 1, 2, 2, 3])
    places = [chance.randrange(parts) if chance.random() < 0.9 else None for _ in world.hosts]
    for part in range(parts):
        if members := [number for number, place in enumerate(places) if place == part]:
            world.install(members, iter(lambda: chance.randrange(20), None))


@pytest.mark.parametrize("seed", range(100))
def test_a_random_life_of_rings_keeps_what_is_promised(seed: int) -> None:
    walk(seed)


def requests_are_agreed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Line, "limit", lambda _line, _start, end, _stable: end)


def losses_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Group, "lacks", lambda _group, _tag: False)


def losses_of_others_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    absorb = Group.absorb

    def forgetful(group: Group, other: Group) -> None:
        known = group.lost
        absorb(group, other)
        group.lost = known

    patch.setattr(Group, "absorb", forgetful)


def a_loss_is_never_made_good(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Group, "lacks", lambda group, tag: any(tag == lost for _, lost in group.lost))


def vanished_groups_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    found = GroupTable.found

    def anew(
        table: GroupTable, name: bytes, group_id: GroupId, daemon: int, member: bytes
    ) -> Group:
        return found(table, name, GroupId(group_id.ring, 1), daemon, member)

    patch.setattr(GroupTable, "found", anew)


def sets_are_not_told_apart(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(groups_module, "by_tag", lambda parts: [list(parts)])


@pytest.mark.parametrize(
    ("defect", "guarantee"),
    [
        (requests_are_agreed, "S7"),
        (losses_are_forgotten, "S1[01]"),
        (losses_of_others_are_forgotten, "S1[01]"),
        (a_loss_is_never_made_good, "S1[13]"),
        (vanished_groups_are_forgotten, "S[78]"),
        (sets_are_not_told_apart, "S1[126]"),
    ],
)
def test_a_rule_that_is_taken_away_is_missed(
    defect: Callable[[pytest.MonkeyPatch], None], guarantee: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    defect(monkeypatch)

    with pytest.raises(AssertionError, match=guarantee):
        walk_often(150)


def test_groups_agree_and_keep_what_is_promised_to_clients() -> None:
    run_state_machine_as_test(
        GroupRings, settings=settings(max_examples=60, stateful_step_count=50, deadline=None)
    )

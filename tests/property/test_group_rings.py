"""Groups of several daemons through splits, merges and crashes: the same at all of them."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.memory.group_checks import check_traces
from tests.memory.group_world import Kind, World

SIZE_MAX = 4
hosts = st.integers(0, SIZE_MAX - 1)
names = st.sampled_from([b"amy", b"bob"])
groups = st.sampled_from([b"g", b"h"])
amounts = st.integers(1, 6)
kinds = st.sampled_from(["join", "join", "join", "message", "message", "leave", "end"])
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


def test_groups_agree_and_keep_what_is_promised_to_clients() -> None:
    run_state_machine_as_test(
        GroupRings, settings=settings(max_examples=150, stateful_step_count=50, deadline=None)
    )

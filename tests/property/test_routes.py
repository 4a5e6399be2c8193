"""The table of routes against a dictionary of lists."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from spread._routes import RoutesProbe

# Few names that resemble each other, so that they meet again; every length up to the field's.
names = st.one_of(
    st.sampled_from([b"g" * size for size in (0, 1, 2, 7, 8, 9, 31, 32)]),
    st.sampled_from([b"#alice#d1", b"#alice#d2", b"#al#d1", b"\xff", b"\xff\xff"]),
    st.binary(max_size=32).filter(lambda name: b"\0" not in name),
)
slots = st.integers(0, 12)


class RoutesMachine(RuleBasedStateMachine):
    """Routes come and go, one by one and in crowds that make the table grow and shrink."""

    def __init__(self) -> None:
        super().__init__()
        self.expected: dict[bytes, list[int]] = {}
        self.touched: set[bytes] = set()

    @initialize(seed=st.integers(0, 2**64 - 1))
    def start(self, seed: int) -> None:
        self.routes = RoutesProbe(seed)

    @rule(name=names, slot=slots)
    def add(self, name: bytes, slot: int) -> None:
        self.touched.add(name)
        self.routes.add(name, slot)
        route = self.expected.setdefault(name, [])
        if slot not in route:
            route.append(slot)

    @rule(name=names, slot=slots)
    def remove(self, name: bytes, slot: int) -> None:
        self.touched.add(name)
        self.routes.remove(name, slot)
        route = self.expected.get(name, [])
        if slot in route:
            route.remove(slot)
        if not route:
            self.expected.pop(name, None)

    @rule(prefix=st.binary(max_size=3), count=st.integers(1, 200), slot=slots)
    def add_many(self, prefix: bytes, count: int, slot: int) -> None:
        for number in range(count):
            self.add(prefix.replace(b"\0", b"") + b"%d" % number, slot)

    @rule(part=st.integers(1, 5), slot=slots)
    def remove_many(self, part: int, slot: int) -> None:
        for name in sorted(self.expected)[::part]:
            self.remove(name, slot)

    @rule(name=names, junk=st.binary(max_size=31))
    def find_by_a_field_with_junk(self, name: bytes, junk: bytes) -> None:
        field = (name + b"\0" + junk)[:32]
        assert self.routes.find(field) == self.expected.get(name, [])

    @invariant()
    def every_route_is_as_expected(self) -> None:
        for name in self.touched:
            assert self.routes.find(name) == self.expected.get(name, [])

    @invariant()
    def the_table_has_room_to_end_a_search(self) -> None:
        used, deleted, capacity = self.routes.size()
        assert used == len(self.expected)
        assert 4 * (used + deleted) < 3 * capacity


def test_the_table_is_a_dictionary_of_ordered_sets() -> None:
    run_state_machine_as_test(
        RoutesMachine, settings=settings(max_examples=60, stateful_step_count=30, deadline=None)
    )

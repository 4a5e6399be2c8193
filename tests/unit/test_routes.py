"""Names to session slots, and the table that holds them."""

import pytest

from spread._routes import RoutesProbe


def test_an_unknown_name_has_no_route() -> None:
    assert RoutesProbe().find(b"g") == []


def test_slots_are_kept_in_the_order_they_were_added() -> None:
    routes = RoutesProbe()
    for slot in (7, 0, 5):
        routes.add(b"g", slot)

    assert routes.find(b"g") == [7, 0, 5]


def test_the_order_of_the_others_stays_when_a_slot_is_removed() -> None:
    routes = RoutesProbe()
    for slot in (7, 0, 5, 9):
        routes.add(b"g", slot)

    routes.remove(b"g", 0)

    assert routes.find(b"g") == [7, 5, 9]


def test_a_slot_is_in_a_route_once() -> None:
    routes = RoutesProbe()
    routes.add(b"g", 3)
    routes.add(b"g", 3)

    assert routes.find(b"g") == [3]
    routes.remove(b"g", 3)
    assert routes.find(b"g") == []


def test_the_last_slot_takes_the_route_with_it() -> None:
    routes = RoutesProbe()
    routes.add(b"g", 3)

    routes.remove(b"g", 3)

    assert routes.size()[:2] == (0, 1)


def test_removing_what_is_not_there_changes_nothing() -> None:
    routes = RoutesProbe()
    routes.add(b"g", 3)

    routes.remove(b"g", 4)
    routes.remove(b"h", 3)

    assert routes.find(b"g") == [3]
    assert routes.size()[:2] == (1, 0)


def test_names_that_begin_alike_are_different() -> None:
    routes = RoutesProbe()
    names = [b"g" * size for size in range(33)]
    for slot, name in enumerate(names):
        routes.add(name, slot)

    assert [routes.find(name) for name in names] == [[slot] for slot in range(33)]


def test_bytes_behind_the_nul_of_a_field_do_not_matter() -> None:
    routes = RoutesProbe()
    routes.add(b"g", 3)

    assert routes.find(b"g\0junk") == [3]
    assert routes.find(b"g\0" + b"x" * 30) == [3]


def test_the_empty_name_is_a_name() -> None:
    routes = RoutesProbe()
    routes.add(b"", 3)

    assert routes.find(b"") == [3]
    assert routes.find(b"\0junk") == [3]
    assert routes.find(b"g") == []


@pytest.mark.parametrize("seed", [0, 1, 2**64 - 1])
def test_a_table_that_grows_keeps_every_route(seed: int) -> None:
    routes = RoutesProbe(seed)
    names = [b"group-%d" % number for number in range(5_000)]
    for slot, name in enumerate(names):
        routes.add(name, slot)
        routes.add(name, slot + 1)

    assert all(routes.find(name) == [slot, slot + 1] for slot, name in enumerate(names))
    used, deleted, capacity = routes.size()
    assert (used, deleted) == (5_000, 0)
    assert used < capacity * 3 / 4


def test_names_that_come_and_go_do_not_make_the_table_grow() -> None:
    routes = RoutesProbe()
    for number in range(10_000):
        name = b"group-%d" % number
        routes.add(name, 1)
        routes.remove(name, 1)

    used, deleted, capacity = routes.size()
    assert used == 0
    assert deleted < capacity * 3 / 4
    assert capacity == 64


def test_a_table_that_was_large_shrinks_again() -> None:
    routes = RoutesProbe()
    names = [b"group-%d" % number for number in range(5_000)]
    for name in names:
        routes.add(name, 1)
    large = routes.size()[2]
    for name in names:
        routes.remove(name, 1)

    for number in range(2 * large):
        routes.add(b"other-%d" % number, 1)
        routes.remove(b"other-%d" % number, 1)

    assert routes.size()[2] == 64


def test_one_route_holds_many_slots() -> None:
    routes = RoutesProbe()
    for slot in range(3_000):
        routes.add(b"g", slot)
    for slot in range(0, 3_000, 2):
        routes.remove(b"g", slot)

    assert routes.find(b"g") == list(range(1, 3_000, 2))


def test_watchers_of_a_route_are_counted() -> None:
    routes = RoutesProbe()
    routes.add(b"g", 1)
    routes.add(b"g", 2, is_watcher=True)
    routes.add(b"g", 2, is_watcher=True)
    routes.add(b"g", 3, is_watcher=True)

    assert routes.watchers(b"g") == 2
    routes.remove(b"g", 9, is_watcher=True)
    routes.remove(b"g", 1)
    assert routes.watchers(b"g") == 2
    routes.remove(b"g", 2, is_watcher=True)
    assert routes.watchers(b"g") == 1
    routes.remove(b"g", 3, is_watcher=True)
    assert routes.watchers(b"g") == 0


def test_a_route_that_takes_the_place_of_another_has_nothing_of_it() -> None:
    routes = RoutesProbe()
    for slot in range(5):
        routes.add(b"old", slot, is_watcher=True)
    for slot in range(5):
        routes.remove(b"old", slot, is_watcher=True)

    routes.add(b"new", 7)

    assert routes.find(b"new") == [7]
    assert routes.watchers(b"new") == 0
    assert routes.find(b"old") == []

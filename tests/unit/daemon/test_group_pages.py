"""Groups in pages, read while they change."""

import threading
from random import Random
from string import ascii_letters, digits

from spread.daemon.group_pages import COUNT_MAX, FRESH_NS, PORTION, GroupPages
from spread.daemon.groups import Groups
from spread.daemon.views import RingId
from spread.monitor.queries import Kind, Query, encode_reply
from spread.monitor.report import GroupLine, to_json

AMY, BOB = b"#amy#d1", b"#bob#d1"
LETTERS = (ascii_letters + digits).encode()


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now_ns = 1

    def __call__(self) -> int:
        return self.now_ns


def groups(*names: bytes) -> Groups:
    table = Groups(RingId(1, 1), (b"d1",))
    for name in names:
        table.join(AMY, name)
    return table


def test_a_page_has_groups_in_the_order_of_their_names_with_their_members() -> None:
    table = groups(b"tea", b"milk", b"cake")
    table.join(BOB, b"milk")

    page = GroupPages(table).page(1, 2)

    assert page.total == 3
    assert page.offset == 1
    assert page.groups == (
        GroupLine("milk", 2, ("#amy#d1", "#bob#d1")),
        GroupLine("tea", 1, ("#amy#d1",)),
    )


def test_a_prefix_selects() -> None:
    page = GroupPages(groups(b"tea", b"teapot", b"milk")).page(0, 10, "tea")

    assert page.total == 2
    assert [group.name for group in page.groups] == ["tea", "teapot"]


def test_very_many_groups_come_in_order_too() -> None:
    names = [b"g%d" % number for number in range(2 * PORTION + 7)]
    pages = GroupPages(groups(*names))

    listed = [
        group.name.encode()
        for offset in range(0, len(names), COUNT_MAX)
        for group in pages.page(offset, COUNT_MAX).groups
    ]

    assert listed == sorted(names)


def test_a_page_has_a_bound_and_so_have_the_members_of_a_group() -> None:
    table = groups(*(b"g%d" % number for number in range(COUNT_MAX + 1)))
    for number in range(COUNT_MAX + 5):
        table.join(b"#c%03d#d1" % number, b"a")

    page = GroupPages(table).page(0, 10 * COUNT_MAX)

    assert len(page.groups) == COUNT_MAX
    assert page.groups[0].size == COUNT_MAX + 5
    assert len(page.groups[0].members) == COUNT_MAX


def test_names_are_read_again_when_they_are_old() -> None:
    clock = Clock()
    table = groups(b"tea")
    pages = GroupPages(table, clock)
    pages.page(0, 10)
    table.join(AMY, b"milk")

    assert pages.page(0, 10).total == 1
    clock.now_ns += FRESH_NS + 1

    assert pages.page(0, 10).total == 2


def test_a_group_that_is_gone_by_now_is_left_out() -> None:
    table = groups(b"tea", b"milk")
    pages = GroupPages(table, Clock())
    pages.page(0, 10)
    table.leave(AMY, b"milk")

    assert [group.name for group in pages.page(0, 10).groups] == ["tea"]


def test_bytes_that_are_no_text_are_shown_as_such() -> None:
    page = GroupPages(groups(b"\xff\xfe")).page(0, 10)

    assert page.groups[0].name == "\ufffd\ufffd"


def test_pages_are_whole_while_another_thread_changes_the_groups() -> None:
    table = groups(*(b"stay%d" % number for number in range(50)))
    is_over = threading.Event()

    def change() -> None:
        while not is_over.is_set():
            for number in range(200):
                table.join(BOB, b"go%d" % number)
            table.end(BOB)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        clock = Clock()
        pages = GroupPages(table, clock)
        for _ in range(200):
            clock.now_ns += FRESH_NS + 1
            page = pages.page(0, COUNT_MAX, "stay")
            assert page.total == 50
            assert len(page.groups) == 50
    finally:
        is_over.set()
        thread.join()


def test_a_page_fits_a_reply_whatever_names_clients_choose() -> None:
    numbers = Random(1)
    table = Groups(RingId(1, 1), (b"d1",))
    for _ in range(COUNT_MAX):
        group = bytes(numbers.choices(LETTERS, k=31))
        for _ in range(COUNT_MAX):
            table.join(b"#%s#d1" % bytes(numbers.choices(LETTERS, k=10)), group)

    page = GroupPages(table).page(0, COUNT_MAX)

    assert encode_reply(Query(1, Kind.GROUPS), to_json(page), "127.0.0.1")
    assert [(group.size, bool(group.members)) for group in page.groups] == [
        (COUNT_MAX, True)
    ] * COUNT_MAX


def test_a_group_leaves_what_it_does_not_need_of_the_page_to_the_next() -> None:
    table = groups(*(b"a%02d" % number for number in range(COUNT_MAX - 1)))
    for number in range(COUNT_MAX):
        table.join(b"#c%03d#d1" % number, b"b")

    page = GroupPages(table).page(0, COUNT_MAX)

    assert page.groups[-1].size == len(page.groups[-1].members) == COUNT_MAX

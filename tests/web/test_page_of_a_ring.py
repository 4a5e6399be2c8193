"""The page in a real browser over three real daemons: a ring, a death, a partition."""

from collections.abc import Callable, Iterator

import httpx
import pytest
from playwright.sync_api import expect

import spread
from tests.daemon.harness.waiting import DEADLINE, Deadline, wait_until
from tests.web.browser import Watched
from tests.web.ring_of_three import RealRing, real_ring

ALL = "#headline:has-text('a, b and c are one ring of three')"
"""All are together; a busy machine may have findings."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRing]:
    with real_ring(tmp_path_factory.mktemp("ring")) as ring:
        yield ring


@pytest.fixture
def ring(running: RealRing) -> RealRing:
    running.restore()
    return running


@pytest.fixture
def page(ring: RealRing, open_page: Callable[..., Watched]) -> Watched:
    watched = open_page(ring.address)
    watched.page.locator(ALL).wait_for()
    return watched


def test_a_ring_of_three_appears_with_its_token(
    page: Watched, keep: Callable[[Watched], None]
) -> None:
    # Daemons that start are on the page before they have found each other.
    expect(page.page.locator(".track")).to_have_count(1)
    names = page.page.locator(".node[data-answering=true] .node-name").all_text_contents()
    assert sorted(names) == ["a", "b", "c"]
    token = page.page.locator(".token[data-running=true]")
    before = token.get_attribute("transform")
    wait_until(lambda: token.get_attribute("transform") != before, "the token to move")
    keep(page)


def groups(ring: RealRing, prefix: str) -> tuple[int, int]:
    """Return how many groups begin with `prefix`, and the members of the first one."""
    answer = httpx.get(f"{ring.address}api/groups", params={"prefix": prefix}, timeout=DEADLINE)
    told = answer.json()
    return told["total"], told["groups"][0]["size"] if told["groups"] else 0


def test_groups_and_their_members_can_be_found(ring: RealRing, page: Watched) -> None:
    with ring.connect("a", "alice") as alice, ring.connect("b", "bob") as bob:
        for number in range(30):
            alice.join(f"tea{number:02}")
        bob.join("tea07")
        # The page asks again every 5 s: what it is to find is there before it asks.
        wait_until(lambda: groups(ring, "tea07") == (1, 2), "bob to be in the group")
        wait_until(lambda: groups(ring, "tea")[0] == 30, "all groups")
        page.page.get_by_label("Begins with").fill("tea0")

        page.page.locator("#groups-hint:text('10 groups')").wait_for()
        row = page.page.get_by_role("row", name="tea07")
        row.get_by_text("#bob#b").wait_for()
        assert row.locator("td").first.inner_text() == "2"

        page.page.get_by_label("Begins with").fill("")
        page.page.locator("#groups-place:text('1 to 25 of 30')").wait_for()
        page.page.get_by_role("button", name="Next").click()
        page.page.locator("#groups-place:text('26 to 30 of 30')").wait_for()


def test_a_trace_shows_packets_and_how_the_ring_came_about(
    ring: RealRing, page: Watched, keep: Callable[[Watched], None]
) -> None:
    with ring.connect("a", "alice") as alice:
        alice.join("tea")
        alice.receive(timeout=DEADLINE)

    page.page.get_by_role("button", name="Take a trace").click()

    page.page.locator("#trace tr[data-kind=TOKEN]").first.wait_for()
    keep(page)
    # How the ring came about may be too long ago to be among the last of everything.
    page.page.get_by_label("Show").select_option("membership")
    page.page.get_by_role("button", name="Take a trace").click()
    told = page.page.locator("#trace:not(:has(tr[data-kind=TOKEN])) tr[data-kind=EVENT]")
    told.filter(has_text="membership").first.wait_for()


def test_traffic_shows_in_the_plots(ring: RealRing, page: Watched) -> None:
    with ring.connect("a", "alice") as alice:
        alice.join("tea")
        shown = page.page.locator("#plots figure").nth(1).locator(".plot-value")
        deadline = Deadline()
        while "µs" not in shown.inner_text() and "ms" not in shown.inner_text():
            assert not deadline.passed()
            alice.multicast(spread.AGREED_MESS, "tea", b"milk")
            alice.receive(timeout=DEADLINE)

        assert "messages/s" in page.text("#plots figure:first-child")


def test_a_death_is_on_the_page_and_explained(
    ring: RealRing, page: Watched, keep: Callable[[Watched], None]
) -> None:
    ring.kill("c")

    page.page.get_by_role("heading", name="c has not answered").wait_for()
    formed = page.page.get_by_role("heading", name="a and b formed a ring of two at")
    formed.wait_for()
    assert "because" in formed.inner_text()
    assert page.page.locator(".node[data-answering=false] .node-name").all_text_contents() == ["c"]
    page.page.locator("#story-list :text('go on without c')").wait_for()
    assert "formed a ring of two" in page.text("#announce")
    keep(page)


def test_a_partition_draws_two_rings(
    ring: RealRing, page: Watched, keep: Callable[[Watched], None]
) -> None:
    ring.monitor("partition", "a,b", "c")

    page.page.locator(".track >> nth=1").wait_for()
    page.page.get_by_role("heading", name="There are two rings since").wait_for()
    assert "because a monitor asked for a partition" in page.text("#headline")
    page.page.locator(".band.side").first.wait_for(state="attached")
    page.page.locator("#story-list [data-kind=partition]").wait_for()
    keep(page)

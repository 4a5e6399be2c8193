"""The page in a real browser over a made-up ring: everybody can read it, and it says everything."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.daemon.harness.waiting import wait_until
from tests.web.browser import PHONE, Watched, opened, window
from tests.web.serving import Site, served
from tests.web.synthetic import SyntheticRing, with_findings

CHECKS = (Path(__file__).parent / "accessibility.js").read_text()

Open = Callable[..., Watched]


class Stage:
    """A made-up ring and its page."""

    def __init__(self, ring: SyntheticRing, site: Site) -> None:
        self.ring = ring
        self.address = f"{site.address}/"
        self.site = site


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """A ring with something to complain about, which stays as it is."""
    with _stage(3) as shown:
        yield shown


@pytest.fixture
def own_stage() -> Iterator[Stage]:
    """The same, for a test that changes it."""
    with _stage(3) as shown:
        yield shown


@contextmanager
def _stage(daemons: int) -> Iterator[Stage]:
    ring = SyntheticRing(daemons)
    with_findings(ring)
    with served(ring) as site:
        yield Stage(ring, site)


@pytest.fixture(scope="module")
def broken() -> Iterator[Stage]:
    """A ring that has been through a partition, lost c, and has something to complain about."""
    ring = SyntheticRing(3, past_s=60)
    with_findings(ring)
    ring.after(5, lambda: ring.split(["a", "b"], ["c"]))
    ring.after(30, lambda: ring.form(["a", "b", "c"], cause="asked for"))
    ring.after(50, lambda: ring.kill("c"))
    ring.after(52, lambda: ring.form(["a", "b"], cause="token lost"))
    with served(ring) as site:
        wait_until(lambda: ring.is_present, "the past to go by")
        yield Stage(ring, site)


FOCUSED = """() => {
    const element = document.activeElement;
    const style = getComputedStyle(element.querySelector(".node-focus") ?? element);
    const isSeen = style.outlineStyle !== "none" || style.stroke !== "none";
    const name = element.id || element.getAttribute("aria-label") || element.textContent;
    return (isSeen ? "" : "NOT SEEN: ") + name.trim();
}"""

LAYOUT_FAULTS = """async () => {
    const { arrange } = await import("/static/layout.js");
    const faults = [];
    for (const width of [280, 306, 340, 430, 700]) for (let count = 1; count <= 32; count += 1) {
        const names = [...Array(count).keys()].map((number) => `host${number}`);
        const { tracks, nodes } = arrange([names], [], width);
        const all = [...nodes.values()];
        const tell = (what) => faults.push(`${count} daemons in ${width} pixels: ${what}`);
        if (all.some((each) => each.x - each.r < 0 || each.x + each.r > width)) tell("cut");
        if (all.some((one, index) => all.slice(index + 1).some((two) =>
            Math.hypot(one.x - two.x, one.y - two.y) < one.r + two.r))) tell("nodes overlap");
        if (count > 2 && tracks.some((each) => each.r - all[0].r < 45)) tell("number covered");
    }
    return faults;
}"""

CUT = """() => [...document.querySelectorAll("#daemons, #groups, #slow")]
    .filter((each) => each.offsetParent && each.scrollWidth > each.parentElement.clientWidth)
    .map((each) => each.id)"""


def tab_stops(watched: Watched, count: int) -> list[str]:
    """Press Tab so often; return what was focused, and say where that cannot be seen."""
    found = []
    for _ in range(count):
        watched.page.keyboard.press("Tab")
        found.append(str(watched.page.evaluate(FOCUSED)))
    return found


def test_the_checks_see_what_is_wrong(stage: Stage, open_page: Open) -> None:
    page = open_page(stage.address)
    page.page.evaluate(
        """() => {
            document.querySelector("#theme").textContent = "";
            document.querySelector("#ring-hint").style.color = "#ccc";
            document.querySelector("#scope").labels[0].replaceWith(document.querySelector("#scope"));
        }"""
    )

    found = "\n".join(page.page.evaluate(CHECKS))

    assert "no name" in found
    assert "no label" in found
    assert "contrast 1." in found


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everybody_can_read_it(broken: Stage, open_page: Open, theme: str) -> None:
    page = open_page(broken.address, theme=theme)
    page.page.locator("#groups-search").scroll_into_view_if_needed()
    page.page.get_by_role("row", name="orders.00004").wait_for()

    assert page.page.evaluate(CHECKS) == []


def test_the_tab_key_goes_through_it_in_reading_order(broken: Stage, open_page: Open) -> None:
    page = open_page(broken.address)

    stops = tab_stops(page, 15)

    places = ["Traffic", "History", "Daemons", "Losses", "Groups", "Trace"]
    assert stops[0] == "Skip to the ring"
    assert stops[1:8] == [*places, "theme"]
    assert stops[8] == "a: well"
    assert stops[9:11] == ["scope", "service"]
    assert not [stop for stop in stops if stop.startswith("NOT SEEN")]


def test_arrow_keys_go_round_the_ring_and_enter_shows_a_daemon(
    stage: Stage, open_page: Open
) -> None:
    page = open_page(stage.address)
    page.page.get_by_role("button", name="a: well").focus()

    page.page.keyboard.press("ArrowRight")
    page.page.keyboard.press("Enter")

    expect(page.page.locator("#details h3")).to_have_text("b")
    expect(page.page.locator("#scope")).to_have_value("b")
    expect(page.page.locator("#plots h3").first).to_have_text("Messages from its clients")
    page.page.keyboard.press("Escape")
    expect(page.page.locator("#details")).to_be_hidden()


def test_a_daemon_shows_the_sessions_for_which_something_waits(
    own_stage: Stage, open_page: Open
) -> None:
    page = open_page(own_stage.address)
    details = page.page.locator("#details")

    page.page.get_by_role("button", name="c: ").click()

    row = details.get_by_role("row", name="#chart#c")
    expect(row.locator("td")).to_have_text(["812", "5.1 MiB", "67 min", "10.0.0.77"])
    assert page.page.evaluate(CHECKS) == []
    own_stage.ring.rename_session("#chart#c", "#late#c")
    details.get_by_role("row", name="#late#c").wait_for()
    page.page.locator("#scope").select_option("a")
    expect(details.locator("#waiting-hint")).to_have_text("Nothing waits for any session.")
    expect(details.get_by_role("table")).to_have_count(0)


def test_a_phone_shows_all_of_it_without_scrolling_sideways(
    broken: Stage, open_page: Open, keep: Callable[[Watched], None]
) -> None:
    page = open_page(broken.address, size=PHONE)
    page.page.locator("#groups-search").scroll_into_view_if_needed()
    page.page.get_by_role("row", name="orders.00004").wait_for()

    assert page.page.evaluate("document.documentElement.scrollWidth") == PHONE[0]
    assert page.page.evaluate(CHECKS) == []
    keep(page)


def test_rings_of_any_size_have_room_in_any_width(stage: Stage, open_page: Open) -> None:
    page = open_page(stage.address)

    assert page.page.evaluate(LAYOUT_FAULTS) == []


def test_a_screen_of_1280_shows_all_columns(stage: Stage, open_page: Open) -> None:
    page = open_page(stage.address, size=(1280, 800))

    page.page.locator("#groups-search").scroll_into_view_if_needed()
    page.page.get_by_role("row", name="orders.00004").wait_for()

    assert page.page.evaluate(CUT) == []


def test_a_ring_without_groups_says_so(open_page: Open) -> None:
    with served(SyntheticRing(2, groups=0)) as site:
        page = open_page(f"{site.address}/")

        page.page.locator("#groups-search").scroll_into_view_if_needed()
        expect(page.page.locator("#groups-none")).to_contain_text("No groups: no client has")
        page.page.get_by_label("Begins with").fill("tea")
        expect(page.page.locator("#groups-none")).to_have_text('No group begins with "tea".')


def test_who_wants_no_motion_gets_none(stage: Stage, open_page: Open) -> None:
    page = open_page(stage.address, motion="reduce")

    expect(page.page.locator(".token").first).to_be_hidden()
    assert page.page.evaluate("document.getAnimations().length") == 0
    expect(page.page.locator(".middle-unit").first).to_have_text("token rounds")


def test_screen_readers_hear_what_changes_and_not_the_seconds(
    own_stage: Stage, open_page: Open
) -> None:
    page = open_page(own_stage.address)
    heard = page.page.locator("#announce")
    expect(heard).to_contain_text("a, b and c are one ring of three")

    own_stage.ring.kill("c")
    expect(heard).to_contain_text("c has not answered")
    before, headline = heard.inner_text(), page.text("#headline")
    expect(page.page.locator("#headline")).not_to_have_text(headline)

    assert "c has not answered" in page.text("#headline")
    assert heard.inner_text() == before


def test_findings_have_a_sentence_and_a_remedy(stage: Stage, open_page: Open) -> None:
    page = open_page(stage.address)

    finding = page.page.locator(".finding").first
    expect(finding.locator("h3")).to_contain_text("a -> b")
    expect(finding.locator(".sentence")).to_contain_text("b misses 0.34 %")
    expect(finding.locator(".remedy")).to_contain_text("Look at the cable")
    expect(page.page.locator("#status")).to_have_attribute("data-level", "warn")


def test_losses_stand_where_the_two_daemons_meet(stage: Stage, open_page: Open) -> None:
    page = open_page(stage.address)
    cell = page.page.locator("#pairs tbody tr").nth(1).locator("td").nth(0)

    expect(cell).to_have_attribute("data-heat", "2")
    assert "From a to b" in str(cell.get_attribute("title"))


def test_a_partition_is_two_lines_of_the_history_that_part(broken: Stage, open_page: Open) -> None:
    page = open_page(broken.address)

    expect(page.page.locator("#story-list [data-kind=partition]")).to_contain_text(
        "The ring split: a and b; c"
    )
    expect(page.page.locator("#story-list [data-kind=merge]")).to_contain_text("a and b met c")
    expect(page.page.locator(".band.side")).to_have_count(1)
    expect(page.page.locator(".lane-name.gone")).to_have_text("c ✕")


def test_a_theme_that_was_chosen_is_kept(stage: Stage, open_page: Open) -> None:
    page = open_page(stage.address, theme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    before = page.page.evaluate(ground)

    page.page.get_by_role("button", name="Theme: system").click()
    page.page.get_by_role("button", name="Theme: light").click()
    dark = page.page.evaluate(ground)
    page.page.reload()
    page.page.get_by_role("button", name="Theme: dark").wait_for()

    assert dark != before
    assert page.page.evaluate(ground) == dark


def test_a_name_that_looks_like_markup_is_text(own_stage: Stage, open_page: Open) -> None:
    evil = "<img src=x onerror=alert(1)>"
    own_stage.ring.rename_session("#chart#c", evil)
    page = open_page(own_stage.address)

    page.page.locator("#slow").get_by_text(evil).wait_for()
    assert page.page.locator("#slow img").count() == 0


def test_a_server_that_has_gone_is_said_and_found_again(browser: Browser) -> None:
    with served(SyntheticRing(3)) as site:
        port = site.port
        with opened(browser, f"{site.address}/") as page:
            site.server.stop()
            page.page.get_by_role("alert").get_by_text("does not answer").wait_for()
            with served(SyntheticRing(3), port=port):
                page.page.locator(".link[data-state=live]").wait_for()
                expect(page.page.locator("#lost")).to_be_hidden()


def test_the_door_lets_in_who_types_the_token(browser: Browser) -> None:
    token = "a token of this test"
    with ExitStack() as stack:
        site = stack.enter_context(served(SyntheticRing(3), address="0.0.0.0", token=token))
        page = stack.enter_context(window(browser, f"{site.address}/")).page
        page.get_by_label("The token that").fill("not the token of this test")
        page.get_by_role("button", name="Open").click()
        page.get_by_role("alert").get_by_text("That is not the token").wait_for()
        page.get_by_label("The token that").fill(token)
        page.get_by_role("button", name="Open").click()
        page.locator(".link[data-state=live]").wait_for()
        assert token not in page.url


def test_a_ring_of_32_fits_a_desktop_and_a_phone(open_page: Open) -> None:
    with served(SyntheticRing(32, groups=10_000)) as site:
        for size in ((1440, 900), PHONE):
            page = open_page(f"{site.address}/", size=size)
            expect(page.page.locator(".node")).to_have_count(32)
            assert page.page.evaluate("document.documentElement.scrollWidth") == size[0]
            page.page.context.close()

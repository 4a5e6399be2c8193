"""`spmonitor top` at real daemons, through textual's own pilot."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest
from textual.pilot import Pilot
from textual.widgets import DataTable, Static

import spread
from spread.monitor.roster import local_roster, read_roster
from spread.monitor.top import TopApp
from tests.daemon.harness.ports import free_port
from tests.daemon.harness.waiting import DEADLINE, Deadline
from tests.daemon.monitored_ring import NAMES, MonitoredRing


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MonitoredRing]:
    ring = MonitoredRing(tmp_path_factory.mktemp("ring"))
    yield ring
    ring.stop()


@pytest.fixture
def ring(running: MonitoredRing) -> MonitoredRing:
    """A ring of three, which a test may break."""
    running.restore()
    return running


class Viewer:
    """What a person sees of a `TopApp`."""

    def __init__(self, app: TopApp, pilot: Pilot[int]) -> None:
        self.app = app
        self.pilot = pilot

    def rows(self) -> list[list[str]]:
        """Return the cells of the table."""
        table = self.app.query_one("#daemons", DataTable)
        return [
            [cell.plain for cell in table.get_row_at(index)] for index in range(table.row_count)
        ]

    def screen(self) -> list[str]:
        """Return the lines of the terminal."""
        strips = self.app.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip).rstrip() for strip in strips]

    def text(self, part: str) -> str:
        """Return the text of one of the parts: summary, verdict, text."""
        return str(self.app.query_one(f"#{part}", Static).content)

    async def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = Deadline()
        while not condition():
            seen = "\n".join([str(self.rows()), *map(self.text, ("summary", "verdict", "text"))])
            assert not deadline.passed(), f"still waiting for {what}; shown:\n{seen}"
            await self.pilot.pause(0.02)


def view(app: TopApp, size: tuple[int, int], play: Callable[[Viewer], Awaitable[None]]) -> None:
    """Run the program on a terminal of so many columns and rows."""

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await play(Viewer(app, pilot))

    asyncio.run(run())


def test_groups_of_the_selected_daemon(ring: MonitoredRing) -> None:
    async def play(viewer: Viewer) -> None:
        await viewer.pilot.press("g")
        await viewer.wait_until(lambda: "#ann#d2" in viewer.text("text"), "the group tea")
        await viewer.pilot.press("s")
        assert viewer.text("text") == "no session has anything waiting for it"

    with spread.connect(f"{ring.ports['d2']}@127.0.0.2", "ann", timeout=DEADLINE) as mailbox:
        mailbox.join("tea")
        mailbox.receive(DEADLINE)
        view(TopApp(read_roster(str(ring.file), "d1")), (80, 24), play)


def test_a_ring_its_load_and_a_daemon_that_is_killed(ring: MonitoredRing) -> None:
    async def play(viewer: Viewer) -> None:
        await viewer.wait_until(
            lambda: [row[:3] for row in viewer.rows()] == [[name, "OP", "A 3"] for name in NAMES],
            "three daemons in one ring",
        )
        assert " up -" not in viewer.text("text")
        assert viewer.text("summary").startswith("3 of 3 daemons answer, 1 ring")
        verdict = viewer.text("verdict")
        # A machine that is busy with something else is found to be.
        assert verdict == "OK all is well" or "was late by" in verdict
        await viewer.wait_until(lambda: viewer.rows()[0][3] not in ("-", "0"), "tokens a second")
        await viewer.wait_until(lambda: "tokens/s" in viewer.text("text"), "curves")

        ring.kill("d3")
        await viewer.wait_until(
            lambda: (
                viewer.text("verdict") == "!! no answer from d3"
                and [row[1:3] for row in viewer.rows()]
                == [["OP", "A 2"], ["OP", "A 2"], ["silent", "-"]]
            ),
            "a silent daemon, and a ring of two",
        )

        await viewer.pilot.press("h")
        assert "d3 does not answer" in viewer.text("text")
        assert "nobody has 127.0.0.3" in viewer.text("text")
        await viewer.pilot.press("v")
        assert "2 daemons, ring of d1" in viewer.text("text")
        assert "-d3" in viewer.text("text")

    view(TopApp(read_roster(str(ring.file), "d1")), (80, 24), play)


# Without daemons.


@pytest.mark.parametrize("count", [3, 9])
def test_a_terminal_of_any_size_shows_daemons_verdict_and_pane(count: int) -> None:
    sizes = [(80, 24), (50, 12), (132, 50), (40, 10), (200, 60)]
    rows_seen = {3: [3, 3, 3, 3, 3], 9: [9, 4, 9, 3, 9]}[count]

    async def play(viewer: Viewer) -> None:
        await viewer.wait_until(lambda: viewer.rows()[-1][1] == "silent", "silent daemons")
        for size, rows in zip(sizes, rows_seen, strict=True):
            await viewer.pilot.resize_terminal(*size)
            await viewer.wait_until(
                lambda size=size: len(viewer.text("summary")) == size[0], "a summary so wide"
            )
            lines = viewer.screen()

            shown = [line for line in lines if " silent " in line]
            assert [line.split()[0] for line in shown] == [f"local{n}" for n in range(1, rows + 1)]
            assert max(map(len, lines)) <= size[0]
            assert any(line.startswith("!! no answer from local1, local2, l") for line in lines)
            assert "local1 has not answered yet" in lines
            table = viewer.app.query_one("#daemons", DataTable)
            assert table.virtual_size.width <= size[0]
        await viewer.pilot.press("down", "down")
        assert "local3" in viewer.text("text")

    view(TopApp(local_roster(count, free_port())), (100, 30), play)


def test_the_pane_is_scrolled_by_page() -> None:
    async def play(viewer: Viewer) -> None:
        await viewer.pilot.press("h")
        await viewer.wait_until(lambda: "check: start" in viewer.text("text"), "what to check")
        await viewer.pilot.press("pagedown")
        await viewer.wait_until(
            lambda: viewer.app.query_one("#pane").scroll_offset.y > 0, "the lines below"
        )
        await viewer.pilot.press("pageup")
        await viewer.wait_until(
            lambda: viewer.app.query_one("#pane").scroll_offset.y == 0, "the first lines"
        )

    view(TopApp(local_roster(2, free_port())), (40, 10), play)


def test_the_tab_key_goes_through_the_panes() -> None:
    async def play(viewer: Viewer) -> None:
        await viewer.pilot.press("tab", "tab", "tab")
        assert viewer.text("text") == "no views are known"

    view(TopApp(local_roster(1, free_port())), (80, 24), play)


def test_a_pause_keeps_what_is_shown_and_ends() -> None:
    async def play(viewer: Viewer) -> None:
        await viewer.pilot.press("p")
        assert viewer.text("summary").endswith("paused")
        await viewer.pilot.press("p")
        await viewer.wait_until(lambda: not viewer.text("summary").endswith("paused"), "the time")

    view(TopApp(local_roster(1, free_port())), (80, 24), play)


@pytest.mark.parametrize("key", ["q", "escape"])
def test_leaving(key: str) -> None:
    async def play(viewer: Viewer) -> None:
        await viewer.pilot.press(key)

    app = TopApp(local_roster(1, free_port()))
    view(app, (80, 24), play)

    assert app.return_code == 0

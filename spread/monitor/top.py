"""`spmonitor top`: the ring on the whole terminal. Needs the extra `top`, textual.

    +---------------------------------------------------------+
    | summary of the ring                                 time |
    | table of daemons, one selected                           |
    | verdict: the gravest thing to say                        |
    | pane: curves | sessions | groups | views | health        |
    | keys                                                     |
    +---------------------------------------------------------+

On a small terminal some columns and the keys are left out, see `spread.monitor.top_layout`.

All text comes from `spread.monitor.top_text`; this module places it. What is known of the ring is
asked for by `AsyncRingClient` and drawn twice a second.
"""

import time
from typing import ClassVar, Final

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.events import Resize
from textual.geometry import Size
from textual.widgets import DataTable, Footer, Static

from spread.config.diagnostics import printable
from spread.errors import PeerError
from spread.monitor import top_text
from spread.monitor.client import AsyncRingClient
from spread.monitor.queries import Kind
from spread.monitor.report import GroupPage, from_json
from spread.monitor.roster import Roster
from spread.monitor.top_layout import columns_that_fit, cut, layout_for
from spread.monitor.udp import MonitorSocket
from spread.monitor.watch import INTERVAL_S, Watched

__all__ = ["TopApp"]

DRAW_S: Final = 0.5
GROUPS_S: Final = 3.0
"""Between two looks at the groups, while they are shown."""

GROUPS_SHOWN: Final = 100
PANES: Final = ("curves", "sessions", "groups", "views", "health")


class TopApp(App[int]):
    """The full-screen view of one ring."""

    TITLE = "spmonitor top"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    #summary { height: 1; }
    #daemons { height: auto; overflow-x: hidden; scrollbar-size-vertical: 1; }
    #verdict { height: 1; }
    #verdict.well { color: $success; }
    #verdict.warning { color: $warning; }
    #verdict.critical { color: $error; text-style: bold; }
    #tabs { height: 1; }
    #pane { height: 1fr; scrollbar-size-vertical: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "quit"),
        Binding("c", "pane('curves')", "curves"),
        Binding("s", "pane('sessions')", "sessions"),
        Binding("g", "pane('groups')", "groups"),
        Binding("v", "pane('views')", "views"),
        Binding("h", "pane('health')", "health"),
        Binding("p", "pause", "pause"),
        Binding("pagedown", "scroll_pane(1)", "down", show=False, priority=True),
        Binding("pageup", "scroll_pane(-1)", "up", show=False, priority=True),
        Binding("tab", "next_pane", "next", show=False, priority=True),
        Binding("escape", "quit", "quit", show=False),
    ]

    def __init__(
        self, roster: Roster, *, sock: MonitorSocket | None = None, interval_s: float = INTERVAL_S
    ) -> None:
        super().__init__()
        self._client = AsyncRingClient(roster, sock=sock, interval_s=interval_s)
        self._watch = self._client.watch
        self._pane = PANES[0]
        self._is_paused = False
        self._rows: list[tuple[str, ...]] = []
        self._columns: tuple[int, ...] = ()
        self._layout = layout_for(80, 24, len(roster.targets))
        self._groups: list[str] = ["asking for the groups"]
        self._groups_next_s = 0.0

    def compose(self) -> ComposeResult:
        """Place the parts."""
        yield Static(id="summary", markup=False)
        yield DataTable(id="daemons", cursor_type="row", zebra_stripes=False)
        yield Static(id="verdict", markup=False)
        yield Static(id="tabs")
        with VerticalScroll(id="pane", can_focus=False):
            yield Static(id="text", markup=False)
        yield Footer(show_command_palette=False)

    async def on_mount(self) -> None:
        """Begin to ask and to draw."""
        self._table.focus()
        self._arrange(self.size)
        await self._client.__aenter__()
        self.set_interval(DRAW_S, self._draw)
        self.set_interval(DRAW_S, self._look_at_groups)
        self._draw()

    async def on_unmount(self) -> None:
        """Stop asking."""
        await self._client.__aexit__(None, None, None)

    def on_resize(self, event: Resize) -> None:
        """Draw for the new size, which `size` does not have yet."""
        self._arrange(event.size)
        self.call_after_refresh(self._draw)

    def on_data_table_row_highlighted(self) -> None:
        """Another daemon is selected: show that one."""
        self._groups_next_s = 0.0
        self._draw()

    def action_pane(self, name: str) -> None:
        """Show another pane."""
        self._pane = name
        self._groups_next_s = 0.0
        self.query_one("#pane", VerticalScroll).scroll_home(animate=False)
        self._draw()

    def action_scroll_pane(self, pages: int) -> None:
        """Show what stands below or above in the pane."""
        pane = self.query_one("#pane", VerticalScroll)
        pane.scroll_relative(y=pages * max(1, pane.size.height - 1), animate=False)

    def action_next_pane(self) -> None:
        """Show the next pane."""
        self.action_pane(PANES[(PANES.index(self._pane) + 1) % len(PANES)])

    def action_pause(self) -> None:
        """Let everything stand as it is, or go on."""
        self._is_paused = not self._is_paused
        self._draw_summary()

    @property
    def _table(self) -> DataTable[Text]:
        return self.query_one("#daemons", DataTable)

    @property
    def _selected(self) -> Watched:
        watched = list(self._watch.daemons.values())
        return watched[min(max(0, self._table.cursor_row), len(watched) - 1)]

    def _draw(self) -> None:
        if self._is_paused or not self.is_running:
            return
        self._draw_summary()
        self._draw_table()
        kind, sentence = top_text.verdict(self._watch)
        verdict = self.query_one("#verdict", Static)
        verdict.set_classes(kind)
        verdict.update(cut(printable(f"{_MARKS[kind]} {sentence}"), self.size.width))
        tabs = _tabs(self._pane, self.size.width, has_keys=self._layout.has_keys)
        self.query_one("#tabs", Static).update(tabs)
        self.query_one("#text", Static).update("\n".join(map(printable, self._lines())))

    def _arrange(self, size: Size) -> None:
        """Give each part its place on a terminal of this size."""
        self._layout = layout_for(*size, len(self._watch.daemons))
        self._table.styles.height = self._layout.table
        self.query_one(Footer).display = self._layout.has_keys
        self._rows = top_text.rows(self._watch)
        self._build_table(self._fitting(self._rows, size.width))

    def _fitting(self, rows: list[tuple[str, ...]], width: int) -> tuple[int, ...]:
        scrolls = len(rows) >= self._layout.table
        return columns_that_fit([top_text.COLUMNS, *rows], width - scrolls)

    def _build_table(self, columns: tuple[int, ...]) -> None:
        """Make the table anew, with these columns."""
        table, row = self._table, self._table.cursor_row
        self._columns = columns
        table.clear(columns=True)
        for index in columns:
            table.add_column(Text(top_text.COLUMNS[index]), key=top_text.COLUMNS[index])
        for cells in self._rows:
            table.add_row(*(_cell(cells[index], index) for index in columns), key=cells[0])
        table.move_cursor(row=row, animate=False)

    def _draw_table(self) -> None:
        """Change the cells that say something else than before: a ring may have 128 rows."""
        table = self._table
        rows, before = top_text.rows(self._watch), self._rows
        self._rows = rows
        columns = self._fitting(rows, self.size.width)
        if columns != self._columns:
            self._build_table(columns)
            return
        for old, cells in zip(before, rows, strict=True):
            for index in columns:
                if cells[index] != old[index]:
                    cell = _cell(cells[index], index)
                    name = top_text.COLUMNS[index]
                    table.update_cell(cells[0], name, cell, update_width=True)

    def _draw_summary(self) -> None:
        state = "paused" if self._is_paused else time.strftime("%H:%M:%S")
        room = max(0, self.size.width - len(state) - 1)
        text = top_text.summary(self._watch, room)
        self.query_one("#summary", Static).update(f"{text:<{room}} {state}")

    def _lines(self) -> list[str]:
        width = max(20, self.size.width - 2)
        now_s = time.monotonic()
        if self._pane == "sessions":
            return top_text.session_lines(self._watch, width)
        if self._pane == "groups":
            return [cut(line, width) for line in self._groups]
        if self._pane == "views":
            return top_text.view_lines(self._selected.report, width)
        if self._pane == "health":
            return top_text.health_lines(self._watch, now_s)
        is_short = self._layout.is_short
        return top_text.details(self._selected, width, now_s, is_short=is_short)

    async def _look_at_groups(self) -> None:
        now_s = time.monotonic()
        if self._pane != "groups" or self._is_paused or now_s < self._groups_next_s:
            return
        self._groups_next_s = now_s + GROUPS_S
        name = self._selected.target.name
        try:
            arguments = {"offset": 0, "count": GROUPS_SHOWN, "prefix": ""}
            page = from_json(GroupPage, await self._client.query(name, Kind.GROUPS, arguments))
        except PeerError as error:
            self._groups = [str(error)]
        else:
            self._groups = top_text.group_lines(page)
        self._draw()


_MARKS: Final = {"well": "OK", "warning": "!", "critical": "!!"}


def _cell(text: str, index: int) -> Text:
    """Return a cell: names and states to the left, numbers to the right, trouble in colour."""
    style = "bold red" if text == "silent" else ""
    return Text(text, style=style, justify="left" if index < 2 else "right")


def _tabs(shown: str, width: int, *, has_keys: bool) -> Text:
    """Return the names of the panes; without a line of keys, their keys are underlined."""
    pad = " " if len("   ".join(PANES)) + 2 <= width else ""
    text = Text(no_wrap=True)
    for name in PANES:
        style = "reverse" if name == shown else "dim"
        text.append(pad, style=style)
        text.append(name[0], style=style if has_keys else f"{style} underline")
        text.append(f"{name[1:]}{pad}", style=style)
        text.append(" ")
    return text

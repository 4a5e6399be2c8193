"""The interactive menu of `spmonitor`: lines from a terminal or a script, replies as they come.

The main thread reads lines. Another one waits at the socket and for what falls due. Both work on
one `Menu`, in turns.
"""

import argparse
import secrets
import select
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from spread.cli.monitoring import open_socket_for, roster_of
from spread.cli.user.display import Display, display_on
from spread.cli.user.lines import Lines, editor, history_path, input_lines
from spread.monitor.menu import MENU, Menu
from spread.monitor.protocol import MONITOR_PORT
from spread.monitor.udp import MonitorSocket

__all__ = ["add_arguments", "run"]

INTERVAL_S = 10.0
"""Between two status queries, as in Spread's monitor."""

LAST_WAIT_S = 4.0
"""For replies and verifications on their way when a script ends."""

TURN_S = 0.2
"""How long the socket is waited for at a time, so that the end is noticed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add nothing: the menu has the common flags only."""


def run(given: argparse.Namespace) -> int:
    """Carry out commands until the last; returns the exit status."""
    roster = roster_of(given)
    sock = open_socket_for(given, port=MONITOR_PORT)
    try:
        menu = Menu(
            roster,
            reply_port=sock.port,
            interval_s=given.interval or INTERVAL_S,
            now=time.monotonic,
            random_number=lambda: secrets.randbits(32),
            read_again=lambda: roster_of(given),
        )
        is_typed = sys.stdin.isatty() and sys.stdout.isatty()
        display = display_on(sys.stdout, is_typed_on=is_typed)
        with _Session(menu, sock, display) as session:
            session.greet()
            if not is_typed:
                session.converse(input_lines(sys.stdin))
                session.wait_for_rest()
            else:
                with editor(_history(), session.names) as lines:
                    session.converse(lines)
    finally:
        sock.close()
    return 0


def _history() -> Path | None:
    path = history_path()
    return None if path is None else path.with_name("spmonitor_history")


class _Session:
    """The menu, the socket, and the thread that waits at it."""

    def __init__(self, menu: Menu, sock: MonitorSocket, display: Display) -> None:
        self._menu = menu
        self._socket = sock
        self._display = display
        self._turn = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._wait_at_socket, name="replies", daemon=True)

    def __enter__(self) -> "_Session":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def names(self) -> set[str]:
        """Return what the Tab key completes."""
        return {"all", "none", *(each.name for each in self._menu.roster.targets)}

    def greet(self) -> None:
        """Say what is watched, and show the menu."""
        roster = self._menu.roster
        own = f"as {roster.own.name}" if roster.own else "as nobody of the file, by queries only"
        source = roster.path or "spread --local"
        names = ", ".join(each.name for each in roster.targets[:8])
        more = f" and {len(roster.targets) - 8} more" if len(roster.targets) > 8 else ""
        self._display.show(
            [
                f"spmonitor, {own}: {names}{more} of {source}, hash {roster.hash}",
                f"replies come in at UDP port {self._socket.port}",
                *MENU,
            ]
        )

    def converse(self, lines: Lines) -> None:
        """Carry out lines until the last."""
        while not self._menu.has_ended:
            try:
                line = lines.next_line(self._menu.prompt)
            except EOFError:
                return
            if line and self._menu.prompt.startswith("Monitor"):
                lines.remember(line)
            self._do(partial(self._menu.take, line))

    def wait_for_rest(self) -> None:
        """Let come what a script has asked for, within bounds."""
        end_s = time.monotonic() + LAST_WAIT_S
        while self._menu.is_waiting and time.monotonic() < end_s:
            self._ended.wait(TURN_S / 4)

    def _do(self, act: Callable[[], list[str]]) -> None:
        with self._turn:
            shown = act()
            for outgoing in self._menu.outgoing():
                target = outgoing.target
                failure = self._socket.send(outgoing.data, target.address, target.port)
                if failure is not None:
                    shown += self._menu.failed(failure.address, failure.port, failure.reason)
        if shown:
            self._display.show(shown)

    def _wait_at_socket(self) -> None:
        while not self._ended.is_set():
            left_s = self._menu.next_deadline() - time.monotonic()
            ready, _, _ = select.select(
                [self._socket.socket], [], [], max(0.0, min(TURN_S, left_s))
            )
            for failure in self._socket.failures():
                self._do(partial(self._menu.failed, failure.address, failure.port, failure.reason))
            while ready and (received := self._socket.receive()) is not None:
                self._do(partial(self._menu.receive, *received))
            self._do(self._menu.due)

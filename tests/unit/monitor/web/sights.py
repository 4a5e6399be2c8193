"""Looks at a ring of a, b and c, for tests of what is made of them."""

from dataclasses import replace

from spread.monitor.rates import History
from spread.monitor.report import Report, RingName, View
from spread.monitor.web.sight import Seen, Sight

__all__ = ["NOW_S", "TOKEN_LOST", "in_ring", "seen", "silent", "three"]

NOW_S = 1_800_000_100.0

ALL = View(NOW_S - 50, RingName("a", 1), ("a", "b", "c"), joined=("a", "b", "c"))

TOKEN_LOST = "token lost"


def in_ring(name: str, view: View = ALL, **fields: object) -> Report:
    """Return a report of a daemon whose last view is `view`."""
    views = (view,) if view is ALL else (ALL, view)
    usual = Report(name, "10.0.0.1", ring=view.ring, members=view.members, views=views, process=7)
    return replace(usual, **fields)  # type: ignore[arg-type]


def seen(name: str, *reports: Report, silent_s: float = 0.1, **fields: object) -> Seen:
    """Return a daemon that gave these reports, a second apart; by default one in the ring."""
    history = History()
    for second, each in enumerate(reports or (in_ring(name),)):
        history.add(replace(each, uptime_s=100.5 + second), 1000.0 + second)
    usual = Seen(name, "10.0.0.1", 4803, history, silent_s)
    return replace(usual, **fields)  # type: ignore[arg-type]


def silent(name: str, seconds: float) -> Seen:
    """Return a daemon that does not answer any more, and why that may be."""
    return seen(
        name,
        silent_s=seconds,
        why_silent="nobody has 10.0.0.1, UDP port 4803",
        checks=("start the daemon", "compare the port"),
    )


def three(*changed: Seen) -> Sight:
    """Return a look at a, b and c, all well but those given."""
    given = {each.name: each for each in changed}
    return Sight(NOW_S, tuple(given.get(name) or seen(name) for name in "abc"), now_s=5000.0)

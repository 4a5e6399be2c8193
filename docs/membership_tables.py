"""The generated parts of the page on membership: diagram, states and table, from the machine."""

import math
from html import escape
from typing import Final

from spread.daemon.membership.table import TABLE, Event, State

__all__ = ["membership_sections"]

PLACES: Final = {
    State.OP: (120, 90),
    State.GATHER_ALIVE: (120, 330),
    State.SEG: (420, 90),
    State.REPRESENTED: (720, 90),
    State.GATHER: (420, 330),
    State.FORM: (720, 330),
    State.EVS: (420, 530),
}
WIDTH, HEIGHT = 860, 590
BOX: Final = (150, 44)
LINE_HEIGHT: Final = 12


def membership_sections() -> dict[str, str]:
    """Return each part by its name."""
    return {"diagram": _diagram(), "states": _states(), "table": _table(), "events": _events()}


def _states() -> str:
    rows = [f"| `{state.name}` | {state.value} |" for state in State]
    return "\n".join(["| state | meaning |", "| --- | --- |", *rows])


def _events() -> str:
    rows = [f"| `{event.name}` | {event.value} |" for event in Event]
    return "\n".join(["| event | what happened |", "| --- | --- |", *rows])


def _table() -> str:
    rows = [
        f"| `{state.name}` | `{event.name}` | {step.action.value} | `{step.target.name}` |"
        for state, row in TABLE.items()
        for event, step in row.items()
    ]
    return "\n".join(["| in state | when | do | then |", "| --- | --- | --- | --- |", *rows])


def _diagram() -> str:
    edges: dict[tuple[State, State], list[str]] = {}
    for state, row in TABLE.items():
        for event, step in row.items():
            if step.target is not state:
                edges.setdefault((state, step.target), []).append(event.name)
    drawn = [_edge(*ends, names) for ends, names in edges.items()]
    drawn += [_box(state) for state in State]
    return "\n".join(
        [
            "```{raw} html",
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="States of the membership '
            'machine and what leads from one to another; the table below says the same" '
            'style="max-width:100%;font-family:monospace" fill="none" stroke="currentColor">',
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" '
            'markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="currentColor" '
            'stroke="none"/></marker></defs>',
            *drawn,
            "</svg>",
            "```",
        ]
    )


def _box(state: State) -> str:
    x, y = PLACES[state]
    width, height = BOX
    return (
        f'<g><rect x="{x - width // 2}" y="{y - height // 2}" width="{width}" height="{height}" '
        f'rx="8" style="fill:var(--color-background-primary,white)"/>'
        f'<text x="{x}" y="{y + 5}" text-anchor="middle" font-size="15" stroke="none" '
        f'fill="currentColor">{escape(state.name)}</text></g>'
    )


def _edge(start: State, end: State, names: list[str]) -> str:
    """An arrow bent a little to its left, so that there and back do not lie on one line."""
    (x0, y0), (x1, y1) = PLACES[start], PLACES[end]
    length = math.hypot(x1 - x0, y1 - y0)
    bend_x, bend_y = (y1 - y0) / length * 34, (x0 - x1) / length * 34
    middle_x, middle_y = (x0 + x1) / 2 + bend_x, (y0 + y1) / 2 + bend_y
    from_x, from_y = _border(x0, y0, middle_x, middle_y)
    to_x, to_y = _border(x1, y1, middle_x, middle_y)
    label_y = middle_y - LINE_HEIGHT * (len(names) - 1) / 2
    label = "".join(
        f'<text x="{middle_x:.0f}" y="{label_y + LINE_HEIGHT * number:.0f}" text-anchor="middle" '
        f'font-size="10" stroke="none" fill="currentColor">{escape(name)}</text>'
        for number, name in enumerate(names)
    )
    return (
        f'<path d="M{from_x:.0f} {from_y:.0f}Q{middle_x:.0f} {middle_y:.0f} {to_x:.0f} {to_y:.0f}" '
        f'marker-end="url(#tip)" opacity="0.6"/>{label}'
    )


def _border(x: float, y: float, to_x: float, to_y: float) -> tuple[float, float]:
    """Where the line from a box's middle towards a point leaves the box."""
    half_width, half_height = BOX[0] / 2 + 2, BOX[1] / 2 + 2
    dx, dy = to_x - x, to_y - y
    scale = min(half_width / abs(dx) if dx else math.inf, half_height / abs(dy) if dy else math.inf)
    return x + dx * scale, y + dy * scale

"""Tables of the page on health, made from the table of rules."""

from collections.abc import Iterable

from spread.monitor.health_hysteresis import Rule
from spread.monitor.health_rules import RING_RULES, RULES

__all__ = ["health_sections"]


def health_sections() -> dict[str, str]:
    """Return the parts of health.md by their names."""
    return {"of a daemon": _rules(RULES.values()), "of the ring": _rules(RING_RULES.values())}


def _rules(rules: Iterable[Rule]) -> str:
    return "\n\n".join(map(_rule, rules))


def _rule(rule: Rule) -> str:
    rows = [f"### {rule.name}", "", f"{rule.about[0].upper()}{rule.about[1:]}.", ""]
    rows += ["| | |", "| --- | --- |"]
    if rule.warning:
        rows.append(f"| warning | {rule.warning} |")
    if rule.critical:
        rows.append(f"| critical | {rule.critical} |")
    rows += [
        f"| why | {rule.reason} |",
        f"| says | {_shown(rule.sentence)} |",
        f"| remedy | {_shown(rule.remedy)} |",
        f"| begins | {_time(rule.raise_after_s)} |",
        f"| ends | {_time(rule.clear_after_s)} without it |",
    ]
    return "\n".join(rows)


def _time(seconds: float) -> str:
    return f"after {seconds:.0f} s" if seconds else "at once"


def _shown(text: str) -> str:
    """Return a text whose places for values are shown as such."""
    pieces = text.replace("{", "\0{").split("\0")
    shown = [pieces[0]]
    for piece in pieces[1:]:
        name, _, rest = piece[1:].partition("}")
        shown.append(f"*{name.partition(':')[0].replace('_', ' ')}*{rest}")
    return "".join(shown)

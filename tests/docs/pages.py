"""The pages of the documentation as text: blocks of code, commands, links, headings."""

import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PAGES", "REPOSITORY", "Block", "blocks", "commands", "headings", "links"]

REPOSITORY = Path(__file__).resolve().parents[2]

PAGES = tuple(
    str(path.relative_to(REPOSITORY))
    for path in (
        *sorted(REPOSITORY.glob("*.md")),
        REPOSITORY / "bench/README.md",
        *sorted((REPOSITORY / "docs").glob("*.md")),
    )
)

_FENCED = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, its text, and the text between it and the one before."""

    language: str
    text: str
    line: int
    above: str


def blocks(page: str) -> list[Block]:
    """Return the fenced blocks of a page in their order."""
    text = _read(page)
    found = []
    end = 0
    for match in _FENCED.finditer(text):
        line = text.count("\n", 0, match.start()) + 2
        found.append(Block(match[1].strip(), match[2], line, text[end : match.start()]))
        end = match.end()
    return found


def commands(page: str) -> list[str]:
    """Return the command lines that a page shows behind a prompt."""
    lines = (
        line
        for block in blocks(page)
        if block.language == "console"
        for line in block.text.splitlines()
    )
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def links(page: str) -> list[str]:
    """Return the targets of a page's links that lead to files of the project."""
    found = _LINK.findall(_CODE.sub("", _prose(page)))
    return [target for target in found if "://" not in target]


def headings(page: str) -> list[str]:
    """Return the anchors of a page's headings, as GitHub and the site make them."""
    return [_anchor(text) for text in _HEADING.findall(_prose(page))]


def _prose(page: str) -> str:
    return _FENCED.sub("", _read(page))


def _read(page: str) -> str:
    return (REPOSITORY / page).read_text(encoding="utf-8")


def _anchor(heading: str) -> str:
    kept = re.sub(r"[^\w\- ]", "", heading.lower())
    return kept.replace(" ", "-")

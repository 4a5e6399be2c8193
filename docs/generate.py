"""Write the generated parts of the pages: `python docs/generate.py`.

Such a part stands between two comments of its page, which stay:

    <!-- generated: NAME -->
    ...
    <!-- end of NAME -->

`--check` writes nothing and exits 1 if a page is not what would be written. A test does the same.
"""

import argparse
import re
import sys
from pathlib import Path
from typing import Final

DOCS: Final = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent))  # The tree that this file is part of, whatever is installed.

from docs.counter_tables import counter_sections  # noqa: E402
from docs.health_tables import health_sections  # noqa: E402
from docs.membership_tables import membership_sections  # noqa: E402
from docs.ring_tables import ring_sections  # noqa: E402

__all__ = ["PAGES", "generated", "main"]

PAGES: Final = {
    "counters.md": counter_sections,
    "health.md": health_sections,
    "membership.md": membership_sections,
    "ring-packets.md": ring_sections,
}

_PART: Final = re.compile(
    r"(?P<begin><!-- generated: (?P<name>.+?) -->\n).*?(?P<end><!-- end of (?P=name) -->)",
    re.DOTALL,
)


def generated(page: str) -> str:
    """Return the whole text of a page with its generated parts as they should be.

    Raises ValueError when the page does not have each part exactly once.
    """
    sections = PAGES[page]()
    text = (DOCS / page).read_text(encoding="utf-8")
    found = [match["name"] for match in _PART.finditer(text)]
    if sorted(found) != sorted(sections):
        raise ValueError(f"docs/{page} has the parts {found}; give {list(sections)} a place each")
    return _PART.sub(
        lambda match: f"{match['begin']}\n{sections[match['name']]}\n\n{match['end']}", text
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python docs/generate.py", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether anything is stale")
    options = parser.parse_args(arguments)
    stale = [page for page in PAGES if generated(page) != (DOCS / page).read_text(encoding="utf-8")]
    for page in stale:
        if options.check:
            print(f"docs/{page} is stale; run python docs/generate.py", file=sys.stderr)
        else:
            (DOCS / page).write_text(generated(page), encoding="utf-8")
    return 1 if stale and options.check else 0


if __name__ == "__main__":
    sys.exit(main())

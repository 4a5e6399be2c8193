"""A daemon that once cannot take its place in another network: `tests.daemon.failing_relocation`.

It reads spread.conf in the working directory. The first list of daemons that is not the one it has
started with is refused by those who are to follow it.
"""

import sys

from spread.config import load
from spread.daemon.assembly import Start, serve
from spread.daemon.control import Control
from spread.daemon.network import configured_daemons, name_bytes


def refuse_others_once(known: tuple[bytes, ...]) -> None:
    """Have the table of groups refuse other daemons than these, the first time."""
    renumbered = Control.renumbered

    def refusing(self: Control, daemons: tuple[bytes, ...]) -> None:
        if daemons != known:
            Control.renumbered = renumbered  # type: ignore[method-assign]
            raise RuntimeError("no place for other daemons")
        renumbered(self, daemons)

    Control.renumbered = refusing  # type: ignore[method-assign]


if __name__ == "__main__":
    configuration = load("spread.conf", name="d1").configuration
    refuse_others_once(tuple(name_bytes(each.name) for each in configured_daemons(configuration)))
    sys.exit(serve(Start(configuration)))

"""The last rings that were installed: when, who, and why the ring before came to its end."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Final

from spread.monitor.report import RingName, View

__all__ = ["VIEWS_MAX", "Ending", "ViewHistory"]

VIEWS_MAX: Final = 32

NS_PER_MS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Ending:
    """How the ring before the installed one came to its end."""

    cause: str = ""
    formed_ns: int = 0
    """From that end to the installation."""


class ViewHistory:
    """Remembers the last views; used by the ring's thread, `views` is for everybody."""

    def __init__(
        self, names: Sequence[str], addresses: Sequence[str], clock: Callable[[], float]
    ) -> None:
        """`names` and `addresses` are by daemon number; `clock` tells seconds since 1970."""
        self._clock = clock
        self.configured(names, addresses)
        self._views: deque[View] = deque(maxlen=VIEWS_MAX)
        self.views: tuple[View, ...] = ()
        """Oldest first."""

    def configured(self, names: Sequence[str], addresses: Sequence[str]) -> None:
        """Know the daemons of another configuration by their numbers."""
        self._names = tuple(names)
        self._by_id = {
            int(IPv4Address(address)): name for name, address in zip(names, addresses, strict=True)
        }

    def installed(self, ring: tuple[int, int], members: Sequence[int], ending: Ending) -> None:
        """A ring is in force: its id as unsigned numbers, its members by number."""
        present = tuple(self._names[number] for number in members)
        before = self._views[-1].members if self._views else ()
        leader, time = ring
        self._views.append(
            View(
                time_s=self._clock(),
                ring=RingName(self._by_id.get(leader, str(IPv4Address(leader))), time),
                members=present,
                joined=tuple(each for each in present if each not in before),
                left=tuple(each for each in before if each not in present),
                cause=ending.cause if self._views else "",
                formed_ms=ending.formed_ns / NS_PER_MS,
            )
        )
        self.views = tuple(self._views)

"""What monitors may have the daemon do: asked in the watching thread, done in the ring's thread.

Who asked is told to the log by `monitor_server`, which judges requests. What still cannot be done
raises where it is asked for; what was accepted is done within a turn of the loop.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from spread.config.model import Options
from spread.errors import ConfigurationError

if TYPE_CHECKING:
    from spread._node import Node

__all__ = ["PARTITION_NS", "CallSoon", "Commands", "Means", "WindowPlan"]

PARTITION_NS: Final = 60_000_000_000
"""A partition is forgotten so long after it was asked for; monitors ask again and again."""

WindowPlan = Callable[[Options], tuple[tuple[int, int, int], tuple[int, int, int]]]
"""Returns the three windows as they begin and at most, in packets, for options."""


class CallSoon(Protocol):
    """Hands a call over to the ring's thread; False if there is no room for it."""

    def __call__(self, what: Callable[[], None], /) -> bool: ...


@dataclass(frozen=True, slots=True)
class Means:
    """What commands work with."""

    node: "Node"
    call_soon: CallSoon
    stop: Callable[[], None]
    """Ends the loop; called in its thread."""
    plan: WindowPlan
    clock_ns: Callable[[], int] = time.monotonic_ns


class Commands:
    """Partition, windows, stop, reload; used by the watching thread."""

    def __init__(self, means: Means, options: Options, daemons: int) -> None:
        """`daemons` is the number of configured ones."""
        self._means = means
        self._options = options
        self._daemons = daemons
        self._reload: Callable[[str], None] | None = None

    def on_reload(self, reload: Callable[[str], None]) -> None:
        """Know what reloads; it is called in the ring's thread with who asked."""
        self._reload = reload

    def configured(self, options: Options, daemons: int) -> None:
        """A configuration is in force: windows that monitors have changed are those of its file."""
        self._options = options
        self._daemons = daemons

    def partition(self, components: tuple[int, ...]) -> None:
        """Hear only daemons of the own component, by daemon number; () hears all again.

        Raises ConfigurationError.
        """
        if components and len(components) != self._daemons:
            raise ConfigurationError(
                f"a partition of {len(components)} daemons; the configuration has {self._daemons}"
            )
        numbers = tuple(each & 0xFFFF for each in components)
        means = self._means
        self._do(lambda: means.node.set_partition(numbers, means.clock_ns() + PARTITION_NS))

    def windows(
        self, window: int | None, personal: int | None, accelerated: int | None
    ) -> tuple[int, int, int]:
        """Change the windows, in packets; None keeps one. Returns those in force from now on.

        They stay as they are set: a window that a monitor has changed does not adapt. Raises
        ConfigurationError for values with which the ring would not work.
        """
        before = self._options
        wanted = replace(
            before,
            window=before.window if window is None else window,
            personal_window=before.personal_window if personal is None else personal,
            accelerated_window=before.accelerated_window if accelerated is None else accelerated,
        )
        base, most = self._means.plan(wanted)
        if min(base[:2]) < 1:
            raise ConfigurationError(f"windows of {base} packets let nothing pass")
        self._do(lambda: self._means.node.set_windows(base, most))
        self._options = wanted
        return most

    def stop(self) -> None:
        """End the daemon in order."""
        self._do(self._means.stop)

    def reload(self, asked_by: str) -> None:
        """Read the configuration again. Raises ConfigurationError if nothing can do that."""
        reload = self._reload
        if reload is None:
            raise ConfigurationError("this daemon has no configuration file to read again")
        self._do(lambda: reload(asked_by))

    def _do(self, what: Callable[[], None]) -> None:
        if not self._means.call_soon(what):
            raise ConfigurationError("the daemon has too many commands to do; ask again")

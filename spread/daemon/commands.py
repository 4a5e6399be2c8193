"""What monitors may have the daemon do: asked in the watching thread, done in the ring's thread.

Who asked is told to the log by `monitor_server`, which judges requests. What still cannot be done
raises where it is asked for; what was accepted is done within a turn of the loop.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from spread.config.model import Options
from spread.daemon.monitor_server import PARTITION_S, WINDOW_MAX
from spread.errors import ConfigurationError, MisuseError

if TYPE_CHECKING:
    from spread._node import Node

__all__ = ["PARTITION_NS", "CallSoon", "Commands", "Means", "WindowPlan"]

PARTITION_NS: Final = PARTITION_S * 1_000_000_000
"""A partition is forgotten so long after it was asked for; monitors ask again and again."""

Sizes = tuple[int, int, int]
"""Window, personal window and accelerated window, in packets."""

Given = tuple[int | None, int | None, int | None]
"""The same as a monitor gives them; None keeps one."""

WindowPlan = Callable[[Options], tuple[Sizes, Sizes]]
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
        self._base, self._most = means.plan(options)
        self._daemons = daemons
        self._reload: Callable[[str], object] | None = None

    def on_reload(self, reload: Callable[[str], object]) -> None:
        """Know what reloads; it is called in the watching thread with who asked."""
        self._reload = reload

    def configured(self, options: Options, daemons: int) -> None:
        """A configuration is in force: windows that monitors had changed are those of its file.

        Called in the ring's thread.
        """
        self._base, self._most = self._means.plan(options)
        self._means.node.set_windows(self._base, self._most)
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
        self._do(lambda: self._part(numbers))

    def windows(self, window: int | None, personal: int | None, accelerated: int | None) -> None:
        """Change the windows, in packets; None keeps one.

        One that is given does not adapt any more. Raises ConfigurationError for values with which
        the ring would not work.
        """
        given = (window, personal, accelerated)
        fault = _window_fault(_merged(self._base, given), _merged(self._most, given))
        if fault is not None:
            raise ConfigurationError(fault)
        self._do(lambda: self._set_windows(given))

    def stop(self) -> None:
        """End the daemon in order."""
        self._do(self._means.stop)

    def reload(self, asked_by: str) -> None:
        """Read the configuration again. Raises ConfigurationError if nothing can do that."""
        if self._reload is None:
            raise ConfigurationError("this daemon has no configuration file to read again")
        self._reload(asked_by)

    def _part(self, numbers: tuple[int, ...]) -> None:
        until_ns = self._means.clock_ns() + PARTITION_NS
        # A reload may have changed the number of daemons meanwhile: then the map is of no use.
        with suppress(MisuseError):
            self._means.node.set_partition(numbers, until_ns)

    def _set_windows(self, given: Given) -> None:
        """Change those that are in force by now: another command, or a reload, may have come first.

        Only the ring's thread writes them, so none of these is undone.
        """
        base, most = _merged(self._base, given), _merged(self._most, given)
        if _window_fault(base, most) is None:
            self._base, self._most = base, most
            self._means.node.set_windows(base, most)

    def _do(self, what: Callable[[], None]) -> None:
        if not self._means.call_soon(what):
            raise ConfigurationError("the daemon has too many commands to do; ask again")


def _merged(before: Sizes, given: Given) -> Sizes:
    """Return the windows as given; one that is kept follows a smaller one above it."""
    window = before[0] if given[0] is None else given[0]
    personal = min(before[1], window) if given[1] is None else given[1]
    accelerated = min(before[2], personal) if given[2] is None else given[2]
    return window, personal, accelerated


def _window_fault(base: Sizes, most: Sizes) -> str | None:
    """Say why the ring would not work with windows that begin and end so."""
    if min(base[:2]) < 1:
        return f"windows of {base} packets let nothing pass"
    if most[0] > WINDOW_MAX:
        return f"a window of {most[0]} packets is more than a daemon can hold, {WINDOW_MAX}"
    for window, personal, accelerated in (base, most):
        if personal > window:
            return f"personal window {personal} is above window {window}"
        if accelerated > personal:
            return f"accelerated window {accelerated} is above personal window {personal}"
    return None

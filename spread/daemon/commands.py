"""What monitors may have the daemon do: asked in the watching thread, done in the ring's thread.

`monitor_server` judges requests. What cannot be done raises where it is asked for; what was
accepted is done within a turn of the loop, and told to the log when it is done.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from spread.config.model import EventPriority, EventType, Options
from spread.daemon.event_sink import EventSink
from spread.daemon.monitor_decisions import PARTITION_S, WINDOW_MAX
from spread.errors import ConfigurationError, SpreadError

if TYPE_CHECKING:
    from spread._node import Node

__all__ = ["PARTITION_NS", "CallSoon", "Commands", "Done", "Means", "WindowPlan"]

PARTITION_NS: Final = PARTITION_S * 1_000_000_000
"""A partition is forgotten so long after it was asked for; monitors ask again and again."""

Sizes = tuple[int, int, int]
"""Window, personal window and accelerated window, in packets."""

Given = tuple[int | None, int | None, int | None]
"""The same as a monitor gives them; None keeps one."""

WindowPlan = Callable[[Options], tuple[Sizes, Sizes]]
"""Returns the three windows as they begin and at most, in packets, for options."""

Done = Callable[[], None]
"""Called in the ring's thread when a command has been carried out."""


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
    log: EventSink
    clock_ns: Callable[[], int] = time.monotonic_ns


class Commands:
    """Partition, windows, stop, reload; used by the watching thread."""

    def __init__(self, means: Means, options: Options, names: tuple[str, ...]) -> None:
        """`names` are those of the configured daemons by number."""
        self._means = means
        self._base, self._most = means.plan(options)
        self._names = names
        self._components: Mapping[str, int] = {}
        self._parted_until_ns = 0
        self._reload: Callable[[str], object] | None = None

    def on_reload(self, reload: Callable[[str], object]) -> None:
        """Know what takes orders to reload, with who asked."""
        self._reload = reload

    def configured(self, options: Options, names: tuple[str, ...]) -> None:
        """A configuration is in force: windows that monitors had changed are those of its file.

        A partition goes on under the new numbers. Called in the ring's thread.
        """
        self._base, self._most = self._means.plan(options)
        self._means.node.set_windows(self._base, self._most)
        self._names = names
        if self._means.clock_ns() < self._parted_until_ns:
            self._set_partition()

    # -- The watching thread ----------------------------------------------------------------------

    def partition(self, components: Mapping[str, int], done: Done) -> None:
        """Hear only daemons of the own component, by name; none at all: hear everybody again.

        Daemons without a name in it are in component 0. Raises ConfigurationError.
        """
        self._do(partial(self._part_or_tell, components, done), _nothing)

    def windows(self, given: Given, done: Done) -> None:
        """Change the windows; one that is given does not adapt any more.

        Raises ConfigurationError for values with which the ring would not work.
        """
        fault = _window_fault(_merged(self._base, given), _merged(self._most, given))
        if fault is not None:
            raise ConfigurationError(fault)
        self._do(partial(self._set_windows, given), done)

    def stop(self, done: Done) -> None:
        """End the daemon in order."""
        self._do(self._means.stop, done)

    def reload(self, asked_by: str) -> None:
        """Have the configuration read again. Raises ConfigurationError if nothing can do that."""
        if self._reload is None:
            raise ConfigurationError("this daemon has no configuration file to read again")
        self._reload(asked_by)

    def _do(self, what: Callable[[], None], done: Done) -> None:
        if not self._means.call_soon(partial(self._carry_out, what, done)):
            raise ConfigurationError("the daemon has too many commands to do; ask again")

    # -- The ring's thread ------------------------------------------------------------------------

    def _carry_out(self, what: Callable[[], None], done: Done) -> None:
        """Do it and say so; what came meanwhile may have made it impossible."""
        try:
            what()
        except SpreadError as error:
            self._means.log.event(
                EventType.PRINT | EventType.STATUS,
                EventPriority.WARNING,
                "command of a monitor not carried out",
                reason=error,
                lines=(),
            )
        else:
            done()

    def _part_or_tell(self, components: Mapping[str, int], done: Done) -> None:
        """Tell of it as done only if there is a partition, or was one that ends."""
        is_nothing = not components and self._means.clock_ns() >= self._parted_until_ns
        self._part(components)
        if not is_nothing:
            done()
            return
        self._means.log.event(
            EventType.PRINT,
            EventPriority.DEBUG,
            "a monitor ended partitions, and none is in force",
            lines=(),
        )

    def _part(self, components: Mapping[str, int]) -> None:
        self._components = components
        self._parted_until_ns = self._means.clock_ns() + PARTITION_NS if components else 0
        self._set_partition()

    def _set_partition(self) -> None:
        """Give the core the partition by the numbers of this moment."""
        numbers: tuple[int, ...] = ()
        if self._components:
            numbers = tuple(self._components.get(name, 0) & 0xFFFF for name in self._names)
        self._means.node.set_partition(numbers, self._parted_until_ns)

    def _set_windows(self, given: Given) -> None:
        """Change those that are in force by now: another command, or a reload, may have come first.

        Only the ring's thread writes them, so none of these is undone.
        """
        base, most = _merged(self._base, given), _merged(self._most, given)
        fault = _window_fault(base, most)
        if fault is not None:
            raise ConfigurationError(fault)
        self._base, self._most = base, most
        self._means.node.set_windows(base, most)


def _nothing() -> None:
    """Follow up what has told of itself."""


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

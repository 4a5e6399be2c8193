"""Reading the configuration again: what would change, and putting it in force.

    reload's thread   file -> parse -> compare -> access files, policy    preview() ends here
                      reload(): plan handed over, `spread.daemon.handover`
    ring's thread     the plan is put in force, `spread.daemon.reconfiguration`
    reload's thread   the outcome: told to the log, and to whoever asked

Whatever is wrong with the file, with the access files, or with what would change leaves all as it
is and says why. A daemon is known by its name: the entry that is read again is the one it was
started as.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from spread.config.changes import Changes, compare, effective
from spread.config.diagnostics import ConfigurationErrors
from spread.config.host import HostView
from spread.config.load import Loaded, parse
from spread.config.model import Configuration, EventPriority, EventType, Options
from spread.config.settings import Known
from spread.daemon.event_sink import EventSink
from spread.daemon.handshake import HandshakeSettings
from spread.daemon.network import network_hash
from spread.errors import ConfigurationError, SpreadError
from spread.monitor.reload import ReloadChange, ReloadOutcome

__all__ = ["File", "PartlyInForceError", "Plan", "Reloader", "Sources"]


class PartlyInForceError(ConfigurationError):
    """A plan was right, and yet something failed when it was put in force."""


class File(Protocol):
    """The configuration file; a `ConfigurationFile` is one."""

    @property
    def path(self) -> str:
        """Its name, for messages."""

    def read(self) -> bytes:
        """Return its bytes; ConfigurationMissing if it cannot be read."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What a reload reads."""

    file: File
    host: HostView
    known: Known
    handshake: Callable[[Options], HandshakeSettings]
    """Reads the access files and the policy anew; ConfigurationError if one is wrong."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be put in force."""

    configuration: Configuration
    handshake: HandshakeSettings
    changes: Changes
    relocates: bool
    """Whether daemons get their numbers anew: those of another network, or whatever they are."""


class Reloader:
    """Reads and compares; used by one thread, which may have to wait for host names."""

    def __init__(
        self,
        configuration: Configuration,
        sources: Sources | None,
        *,
        log: EventSink,
        put_in_force: Callable[[Plan], None],
        warnings: Iterable[str] = (),
    ) -> None:
        """Without sources there is no file to read again.

        `put_in_force` returns when the plan is in force, or says with an exception why it is not.
        `warnings` are those of the running configuration: only others are told.
        """
        self._configuration = configuration
        self._started = configuration  # What the sockets were opened for.
        self._sources = sources
        self._log = log
        self._put_in_force = put_in_force
        self._warnings = _known(warnings)
        # After a failure on the way to another network nobody knows which of the two is in force.
        self._is_between_networks = False

    def preview(self) -> ReloadOutcome:
        """Return what a reload would change, without changing anything."""
        try:
            plan, warnings = self._read()
        except Exception as error:
            return self._refused(error)
        return self._outcome(plan, warnings, done=False)

    def reload(self, asked_by: str) -> ReloadOutcome:
        """Put the file in force, or say why that cannot be."""
        try:
            plan, warnings = self._read()
            if plan.changes.refusals:
                outcome = self._outcome(plan, warnings, done=False)
            else:
                self._hand_over(plan)
                outcome = self._outcome(plan, warnings, done=True)
                self._configuration = plan.configuration
                self._warnings = _known(warnings)
        except PartlyInForceError as error:
            outcome = replace(self._refused(error), is_partial=True)
        except Exception as error:
            outcome = self._refused(error)
        self._tell(outcome, asked_by)
        return outcome

    def _hand_over(self, plan: Plan) -> None:
        try:
            self._put_in_force(plan)
        except PartlyInForceError:
            self._is_between_networks = plan.relocates
            raise
        self._is_between_networks = False

    def _read(self) -> tuple[Plan, tuple[str, ...]]:
        sources = self._sources
        if sources is None:
            raise ConfigurationError("this daemon was started without a configuration file")
        old = self._configuration
        loaded = _parsed(sources, old.me.name)
        new = effective(old, loaded.configuration)
        changes = compare(old, loaded.configuration, self._started)
        relocates = bool(changes.network) or self._is_between_networks
        plan = Plan(new, sources.handshake(new.options), changes, relocates)
        return plan, tuple(map(str, loaded.warnings))

    def _outcome(self, plan: Plan, warnings: tuple[str, ...], *, done: bool) -> ReloadOutcome:
        old, new = self._configuration, plan.configuration
        if plan.changes.refusals:
            new = old  # It stays in force.
        return ReloadOutcome(
            daemon=old.me.name,
            file=old.path or "",
            done=done,
            errors=tuple(each.sentence for each in plan.changes.refusals),
            warnings=tuple(each for each in warnings if _known([each]) - self._warnings),
            changes=tuple(
                ReloadChange(each.kind, each.subject, each.sentence, each.before, each.after)
                for each in plan.changes.all
            ),
            hash_before=old.hash,
            hash_after=new.hash,
            ring_hash_before=network_hash(old),
            ring_hash_after=network_hash(new),
        )

    def _refused(self, error: Exception) -> ReloadOutcome:
        """Whatever goes wrong, the running configuration stays in force, and somebody hears why."""
        old = self._configuration
        is_defect = not isinstance(error, SpreadError)
        errors: tuple[str, ...] = (f"{type(error).__name__}: {error}" if is_defect else str(error),)
        if isinstance(error, ConfigurationErrors):
            errors = tuple(map(str, error.diagnostics))
        return ReloadOutcome(
            daemon=old.me.name,
            file=old.path or "",
            errors=errors,
            hash_before=old.hash,
            hash_after=old.hash,
            ring_hash_before=network_hash(old),
            ring_hash_after=network_hash(old),
        )

    def _tell(self, outcome: ReloadOutcome, asked_by: str) -> None:
        kinds = EventType.PRINT | EventType.CONFIGURATION
        if not outcome.done:
            wording = "configuration not reloaded, the running one stays in force"
            if outcome.is_partial:
                wording = "configuration in force only in part, restart this daemon"
            self._log.event(
                kinds,
                EventPriority.ERROR,
                wording,
                file=outcome.file or "none, --local",
                asked_by=asked_by,
                lines=[f"  {each}" for each in outcome.errors],
            )
            return
        for warning in outcome.warnings:
            self._log.event(EventType.CONFIGURATION, EventPriority.WARNING, warning)
        self._log.event(
            kinds,
            EventPriority.PRINT,
            "configuration reloaded",
            file=outcome.file,
            asked_by=asked_by,
            changes=len(outcome.changes),
            hash=outcome.hash_after,
            lines=[f"  {each.sentence}" for each in outcome.changes],
        )


def _known(warnings: Iterable[str]) -> frozenset[str]:
    """Return what warnings say, wherever in the file that is."""
    return frozenset(each.rpartition(": warning: ")[2] for each in warnings)


def _parsed(sources: Sources, name: str) -> Loaded:
    data = sources.file.read()
    return parse(data, sources.file.path, name=name, host=sources.host, known=sources.known)

"""`spmonitor reload`: what a reload would change, and with `--yes` the reload.

Every daemon reads its own file. Nothing is sent if one of them could not take its file, or if they
would not agree afterwards; `--force` reloads those that can. One that is only just added, so that
no running configuration has it, need not run yet.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from spread.cli.command_line import Exit
from spread.cli.monitoring import DISAGREE, confirm, open_client, roster_of, say
from spread.config.diagnostics import printable
from spread.errors import PeerError
from spread.monitor import commands
from spread.monitor.client import NoAnswerError, RingClient
from spread.monitor.queries import Kind
from spread.monitor.reload import ReloadOutcome
from spread.monitor.report import Report, from_json
from spread.monitor.roster import Roster, Target

__all__ = ["Preview", "add_arguments", "disagreements_of", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--yes", action="store_true", help="reload; without, it is only shown")
    parser.add_argument(
        "--force", action="store_true", help="reload those that can, though others cannot"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


@dataclass(frozen=True, slots=True)
class Preview:
    """What each daemon would do, and why some have not said."""

    outcomes: Mapping[str, ReloadOutcome]
    silent: Mapping[str, str]
    """Why, of daemons that some running configuration has."""
    added: tuple[str, ...] = ()
    """Silent, too, and in no running configuration: they may be started later."""

    @property
    def is_possible(self) -> bool:
        """Whether all daemons can take their files, and agree afterwards."""
        if not self.outcomes and self.added:
            return False
        is_right = not any(outcome.errors for outcome in self.outcomes.values())
        return is_right and not self.silent and not disagreements_of(list(self.outcomes.values()))


def run(given: argparse.Namespace) -> int:
    """Show what would change; reload if that is wanted; returns the exit status."""
    roster = roster_of(given)
    with open_client(given, roster) as client:
        client.update()
        classic = [each for each in roster.targets if client.watch.daemons[each.name].is_classic]
        asked = [each for each in roster.targets if each not in classic]
        preview = _preview(client, asked)
        for name in preview.added:
            say(f"{name} does not run yet, and no running daemon has it: start it after the reload")
        is_possible = preview.is_possible or given.force
        if not (given.yes and preview.is_possible):
            _show(preview, roster, as_json=given.json)
        if not is_possible:
            say("nothing was reloaded; --force reloads the daemons that can")
            return Exit.UNAVAILABLE if preview.silent else DISAGREE
        if not given.yes and not _is_wanted(as_json=given.json):
            return Exit.OK
        _reload_classic(client, classic)
        able = [each for each in asked if _can(each, preview)]
        status = _reload(client, able, given)
        left = [each.name for each in asked if each not in able and each.name not in preview.added]
        if left:
            say(f"not reloaded: {', '.join(left)}")
        return status or (DISAGREE if left else Exit.OK)


def _is_wanted(*, as_json: bool) -> bool:
    if as_json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        say("nothing was reloaded; reload with --yes")
        return False
    return confirm("Reload?", is_given=False)


def _can(target: Target, preview: Preview) -> bool:
    outcome = preview.outcomes.get(target.name)
    return outcome is not None and not outcome.errors


def _preview(client: RingClient, targets: Sequence[Target]) -> Preview:
    outcomes: dict[str, ReloadOutcome] = {}
    silent: dict[str, str] = {}
    for target in targets:
        try:
            data = client.query(target.name, Kind.RELOAD_PREVIEW)
            outcomes[target.name] = from_json(ReloadOutcome, data)
        except PeerError as error:
            silent[target.name] = str(error)
    known = _running_lists(client.watch.reports)
    added = tuple(each for each in silent if known and not any(each in names for names in known))
    return Preview(
        outcomes, {name: why for name, why in silent.items() if name not in added}, added
    )


def _running_lists(reports: Sequence[Report]) -> list[frozenset[str]]:
    """Return the daemons of each running configuration; nothing if one of them is not known."""
    lists = [frozenset({each.daemon, *(peer.name for peer in each.peers)}) for each in reports]
    is_known = all(each.ring_hash for each in reports)  # A classic daemon does not say.
    return lists if is_known else []


def disagreements_of(outcomes: Sequence[ReloadOutcome]) -> list[str]:
    """Return a sentence if the daemons would have different configurations."""
    kinds: dict[tuple[int, int], list[str]] = {}
    for outcome in outcomes:
        kinds.setdefault((outcome.ring_hash_after, outcome.hash_after), []).append(outcome.daemon)
    if len(kinds) <= 1:
        return []
    is_parted = len({ring_hash for ring_hash, _ in kinds}) > 1
    consequence = ", and form no ring" if is_parted else ""
    sides = " | ".join(", ".join(names) for names in kinds.values())
    return [f"the daemons would have {len(kinds)} configurations{consequence}: {sides}"]


def _show(preview: Preview, roster: Roster, *, as_json: bool) -> None:
    if as_json:
        record = {
            "is_possible": preview.is_possible,
            "daemons": {name: asdict(each) for name, each in preview.outcomes.items()},
            "silent": dict(preview.silent),
            "added": list(preview.added),
            "disagreements": disagreements_of(list(preview.outcomes.values())),
        }
        print(json.dumps(record, indent=2))
        return
    for texts, names in _alike(preview, roster):
        if len(texts) == 1:
            print(f"{', '.join(names)}: {texts[0]}")
            continue
        print(f"{', '.join(names)}:")
        print("\n".join(f"    {text}" for text in texts))
    for reason in preview.silent.values():
        print(reason)
    for sentence in disagreements_of(list(preview.outcomes.values())):
        print(sentence)


def _alike(preview: Preview, roster: Roster) -> list[tuple[tuple[str, ...], list[str]]]:
    """Return what there is to say, with the daemons of which it is true."""
    found: dict[tuple[str, ...], list[str]] = {}
    for target in roster.targets:
        outcome = preview.outcomes.get(target.name)
        if outcome is not None:
            found.setdefault(_texts(outcome), []).append(target.name)
    return list(found.items())


def _texts(outcome: ReloadOutcome) -> tuple[str, ...]:
    return tuple(map(printable, _sentences(outcome)))


def _sentences(outcome: ReloadOutcome) -> tuple[str, ...]:
    if outcome.is_partial:
        return ("in force only in part, restart it:", *outcome.errors)
    if outcome.errors:
        head = f"cannot take {outcome.file}:" if outcome.file else "cannot reload:"
        return (head, *outcome.errors)
    changes = tuple(each.sentence for each in outcome.changes) or ("nothing changes",)
    return (*changes, *(f"warning: {each}" for each in outcome.warnings))


def _reload(client: RingClient, targets: Sequence[Target], given: argparse.Namespace) -> int:
    status = int(Exit.OK)
    for target in targets:
        try:
            outcome = from_json(ReloadOutcome, client.query(target.name, Kind.RELOAD))
        except NoAnswerError as error:
            print(error)
            status = Exit.UNAVAILABLE
            continue
        if given.json:
            print(json.dumps(asdict(outcome)))
        else:
            _print_outcome(target.name, outcome)
        if not outcome.done:
            status = status or DISAGREE
    return status


def _print_outcome(name: str, outcome: ReloadOutcome) -> None:
    texts = _texts(outcome)
    if outcome.done and not outcome.changes:
        print(f"{name}: reloaded, nothing has changed")
        return
    print(f"{name}: {'reloaded' if outcome.done else 'not reloaded'}")
    print("\n".join(f"    {text}" for text in texts))


def _reload_classic(client: RingClient, targets: Sequence[Target]) -> None:
    """Tell classic daemons, which say nothing about it."""
    for outgoing in commands.reload(client.watch.roster, client.reply_port):
        if outgoing.target in targets:
            client.send(outgoing.data, outgoing.target)
            print(f"{outgoing.target.name}: told to reload; a classic daemon does not say more")

"""Tries a defect: runs with it, in processes of their own, until the checkers report it."""

import multiprocessing
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Final

import pytest

from spread.sim.run import simulate
from spread.sim.scenario import draw
from tests.sim.defects.defect import Defect

__all__ = ["Catch", "attempts", "catch"]

NUMBER: Final = re.compile(r"^(S\d+) ")
LIMIT_S: Final = 120
"""For one run: a defect may keep daemons busy for ever."""


@dataclass(frozen=True, slots=True)
class Catch:
    """What the checkers reported in the run of one seed; nothing if the run broke off."""

    seed: int
    numbers: frozenset[str]
    first: dict[str, str]

    def has(self, defect: Defect) -> bool:
        return self.numbers >= set(defect.caught)


def catch(defect: Defect) -> Catch | None:
    """Return the first run in which all is reported that must be; None if there is none."""
    return next((found for found in attempts(defect) if found.has(defect)), None)


def attempts(defect: Defect) -> Iterator[Catch]:
    """Yield what each seed shows, in order."""
    for seed in range(defect.seeds_max):
        yield _isolated(defect, seed)


def _isolated(defect: Defect, seed: int) -> Catch:
    """Run one seed in a child: the core ends its process when its own checks see the defect."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=_run, args=(defect, seed, there))
    child.start()
    there.close()
    try:
        sentences: list[str] = here.recv() if here.poll(LIMIT_S) else []
    except EOFError:
        sentences = []
    child.kill()
    child.join()
    child.close()
    here.close()
    first: dict[str, str] = {}
    for sentence in sentences:
        if found := NUMBER.match(sentence):
            first.setdefault(found[1], sentence)
    return Catch(seed, frozenset(first), first)


def _run(defect: Defect, seed: int, there: Connection) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # The core says why it ends its process.
    play = defect.script or (lambda seed: _simulated(defect, seed))
    with pytest.MonkeyPatch.context() as patch:
        defect.apply(patch)
        there.send(play(seed))


def _simulated(defect: Defect, seed: int) -> list[str]:
    scenario = draw(seed, daemons=defect.daemons, faults=defect.faults)
    return simulate(scenario).violations

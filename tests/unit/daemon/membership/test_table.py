"""The table of the machine: nothing in it is out of reach, and nothing that happens is unknown."""

from itertools import chain

from spread.daemon.membership.form_steps import FormSteps
from spread.daemon.membership.gather_steps import GatherSteps
from spread.daemon.membership.segment_steps import SegmentSteps
from spread.daemon.membership.table import TABLE, Action, Event, State

ENTRIES = list(chain.from_iterable(row.items() for row in TABLE.values()))


def test_every_state_has_a_row_and_a_way_out() -> None:
    ways_out = {
        state: {entry.target for entry in row.values()} - {state} for state, row in TABLE.items()
    }

    assert set(TABLE) == set(State)
    assert all(ways_out.values())


def test_every_state_can_be_reached_from_the_beginning() -> None:
    reached = {State.OP}
    for _ in State:
        reached |= {entry.target for state in reached for entry in TABLE[state].values()}

    assert reached == set(State)


def test_every_event_and_action_stands_in_the_table() -> None:
    assert {event for event, _ in ENTRIES} == set(Event)
    assert {entry.action for _, entry in ENTRIES} == set(Action)


def test_every_state_that_has_or_forms_a_ring_can_lose_it() -> None:
    with_ring = {State.OP, State.GATHER_ALIVE, State.FORM, State.EVS}

    losing = {state for state, row in TABLE.items() if Event.RING_BROKEN in row}

    assert losing == with_ring


def test_what_an_action_leads_to_is_the_same_everywhere_but_for_those_who_stay() -> None:
    for action in Action:
        targets = {
            entry.target
            for state, row in TABLE.items()
            for entry in row.values()
            if entry.action is action and entry.target is not state
        }
        assert len(targets) <= 1, action


def test_each_action_is_done_by_one_part() -> None:
    parts = [SegmentSteps, GatherSteps, FormSteps]
    done = [set(part(None).by_action) for part in parts]  # type: ignore[arg-type]

    assert set().union(*done) == set(Action)
    assert sum(map(len, done)) == len(Action)

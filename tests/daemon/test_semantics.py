"""Random clients against the real daemon; every guarantee of the page is judged on their traces."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spread.sim.checkers import check_all
from spread.sim.trace import Cause, Closed, Closure, Delivered, Event, History, Transitional, Viewed
from tests.daemon.harness.process import Daemon
from tests.daemon.workload import (
    GROUP_COUNT,
    SERVICES,
    SLOT_COUNT,
    Action,
    Join,
    Leave,
    Multicast,
    Quit,
    Read,
    play,
    random_actions,
)

SEEDS = range(1, 9)
ACTION_COUNT = 1500

_runs = itertools.count()


@pytest.fixture(scope="module")
def shared_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One daemon for all runs of this module, each of which has names of its own."""
    daemon = Daemon.start(tmp_path_factory.mktemp("semantics") / Path("daemon"))
    yield daemon
    daemon.stop()


def played(daemon: Daemon, actions: list[Action]) -> History:
    return play(actions, (daemon.tcp, daemon.unix), b"%d" % next(_runs))


def events(history: History) -> list[Event]:
    return [event for client in history.clients for event in client.events]


def is_of_network(event: Event) -> bool:
    """Whether only a change of daemons can be behind this event."""
    is_view = isinstance(event, Viewed) and event.cause == Cause.NETWORK
    return is_view or isinstance(event, Transitional)


def require_no_violations(history: History) -> None:
    found = check_all(history)
    shown = "\n".join(map(str, found[:10]))
    assert not found, f"{len(found)} violations, the first of them:\n{shown}"
    # A daemon without peers sees no network change, and nobody here is slow or sends nonsense.
    assert not [event for event in events(history) if is_of_network(event)]
    assert all(
        event.closure is Closure.CLIENT for event in events(history) if isinstance(event, Closed)
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_random_clients_see_every_guarantee_kept(shared_daemon: Daemon, seed: int) -> None:
    history = played(shared_daemon, random_actions(seed, ACTION_COUNT))

    require_no_violations(history)
    # The run is worth something only if much was delivered and the groups changed.
    seen = events(history)
    assert sum(isinstance(event, Delivered) for event in seen) > ACTION_COUNT
    assert sum(isinstance(event, Viewed) for event in seen) > 100


slots = st.integers(0, SLOT_COUNT - 1)
groups = st.integers(0, GROUP_COUNT - 1)
actions = st.one_of(
    st.builds(Join, slots, groups),
    st.builds(Leave, slots, groups),
    st.builds(
        Multicast,
        slots,
        st.sampled_from(SERVICES),
        st.lists(groups, min_size=1, max_size=3).map(tuple),
        st.lists(slots, max_size=2).map(tuple),
        st.booleans(),
        st.sampled_from((0, 1, 1_400, 10_000)),
    ),
    st.builds(Quit, slots, st.sampled_from(("kill", "close", "abort"))),
    st.builds(Read, slots),
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(actions, max_size=60))
def test_any_short_sequence_of_actions_keeps_every_guarantee(
    shared_daemon: Daemon, sequence: list[Action]
) -> None:
    require_no_violations(played(shared_daemon, sequence))

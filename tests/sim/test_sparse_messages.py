"""A ring at rest on a bad network: a single message does not get lost, nor wait for another."""

from random import Random

import pytest

from spread.service import AGREED_MESS, SAFE_MESS
from spread.sim.agenda import MS
from spread.sim.cluster import scaled_timeouts
from tests.sim.arena import GROUP, Arena, delivered

DAEMONS = 3
MESSAGES = 40
TIMEOUTS = scaled_timeouts(1)  # The defaults: what a user waits for.
# A token at rest makes a round by itself so often. Whoever has to wait for that was not heard.
ROUND_MS = min(TIMEOUTS.hurry, TIMEOUTS.token // 3) / MS


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("is_busy", [False, True], ids=["", "busy"])
def test_a_message_in_a_ring_at_rest_does_not_wait_for_its_round(seed: int, is_busy: bool) -> None:
    busy_ns = 5 * MS if is_busy else 0
    arena = Arena(DAEMONS, seed=seed, timeouts=TIMEOUTS, busy_ns=busy_ns)
    clients = arena.clients_everywhere(GROUP)
    arena.world.change_weather(loss=0.05, repeats=0.02, overtakes=0.05)
    numbers = Random(seed)

    for _ in range(MESSAGES):
        arena.run(numbers.uniform(0, 2 * ROUND_MS))
        service = numbers.choice((AGREED_MESS, SAFE_MESS))
        identity = numbers.choice(clients).multicast(service, [GROUP]).identity

        arena.run_until(
            lambda sent=identity: all(delivered(each)[-1:] == [sent] for each in clients),  # type: ignore[misc]
            ROUND_MS,
        )

    arena.finish()

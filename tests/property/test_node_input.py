"""What a node sends depends on the frames it gets, and on nothing else: not on how they are cut."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.daemon.harness import wire
from tests.memory import soak
from tests.memory.daemon import MemoryDaemon
from tests.memory.traffic import GROUPS, PRIVATE_GROUPS, Sent, messages, pieces_of, requests

SPEAKERS = PRIVATE_GROUPS[:3]
SEEDS = range(12)

# A busy machine is no failure.
unhurried = settings(deadline=None, max_examples=50)


def is_taken(request: Sent) -> bool:
    """Rejects are no part of the order: they are answered when the request is read."""
    return bool(request.groups) and len(request.groups[0]) < wire.NAME_SIZE


@dataclass(frozen=True)
class Said:
    """Some frames of one session in a row, the places where they are cut, and a turn or none."""

    speaker: int
    frames: tuple[Sent, ...]
    cuts: tuple[int, ...]
    turn: bool


frames = st.lists(st.one_of(messages(), requests.filter(is_taken)), min_size=1, max_size=6)
conversations = st.lists(
    st.builds(
        Said,
        speaker=st.integers(0, len(SPEAKERS) - 1),
        frames=frames.map(tuple),
        cuts=st.lists(st.integers(0, 1 << 20), max_size=6).map(tuple),
        turn=st.booleans(),
    ),
    max_size=6,
)


def received(
    conversation: list[Said],
    *,
    is_cut: bool = True,
    payload_max: int = 65_472,
    route_seed: int = 1,
) -> list[bytes]:
    """Play the conversation; return what each session has received."""
    daemon = MemoryDaemon(payload_max=payload_max, route_seed=route_seed)
    clients = [daemon.open(group[1:-3]) for group in SPEAKERS]
    for client in clients:
        client.join(GROUPS[0])
    for said in conversation:
        client = clients[said.speaker]
        whole = [frame.by(client.private_group) for frame in said.frames]
        pieces = pieces_of(b"".join(whole), list(said.cuts)) if is_cut else whole
        for piece in pieces:
            client.send(piece, turn=said.turn or not is_cut)
    daemon.turn()
    return [client.take() for client in clients]


@unhurried
@given(conversations)
def test_cuts_and_turns_do_not_change_what_is_received(conversation: list[Said]) -> None:
    assert received(conversation) == received(conversation, is_cut=False)


@unhurried
@given(conversations, st.sampled_from((64, 1_000, 1_400)))
def test_the_size_of_packets_does_not_change_what_is_received(
    conversation: list[Said], payload_max: int
) -> None:
    assert received(conversation) == received(conversation, payload_max=payload_max)


@unhurried
@given(conversations, st.integers(0, 2**64 - 1))
def test_the_seed_of_the_routes_does_not_change_what_is_received(
    conversation: list[Said], route_seed: int
) -> None:
    assert received(conversation) == received(conversation, route_seed=route_seed)


def test_the_same_input_gives_the_same_counters() -> None:
    assert soak.run(1) == soak.run(1)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_traffic_is_received_as_the_model_says(seed: int) -> None:
    counters = soak.run(seed)

    assert counters["messages_delivered"] > 0

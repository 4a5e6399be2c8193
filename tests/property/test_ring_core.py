"""Random rings of the compiled core: any loss, order and break, and the same messages everywhere.

What must hold of the clients' transcripts, whatever happens to packets and rings:

    nothing twice; what a client sent comes to itself, in the order of sending
    two clients hear what both hear in the same order
    who goes on together has heard the same in the ring that ends
    what was SAFE before the transitional signal, every member of that ring hears
    states of a ring come before the messages of its clients
"""

from dataclasses import dataclass
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ring.network import Chapter, VirtualNetwork, Weather
from tests.ring.station import AGREED, MS, SAFE, Shape

SIZES = st.sampled_from((0, 10, 10, 10, 100, 900, 3_000, 20_000))
SERVICES = st.sampled_from((0x01, 0x02, 0x04, 0x08, AGREED, AGREED, SAFE, SAFE))


@dataclass(frozen=True)
class Send:
    """A client sends a message."""

    daemon: int
    service: int
    size: int


@dataclass(frozen=True)
class Wait:
    """Time passes."""

    duration_ns: int


@dataclass(frozen=True)
class Reform:
    """The network splits in two, and each part forms its ring."""

    parts: tuple[int, ...]
    between_ns: int
    commits_twice: bool


Action = Send | Wait | Reform


def actions(daemons: int) -> st.SearchStrategy[list[Action]]:
    send = st.builds(Send, st.integers(0, daemons - 1), SERVICES, SIZES)
    wait = st.builds(Wait, st.sampled_from((20_000, 100_000, 1 * MS, 5 * MS, 30 * MS)))
    reform = st.builds(
        Reform,
        st.tuples(*[st.integers(0, 1)] * daemons),
        st.sampled_from((0, 30_000, 1 * MS)),
        st.booleans(),
    )
    step = st.one_of(send, send, send, send, wait, wait, reform)
    return st.lists(step, min_size=5, max_size=60)


WEATHER = st.builds(
    Weather,
    loss=st.sampled_from((0.0, 0.02, 0.1, 0.3)),
    repeats=st.sampled_from((0.0, 0.1)),
    overtakes=st.sampled_from((0.0, 0.1, 0.5)),
)


class Story:
    """One run: what was sent, and what came of it."""

    def __init__(self, network: VirtualNetwork) -> None:
        self.network = network
        self.daemons = len(network.stations)
        self.sent: list[list[bytes]] = [[] for _ in range(self.daemons)]
        self.safe: set[bytes] = set()

    def play(self, action: Action) -> None:
        if isinstance(action, Wait):
            self.network.run(action.duration_ns)
        elif isinstance(action, Send):
            self.send(action.daemon, action.service, action.size)
        else:
            self.reform(action)

    def send(self, daemon: int, service: int, size: int) -> None:
        body = b"%d:%d:" % (daemon, len(self.sent[daemon])) + b"." * size
        if self.network.submit(daemon, body, service):
            self.sent[daemon].append(body)
            if service == SAFE:
                self.safe.add(body)

    def reform(self, action: Reform) -> None:
        self.network.parts = list(action.parts)
        for part in sorted(set(action.parts)):
            members = [each for each in range(self.daemons) if action.parts[each] == part]
            if action.commits_twice:
                self.network.form(members)
                self.network.run(action.between_ns)
            self.network.form(members, between_ns=action.between_ns)

    def end(self) -> None:
        """Heal everything and let all be delivered."""
        self.network.parts = [0] * self.daemons
        self.network.weather = Weather()
        self.network.form(list(range(self.daemons)))
        self.network.run(1_000 * MS)
        for daemon in range(self.daemons):
            self.send(daemon, SAFE, 0)
        self.network.run(1_000 * MS)

    # -- Judgement --------------------------------------------------------------------------------

    def judge(self) -> None:
        transcripts = self.network.transcripts
        heard = [[body for chapter in each for body in chapter.messages] for each in transcripts]
        for daemon, bodies in enumerate(heard):
            assert len(set(bodies)) == len(bodies), "a message came twice"
            own = [body for body in bodies if body.startswith(b"%d:" % daemon)]
            assert own == self.sent[daemon]
        for one, two in combinations(range(self.daemons), 2):
            common = set(heard[one]) & set(heard[two])
            assert [body for body in heard[one] if body in common] == [
                body for body in heard[two] if body in common
            ]
        self.judge_rings(transcripts)

    def judge_rings(self, transcripts: list[list[Chapter]]) -> None:
        rings: dict[tuple[int, int], dict[int, Chapter]] = {}
        for daemon, chapters in enumerate(transcripts):
            for chapter in chapters:
                assert chapter.states_come_first
                rings.setdefault(chapter.ring, {})[daemon] = chapter
        for members in rings.values():
            for chapter in members.values():
                for other in chapter.together or members:
                    assert members[other].messages == chapter.messages
                for body in self.safe.intersection(chapter.regular):
                    assert all(body in each.messages for each in members.values())


def tell(network: VirtualNetwork, weather: Weather, plan: list[Action]) -> Story:
    story = Story(network)
    network.form(list(range(story.daemons)))
    network.weather = weather
    for action in plan:
        story.play(action)
    story.end()
    return story


SHAPES = {
    "accelerated": Shape(payload_max=512, personal_window=5, accelerated_window=3, window=20),
    "classic": Shape(payload_max=512, personal_window=5, accelerated=False, window=20),
    "narrow": Shape(payload_max=64, personal_window=2, window=4, max_seq_gap=12),
    "unicast": Shape(payload_max=512, multicast=False),
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("segments", [(0, 0), (0, 0, 0), (0, 1, 1), (0, 0, 1, 1)], ids=str)
@given(data=st.data())
@settings(max_examples=12, deadline=None)
def test_all_hear_the_same_whatever_happens(
    shape: Shape, segments: tuple[int, ...], data: st.DataObject
) -> None:
    network = VirtualNetwork(
        len(segments), seed=data.draw(st.integers(0, 999)), shape=shape.but(segments=segments)
    )
    plan = data.draw(actions(len(segments)))

    story = tell(network, data.draw(WEATHER), plan)

    story.judge()

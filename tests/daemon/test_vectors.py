"""Recorded exchanges with the classic daemon, replayed against the real daemon, byte for byte.

Every file about one daemon is replayed over TCP, over TCP in pieces of seven bytes, and over the
Unix socket (where no access file is involved: its rules speak of addresses). Files about rings of
several daemons are out of scope here: `RINGS` lists them, and a test holds the lists complete.

Where this project deliberately differs from the recording ("Differences from Spread 4.4"):

    many_groups              the message to 44 groups is delivered
    group_rejoin_same_id     the id of a re-created group does not repeat an earlier one
    connect_old_clients      the same
    connect_name_too_long    surplus bytes behind the name begin the next field (client5)
    connect_unknown_auth     a choice cut to 60 bytes is refused at the handshake deadline (client4)
    connect_fragmented       a request in pieces is put together
    connect_quota            there is no limit of 997 sessions
"""

import dataclasses
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.capabilities import needs_unix_sockets
from tests.daemon import policy_for_vectors
from tests.daemon.conftest import StartDaemon
from tests.daemon.harness import handshake, transcript
from tests.daemon.harness.process import Daemon
from tests.daemon.harness.replay import Replay
from tests.daemon.harness.session import Session
from tests.daemon.harness.transcript import Transcript

StartFor = Callable[[Transcript], Daemon]

NEEDS_A_RING = "needs several daemons that form a ring"
RINGS = {
    "ring2_basic": NEEDS_A_RING,
    "ring2_daemon_killed_and_restarted": NEEDS_A_RING,
    "ring2_daemon_stopped_and_resumed": NEEDS_A_RING,
    "ring2_join_while_split": NEEDS_A_RING,
    "ring2_transitional_traffic": NEEDS_A_RING,
    "ring3_partition_and_merge": NEEDS_A_RING,
}

# Replaced by tests of their own below.
DELIBERATELY_DIFFERENT = ("connect_fragmented", "connect_quota")

REUSED_INDEX = ("group_rejoin_same_id", "connect_old_clients")

REPLAYED = [name for name in transcript.names() if name not in (*RINGS, *DELIBERATELY_DIFFERENT)]

EXTRA_OPTIONS = {"connect_unknown_auth": ("HandshakeTimeout = 2000",)}


def amended(recorded: Transcript) -> Transcript:
    """Return the transcript with the deliberate differences put in."""
    events = recorded.events
    match recorded.name:
        case "many_groups":
            request = events[14]
            delivery = dataclasses.replace(request, who="client2", direction="d2c")
            return recorded.with_events(*events[:15], delivery, *events[15:])
        case "connect_name_too_long":
            return recorded.with_events(*(item for item in events if item.who != "client5"))
        case _:
            return recorded


@pytest.fixture
def start_for(start_daemon: StartDaemon, tmp_path: Path) -> StartFor:
    """Start a daemon with the configuration and the files of a recording."""

    def start(recorded: Transcript) -> Daemon:
        options = (*recorded.options, *EXTRA_OPTIONS.get(recorded.name, ()))
        if "test_policy" not in recorded.needs:
            return start_daemon(*options, files=dict(recorded.files))
        plugins = tmp_path / "plugins"
        plugins.mkdir()
        policy_for_vectors.publish(plugins)
        policy = f'AccessControlPolicy = "{policy_for_vectors.POLICY_NAME}"'
        return start_daemon(*options, policy, files=dict(recorded.files), plugins=plugins)

    return start


def test_every_recorded_file_is_replayed_or_has_its_reason() -> None:
    assert set(transcript.names()) == {*REPLAYED, *RINGS, *DELIBERATELY_DIFFERENT}
    assert len(REPLAYED) == 37


@pytest.mark.parametrize("piece_size", [None, 7], ids=["whole", "in pieces"])
@pytest.mark.parametrize("name", REPLAYED)
def test_answers_over_tcp_as_recorded(
    name: str, piece_size: int | None, start_for: StartFor
) -> None:
    recorded = amended(transcript.load(name))
    daemon = start_for(recorded)

    with Replay(
        recorded, daemon.tcp, piece_size=piece_size, reused_index=name in REUSED_INDEX
    ) as replay:
        replay.run()


@needs_unix_sockets
@pytest.mark.parametrize("name", [name for name in REPLAYED if not transcript.load(name).files])
def test_answers_over_the_unix_socket_as_recorded(name: str, start_for: StartFor) -> None:
    recorded = amended(transcript.load(name))
    daemon = start_for(recorded)

    with Replay(recorded, daemon.unix, reused_index=name in REUSED_INDEX) as replay:
        replay.run()


@pytest.mark.parametrize("client", ["client1", "client2", "client3", "client4"])
def test_a_connect_request_in_pieces_is_put_together(client: str, daemon: Daemon) -> None:
    recorded = transcript.load("connect_fragmented")
    pieces = [
        event.data for event in recorded.events if event.who == client and event.direction == "c2d"
    ]

    with Session.open(daemon.tcp) as session, daemon.connect(b"barrier") as barrier:
        for piece in pieces:
            assert session.is_quiet()
            session.send(piece)
            if piece is not pieces[-1]:
                barrier.synchronise()

        assert handshake.read_method_list(session.read_exactly) == (b"NULL",)


def test_a_session_beyond_the_classic_997_is_accepted(daemon: Daemon, opened: ExitStack) -> None:
    for number in range(997):
        opened.enter_context(daemon.connect(b"s%d" % number))

    with daemon.connect(b"alice") as session:
        assert session.private_group == b"#alice#d1"


def test_bytes_behind_the_name_begin_the_method_choice(daemon: Daemon) -> None:
    request = transcript.load("connect_name_too_long").events[15]
    choice_left = handshake.method_choice(b"byNULL")[2:]

    with Session.open(daemon.tcp) as session:
        session.send(request.data)
        assert handshake.read_method_list(session.read_exactly) == (b"NULL",)
        session.send(choice_left)

        assert request.data.endswith(b"bobby")
        assert session.read_to_end() == b"\xf7"

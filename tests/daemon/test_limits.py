"""Sizes, numbers of groups and type bits at and beyond their limits, the fatal ones included."""

from contextlib import ExitStack

import pytest

from tests.daemon.conftest import StartDaemon
from tests.daemon.harness import handshake, wire
from tests.daemon.harness.process import Daemon
from tests.daemon.harness.session import EndOfStreamError, Session
from tests.daemon.harness.witness import Witness

CLASSIC_MAX = 143_952
TAKES_LARGE_MESSAGES = 0x02  # Flag of the connect request.

# Inputs that stop the classic daemon are among these: 143,152 to 143,952 bytes.
DELIVERED_SIZES = (143_151, 143_152, 143_153, 143_500, 143_951, 143_952)
REFUSED_SIZES = (143_953, 143_999, 144_000, 144_001, 1_000_000)


def connect_for_large_messages(daemon: Daemon, name: bytes) -> Session:
    session = Session.open(daemon.tcp)
    session.send(handshake.connect_request(name, flags=TAKES_LARGE_MESSAGES))
    handshake.read_method_list(session.read_exactly)
    session.send(handshake.CHOICE_NULL)
    session.private_group = handshake.read_accept(session.read_exactly).private_group
    return session


@pytest.mark.parametrize("group_count", [1, 43, 100])
@pytest.mark.parametrize("size", DELIVERED_SIZES)
def test_a_message_up_to_the_limit_is_delivered_whole(
    size: int, group_count: int, daemon: Daemon
) -> None:
    groups = tuple(b"g%d" % number for number in range(group_count))
    body = bytes(number % 251 for number in range(size - wire.NAME_SIZE * group_count))
    with Witness(daemon.tcp) as witness, daemon.connect(b"alice") as session:
        session.join(groups[-1])
        session.read_view()

        session.multicast(wire.SAFE, groups, body, mess_type=9)
        frame = session.read_frame()

        assert frame.data == body
        assert frame.group_names == groups
        assert frame.mess_type == 9
        witness.require_progress()


@pytest.mark.parametrize("group_count", [0, 1, 100])
@pytest.mark.parametrize("size", REFUSED_SIZES)
def test_a_message_above_the_limit_closes_its_session_alone(
    size: int, group_count: int, daemon: Daemon
) -> None:
    with (
        Witness(daemon.tcp) as witness,
        daemon.connect(b"watcher") as watcher,
        daemon.connect(b"alice") as session,
    ):
        watcher.join(b"g")
        watcher.read_view()
        session.join(b"g")
        session.read_view()
        watcher.read_view()

        session.send(
            wire.header(
                wire.AGREED,
                session.private_group,
                group_count,
                wire.hint_bytes(0),
                size - wire.NAME_SIZE * group_count,
                "little",
            )
        )

        assert session.read_to_end() == b""
        view = watcher.read_frame()
        assert view.type & wire.CAUSED_BY_DISCONNECT
        assert view.group_names == (watcher.private_group,)
        witness.require_progress()


@pytest.mark.parametrize("size", [CLASSIC_MAX + 1, 1_000_000])
def test_a_larger_maximum_serves_sessions_that_announce_it(
    size: int, start_daemon: StartDaemon, opened: ExitStack
) -> None:
    daemon = start_daemon("MaxMessageSize = 1000000")
    body = bytes(number % 251 for number in range(size - wire.NAME_SIZE))
    with daemon.connect(b"classic") as classic:
        sender = opened.enter_context(connect_for_large_messages(daemon, b"sender"))
        classic.join(b"grp")
        classic.read_view()

        sender.multicast(wire.AGREED, (b"grp",), body)

        assert classic.read_frame().data == body


def test_a_larger_maximum_is_still_a_maximum(start_daemon: StartDaemon, opened: ExitStack) -> None:
    daemon = start_daemon("MaxMessageSize = 1000000")
    with Witness(daemon.tcp):
        announced = opened.enter_context(connect_for_large_messages(daemon, b"announced"))
        classic = opened.enter_context(daemon.connect(b"classic"))

        announced.multicast(wire.AGREED, (b"grp",), b"x" * (1_000_001 - wire.NAME_SIZE))
        classic.multicast(wire.AGREED, (b"grp",), b"x" * (CLASSIC_MAX + 1 - wire.NAME_SIZE))

        assert announced.read_to_end() == b""
        assert classic.read_to_end() == b""


def test_the_largest_maximum_is_delivered(start_daemon: StartDaemon, opened: ExitStack) -> None:
    size = 16 * 2**20
    daemon = start_daemon(f"MaxMessageSize = {size}")
    body = bytes(1024) * (size // 1024 - 1) + b"e" * (1024 - wire.NAME_SIZE)
    with Witness(daemon.tcp):
        session = opened.enter_context(connect_for_large_messages(daemon, b"large"))
        session.join(b"grp")
        session.read_view()

        session.multicast(wire.AGREED, (b"grp",), body)

        assert session.read_frame().data == body


@pytest.mark.parametrize(
    "bits",
    [
        pytest.param(0x00080000, id="between daemons"),
        pytest.param(0x00400000, id="reject"),
        pytest.param(0x00001000, id="regular membership"),
        pytest.param(0x00002000, id="transitional signal"),
        pytest.param(0x00000100, id="caused by join"),
        pytest.param(0x00000800, id="caused by network"),
    ],
)
@pytest.mark.parametrize("service", [wire.RELIABLE, wire.AGREED, wire.SAFE])
def test_a_data_message_with_a_bit_of_the_daemons_closes_its_session_alone(
    service: int, bits: int, daemon: Daemon
) -> None:
    with (
        Witness(daemon.tcp) as witness,
        daemon.connect(b"watcher") as watcher,
        daemon.connect(b"forger") as session,
    ):
        watcher.join(b"grp")
        watcher.read_view()

        session.multicast(service | bits, (b"grp",), b"forged")

        assert session.read_to_end() == b""
        witness.require_progress()
        watcher.multicast(wire.SAFE, (b"grp",), b"honest")
        assert watcher.read_frame().data == b"honest"


@pytest.mark.parametrize("bit", [0x01000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000])
def test_bits_free_for_applications_are_passed_on(bit: int, daemon: Daemon) -> None:
    with daemon.connect(b"alice") as session:
        session.multicast(wire.AGREED | bit, (session.private_group,), b"x")

        assert session.read_frame().type == wire.AGREED | bit


def test_a_message_to_a_hundred_groups_reaches_each_member_once(daemon: Daemon) -> None:
    groups = tuple(b"group-%02d" % number for number in range(100))
    with (
        daemon.connect(b"sender", membership=False) as sender,
        daemon.connect(b"first") as first,
        daemon.connect(b"last") as last,
        daemon.connect(b"every", membership=False) as every,
    ):
        first.join(groups[0])
        first.read_view()
        last.join(groups[-1])
        last.read_view()
        for group in groups:
            every.join(group)
        every.synchronise()

        sender.multicast(wire.AGREED, groups, b"to all")

        for session in (first, last, every):
            frame = session.read_data()
            assert (frame.data, frame.group_names) == (b"to all", groups)
        every.multicast(wire.AGREED, (every.private_group,), b"nothing in between")
        assert every.read_frame().data == b"nothing in between"


def test_a_group_name_that_fills_its_field_is_refused(daemon: Daemon) -> None:
    name = b"n" * wire.NAME_SIZE
    with Witness(daemon.tcp) as witness, daemon.connect(b"alice") as session:
        session.join(name)
        session.multicast(wire.AGREED, (name,), b"to the unnameable")
        session.multicast(wire.AGREED, (session.private_group,), b"to myself")

        frames: list[wire.Frame] = []
        try:
            while not frames or frames[-1].data != b"to myself":
                frames.append(session.read_frame())
        except EndOfStreamError:
            pass

        assert not any(frame.is_view for frame in frames)
        assert b"to the unnameable" not in [frame.data for frame in frames]
        witness.require_progress()

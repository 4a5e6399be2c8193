"""Clients that join, talk, leave and vanish at random, as a list of actions and a player for it.

An action names a slot, one of a few clients that come and go under one private name each; what
makes no sense at that moment (leaving while disconnected) connects the slot first. The player runs
in one thread, so what it notes is the true program order of every client. Payloads carry the
identity of their message, so that a receiver's trace can be judged against the sender's.
"""

import random
import socket
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Self

from spread.sim.trace import ClientTrace, Closure, History, Message, Viewed
from tests.daemon.harness import handshake, wire
from tests.daemon.harness.session import EndOfStreamError, Endpoint, Session
from tests.daemon.harness.waiting import DEADLINE, Deadline
from tests.daemon.recording import IDENTITY_SIZE, Recorder

__all__ = [
    "GROUP_COUNT",
    "SERVICES",
    "SLOT_COUNT",
    "Action",
    "Join",
    "Leave",
    "Multicast",
    "Quit",
    "Read",
    "play",
    "random_actions",
]

SLOT_COUNT = 8
GROUP_COUNT = 3
SERVICES = (wire.UNRELIABLE, wire.RELIABLE, wire.FIFO, wire.CAUSAL, wire.AGREED, wire.SAFE)

SETTLE = b"settle"
DAEMON_NAME = b"d1"


@dataclass(frozen=True, slots=True)
class Join:
    slot: int
    group: int


@dataclass(frozen=True, slots=True)
class Leave:
    slot: int
    group: int


@dataclass(frozen=True, slots=True)
class Multicast:
    """`groups` are numbers of groups, `targets` slots that are addressed privately."""

    slot: int
    service: int
    groups: tuple[int, ...]
    targets: tuple[int, ...] = ()
    self_discard: bool = False
    size: int = 0


@dataclass(frozen=True, slots=True)
class Quit:
    """`kill` says goodbye and reads to the end, `close` just closes, `abort` resets."""

    slot: int
    how: Literal["kill", "close", "abort"]


@dataclass(frozen=True, slots=True)
class Read:
    """Read what has arrived for a slot."""

    slot: int


Action = Join | Leave | Multicast | Quit | Read


def random_actions(seed: int, count: int) -> list[Action]:
    """Return `count` actions, the same for the same seed."""
    choose = random.Random(seed)
    return [_random_action(choose) for _ in range(count)]


def _random_action(choose: random.Random) -> Action:
    slot, group = choose.randrange(SLOT_COUNT), choose.randrange(GROUP_COUNT)
    kind = choose.choices(["multicast", "read", "join", "leave", "quit"], [60, 20, 12, 5, 3])[0]
    match kind:
        case "join":
            return Join(slot, group)
        case "leave":
            return Leave(slot, group)
        case "quit":
            return Quit(slot, choose.choice(("kill", "close", "abort")))
        case "read":
            return Read(slot)
    private = choose.random() < 0.2
    targets = tuple(choose.sample(range(SLOT_COUNT), choose.randint(1, 2))) if private else ()
    least = 0 if private else 1
    groups = tuple(choose.choices(range(GROUP_COUNT), k=choose.randint(least, 3)))
    size = choose.choice((0, 0, 1, 100, 1_400, 4_000, 60_000))
    return Multicast(slot, choose.choice(SERVICES), groups, targets, choose.random() < 0.2, size)


def play(actions: Iterable[Action], endpoints: Sequence[Endpoint], prefix: bytes) -> History:
    """Play the actions against a daemon and return what every client saw, all quiet at the end.

    Slots take the endpoints in turn; `prefix` keeps names apart from other runs on one daemon.
    Raises AssertionError when the daemon does not come to rest as it must (S26).
    """
    with _Player(endpoints, prefix) as player:
        for action in actions:
            player.act(action)
        player.settle()
        return player.history


class _Client:
    """One connection and its trace."""

    def __init__(self, session: Session, trace: ClientTrace, order: wire.Order) -> None:
        self.session = session
        self.trace = trace
        self.order = order
        self.joined: set[bytes] = set()  # By its own requests.
        self.sent_count = 0


class _Player:
    def __init__(self, endpoints: Sequence[Endpoint], prefix: bytes) -> None:
        self.history = History(daemon_names=(DAEMON_NAME,))
        self._recorder = Recorder(self.history)
        self._endpoints = endpoints
        self._prefix = prefix
        self._clients: dict[int, _Client] = {}
        self._epochs = [0] * SLOT_COUNT

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients.values():
            client.session.close()

    def act(self, action: Action) -> None:
        match action:
            case Join():
                self._join(self._client(action.slot), self._group(action.group))
            case Leave():
                self._leave(self._client(action.slot), self._group(action.group))
            case Multicast():
                self._multicast(self._client(action.slot), action)
            case Quit():
                self._quit(action)
            case Read():
                self._read(self._client(action.slot))

    def settle(self) -> None:
        """Read until every request has had its effect everywhere.

        Two rounds of messages to oneself prove that all requests are ordered and delivered; the
        departures of connections that were just dropped may take longer, so the last views of the
        members are waited for.
        """
        for number in range(2):
            for client in self._clients.values():
                self._read_up_to_own(client, SETTLE + b"%d" % number)
        deadline = Deadline()
        while missing := self._stale_views():
            if deadline.passed():
                raise AssertionError(f"S26: the last views are not what was asked for: {missing}")
            time.sleep(0.005)
            for client in self._clients.values():
                self._read(client)
        self.history.healed_at = self.history.tick()

    def _stale_views(self) -> list[str]:
        stale = []
        for client in self._clients.values():
            if not client.trace.membership:
                continue
            last = {
                event.group: event.members
                for event in client.trace.events
                if isinstance(event, Viewed)
            }
            for group in client.joined:
                members = sorted(
                    other.trace.private_group
                    for other in self._clients.values()
                    if group in other.joined
                )
                if list(last.get(group, ())) != members:
                    stale.append(f"{client.trace.private_group!r} in {group!r}: {members}")
        return stale

    def _group(self, number: int) -> bytes:
        return b"%s-group%d" % (self._prefix, number)

    def _private_group(self, slot: int) -> bytes:
        return b"#%sc%d#%s" % (self._prefix, slot, DAEMON_NAME)

    def _client(self, slot: int) -> _Client:
        """Return the client of a slot, connected again under its name if it is gone."""
        if slot not in self._clients:
            self._epochs[slot] += 1
            membership = slot % 4 != 3
            session = self._connected(slot, membership=membership)
            trace = self.history.open(
                session.private_group, daemon=0, incarnation=0, membership=membership
            )
            order: wire.Order = "big" if slot % 3 == 2 else "little"
            self._clients[slot] = _Client(session, trace, order)
        return self._clients[slot]

    def _connected(self, slot: int, *, membership: bool) -> Session:
        """The name stays taken until the departure of the last connection has been ordered."""
        endpoint = self._endpoints[slot % len(self._endpoints)]
        name = self._private_group(slot).split(b"#")[1]
        deadline = Deadline()
        while True:
            try:
                return Session.connect(endpoint, name, membership=membership)
            except handshake.RejectedError as rejected:
                if rejected.code != handshake.REJECT_NOT_UNIQUE or deadline.passed():
                    raise
                time.sleep(0.001)

    # Requests.

    def _join(self, client: _Client, group: bytes) -> None:
        self._recorder.joining(client.trace, group)
        client.joined.add(group)
        client.session.send(
            wire.request_frame(client.trace.private_group, wire.JOIN, group, client.order)
        )

    def _leave(self, client: _Client, group: bytes) -> None:
        self._recorder.leaving(client.trace, group)
        client.joined.discard(group)
        client.session.send(
            wire.request_frame(client.trace.private_group, wire.LEAVE, group, client.order)
        )

    def _multicast(self, client: _Client, action: Multicast) -> None:
        client.sent_count += 1
        # Slot, epoch and number of the message, four bytes each.
        identity = b"".join(
            number.to_bytes(IDENTITY_SIZE // 3, "big")
            for number in (action.slot, self._epochs[action.slot], client.sent_count)
        )
        groups = tuple(self._group(number) for number in action.groups)
        targets = tuple(self._private_group(slot) for slot in action.targets)
        message = Message(
            int.from_bytes(identity, "big"),
            client.trace.private_group,
            action.service,
            targets + groups,
            client.sent_count & 0x7FFF,
            identity + bytes(number & 0xFF for number in range(action.size)),
            discards_self=action.self_discard,
        )
        self._recorder.sending(client.trace, message)
        client.session.send(
            wire.data_frame(
                message.sender,
                message.service | (wire.SELF_DISCARD if action.self_discard else 0),
                message.groups,
                message.payload,
                message.mess_type,
                client.order,
            )
        )

    def _quit(self, action: Quit) -> None:
        client = self._clients.pop(action.slot, None)
        if client is None:
            return
        match action.how:
            case "kill":
                client.session.kill()
                client.session.sock.shutdown(socket.SHUT_WR)
                self._note_all(client, client.session.read_to_end())
                client.session.close()
            case "close":
                client.session.close()
            case "abort":
                client.session.abort()
        self._recorder.closed(client.trace, Closure.CLIENT, drained=action.how == "kill")

    # Receiving.

    def _read(self, client: _Client) -> None:
        for frame in client.session.frames_here():
            self._recorder.frame(client.trace, frame)
        if client.session.has_ended:
            raise AssertionError(f"the daemon closed {client.trace.private_group!r}")

    def _read_up_to_own(self, client: _Client, token: bytes) -> None:
        own = client.trace.private_group
        client.session.send(wire.data_frame(own, wire.SAFE, (own,), token))
        try:
            while (frame := client.session.read_frame(DEADLINE)).data != token:
                self._recorder.frame(client.trace, frame)
        except EndOfStreamError as ended:
            raise AssertionError(f"the daemon closed {own!r}") from ended

    def _note_all(self, client: _Client, data: bytes) -> None:
        """Note the frames of a stream that the daemon ended, perhaps inside of one."""
        reader = wire.FrameReader()
        reader.feed(data)
        while (frame := reader.next_frame()) is not None:
            self._recorder.frame(client.trace, frame)

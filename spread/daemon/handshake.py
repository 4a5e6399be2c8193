"""Open one session: from a client's first byte to its acceptance or refusal, without I/O.

    bytes  state        then
    2      VERSION      PATCH if the version is above 3.14, else FLAGS; refused below 3.1
    1      PATCH        FLAGS
    2      FLAGS        NAME if the length byte is 1..10, invented name if 0, else refused
    n      NAME         refused, or the name is known:
                          3.16 and later  the method list goes out, CHOICE (or refused if empty)
                          older           methods
    90     CHOICE       methods, or refused
    c      CREDENTIALS  methods
    0      methods      CREDENTIALS as long as a method waits for c bytes; when all have run and
                        passed and the policy agrees, accepted; else refused

Bytes are assembled however they are cut; what is waited for has a known size at any time, so no
more than the largest of these units is kept. What follows the last byte of the handshake is the
beginning of the message stream and is handed back with the acceptance.

The caller feeds bytes, sends the reply of every outcome in one piece, and closes after a refusal.
It keeps the time, and treats `private_name` as taken as soon as it is known. Clients that end or
fall silent in the middle are answered like this:

    state                 end of stream         deadline
    VERSION PATCH FLAGS   nothing               nothing
    NAME                  REJECT_ILLEGAL_NAME   nothing
    CHOICE CREDENTIALS    REJECT_AUTH           REJECT_AUTH if some bytes have come, else nothing

Layouts, version rules and the order of the checks: client protocol, section 2. Two deviations
from the classic daemon: old clients do not bypass required methods and the policy, and bytes
behind a name are the start of what comes next, not an error.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, NamedTuple

from spread.daemon.access import Policy
from spread.daemon.auth import Authentication, AuthMethod, Peer, Transport, Verdict
from spread.errors import MisuseError, PeerError
from spread.service import MAX_PRIVATE_NAME, Code

__all__ = [
    "Accepted",
    "ClientVersion",
    "Handshake",
    "HandshakeSettings",
    "NeedMore",
    "Outcome",
    "Refused",
    "invented_name",
    "reject",
]

DAEMON_VERSION: Final = bytes((4, 4, 0))  # Clients adapt to it; ours is compatible with 4.4.0.
OWN_VERSION: Final = bytes((5, 0))  # Told to clients that announce that they know this daemon.

# Behind it, in the place of the patch number: how long their messages may be, in these units of
# bytes, never more than there really are. The largest number stands for the largest size of all.
SIZE_UNIT: Final = 64 * 1024
SIZE_UNITS_ALL: Final = 255
MESSAGE_SIZE_MAX: Final = 16 * 1024 * 1024

OLDEST_CLIENT: Final = 30100
LAST_WITHOUT_PATCH: Final = 31400  # Up to here requests have two version bytes.
FIRST_WITH_PATCH_REPLY: Final = 31500
FIRST_WITH_CHOICE: Final = 31600

WANTS_MEMBERSHIP: Final = 0x01
TAKES_LARGE_MESSAGES: Final = 0x02  # Our own clients set it; the classic daemon ignores it.

CHOICE_SLOTS: Final = 3
CHOICE_SLOT_SIZE: Final = 30
CHOICE_SIZE: Final = CHOICE_SLOTS * CHOICE_SLOT_SIZE

LEGAL_NAME_BYTES: Final = frozenset(range(0x24, 0x7F))  # "$" to "~", hence never "#".
INVENTED_NAME_SIZE: Final = 9
INVENTED_NAME_TRIES: Final = 1000  # A tenth of the numbers there are; then names have run out.


class ClientVersion(NamedTuple):
    """Version of the client's library. The bytes are signed, as in the classic daemon."""

    major: int
    minor: int
    patch: int = 0

    @property
    def number(self) -> int:
        """The number that versions are compared by: 4.4.0 is 40400."""
        return self.major * 10000 + self.minor * 100 + self.patch

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


@dataclass(frozen=True, slots=True)
class HandshakeSettings:
    """What the daemon knows beforehand: its name and whom it lets in."""

    daemon_name: bytes
    authentication: Authentication
    policy: Policy
    message_size_max: int = 143_952  # Bytes of group list and body, for clients that announce it.

    @property
    def own_version(self) -> bytes:
        """The version for clients that know this daemon, with its size limit as patch number."""
        units = min(self.message_size_max // SIZE_UNIT, SIZE_UNITS_ALL - 1)
        if self.message_size_max >= MESSAGE_SIZE_MAX:
            units = SIZE_UNITS_ALL
        return OWN_VERSION + bytes((units,))


@dataclass(frozen=True, slots=True)
class NeedMore:
    """The handshake goes on; `reply` is to be sent, often nothing."""

    reply: bytes


@dataclass(frozen=True, slots=True)
class Accepted:
    """The client has a session; `leftover` are the first bytes of its message stream."""

    reply: bytes
    private_name: bytes
    private_group: bytes
    membership: bool
    priority: int
    large_messages: bool  # Takes messages above the classic size limit.
    client_version: ClientVersion
    policy: Policy
    leftover: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """Send `reply`, which ends in the byte of `code`, then close. `reason` is for the log.

    Without a code the connection is closed without an answer.
    """

    reply: bytes
    code: Code | None
    reason: str


Outcome = NeedMore | Accepted | Refused


class _State(Enum):
    VERSION = auto()
    PATCH = auto()
    FLAGS = auto()
    NAME = auto()
    CHOICE = auto()
    CREDENTIALS = auto()


class _Await(NamedTuple):
    """The next state and the number of bytes that it takes."""

    state: _State
    size: int


class _Refusal(NamedTuple):
    code: Code | None
    reason: str


class _Passed(Enum):
    """The client has passed every check."""

    PASSED = auto()


_Step = _Await | _Refusal | _Passed

_AT_END_OF_STREAM: Final[dict[_State, Code | None]] = {
    _State.VERSION: None,
    _State.PATCH: None,
    _State.FLAGS: None,
    _State.NAME: Code.REJECT_ILLEGAL_NAME,
    _State.CHOICE: Code.REJECT_AUTH,
    _State.CREDENTIALS: Code.REJECT_AUTH,
}


class Handshake:
    """The handshake of one connection.

    Invariants: fewer bytes are buffered than the state waits for, or the handshake is over;
    after Accepted or Refused nothing is accepted any more.
    """

    def __init__(
        self,
        *,
        settings: HandshakeSettings,
        address: str,
        kind: Transport,
        name_is_taken: Callable[[bytes], bool],
        invent_name: Callable[[], bytes],
    ) -> None:
        """Begin with nothing received.

        `name_is_taken` is asked once per candidate; `invent_name` returns legal names for clients
        without one and is asked until a name is free (see `invented_name`).
        """
        self._settings = settings
        self._peer = Peer.at(address, kind)
        self._name_is_taken = name_is_taken
        self._invent_name = invent_name
        self._awaited = _Await(_State.VERSION, 2)
        self._buffer = bytearray()
        self._reply = b""
        self._over = False
        self._version = ClientVersion(0, 0)
        self._flags = 0
        self._private_name: bytes | None = None
        self._methods: deque[AuthMethod] = deque()
        self._failures: list[str] = []

    @property
    def private_name(self) -> bytes | None:
        """The client's name once it is known to be legal and free, also after a refusal."""
        return self._private_name

    @property
    def buffered(self) -> int:
        """Bytes kept until the unit that they begin is complete; always less than that unit."""
        return len(self._buffer)

    def receive(self, data: bytes) -> Outcome:
        """Take the next bytes of the client, in any portions.

        Raises MisuseError after the end of the handshake.
        """
        self._must_go_on()
        self._buffer += data
        while len(self._buffer) >= self._awaited.size:
            unit = bytes(self._buffer[: self._awaited.size])
            del self._buffer[: self._awaited.size]
            step = _ON_UNIT[self._awaited.state](self, unit)
            if isinstance(step, _Refusal):
                return self._refuse(step.code, step.reason)
            if isinstance(step, _Passed):
                return self._accept()
            self._awaited = step
        return NeedMore(self._taken_reply())

    def end_of_stream(self) -> Refused:
        """End the handshake because the client sends no more.

        Raises MisuseError after the end of the handshake.
        """
        self._must_go_on()
        code = _AT_END_OF_STREAM[self._awaited.state]
        return self._refuse(code, f"the client closed {self._where()}")

    def deadline_reached(self) -> Refused:
        """End the handshake because it has taken too long.

        Raises MisuseError after the end of the handshake.
        """
        self._must_go_on()
        answering = self._awaited.state in (_State.CHOICE, _State.CREDENTIALS) and self._buffer
        code = Code.REJECT_AUTH if answering else None
        return self._refuse(
            code, f"the handshake took too long, the client stopped {self._where()}"
        )

    # What arrives, in order.

    def _on_version(self, unit: bytes) -> _Step:
        self._version = ClientVersion(_signed(unit[0]), _signed(unit[1]))
        if self._version.number < OLDEST_CLIENT:
            return _Refusal(
                Code.REJECT_VERSION,
                f"client version {self._version.major}.{self._version.minor} is below 3.1",
            )
        if self._version.number > LAST_WITHOUT_PATCH:
            return _Await(_State.PATCH, 1)
        return _Await(_State.FLAGS, 2)

    def _on_patch(self, unit: bytes) -> _Step:
        self._version = self._version._replace(patch=_signed(unit[0]))
        return _Await(_State.FLAGS, 2)

    def _on_flags(self, unit: bytes) -> _Step:
        self._flags, length = unit
        if length > MAX_PRIVATE_NAME:
            return _Refusal(
                Code.REJECT_ILLEGAL_NAME,
                f"private name of {length} bytes, at most {MAX_PRIVATE_NAME} are possible",
            )
        if length > 0:
            return _Await(_State.NAME, length)
        for _ in range(INVENTED_NAME_TRIES):
            name = self._invent_name()
            if not self._name_is_taken(name):
                return self._named(name)
        return _Refusal(Code.REJECT_NOT_UNIQUE, "no free name could be invented")

    def _on_name(self, name: bytes) -> _Step:
        if not LEGAL_NAME_BYTES.issuperset(name):
            return _Refusal(
                Code.REJECT_ILLEGAL_NAME,
                f"private name {name!r} has bytes outside 0x24..0x7e ($ to ~)",
            )
        if self._name_is_taken(name):
            return _Refusal(
                Code.REJECT_NOT_UNIQUE, f"private name {name.decode('ascii')} is in use"
            )
        return self._named(name)

    def _named(self, name: bytes) -> _Step:
        self._private_name = name
        if self._version.number < FIRST_WITH_CHOICE:
            return self._run(self._settings.authentication.plan_without_choice)
        offer = self._settings.authentication.offer()
        self._reply += bytes((len(offer),)) + offer
        if not offer:
            return _Refusal(Code.REJECT_AUTH, "no authentication method is allowed")
        return _Await(_State.CHOICE, CHOICE_SIZE)

    def _on_choice(self, unit: bytes) -> _Step:
        return self._run(lambda: self._settings.authentication.plan(_chosen(unit)))

    def _on_credentials(self, unit: bytes) -> _Step:
        self._check(self._methods.popleft(), unit)
        return self._next_method()

    # Authentication. Every method runs, also after one has failed.

    def _run(self, plan: Callable[[], tuple[AuthMethod, ...]]) -> _Step:
        try:
            self._methods.extend(plan())
        except PeerError as error:
            return _Refusal(Code.REJECT_AUTH, str(error))
        return self._next_method()

    def _next_method(self) -> _Step:
        while self._methods:
            size = self._methods[0].credentials_size
            if size > 0:
                return _Await(_State.CREDENTIALS, size)
            self._check(self._methods.popleft(), b"")
        if self._failures:
            return _Refusal(Code.REJECT_AUTH, "authentication failed, " + "; ".join(self._failures))
        if not self._settings.policy.open_connection(self._private_name or b""):
            return _Refusal(
                Code.REJECT_AUTH, f"access control policy {self._settings.policy.name} denied it"
            )
        return _Passed.PASSED

    def _check(self, method: AuthMethod, credentials: bytes) -> None:
        try:
            verdict = method.check(self._peer, credentials)
        except Exception as error:
            # A defect of a method must neither let anybody in nor stop the daemon.
            verdict = Verdict(passed=False, reason=f"the method failed: {error!r}")
        self._reply += verdict.reply
        if not verdict.passed:
            self._failures.append(f"{method.name}: {verdict.reason}")

    # The end.

    def _accept(self) -> Accepted:
        self._over = True
        name = self._private_name or b""
        group = b"#%s#%s" % (name, self._settings.daemon_name)
        # A flags byte of 0x80 and above is negative to the classic daemon: it asks for nothing.
        flags = self._flags if self._flags < 0x80 else 0
        version = DAEMON_VERSION
        if flags & TAKES_LARGE_MESSAGES:
            version = self._settings.own_version
        if self._version.number < FIRST_WITH_PATCH_REPLY:
            version = version[:2]
        self._reply += bytes((Code.ACCEPT_SESSION,)) + version + bytes((len(group),)) + group
        leftover = bytes(self._buffer)
        self._buffer.clear()
        return Accepted(
            reply=self._taken_reply(),
            private_name=name,
            private_group=group,
            membership=bool(flags & WANTS_MEMBERSHIP),
            priority=flags >> 4,
            large_messages=bool(flags & TAKES_LARGE_MESSAGES),
            client_version=self._version,
            policy=self._settings.policy,
            leftover=leftover,
        )

    def _refuse(self, code: Code | None, reason: str) -> Refused:
        self._over = True
        self._buffer.clear()
        if code is not None:
            self._reply += reject(code)
        return Refused(self._taken_reply(), code, reason)

    def _taken_reply(self) -> bytes:
        reply, self._reply = self._reply, b""
        return reply

    def _must_go_on(self) -> None:
        if self._over:
            raise MisuseError("the handshake is over; make another Handshake per connection")

    def _where(self) -> str:
        state, size = self._awaited
        return f"after {len(self._buffer)} of the {size} bytes of {state.name.lower()}"


_ON_UNIT: Final[dict[_State, Callable[[Handshake, bytes], _Step]]] = {
    _State.VERSION: Handshake._on_version,
    _State.PATCH: Handshake._on_patch,
    _State.FLAGS: Handshake._on_flags,
    _State.NAME: Handshake._on_name,
    _State.CHOICE: Handshake._on_choice,
    _State.CREDENTIALS: Handshake._on_credentials,
}


def reject(code: Code) -> bytes:
    """Return the one byte that refuses a connection, also before any handshake (REJECT_QUOTA)."""
    return code.to_bytes(1, "big", signed=True)


def invented_name(number: int, serial: int) -> bytes:
    """Return a name for a client that brings none, in the classic form.

    `number` is random, 0 to 9998; `serial` tells connections apart, classically the descriptor.
    """
    return (b"r%d-%d" % (number, serial))[:INVENTED_NAME_SIZE]


def _chosen(choice: bytes) -> list[bytes]:
    """Return the names in the three NUL-padded fields; the first empty one ends them."""
    names: list[bytes] = []
    for start in range(0, CHOICE_SIZE, CHOICE_SLOT_SIZE):
        name = choice[start : start + CHOICE_SLOT_SIZE].split(b"\0")[0]
        if not name:
            break
        names.append(name)
    return names


def _signed(byte: int) -> int:
    return byte - 0x100 if byte >= 0x80 else byte

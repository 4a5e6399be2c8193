"""The handshake of one client: recorded exchanges, every rule, every way to cut the bytes."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from spread.daemon.access import Permit, Policy
from spread.daemon.access_files import AccessDirectory, AccessFiles
from spread.daemon.auth import Authentication, AuthMethod, Peer, Transport, Verdict
from spread.daemon.handshake import (
    Accepted,
    ClientVersion,
    Handshake,
    HandshakeSettings,
    NeedMore,
    Outcome,
    Refused,
    invented_name,
    reject,
)
from spread.errors import MisuseError
from spread.service import Code

VECTORS = Path(__file__).parents[2] / "vectors" / "client"

ALICE = bytes.fromhex("04040001 05") + b"alice"
CHOOSE_NULL = b"NULL".ljust(90, b"\0")
NULL_LIST = b"\x05NULL "
ACCEPT_ALICE = b"\x01\x04\x04\x00\x09#alice#d1"


@dataclass
class Method:
    """A method whose verdict the test decides."""

    name: str
    credentials_size: int = 0
    warning: str = ""
    passes: bool = True
    calls: list[bytes] = field(default_factory=list)

    def check(self, peer: Peer, credentials: bytes) -> Verdict:  # noqa: ARG002
        self.calls.append(credentials)
        return Verdict(self.passes, b"+" if self.credentials_size else b"", "as the test wants")


class DeniesEverybody(Permit):
    name = "DENY"

    def open_connection(self, private_name: bytes) -> bool:  # noqa: ARG002
        return False


@dataclass
class Daemon:
    """What a daemon lends to its handshakes."""

    authentication: Authentication = field(
        default_factory=lambda: Authentication.load(["NULL"], [], AccessFiles(()))
    )
    policy: Policy = field(default_factory=Permit)
    taken: set[bytes] = field(default_factory=set)
    inventions: list[bytes] = field(default_factory=lambda: [b"r1-9"])

    def handshake(self) -> Handshake:
        """Begin with a client from 127.0.0.1."""
        return Handshake(
            settings=HandshakeSettings(b"d1", self.authentication, self.policy),
            address="127.0.0.1",
            kind=Transport.TCP,
            name_is_taken=self.taken.__contains__,
            invent_name=lambda: self.inventions.pop(0) if len(self.inventions) > 1
            else self.inventions[0],
        )  # fmt: skip


def talk(handshake: Handshake, *portions: bytes) -> tuple[bytes, Outcome]:
    """Feed the portions up to the end of the handshake; return all replies and the last outcome."""
    replies = b""
    outcome: Outcome = NeedMore(b"")
    for portion in portions:
        outcome = handshake.receive(portion)
        replies += outcome.reply
        if not isinstance(outcome, NeedMore):
            break
    return replies, outcome


def accepted(*portions: bytes, daemon: Daemon | None = None) -> Accepted:
    _, outcome = talk((daemon or Daemon()).handshake(), *portions)
    assert isinstance(outcome, Accepted)
    return outcome


def refused(*portions: bytes, daemon: Daemon | None = None) -> Refused:
    _, outcome = talk((daemon or Daemon()).handshake(), *portions)
    assert isinstance(outcome, Refused)
    return outcome


def request(version: bytes, flags: int = 1, name: bytes = b"bob") -> bytes:
    return version + bytes((flags, len(name))) + name


def choice(*names: bytes) -> bytes:
    return b"".join(name.ljust(30, b"\0") for name in names).ljust(90, b"\0")


def authentication(*allowed: AuthMethod, required: tuple[AuthMethod, ...] = ()) -> Authentication:
    return Authentication(allowed, required)


# Recorded exchanges.

# Clients whose recorded end is an artefact of the reference reading each field once.
DECIDED_OTHERWISE = {("connect_name_too_long", "client5"), ("connect_unknown_auth", "client4")}
# No limit of sessions here; fragments are assembled.
NOT_REPLAYED = {"connect_quota", "connect_fragmented"}


class Replay:
    """One vector file against handshakes: each client's bytes in, all replies byte for byte."""

    def __init__(self, name: str, directory: Path, portion: int) -> None:
        self.vector = json.loads((VECTORS / f"{name}.json").read_text())
        self.name = name
        self.portion = portion
        for file, content in self.vector.get("setup", {}).get("files", {}).items():
            (directory / file).write_text(content)
        files = AccessFiles((AccessDirectory(directory),))
        allowed, required = self.methods("Allowed"), self.methods("Required")
        if not allowed and not required:
            allowed = ["NULL"]
        self.daemon = Daemon(
            Authentication.load(allowed, required, files), inventions=[*self.invented(), b"unused"]
        )
        self.open: dict[str, Handshake] = {}
        self.over: set[str] = set()
        self.to_client: dict[str, bytes] = {}
        self.names: dict[str, bytes] = {}
        self.compared = 0

    def methods(self, which: str) -> list[str]:
        """Read one of the two lists from the configuration lines."""
        found = re.search(rf'{which}AuthMethods = "(.*)"', "\n".join(self.vector["daemon_config"]))
        return found[1].split() if found else []

    def invented(self) -> Iterator[bytes]:
        """Yield the names that the recorded daemon made up, to make up the same."""
        for event in self.vector["events"]:
            kinds = {part["kind"] for part in event.get("volatile", ())}
            if event["dir"] == "d2c" and "private_name" in kinds:
                yield bytes.fromhex(event["hex"])[5:].split(b"#")[1]

    def run(self) -> None:
        for event in self.vector["events"]:
            who = event["who"]
            if (self.name, who) in DECIDED_OTHERWISE:
                continue
            self.open.setdefault(who, self.daemon.handshake())
            self.step(who, event["dir"], bytes.fromhex(event.get("hex", "")), "close" in event)

    def step(self, who: str, direction: str, unit: bytes, close: bool) -> None:
        if close:
            if who not in self.over:
                self.note(who, self.open[who].end_of_stream())
            self.daemon.taken.discard(self.names.pop(who, b""))
        elif who in self.over and not self.to_client[who]:
            pass  # A message; the handshake has been compared to its end.
        elif direction == "c2d":
            self.send(who, unit)
        else:
            assert self.to_client[who][: len(unit)] == unit
            self.to_client[who] = self.to_client[who][len(unit) :]
            self.compared += 1

    def send(self, who: str, unit: bytes) -> None:
        for start in range(0, len(unit), self.portion):
            if who not in self.over:
                self.note(who, self.open[who].receive(unit[start : start + self.portion]))

    def note(self, who: str, outcome: Outcome) -> None:
        self.to_client[who] = self.to_client.get(who, b"") + outcome.reply
        if (name := self.open[who].private_name) is not None:
            self.names[who] = name
            self.daemon.taken.add(name)
        if not isinstance(outcome, NeedMore):
            self.over.add(who)
            assert getattr(outcome, "leftover", b"") == b""


@pytest.mark.parametrize("portion", [1, 7, 1000])
@pytest.mark.parametrize(
    "name",
    sorted(path.stem for path in VECTORS.glob("connect_*.json") if path.stem not in NOT_REPLAYED),
)
def test_recorded_handshake_is_answered_byte_for_byte(
    name: str, portion: int, tmp_path: Path
) -> None:
    replay = Replay(name, tmp_path, portion)

    replay.run()

    assert replay.compared > 0
    assert not any(replay.to_client.values())
    assert replay.open.keys() == replay.over


def test_fragments_that_the_reference_drops_are_assembled() -> None:
    vector = json.loads((VECTORS / "connect_fragmented.json").read_text())
    pieces = [bytes.fromhex(event["hex"]) for event in vector["events"] if event["dir"] == "c2d"]
    pairs = list(zip(pieces[::2], pieces[1::2], strict=True))

    replies = [talk(Daemon().handshake(), *pair, CHOOSE_NULL)[0] for pair in pairs]

    assert replies == [NULL_LIST + b"\x01\x04\x04\x00\x07#bob#d1"] * 4


def test_bytes_behind_the_name_are_the_start_of_the_choice() -> None:
    handshake = Daemon().handshake()

    replies, outcome = talk(handshake, bytes.fromhex("0404000103626f626279"))

    assert (replies, outcome) == (NULL_LIST, NeedMore(NULL_LIST))
    assert handshake.buffered == 2


# Version.


@pytest.mark.parametrize("version", ["0300", "0209", "0000", "80ff", "ff00", "0280", "03ff"])
def test_client_below_3_1_is_refused_with_its_second_byte(version: str) -> None:
    outcome = refused(bytes.fromhex(version))

    assert (outcome.reply, outcome.code) == (b"\xf9", Code.REJECT_VERSION)


@pytest.mark.parametrize(
    ("version", "head"),
    [
        ("0301", b"\x01\x04\x04\x07"),
        ("030e", b"\x01\x04\x04\x07"),
        ("030f00", b"\x01\x04\x04\x00\x07"),
        ("030f63", b"\x01\x04\x04\x00\x07"),
    ],
)
def test_client_below_3_16_is_accepted_without_list(version: str, head: bytes) -> None:
    outcome = accepted(request(bytes.fromhex(version)))

    assert outcome.reply == head + b"#bob#d1"


@pytest.mark.parametrize("version", ["031000", "031104", "040400", "050001", "636363"])
def test_client_from_3_16_on_gets_the_list_and_the_patch_byte(version: str) -> None:
    replies, outcome = talk(Daemon().handshake(), request(bytes.fromhex(version)), CHOOSE_NULL)

    assert replies == NULL_LIST + b"\x01\x04\x04\x00\x07#bob#d1"
    assert isinstance(outcome, Accepted)


def test_version_of_the_client_is_told() -> None:
    assert accepted(request(b"\x03\x0e")).client_version == ClientVersion(3, 14, 0)
    assert str(accepted(request(b"\x05\x00\x01"), CHOOSE_NULL).client_version) == "5.0.1"


# Flags.


@pytest.mark.parametrize(
    ("flags", "membership", "priority", "large_messages"),
    [
        (0x00, False, 0, False),
        (0x01, True, 0, False),
        (0x10, False, 1, False),
        (0x11, True, 1, False),
        (0x02, False, 0, True),
        (0x03, True, 0, True),
        (0x0C, False, 0, False),
        (0x0D, True, 0, False),
        (0x7F, True, 7, True),
        (0x80, False, 0, False),
        (0x81, False, 0, False),
        (0xFF, False, 0, False),
    ],
)
def test_flags_byte_says_what_the_client_wants(
    flags: int, membership: bool, priority: int, large_messages: bool
) -> None:
    outcome = accepted(request(b"\x04\x04\x00", flags), CHOOSE_NULL)

    assert outcome.membership is membership
    assert outcome.priority == priority
    assert outcome.large_messages is large_messages


# Name.


@pytest.mark.parametrize("length", [11, 0x7F, 0x80, 0xFF])
def test_name_too_long_is_refused_with_its_length_byte(length: int) -> None:
    outcome = refused(b"\x04\x04\x00\x01" + bytes((length,)))

    assert (outcome.reply, outcome.code) == (b"\xfb", Code.REJECT_ILLEGAL_NAME)
    assert f"{length} bytes" in outcome.reason


@pytest.mark.parametrize("byte", [0x00, 0x20, 0x21, 0x22, 0x23, 0x7F, 0x80, 0xFF])
def test_name_with_an_illegal_byte_is_refused(byte: int) -> None:
    outcome = refused(request(b"\x04\x04\x00", name=b"a" + bytes((byte,))))

    assert (outcome.reply, outcome.code) == (b"\xfb", Code.REJECT_ILLEGAL_NAME)


def test_all_legal_bytes_make_names() -> None:
    legal = bytes(range(0x24, 0x7F))
    names = [legal[start : start + 10] for start in range(0, len(legal), 10)]

    outcomes = [accepted(request(b"\x03\x01", name=name)) for name in names]

    assert [outcome.private_name for outcome in outcomes] == names


def test_name_in_use_is_refused() -> None:
    outcome = refused(ALICE, daemon=Daemon(taken={b"alice"}))

    assert (outcome.reply, outcome.code) == (b"\xfa", Code.REJECT_NOT_UNIQUE)
    assert "alice" in outcome.reason


def test_name_is_known_as_soon_as_it_is_free_and_legal() -> None:
    handshake = Daemon().handshake()

    handshake.receive(ALICE[:-1])
    assert handshake.private_name is None
    handshake.receive(ALICE[-1:])
    assert handshake.private_name == b"alice"


def test_refused_name_is_not_known() -> None:
    handshake = Daemon(taken={b"alice"}).handshake()

    handshake.receive(ALICE)

    assert handshake.private_name is None


def test_client_without_name_gets_the_first_invented_one_that_is_free() -> None:
    daemon = Daemon(taken={b"r1-9", b"r2-9"}, inventions=[b"r1-9", b"r2-9", b"r3-9"])

    outcome = accepted(b"\x04\x04\x00\x01\x00", CHOOSE_NULL, daemon=daemon)

    assert outcome.private_name == b"r3-9"
    assert outcome.reply == b"\x01\x04\x04\x00\x08#r3-9#d1"


def test_client_without_name_is_refused_when_names_have_run_out() -> None:
    outcome = refused(b"\x04\x04\x00\x01\x00", daemon=Daemon(taken={b"r1-9"}))

    assert outcome.code is Code.REJECT_NOT_UNIQUE


@pytest.mark.parametrize(
    ("number", "serial", "name"),
    [(0, 3, b"r0-3"), (3224, 9, b"r3224-9"), (9998, 12345, b"r9998-123")],
)
def test_invented_name_has_the_classic_form(number: int, serial: int, name: bytes) -> None:
    assert invented_name(number, serial) == name


def test_version_is_judged_before_the_name_and_the_name_before_its_uniqueness() -> None:
    daemon = Daemon(taken={b"a b"})

    assert refused(b"\x03\x00\x01\xff", daemon=daemon).code is Code.REJECT_VERSION
    assert refused(request(b"\x04\x04\x00", name=b"a b"), daemon=daemon).code is (
        Code.REJECT_ILLEGAL_NAME
    )


# Methods.


@pytest.mark.parametrize(
    "slots",
    [
        (),
        (b"XYZ",),
        (b"IP",),
        (b"NULL", b"XYZ"),
        (b"", b"NULL"),
        (b"N" * 30,),
        (b"NULL" + b" " * 26,),
    ],
)
def test_choice_that_is_not_offered_is_refused(slots: tuple[bytes, ...]) -> None:
    outcome = refused(ALICE, choice(*slots))

    assert (outcome.reply, outcome.code) == (b"\xf7", Code.REJECT_AUTH)


@pytest.mark.parametrize(
    "slots",
    [
        (b"NULL",),
        (b"NULL", b"NULL", b"NULL"),
        (b"NULL\0leftovers",),
        (b"NULL", b"", b"XYZ"),
    ],
)
def test_choice_ends_at_the_first_empty_field(slots: tuple[bytes, ...]) -> None:
    assert accepted(ALICE, choice(*slots)).reply == ACCEPT_ALICE


def test_every_chosen_method_runs_in_the_order_of_the_choice_with_its_own_bytes() -> None:
    one, two = Method("ONE", credentials_size=3), Method("TWO", credentials_size=2)
    daemon = Daemon(authentication(one, two))

    outcome = accepted(ALICE, choice(b"TWO", b"ONE", b"TWO") + b"22111zz", daemon=daemon)

    assert (one.calls, two.calls) == ([b"111"], [b"22", b"zz"])
    assert outcome.reply == b"+++" + ACCEPT_ALICE


def test_methods_after_a_failed_one_still_run() -> None:
    one, two = Method("ONE", passes=False), Method("TWO", credentials_size=2)
    handshake = Daemon(authentication(one, two)).handshake()

    replies, outcome = talk(handshake, ALICE, choice(b"ONE", b"TWO"), b"22")

    assert replies == b"\x08ONE TWO +\xf7"
    assert isinstance(outcome, Refused)
    assert outcome.reason == "authentication failed, ONE: as the test wants"


def test_required_method_runs_for_a_client_that_did_not_choose_it() -> None:
    null, needed = Method("NULL"), Method("NEED", passes=False)
    daemon = Daemon(authentication(null, required=(needed,)))

    assert refused(ALICE, CHOOSE_NULL, daemon=daemon).code is Code.REJECT_AUTH
    assert needed.calls == [b""]


@pytest.mark.parametrize("version", [b"\x03\x0e", b"\x03\x0f\x00"])
def test_old_client_does_not_bypass_a_required_method(version: bytes) -> None:
    null, needed = Method("NULL"), Method("NEED", passes=False)
    daemon = Daemon(authentication(null, required=(needed,)))

    assert refused(request(version), daemon=daemon).reply == b"\xf7"


def test_old_client_does_not_bypass_the_policy() -> None:
    assert refused(request(b"\x03\x0e"), daemon=Daemon(policy=DeniesEverybody())).reply == b"\xf7"


def test_old_client_is_refused_when_nothing_is_allowed() -> None:
    assert refused(request(b"\x03\x0e"), daemon=Daemon(authentication())).reply == b"\xf7"


def test_empty_list_and_refusal_leave_in_one_piece() -> None:
    assert refused(ALICE, daemon=Daemon(authentication())).reply == b"\x00\xf7"


def test_policy_may_deny_the_connection() -> None:
    outcome = refused(ALICE, CHOOSE_NULL, daemon=Daemon(policy=DeniesEverybody()))

    assert (outcome.reply, outcome.code) == (b"\xf7", Code.REJECT_AUTH)
    assert outcome.reason == "access control policy DENY denied it"


def test_session_is_accepted_under_the_policy_of_its_handshake() -> None:
    daemon = Daemon()

    assert accepted(ALICE, CHOOSE_NULL, daemon=daemon).policy is daemon.policy


def test_defect_of_a_method_refuses_the_client() -> None:
    class Broken(Method):
        def check(self, peer: Peer, credentials: bytes) -> Verdict:
            raise RuntimeError(f"{peer} {credentials!r}")

    outcome = refused(ALICE, choice(b"BAD"), daemon=Daemon(authentication(Broken("BAD"))))

    assert outcome.reply == b"\xf7"
    assert "BAD: the method failed: RuntimeError" in outcome.reason


# Segments.

CONVERSATIONS = [
    pytest.param(ALICE + CHOOSE_NULL, id="4.4.0"),
    pytest.param(ALICE + choice(b"LONG", b"NULL", b"LONG") + b"12345" * 2, id="credentials"),
    pytest.param(b"\x04\x04\x00\x01\x00" + CHOOSE_NULL, id="invented name"),
    pytest.param(request(b"\x03\x0e"), id="3.14"),
    pytest.param(request(b"\x03\x0f\x00"), id="3.15.0"),
    pytest.param(ALICE + choice(b"XYZ"), id="refused"),
]


def conversation_daemon() -> Daemon:
    return Daemon(authentication(Method("NULL"), Method("LONG", credentials_size=5)))


@pytest.mark.parametrize("sent", CONVERSATIONS)
def test_every_split_gives_the_same_replies_and_outcome(sent: bytes) -> None:
    whole = talk(conversation_daemon().handshake(), sent)[0]

    splits = [
        talk(conversation_daemon().handshake(), sent[:at], sent[at:])
        for at in range(len(sent) + 1)
    ]  # fmt: skip

    assert {replies for replies, _ in splits} == {whole}
    assert not any(isinstance(outcome, NeedMore) for _, outcome in splits)


@pytest.mark.parametrize("sent", CONVERSATIONS)
def test_single_bytes_give_the_same_replies(sent: bytes) -> None:
    whole = talk(conversation_daemon().handshake(), sent)[0]

    replies, outcome = talk(conversation_daemon().handshake(), *(bytes((b,)) for b in sent))

    assert replies == whole
    assert not isinstance(outcome, NeedMore)


@pytest.mark.parametrize("sent", [ALICE + CHOOSE_NULL, request(b"\x03\x0e", name=b"alice")])
def test_bytes_behind_the_handshake_are_handed_back(sent: bytes) -> None:
    assert accepted(sent + b"first message").leftover == b"first message"
    assert accepted(sent).leftover == b""


def test_nothing_received_changes_nothing() -> None:
    handshake = Daemon().handshake()

    assert handshake.receive(b"") == NeedMore(b"")
    assert talk(handshake, b"", ALICE, b"", CHOOSE_NULL)[0] == NULL_LIST + ACCEPT_ALICE


@pytest.mark.parametrize("sent", [ALICE + CHOOSE_NULL, b"\x03\x00"])
def test_nothing_can_be_done_with_a_handshake_that_is_over(sent: bytes) -> None:
    handshake = Daemon().handshake()
    handshake.receive(sent)

    with pytest.raises(MisuseError):
        handshake.receive(b"")
    with pytest.raises(MisuseError):
        handshake.end_of_stream()
    with pytest.raises(MisuseError):
        handshake.deadline_reached()


# Clients that end or fall silent.

IN_THE_MIDDLE = [
    # What has arrived, the answer at the end of the stream, the answer at the deadline.
    (b"", b"", b""),
    (b"\x04", b"", b""),
    (b"\x04\x04", b"", b""),
    (b"\x04\x04\x00\x01", b"", b""),
    (b"\x04\x04\x00\x01\x05", b"\xfb", b""),
    (b"\x04\x04\x00\x01\x05alic", b"\xfb", b""),
    (ALICE, b"\xf7", b""),
    (ALICE + CHOOSE_NULL[:60], b"\xf7", b"\xf7"),
    (ALICE + choice(b"LONG"), b"\xf7", b""),
    (ALICE + choice(b"LONG") + b"1234", b"\xf7", b"\xf7"),
]


@pytest.mark.parametrize(("sent", "answer", "_"), IN_THE_MIDDLE)
def test_client_that_closes_in_the_middle_is_answered(sent: bytes, answer: bytes, _: bytes) -> None:
    handshake = conversation_daemon().handshake()
    handshake.receive(sent)

    assert handshake.end_of_stream().reply == answer


@pytest.mark.parametrize(("sent", "_", "answer"), IN_THE_MIDDLE)
def test_client_that_falls_silent_is_answered_only_if_its_choice_was_cut(
    sent: bytes, _: bytes, answer: bytes
) -> None:
    handshake = conversation_daemon().handshake()
    handshake.receive(sent)

    assert handshake.deadline_reached().reply == answer


def test_reason_says_how_far_the_client_came() -> None:
    handshake = Daemon().handshake()
    handshake.receive(ALICE + CHOOSE_NULL[:60])

    outcome = handshake.deadline_reached()

    assert outcome.code is Code.REJECT_AUTH
    assert outcome.reason == (
        "the handshake took too long, the client stopped after 60 of the 90 bytes of choice"
    )


def test_reject_is_one_signed_byte() -> None:
    assert reject(Code.REJECT_QUOTA) == b"\xfd"

"""What a daemon has to answer to the bytes of a connect, by the protocol page alone.

The client is taken to shut its sending side after the bytes. Only the method NULL is allowed, and
the daemon's name is `d1`.
"""

from typing import NamedTuple

__all__ = ["Expected", "expected_answer"]

METHOD_LIST = b"\x05NULL "
LARGE_MESSAGES = 0x02  # Flag of a connect request.
CHOICE_SIZE, SLOT_SIZE = 90, 30
HEADER_SIZE = 48  # Of a frame.
NAME_SIZE_MAX = 10
INVENTED_SIZE_MAX = 9

REJECT_ILLEGAL_NAME = b"\xfb"
REJECT_NOT_UNIQUE = b"\xfa"
REJECT_VERSION = b"\xf9"
REJECT_AUTH = b"\xf7"


class Expected(NamedTuple):
    """An answer up to the end of stream. `made_up`: an invented private group ends it.

    `name` is the private name as soon as it is legal; another connection may have it.
    `frame_follows`: bytes of a whole header stand behind the handshake; if they end the session,
    what was not yet written of the answer is lost.
    """

    outcome: str
    reply: bytes
    made_up: bool = False
    name: bytes = b""
    frame_follows: bool = False

    def allows(self, answer: bytes) -> bool:
        if self.name and answer == REJECT_NOT_UNIQUE:
            return True
        if self.frame_follows and self.reply.startswith(answer):
            return True
        if not self.made_up:
            return answer == self.reply
        if not answer.startswith(self.reply):
            return False
        size, group = answer[len(self.reply) : len(self.reply) + 1], answer[len(self.reply) + 1 :]
        name = group[1:-3]
        legal = 1 <= len(name) <= INVENTED_SIZE_MAX and all(0x24 <= byte <= 0x7E for byte in name)
        return size == bytes((len(group),)) and group == b"#%s#d1" % name and legal


def expected_answer(stream: bytes) -> Expected:
    if len(stream) < 2:
        return Expected("cut in the version", b"")
    number = _signed(stream[0]) * 10_000 + _signed(stream[1]) * 100
    if number < 30_100:
        return Expected("rejected: version", REJECT_VERSION)
    offset = 2
    if number > 31_400:
        if len(stream) < 3:
            return Expected("cut in the version", b"")
        number += _signed(stream[2])
        offset = 3
    if len(stream) < offset + 2:
        return Expected("cut in the flags", b"")
    size = stream[offset + 1]
    if size > NAME_SIZE_MAX:
        return Expected("rejected: name size", REJECT_ILLEGAL_NAME)
    name = stream[offset + 2 : offset + 2 + size]
    if len(name) < size:
        return Expected("cut in the name", REJECT_ILLEGAL_NAME)
    if not all(0x24 <= byte <= 0x7E for byte in name):
        return Expected("rejected: name bytes", REJECT_ILLEGAL_NAME)
    return _after_the_name(stream[offset], name, number, stream[offset + 2 + size :])


def _after_the_name(flags: int, name: bytes, number: int, rest: bytes) -> Expected:
    """`rest` are the bytes behind the name."""
    prefix = b""
    if number >= 31_600:
        prefix = METHOD_LIST
        choice, rest = rest[:CHOICE_SIZE], rest[CHOICE_SIZE:]
        if len(choice) < CHOICE_SIZE:
            return Expected("cut in the choice", METHOD_LIST + REJECT_AUTH, name=name)
        if not _chooses_null(choice):
            return Expected("rejected: method", METHOD_LIST + REJECT_AUTH, name=name)
    # Clients that take large messages are told another version than the classic one, and the size
    # that the daemon takes: its default holds 64 KiB twice.
    version = b"\x05\0\x02" if flags < 0x80 and flags & LARGE_MESSAGES else b"\x04\x04\0"
    accept = prefix + b"\x01" + version[: 2 if number < 31_500 else 3]
    frame_follows = len(rest) >= HEADER_SIZE
    if not name:
        return Expected("accepted without a name", accept, True, frame_follows=frame_follows)
    group = b"#%s#d1" % name
    reply = accept + bytes((len(group),)) + group
    return Expected("accepted", reply, name=name, frame_follows=frame_follows)


def _chooses_null(choice: bytes) -> bool:
    """Whether at least one method is named and all that are named are NULL."""
    named = []
    for start in range(0, CHOICE_SIZE, SLOT_SIZE):
        method = choice[start : start + SLOT_SIZE].split(b"\0")[0]
        if not method:
            break
        named.append(method)
    return bool(named) and set(named) == {b"NULL"}


def _signed(byte: int) -> int:
    return byte - 256 if byte >= 128 else byte

"""What `spuser` shows of each thing that arrives: lines of printable text.

The first line of an event begins in column one, those that belong to it are indented. Names and
payloads come from strangers: whatever is not printable is shown escaped, so that nobody can move
another's cursor or forge a line.
"""

from spread import GroupId, Membership, Message
from spread.errors import MessageRejectedError
from spread.service import (
    CAUSED_BY_JOIN,
    CAUSED_BY_LEAVE,
    REGULAR_MESS,
    REJECT_MESS,
    Cause,
    MembershipKind,
)

__all__ = ["describe", "describe_rejected", "printable"]

_INDENT = "    "

_CHANGES = {
    Cause.JOIN: "joined",
    Cause.LEAVE: "left",
    Cause.DISCONNECT: "disconnected",
}

_REFUSED_REQUESTS = {CAUSED_BY_JOIN: "join of", CAUSED_BY_LEAVE: "leave of"}


def describe(message: Message | Membership, *, size_max: int | None = None) -> list[str]:
    """Return the lines that show `message`; of a payload at most `size_max` bytes."""
    if isinstance(message, Message):
        return _describe_data(message, message.groups, size_max)
    group = printable(message.group)
    if message.kind is MembershipKind.SELF_LEFT:
        return [f"left {group}: this session is no member any more"]
    if message.kind is MembershipKind.TRANSITIONAL:
        return [
            f"transitional signal for {group}: members are lost; until the next view only those "
            f"that stay together agree; old group id {_id(message.group_id)}"
        ]
    return _describe_view(message, group)


def describe_rejected(error: MessageRejectedError, *, size_max: int | None = None) -> list[str]:
    """Return the lines that show a request of this session that the daemon refused."""
    message = error.message
    if message is None:
        return [f"rejected: {printable(str(error))}"]
    groups = message.groups[:-1]  # The last one is the sender.
    for bit, request in _REFUSED_REQUESTS.items():
        if message.service_type & bit:
            return [f"rejected: {request} {_names(groups)}"]
    first, *rest = _describe_data(message, groups, size_max)
    return [f"rejected: {first}", *rest]


def printable(text: str) -> str:
    r"""Return `text` with everything that is not printable escaped.

    >>> printable("a\x1b[2J\udcff")
    'a\\x1b[2J\\xff'
    """
    if text.isprintable():
        return text
    return "".join(map(_printable_character, text))


def _printable_character(character: str) -> str:
    if character.isprintable():
        return character
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"  # A byte that is not UTF-8.
    return repr(character)[1:-1]


def _describe_data(message: Message, groups: tuple[str, ...], size_max: int | None) -> list[str]:
    head = f"{printable(message.sender)} to {_names(groups)} ({_traits(message)})"
    payload = message.payload[:size_max]
    lines = payload.decode("utf-8", "surrogateescape").split("\n")
    if lines[-1] == "" and len(lines) > 1:
        del lines[-1]
    if len(payload) < len(message.payload):
        lines[-1] += f" ... and {_count(len(message.payload) - len(payload), 'byte')} more"
    if len(lines) > 1:
        return [f"{head}:", *(_INDENT + printable(line) for line in lines)]
    return [f"{head}: {printable(lines[0])}" if lines[0] else head]


def _traits(message: Message) -> str:
    """Say how a message was sent: service, size, and whatever is not as usual."""
    name = message.service.name if message.service_type & REGULAR_MESS else None
    traits = [(name or f"type 0x{message.service_type & ~REJECT_MESS:x}").lower()]
    if message.mess_type:
        traits.append(f"type {message.mess_type}")
    traits.append(_count(len(message.payload), "byte"))
    if message.self_discard:
        traits.append("self-discard")
    if message.endian_mismatch:
        traits.append("other byte order")
    return ", ".join(traits)


def _describe_view(view: Membership, group: str) -> list[str]:
    if view.cause in _CHANGES:
        change = f"{printable(view.changed_member)} {_CHANGES[view.cause]}"
    else:
        change = "network change"
    members = _count(len(view.members), "member")
    lines = [
        f"view of {group}: {change}; {members}, own index {view.own_index}, "
        f"group id {_id(view.group_id)}",
        f"{_INDENT}members: {_names(view.members)}",
    ]
    for number, vs_set in enumerate(view.vs_sets, start=1):
        own = " (own)" if vs_set == view.vs_set else ""
        lines.append(f"{_INDENT}vs-set {number}{own}: {_names(vs_set)}")
    return lines


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _names(names: tuple[str, ...]) -> str:
    return " ".join(map(printable, names))


def _id(group_id: GroupId | None) -> str:
    return repr(group_id).removeprefix("<group_id ").removesuffix(">")

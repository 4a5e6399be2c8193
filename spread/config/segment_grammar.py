"""Read one segment.

    segment   = "Spread_Segment" ADDRESS "{" { daemon } "}"
    daemon    = STRING [ ADDRESS ] [ "{" { interface } "}" ]
    interface = { "M" | "C" | "D" } ADDRESS

An option inside a segment is wrong, but still read as an option: the list it returns carries it.
"""

from dataclasses import dataclass, field

from spread.config.cursor import Cursor
from spread.config.option_grammar import read_option, read_routes
from spread.config.syntax import DaemonNode, InterfaceNode, OptionNode, SegmentNode
from spread.config.tokens import ADDRESSES, STRINGS, Kind, Token

__all__ = ["read_segment"]

SEGMENT_EXAMPLE = "Spread_Segment 192.168.1.255:4803 {"

_BRACES = frozenset({Kind.OPEN, Kind.CLOSE})
_CLOSE = frozenset({Kind.CLOSE})


@dataclass(slots=True)
class _Body:
    """What is known of the segment being read."""

    keyword: Token
    daemons: list[DaemonNode] = field(default_factory=list)
    options: list[OptionNode] = field(default_factory=list)
    is_damaged: bool = False
    has_options: bool = False


def read_segment(cursor: Cursor) -> tuple[SegmentNode, list[OptionNode]]:
    """Read a segment from its word on, with the options misplaced in it."""
    body = _Body(cursor.take())
    address = cursor.accept(*ADDRESSES)
    if address is None:
        body.is_damaged = True
        message = "a segment's address is four numbers, with its port behind a colon"
        cursor.complain(message, SEGMENT_EXAMPLE)
        if cursor.peek().kind not in _BRACES and cursor.is_on_line_of(body.keyword):
            cursor.skip_line(stop=_BRACES)
    if _open_body(cursor, body, address):
        _read_daemons(cursor, body)
    node = SegmentNode(body.keyword, address, tuple(body.daemons), body.is_damaged)
    return node, body.options


def _open_body(cursor: Cursor, body: _Body, address: Token | None) -> bool:
    """Take the opening brace; tell whether daemons can be read even if it is missing."""
    if cursor.accept(Kind.OPEN) is not None:
        return True
    body.is_damaged = True
    token = cursor.peek()
    if address is not None and token.kind in (Kind.NUMBER, Kind.COSTS):
        port = token.value.split()[0]
        host = address.value.partition(":")[0]
        cursor.complain("a port is written behind a colon", f"{host}:{port}")
    else:
        cursor.complain("an opening brace must follow the segment's address", SEGMENT_EXAMPLE)
    if cursor.is_on_line_of(body.keyword):
        cursor.skip_line(stop=_BRACES)
    if cursor.accept(Kind.OPEN) is not None:
        return True
    return cursor.peek().kind in STRINGS and not cursor.at_statement() and cursor.is_closed_ahead()


def _read_daemons(cursor: Cursor, body: _Body) -> None:
    """Read daemons up to the closing brace, or to where it must be missing."""
    while cursor.accept(Kind.CLOSE) is None:
        token = cursor.peek()
        if token.kind is Kind.END:
            _complain_about_end(cursor, body)
            return
        if cursor.at_statement():
            if _is_segment_over(cursor, body):
                return
        elif token.kind in STRINGS:
            daemon = _read_daemon(cursor, body)
            if daemon is not None:
                body.daemons.append(daemon)
        else:
            body.is_damaged = True
            _refuse_daemon(cursor)


def _complain_about_end(cursor: Cursor, body: _Body) -> None:
    body.is_damaged = True
    line = cursor.line(body.keyword)
    cursor.complain(f"the segment opened in line {line} is not closed", "} behind its last daemon")


def _is_segment_over(cursor: Cursor, body: _Body) -> bool:
    """Decide at a statement inside a segment whether the closing brace was forgotten.

    If one follows, the statement merely stands in the wrong place and is read here.
    """
    body.is_damaged = True
    option = cursor.option()
    word = cursor.peek().value
    if word == "Spread_Segment" or not (body.has_options or cursor.is_closed_ahead()):
        line = cursor.line(body.keyword)
        remedy = f"}} before {word}, behind the last daemon"
        cursor.complain(f"the segment opened in line {line} is not closed yet", remedy)
        return True
    if not body.has_options:
        body.has_options = True
        cursor.complain("no option may stand inside a segment", f"{word} before or behind it")
    if option is None:
        read_routes(cursor, 0)
        return False
    body.options.append(read_option(cursor, option))
    return False


def _read_daemon(cursor: Cursor, body: _Body) -> DaemonNode | None:
    """Read a daemon from its name on; None if the line turns out to be something else."""
    name = cursor.take()
    following = cursor.peek()
    if following.kind is Kind.EQUALS or (
        following.text.startswith(b"=") and cursor.is_on_line_of(name)
    ):
        body.is_damaged = True
        message = "an option, if this is to be one, may not stand inside a segment"
        cursor.complain(message, "it before or behind the segment")
        cursor.skip_line(stop=_CLOSE)
        return None
    address = cursor.accept(*ADDRESSES)
    interfaces = None
    if cursor.accept(Kind.OPEN) is not None:
        interfaces = _read_interfaces(cursor, body, name)
    return DaemonNode(name, address, interfaces)


def _read_interfaces(cursor: Cursor, body: _Body, name: Token) -> tuple[InterfaceNode, ...]:
    """Read interfaces behind their opening brace up to the closing one."""
    interfaces: list[InterfaceNode] = []
    letters: list[Token] = []
    while True:
        token = cursor.peek()
        if token.kind is Kind.LETTER:
            letters.append(cursor.take())
            continue
        if token.kind in ADDRESSES:
            interfaces.append(InterfaceNode(tuple(letters), cursor.take()))
            letters.clear()
            continue
        if letters or token.kind is not Kind.CLOSE:
            body.is_damaged = True
            _refuse_interface(cursor, name, letters)
            letters.clear()
        if cursor.accept(Kind.CLOSE) is not None or not _can_go_on(cursor):
            return tuple(interfaces)


def _can_go_on(cursor: Cursor) -> bool:
    return cursor.peek().kind is not Kind.END and not cursor.at_statement()


def _refuse_interface(cursor: Cursor, name: Token, letters: list[Token]) -> None:
    """Complain about the current token inside an interface block, and skip it unless it ends it."""
    token = cursor.peek()
    if token.kind is Kind.END or cursor.at_statement():
        message = f"the interfaces of {name.value}, line {cursor.line(name)}, are not closed"
        cursor.complain(message, "} behind the last interface")
        return
    if token.kind is Kind.CLOSE:
        last = letters[-1].value
        cursor.complain(f"an address must follow the letter {last}", f"{last} 192.168.1.10")
        return
    text = token.value
    if token.kind is Kind.WORD and text and set(text.upper()) <= set("DCM"):
        cursor.complain(
            "interface letters are capitals with blanks between", " ".join(text.upper())
        )
    else:
        message = "an interface is an address, after the letters D, C or M if it is not for all"
        cursor.complain(message, "D 192.168.1.10")
    if token.kind is Kind.OPEN and cursor.skip_braces():
        return
    cursor.take()
    if cursor.is_on_line_of(token):
        cursor.accept(*ADDRESSES)


def _refuse_daemon(cursor: Cursor) -> None:
    """Complain about a token where a daemon name belongs, and skip the rest of that entry."""
    token = cursor.peek()
    message = "a daemon name is needed here"
    if token.kind in ADDRESSES:
        cursor.complain(message + ", an address comes behind it", f"NAME {token.value}")
    elif token.kind in (Kind.NUMBER, Kind.COSTS):
        text = token.value.split()[0]
        cursor.complain(message + ", a number needs quotes to be one", f'"{text}"')
    elif token.text[:1].isalpha():
        cursor.complain(message + ", a reserved word needs quotes to be one", f'"{token.value}"')
    else:
        cursor.complain(message, "NAME 192.168.1.10")
    cursor.skip_line(stop=_CLOSE)

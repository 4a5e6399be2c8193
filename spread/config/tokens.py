"""Cut a configuration file into tokens.

A file is bytes without a character set. At every position all patterns are tried and the longest
match wins, on equal length the earlier pattern. That rule has surprising children, all of them
kept: blanks are needed around `=`, a number followed by a blank is a cost list, text glued to a
closing quote makes the whole a word, and a quote without a partner is an ordinary byte.
"""

import re
from enum import Enum, auto
from typing import NamedTuple

from spread.config.options import OPTIONS

__all__ = ["ADDRESSES", "STATEMENT_WORDS", "STRINGS", "Kind", "Token", "scan"]


class Kind(Enum):
    """Kinds of token, as the grammar tells them apart."""

    OPEN = auto()
    CLOSE = auto()
    EQUALS = auto()
    COLON = auto()
    BANG = auto()
    KEYWORD = auto()
    BOOLEAN = auto()
    TRISTATE = auto()
    EVENT = auto()
    LETTER = auto()
    PRIORITY = auto()
    ADDRESS_PORT = auto()
    ADDRESS = auto()
    NUMBER = auto()
    COSTS = auto()
    QUOTED = auto()
    WORD = auto()
    END = auto()


STRINGS = frozenset({Kind.QUOTED, Kind.WORD})
ADDRESSES = frozenset({Kind.ADDRESS_PORT, Kind.ADDRESS})


class Token(NamedTuple):
    """One token: the bytes as written and their offset in the file."""

    kind: Kind
    text: bytes
    offset: int

    @property
    def value(self) -> str:
        """The text without its quotes. Bytes that are not UTF-8 survive a later encoding."""
        text = self.text[1:-1] if self.kind is Kind.QUOTED else self.text
        return text.decode("utf-8", "surrogateescape")


DIGITS = b"0123456789"
QUOTES = b"\"'"
BLANKS = b" \t\r\n"

# Bytes that a word does not hold.
WORD_ENDS = BLANKS + b"#{}"
WORD_BYTES = bytes(byte for byte in range(256) if byte not in WORD_ENDS)

# In order of precedence: kind, the bytes it may begin with, pattern. Blanks and comments give no
# token.
PATTERNS: tuple[tuple[Kind | None, bytes, re.Pattern[bytes]], ...] = (
    (None, BLANKS + b"#", re.compile(rb"(?:[ \t\r\n]+|#[^\n]*)+")),
    (Kind.OPEN, b"{", re.compile(rb"\{")),
    (Kind.CLOSE, b"}", re.compile(rb"\}")),
    (Kind.EQUALS, b"=", re.compile(rb"=")),
    (Kind.COLON, b":", re.compile(rb":")),
    (Kind.ADDRESS_PORT, DIGITS, re.compile(rb"(?:[0-9]{1,3}\.){3}[0-9]{1,3}:[0-9]{1,5}")),
    (Kind.ADDRESS, DIGITS, re.compile(rb"(?:[0-9]{1,3}\.){3}[0-9]{1,3}")),
    (Kind.NUMBER, DIGITS, re.compile(rb"[0-9]{1,6}")),
    (Kind.COSTS, DIGITS, re.compile(rb"[0-9][0-9 \t]*")),
    (Kind.QUOTED, QUOTES, re.compile(rb"\"[^\"]*\"|'[^']*'")),
    (Kind.WORD, WORD_BYTES, re.compile(rb"[^ \t\r\n#{}]+")),
)

# The patterns to try, by the byte at a position.
CANDIDATES = tuple(
    tuple((kind, pattern) for kind, first, pattern in PATTERNS if byte in first)
    for byte in range(256)
)

# `!` competes with the whole rest of its line, which no word exceeds: it wins unless it is last.
BANG = re.compile(rb"!(?=[^\n])")
BANG_BYTE = ord("!")

EVENT_WORDS = tuple(
    b"DEBUG EXIT PRINT DATA_LINK NETWORK PROTOCOL SESSION CONFIGURATION MEMBERSHIP FLOW_CONTROL"
    b" STATUS EVENTS GROUPS MEMORY SKIPLIST ACM SECURITY ALL NONE".split()
)

STATEMENT_WORDS = frozenset(word.encode() for word in (*OPTIONS, "Spread_Segment", "RouteMatrix"))

# Reserved words hold only bytes that words hold too, so one of them wins exactly where the
# longest word equals it.
RESERVED: dict[bytes, Kind] = {
    **dict.fromkeys(STATEMENT_WORDS | {b"Hop", b"TcpHop"}, Kind.KEYWORD),
    **dict.fromkeys(EVENT_WORDS, Kind.EVENT),
    **dict.fromkeys((b"M", b"C", b"D"), Kind.LETTER),
    **dict.fromkeys(b"pDEBUG INFO WARNING ERROR CRITICAL FATAL".split(), Kind.PRIORITY),
}

# Reserved in any letter case.
RESERVED_FOLDED: dict[bytes, Kind] = {
    **dict.fromkeys((b"true", b"yes", b"false", b"no"), Kind.BOOLEAN),
    **dict.fromkeys((b"on", b"off", b"auto"), Kind.TRISTATE),
}


def scan(data: bytes) -> list[Token]:
    """Return the tokens of a file, closed by one of kind END at its last offset."""
    tokens = []
    offset = 0
    while offset < len(data):
        kind, end = _longest_match(data, offset)
        if kind is not None:
            tokens.append(Token(kind, data[offset:end], offset))
        offset = end
    tokens.append(Token(Kind.END, b"", len(data)))
    return tokens


def _longest_match(data: bytes, offset: int) -> tuple[Kind | None, int]:
    """Return kind and end of the token at `offset`; every byte begins some token."""
    if data[offset] == BANG_BYTE and BANG.match(data, offset):
        return Kind.BANG, offset + 1
    kind: Kind | None = None
    end = offset
    for candidate, pattern in CANDIDATES[data[offset]]:
        found = pattern.match(data, offset)
        if found is not None and found.end() > end:
            kind, end = candidate, found.end()
    if kind is Kind.WORD:
        kind = _reserved(data[offset:end]) or kind
    return kind, end


def _reserved(word: bytes) -> Kind | None:
    return RESERVED.get(word) or RESERVED_FOLDED.get(word.lower())

"""Tokens against a model that measures every pattern by itself, byte by byte."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from spread.config.tokens import RESERVED, Kind, Token, scan

# A busy machine is no failure.
unhurried = settings(deadline=None, max_examples=300)

BLANKS = b" \t\r"
DIGITS = b"0123456789"
WORD_ENDS = b" \t\r\n#{}"

FRAGMENTS = [
    *(bytes([byte]) for byte in b" \t\r\n#{}=:!\"'.,;01239aMCD\\\x00\x0c\xe9\xff"),
    *(b"Window", b"Spread_Segment", b"RouteMatrix", b"TcpHop", b"true", b"NO", b"Auto", b"oN"),
    *(b"ALL", b"DATA_LINK", b"NONE", b"pDEBUG", b"INFO", b"MaxMessageSize"),
    *(b"127.0.0.1", b"10.0.0.255:4803", b":65535", b"123456", b"7 8 ", b"# x", b'"a b"'),
]

texts = st.lists(st.sampled_from(FRAGMENTS), max_size=25).map(b"".join) | st.binary(max_size=40)


def run_of(data: bytes, start: int, wanted: bytes) -> int:
    """Count bytes from `start` on that are in `wanted`."""
    end = start
    while end < len(data) and data[end] in wanted:
        end += 1
    return end - start


def word_size(data: bytes, start: int) -> int:
    end = start
    while end < len(data) and data[end] not in WORD_ENDS:
        end += 1
    return end - start


def address_size(data: bytes, start: int) -> int:
    """Return the size of four groups of one to three digits, as many as fit."""
    position = start
    for group in range(4):
        digits = min(run_of(data, position, DIGITS), 3)
        if digits == 0:
            return 0
        position += digits
        if group < 3:
            if data[position : position + 1] != b".":
                return 0
            position += 1
    return position - start


def address_port_size(data: bytes, start: int) -> int:
    size = address_size(data, start)
    if not size or data[start + size : start + size + 1] != b":":
        return 0
    digits = min(run_of(data, start + size + 1, DIGITS), 5)
    return size + 1 + digits if digits else 0


def costs_size(data: bytes, start: int) -> int:
    """Return the size of groups of one to three digits, each with any blanks behind it."""
    position = start
    while digits := min(run_of(data, position, DIGITS), 3):
        position += digits
        position += run_of(data, position, b" \t")
    return position - start


def quoted_size(data: bytes, start: int) -> int:
    quote = data[start : start + 1]
    end = data.find(quote, start + 1) if quote in (b'"', b"'") else -1
    return end + 1 - start if end >= 0 else 0


def bang_size(data: bytes, start: int) -> int:
    """Return the size of the whole rest of the line, if anything stands behind the mark."""
    end = data.find(b"\n", start)
    rest = (len(data) if end < 0 else end) - start
    return rest if data[start : start + 1] == b"!" and rest > 1 else 0


def exact(texts: dict[bytes, Kind] | set[bytes], fold: bool = False) -> Callable[[bytes, int], int]:
    def size(data: bytes, start: int) -> int:
        sizes = [
            len(text)
            for text in texts
            if (part := data[start : start + len(text)]) == text or (fold and part.lower() == text)
        ]
        return max(sizes, default=0)

    return size


def reserved(kind: Kind) -> Callable[[bytes, int], int]:
    return exact({text for text, its_kind in RESERVED.items() if its_kind is kind})


MODEL: list[tuple[Kind, Callable[[bytes, int], int]]] = [
    (Kind.OPEN, exact({b"{"})),
    (Kind.CLOSE, exact({b"}"})),
    (Kind.EQUALS, exact({b"="})),
    (Kind.COLON, exact({b":"})),
    (Kind.BANG, bang_size),
    (Kind.KEYWORD, reserved(Kind.KEYWORD)),
    (Kind.BOOLEAN, exact({b"true", b"yes", b"false", b"no"}, fold=True)),
    (Kind.TRISTATE, exact({b"on", b"off", b"auto"}, fold=True)),
    (Kind.EVENT, reserved(Kind.EVENT)),
    (Kind.LETTER, reserved(Kind.LETTER)),
    (Kind.PRIORITY, reserved(Kind.PRIORITY)),
    (Kind.ADDRESS_PORT, address_port_size),
    (Kind.ADDRESS, address_size),
    (Kind.NUMBER, lambda data, start: min(run_of(data, start, DIGITS), 6)),
    (Kind.COSTS, costs_size),
    (Kind.QUOTED, quoted_size),
    (Kind.WORD, word_size),
]


def model_scan(data: bytes) -> list[Token]:
    tokens = []
    start = 0
    while start < len(data):
        if data[start] in b" \t\r\n":
            start += 1
            continue
        if data[start] == ord("#"):
            end = data.find(b"\n", start)
            start = len(data) if end < 0 else end
            continue
        sizes = [(size(data, start), kind) for kind, size in MODEL]
        longest = max(size for size, _ in sizes)
        kind = next(kind for size, kind in sizes if size == longest)
        taken = 1 if kind is Kind.BANG else longest
        tokens.append(Token(kind, data[start : start + taken], start))
        start += taken
    return [*tokens, Token(Kind.END, b"", len(data))]


@unhurried
@given(texts)
def test_longest_match_wins_and_the_earlier_pattern_on_equal_length(data: bytes) -> None:
    assert scan(data) == model_scan(data)


@unhurried
@given(texts)
def test_tokens_lie_behind_each_other_with_only_blanks_and_comments_between(data: bytes) -> None:
    position = 0
    for token in scan(data):
        between = data[position : token.offset]
        without_comments = b"".join(line.partition(b"#")[0] for line in between.split(b"\n"))
        assert without_comments.strip(BLANKS) == b""
        assert data[token.offset : token.offset + len(token.text)] == token.text
        position = token.offset + len(token.text)
    assert position == len(data)

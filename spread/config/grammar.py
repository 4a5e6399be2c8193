"""Read a whole file into its syntax tree.

    file      = { statement }
    statement = segment | option | routes

Statements need no separator and come in any order. Reading goes on after an error, see
`cursor`, so that one pass finds all independent ones.
"""

from difflib import get_close_matches

from spread.config.cursor import Cursor
from spread.config.diagnostics import Findings, Stage
from spread.config.option_grammar import read_option, read_routes
from spread.config.options import OPTIONS, OWN_OPTIONS, Form
from spread.config.segment_grammar import SEGMENT_EXAMPLE, read_segment
from spread.config.syntax import OptionNode, RouteNode, SegmentNode, Tree
from spread.config.tokens import ADDRESSES, STATEMENT_WORDS, Kind, Token, scan

__all__ = ["read_tree"]

_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")

# Words of later releases that people carry over from their files.
_LATER_WORDS = frozenset({"ActiveIPVersion", "VirtualID", "WideAreaNetwork"})


def read_tree(findings: Findings) -> Tree:
    """Read the file of `findings.source`; syntax errors go into `findings`."""
    data = findings.source.data
    if data.startswith(_UTF16_MARKS):
        message = "the file is encoded as UTF-16"
        remedy = "it anew as plain text or UTF-8 without a byte order mark"
        findings.error(None, message, remedy, Stage.PARSE, found="a byte order mark")
        return Tree((), (), (), is_damaged=True)
    return _FileReader(findings).read()


class _FileReader:
    """Reads statements up to the end of the file."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._cursor = Cursor(scan(findings.source.data), findings)
        self._segments: list[SegmentNode] = []
        self._options: list[OptionNode] = []
        self._routes: list[RouteNode] = []
        self._is_damaged = False

    def read(self) -> Tree:
        while self._cursor.peek().kind is not Kind.END:
            if self._findings.is_full:
                self._is_damaged = True
                break
            self._read_statement()
        is_damaged = self._is_damaged or any(node.is_damaged for node in self._segments)
        return Tree(tuple(self._segments), tuple(self._options), tuple(self._routes), is_damaged)

    def _read_statement(self) -> None:
        if self._cursor.at_statement():
            self._read_known(self._cursor.peek().value)
        else:
            self._is_damaged = True
            self._read_stray()

    def _read_known(self, word: str) -> None:
        """Read the statement that this word begins."""
        option = OPTIONS.get(word) or OWN_OPTIONS.get(word)
        if option is not None:
            self._options.append(read_option(self._cursor, option))
        elif word == "RouteMatrix":
            self._routes.append(read_routes(self._cursor, len(self._segments)))
        else:
            segment, options = read_segment(self._cursor)
            self._segments.append(segment)
            self._options.extend(options)

    def _read_stray(self) -> None:
        """Complain about a token that begins no statement; read on as what it must mean."""
        token = self._cursor.peek()
        meant = _meant_word(token)
        if meant is None and self._looks_like_segment():
            meant = "Spread_Segment"
        if meant is not None:
            self._cursor.complain(*_advice_for_misspelt(token, meant))
            self._read_known(meant)
            return
        self._cursor.complain(*self._advice_for_stray(token))
        if token.kind is Kind.CLOSE:
            self._cursor.take()
            return
        self._cursor.skip_line()
        self._skip_braced_value(token)

    def _looks_like_segment(self) -> bool:
        following = self._cursor.peek(1)
        return following.kind in ADDRESSES and self._cursor.peek(2).kind is Kind.OPEN

    def _skip_braced_value(self, token: Token) -> None:
        # A glued "DebugFlags={" leaves its braces, perhaps on later lines.
        if token.text.endswith(b"=") and self._cursor.peek().kind is Kind.OPEN:
            self._cursor.skip_braces()

    def _advice_for_stray(self, token: Token) -> tuple[str, str]:
        """Return message and remedy for a token that begins no statement."""
        text = token.value
        if token.kind is Kind.CLOSE:
            return "no brace is open here", "one closing brace for each opening one"
        if token.kind is Kind.EQUALS or text.startswith("="):
            return self._advice_for_equals()
        word, glue, value = text.partition("=")
        if glue and (word in OPTIONS or word in OWN_OPTIONS):
            example = (OPTIONS.get(word) or OWN_OPTIONS[word]).example
            message = "blanks are needed on both sides of the equals sign"
            return message, f"{word} = {value or example}"
        if text in OWN_OPTIONS:
            return f"an equals sign must follow {text}", f"{text} = {OWN_OPTIONS[text].example}"
        if text in _LATER_WORDS:
            return "this option belongs to later releases of Spread", "the file without it"
        if self._cursor.peek(1).kind in ADDRESSES:
            return "a daemon may stand inside a segment only", SEGMENT_EXAMPLE + " before it"
        if self._cursor.peek(1).kind is Kind.EQUALS:
            return "there is no option of this name", _closest_word(text)
        return "a statement must begin here", _closest_word(text)

    def _advice_for_equals(self) -> tuple[str, str]:
        if self._options and self._options[-1].option.form is Form.MARK:
            word = self._options[-1].option.word
            return f"{word} takes no value", f"{word} alone"
        return "a statement must begin here", "the option word, a blank, and the equals sign"


def _meant_word(token: Token) -> str | None:
    """Return the statement word that a token is, but for letter case or invisible bytes before."""
    visible = token.text.removeprefix(_UTF8_MARK).lstrip(b"\x00\x0b\x0c\xc2\xa0")
    if token.kind is not Kind.WORD or not visible:
        return None
    folded = {word.lower(): word.decode() for word in STATEMENT_WORDS}
    return folded.get(visible.lower())


def _advice_for_misspelt(token: Token, meant: str) -> tuple[str, str]:
    if token.text.startswith(_UTF8_MARK):
        return "the file begins with a byte order mark", "it anew as UTF-8 without that mark"
    if token.text.lower() == meant.lower().encode():
        return "option words have their own capitals", meant
    if token.text.endswith(meant.encode()):
        return f"invisible bytes stand before {meant}", f"{meant} without them"
    return "a statement must begin here", meant


def _closest_word(text: str) -> str:
    words = ["Spread_Segment", "RouteMatrix", *OPTIONS, *OWN_OPTIONS]
    close = get_close_matches(text, words, n=1, cutoff=0.75)
    return close[0] if close else "an option or Spread_Segment, or # before a comment"

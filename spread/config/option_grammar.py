"""Read one option statement, or a cost matrix.

option = WORD "=" value            most of them
       | WORD                      the marks, and a time stamp with the format of the system
       | WORD "=" "{" { [ "!" ] EVENT } "}"
routes = "RouteMatrix" "{" { COSTS } "}"
"""

from difflib import get_close_matches

from spread.config.cursor import Cursor
from spread.config.options import Form, Option
from spread.config.syntax import OptionNode, RouteNode
from spread.config.tokens import EVENT_WORDS, Kind, Token

__all__ = ["read_option", "read_routes"]

_KINDS = {
    Form.PRIORITY: frozenset({Kind.PRIORITY}),
    Form.TEXT: frozenset({Kind.QUOTED, Kind.WORD}),
    Form.STAMP: frozenset({Kind.QUOTED, Kind.WORD}),
    Form.BOOLEAN: frozenset({Kind.BOOLEAN}),
    Form.TRISTATE: frozenset({Kind.TRISTATE}),
    Form.METHODS: frozenset({Kind.QUOTED, Kind.WORD}),
    Form.POLICY: frozenset({Kind.QUOTED, Kind.WORD}),
    Form.NETWORKS: frozenset({Kind.QUOTED, Kind.WORD, Kind.ADDRESS}),
    Form.ADDRESS: frozenset({Kind.QUOTED, Kind.WORD, Kind.ADDRESS}),
}

_NUMBERS = frozenset({Form.NUMBER, Form.WINDOW, Form.TIMEOUT})

DIGITS_MAX = 6
OWN_DIGITS_MAX = 15

_EVENTS = tuple(word.decode() for word in EVENT_WORDS)

_PUNCTUATION = frozenset({Kind.OPEN, Kind.CLOSE, Kind.EQUALS, Kind.COLON, Kind.BANG, Kind.END})

# What people write instead, from other configuration languages.
_SYNONYMS = {
    **{(Form.BOOLEAN, word): "true" for word in ("TRUE", "YES", "ON", "1", "Y")},
    **{(Form.BOOLEAN, word): "false" for word in ("FALSE", "NO", "OFF", "0", "N")},
    **{(Form.TRISTATE, word): "ON" for word in ("TRUE", "YES", "ON", "1")},
    **{(Form.TRISTATE, word): "OFF" for word in ("FALSE", "NO", "OFF", "0")},
    **{(Form.PRIORITY, word): word for word in ("INFO", "WARNING", "ERROR", "CRITICAL", "FATAL")},
    (Form.PRIORITY, "DEBUG"): "pDEBUG",
    (Form.PRIORITY, "PDEBUG"): "pDEBUG",
    (Form.LINK, "HOP"): "Hop",
    (Form.LINK, "TCPHOP"): "TcpHop",
}


def read_option(cursor: Cursor, option: Option) -> OptionNode:
    """Read an option from its word on."""
    word = cursor.take()
    if option.form is Form.MARK:
        return OptionNode(word, option, ())
    if cursor.accept(Kind.EQUALS) is None:
        if option.form is Form.STAMP and not cursor.peek().text.startswith(b"="):
            return OptionNode(word, option, ())
        _complain_about_equals(cursor, option)
        return OptionNode(word, option, (), is_damaged=True)
    if option.form is Form.FLAGS:
        return _read_flags(cursor, word, option)
    if _fits(cursor.peek(), option):
        return OptionNode(word, option, (cursor.take(),))
    _complain_about_value(cursor, option)
    return OptionNode(word, option, (), is_damaged=True)


def read_routes(cursor: Cursor, segments_before: int) -> RouteNode:
    """Read a cost matrix from its word on."""
    keyword = cursor.take()
    rows: list[Token] = []
    if cursor.accept(Kind.OPEN) is None:
        cursor.complain("an opening brace must follow RouteMatrix", "RouteMatrix { ... }")
        cursor.accept(Kind.EQUALS)
        if cursor.accept(Kind.OPEN) is None:
            _skip_value(cursor)
            return RouteNode(keyword, (), segments_before)
    while cursor.accept(Kind.CLOSE) is None:
        token = cursor.peek()
        if token.kind is Kind.COSTS:
            rows.append(token)
        elif token.kind is Kind.END or cursor.at_statement():
            cursor.complain("the cost matrix is not closed", "} behind its last row")
            break
        elif token.kind is Kind.NUMBER:
            cursor.complain("a single number is no row of costs", "the number and a blank")
        else:
            cursor.complain(
                "a row of costs is needed", "numbers with blanks between, as in 0 10 20"
            )
        cursor.take()
    return RouteNode(keyword, tuple(rows), segments_before)


def _fits(token: Token, option: Option) -> bool:
    if option.form in _NUMBERS:
        return _is_number(token, OWN_DIGITS_MAX if option.own else DIGITS_MAX)
    if option.form is Form.LINK:
        return token.text in (b"Hop", b"TcpHop")
    return token.kind in _KINDS[option.form]


def _is_number(token: Token, digits_max: int) -> bool:
    # A number with a blank behind it, or with more than six digits, arrives as a cost list.
    if token.kind not in (Kind.NUMBER, Kind.COSTS):
        return False
    digits = token.text.rstrip(b" \t")
    return digits.isdigit() and len(digits) <= digits_max


def _read_flags(cursor: Cursor, word: Token, option: Option) -> OptionNode:
    """Read event types in braces; every word that is none is an error of its own."""
    if cursor.accept(Kind.OPEN) is None:
        _complain_about_value(cursor, option)
        return OptionNode(word, option, (), is_damaged=True)
    flags: list[Token] = []
    while cursor.accept(Kind.CLOSE) is None:
        token = cursor.peek()
        if token.kind is Kind.EVENT or (
            token.kind is Kind.BANG and cursor.peek(1).kind is Kind.EVENT
        ):
            flags.append(cursor.take())
        elif token.kind is Kind.END or cursor.at_statement():
            cursor.complain("the list of event types is not closed", "} behind the last type")
            break
        else:
            if token.kind is Kind.BANG:
                cursor.take()
            cursor.complain("this is no event type", _event_advice(cursor.peek()))
            if cursor.peek().kind is not Kind.CLOSE:
                cursor.take()
    return OptionNode(word, option, tuple(flags))


def _event_advice(token: Token) -> str:
    text = token.value
    bare = text.strip(",;").upper()
    if bare in _EVENTS:
        return f"{bare} (capitals, blanks between the types, no commas)"
    if "!" in text:
        return f"{text.replace('!', ' !').strip()} (a blank before the exclamation mark)"
    close = get_close_matches(bare, _EVENTS, n=1)
    return close[0] if close else f"one of {' '.join(_EVENTS)}"


def _complain_about_equals(cursor: Cursor, option: Option) -> None:
    token = cursor.peek()
    if token.text.startswith(b"="):
        message = "blanks are needed on both sides of the equals sign"
        remedy = f"{option.word} = {token.value[1:] or option.example}"
    else:
        fits = option.form is not Form.FLAGS and _fits(token, option)
        message = f"an equals sign must follow {option.word}"
        value = token.text.decode("utf-8", "backslashreplace").strip() if fits else option.example
        remedy = f"{option.word} = {value}"
    cursor.complain(message, remedy)
    _skip_value(cursor)


def _complain_about_value(cursor: Cursor, option: Option) -> None:
    """Record that the current token is no value of this option, and skip it."""
    token = cursor.peek()
    message = f"{option.word} takes {option.form.value}"
    wants_text = Kind.WORD in _KINDS.get(option.form, ())
    if option.form in _NUMBERS and token.text.strip().isdigit():
        message += f" of at most {OWN_DIGITS_MAX if option.own else DIGITS_MAX} digits"
    elif wants_text and token.kind is Kind.BANG:
        message += "; one that begins with an exclamation mark needs quotes"
    elif wants_text and token.kind not in _PUNCTUATION and not cursor.at_statement():
        message += "; a reserved word, a number or an address needs quotes"
    cursor.complain(message, f"{option.word} = {_meant_value(cursor, option)}")
    _skip_value(cursor)


def _meant_value(cursor: Cursor, option: Option) -> str:
    """Return the value that the current token most likely was meant to be."""
    token = cursor.peek()
    text = token.text.decode("utf-8", "backslashreplace").strip(" \t\"',;{")
    if Kind.WORD in _KINDS.get(option.form, ()):
        if token.kind is Kind.BANG and cursor.peek(1).kind is Kind.WORD:
            return f'"!{cursor.peek(1).value}"'
        return f'"{text}"' if text[:1].isalnum() and not cursor.at_statement() else option.example
    if option.form is Form.FLAGS and token.kind is Kind.EVENT:
        return f"{{ {text} ... }}"
    if option.form in _NUMBERS and text.isdigit() and len(text) <= DIGITS_MAX:
        return text
    return _SYNONYMS.get((option.form, text.upper()), option.example)


def _skip_value(cursor: Cursor) -> None:
    """Skip what stands where an equals sign or a value should."""
    if not cursor.at_statement():
        cursor.skip_line(stop=frozenset({Kind.CLOSE}))

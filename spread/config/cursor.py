"""Walk over the tokens of a file, complain, and find the next place where reading makes sense.

After a syntax error the reader skips as little as it can and as much as it must: the rest of the
line, a balanced pair of braces, never a word that begins a statement.
"""

from spread.config.diagnostics import Findings
from spread.config.options import OPTIONS, OWN_OPTIONS, Option
from spread.config.tokens import STATEMENT_WORDS, Kind, Token

__all__ = ["Cursor"]


class Cursor:
    """A position in a list of tokens that ends with one of kind END."""

    def __init__(self, tokens: list[Token], findings: Findings) -> None:
        self._tokens = tokens
        self._index = 0
        self._findings = findings
        self._partners: dict[int, int] | None = None  # Made when first needed: after an error.

    def peek(self, ahead: int = 0) -> Token:
        """Return a token without taking it; behind the last one stands END for ever."""
        return self._tokens[min(self._index + ahead, len(self._tokens) - 1)]

    def take(self) -> Token:
        """Return the current token and go on to the next."""
        token = self.peek()
        if token.kind is not Kind.END:
            self._index += 1
        return token

    def accept(self, *kinds: Kind) -> Token | None:
        """Take the current token if it is of one of these kinds."""
        return self.take() if self.peek().kind in kinds else None

    def line(self, token: Token) -> int:
        """Return the line of a token, from 1."""
        return self._findings.source.line(token.offset)

    def complain(self, message: str, remedy: str) -> None:
        """Record a syntax error at the current token."""
        before = self._tokens[self._index - 1] if self._index else None
        if before is not None and before.kind is Kind.QUOTED and b"\n" in before.text:
            message += f" (the quote opened in line {self.line(before)} closes just before it)"
        self._findings.syntax(self.peek(), message, remedy)

    def at_statement(self) -> bool:
        """Tell whether the current token begins a statement."""
        token = self.peek()
        if token.kind is Kind.KEYWORD:
            return token.text in STATEMENT_WORDS
        return self.option() is not None

    def option(self) -> Option | None:
        """Return the option that the current token begins, if it does."""
        token = self.peek()
        if token.kind is Kind.KEYWORD:
            return OPTIONS.get(token.value)
        if token.kind is Kind.WORD and self.peek(1).kind is Kind.EQUALS:
            return OWN_OPTIONS.get(token.value)
        return None

    def is_on_line_of(self, token: Token) -> bool:
        """Tell whether the current token stands on the same line as `token`."""
        current = self.peek()
        return current.kind is not Kind.END and self.line(current) == self.line(token)

    def skip_line(self, *, stop: frozenset[Kind] = frozenset()) -> None:
        """Skip the current token and what follows it on its line, with whole pairs of braces.

        Stops before a statement and before the kinds in `stop`.
        """
        first = self.peek()
        while self.is_on_line_of(first) and not self.at_statement():
            kind = self.peek().kind
            if kind in stop:
                return
            if kind is not Kind.OPEN or not self.skip_braces():
                self.take()

    def skip_braces(self) -> bool:
        """Skip from an opening brace behind its partner; refuse if that would cross a segment."""
        if self._partners is None:
            self._partners = _partners_of_braces(self._tokens)
        partner = self._partners.get(self._index)
        if partner is None:
            return False
        self._index = partner + 1
        return True

    def is_closed_ahead(self) -> bool:
        """Tell whether a closing brace for the open one follows before the next segment."""
        depth = 1
        for index in range(self._index, len(self._tokens)):
            token = self._tokens[index]
            if _begins_segment(token):
                return False
            depth += (token.kind is Kind.OPEN) - (token.kind is Kind.CLOSE)
            if depth == 0:
                return True
        return False


def _begins_segment(token: Token) -> bool:
    return token.kind is Kind.KEYWORD and token.text == b"Spread_Segment"


def _partners_of_braces(tokens: list[Token]) -> dict[int, int]:
    """Return the index of the closing brace for each opening one, within each segment."""
    partners = {}
    open_braces: list[int] = []
    for index, token in enumerate(tokens):
        if _begins_segment(token):
            open_braces.clear()
        elif token.kind is Kind.OPEN:
            open_braces.append(index)
        elif token.kind is Kind.CLOSE and open_braces:
            partners[open_braces.pop()] = index
    return partners

"""What is wrong, or worth a warning, in a configuration file: where it stands and what to write.

All independent mistakes of a file are collected in `Findings` and leave together in one
`ConfigurationErrors`. Lines and columns count from 1; a column is a character, so that an editor
jumps to the right place, and a tab is one character.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from spread.config.tokens import Kind, Token
from spread.errors import ConfigurationError

__all__ = [
    "ConfigurationErrors",
    "ConfigurationMissing",
    "Diagnostic",
    "Findings",
    "Source",
    "Stage",
    "printable",
    "show",
]

# A file with more errors than this is not a configuration file: reading stops. As many warnings
# are kept.
KEPT_MAX = 100

# Longest text of a file that is repeated in a message, in characters.
SHOWN_MAX = 48


class Stage(Enum):
    """When a mistake shows: while reading, in a value, in the whole file, or at the start."""

    PARSE = "parse"
    VALUE = "value"
    LOAD = "load"
    STARTUP = "startup"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One mistake or warning. `found` and `remedy` are ready for display."""

    path: str
    line: int
    column: int
    found: str
    message: str
    remedy: str
    stage: Stage

    def __str__(self) -> str:
        """Return one line: `path:line:column: found ...: ...; write ...`."""
        kind = "warning: " if self.stage is Stage.WARNING else ""
        advice = f"; write {self.remedy}" if self.remedy else ""
        place = f"{self.path}:{self.line}:{self.column}"
        return f"{place}: {kind}found {self.found}: {self.message}{advice}"


class ConfigurationErrors(ConfigurationError):  # noqa: N818 - it holds all errors of a file.
    """A file is wrong: `diagnostics` holds all its independent errors in file order."""

    exit_status = 1

    def __init__(
        self, diagnostics: Sequence[Diagnostic], warnings: Sequence[Diagnostic] = ()
    ) -> None:
        super().__init__("\n".join(map(str, diagnostics)))
        self.diagnostics = tuple(diagnostics)
        self.warnings = tuple(warnings)


class ConfigurationMissing(ConfigurationError):  # noqa: N818 - a file is missing, not an error.
    """A configuration file does not exist or cannot be read."""

    exit_status = 2

    def __init__(self, path: str, reason: str, advice: str) -> None:
        super().__init__(f"{path}: cannot be read: {reason}; {advice}")
        self.path = path
        self.reason = reason
        self.advice = advice


class Source:
    """The bytes of a file and where its lines begin."""

    def __init__(self, data: bytes, path: str) -> None:
        self.data = data
        self.path = path
        self._starts = [0]
        self._starts.extend(i + 1 for i, byte in enumerate(data) if byte == 0x0A)

    def line(self, offset: int) -> int:
        """Return the line, from 1, of the byte at `offset`."""
        return bisect_right(self._starts, offset)

    def position(self, offset: int) -> tuple[int, int]:
        """Return line and column, both from 1, of the byte at `offset`."""
        line = self.line(offset)
        before = self.data[self._starts[line - 1] : offset]
        return line, len(before.decode("utf-8", "replace")) + 1


@dataclass(slots=True)
class Findings:
    """Collects errors and warnings while a file is read and checked."""

    source: Source
    error_count: int = 0
    _errors: list[Diagnostic] = field(default_factory=list)
    _warnings: list[Diagnostic] = field(default_factory=list)
    _offset: int = -1  # Of the latest syntax error: a second one there is a mere consequence.

    @property
    def is_full(self) -> bool:
        """Whether reading on would only produce noise."""
        return self.error_count >= KEPT_MAX

    def syntax(self, token: Token, message: str, remedy: str) -> None:
        """Record a syntax error at `token`, unless one is recorded there already."""
        if token.offset != self._offset:
            self._offset = token.offset
            self.error(token, message, remedy, Stage.PARSE)

    def error(
        self, token: Token | None, message: str, remedy: str, stage: Stage, *, found: str = ""
    ) -> None:
        """Record an error at `token`, or at the top of the file if it has no place of its own."""
        self.error_count += 1
        if self.error_count <= KEPT_MAX:
            self._errors.append(self._diagnose(token, message, remedy, stage, found))

    def warn(self, token: Token | None, message: str, remedy: str = "", *, found: str = "") -> None:
        """Record something that is allowed and will bite."""
        if len(self._warnings) < KEPT_MAX:
            self._warnings.append(self._diagnose(token, message, remedy, Stage.WARNING, found))

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The errors in file order, without repetitions."""
        return _in_order(self._errors)

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """The warnings in file order, without repetitions."""
        return _in_order(self._warnings)

    def _diagnose(
        self, token: Token | None, message: str, remedy: str, stage: Stage, found: str
    ) -> Diagnostic:
        line, column = self.source.position(token.offset) if token is not None else (1, 1)
        if not found:
            found = describe(token) if token is not None else "nothing"
        found = printable(found)
        path = self.source.path
        return Diagnostic(path, line, column, found, printable(message), printable(remedy), stage)


def describe(token: Token) -> str:
    """Return a token as messages show it."""
    return "the end of the file" if token.kind is Kind.END else show(token.text)


def show(text: bytes) -> str:
    """Return bytes of a file in quotes, on one line, cut to a readable length."""
    decoded = text.decode("utf-8", "backslashreplace")
    if len(decoded) > SHOWN_MAX:
        decoded = decoded[:SHOWN_MAX] + "..."
    return f"'{printable(decoded)}'"


def printable(text: str) -> str:
    """Return a text on one line that every terminal and log can take."""
    if text.isprintable():
        return text
    # A codec would be looked up when it is needed first, and not be found by a daemon that has
    # changed its root.
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _in_order(diagnostics: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    unique = dict.fromkeys(diagnostics)
    return tuple(sorted(unique, key=lambda found: (found.line, found.column)))

"""The syntax tree of a configuration file: statements as written, not yet checked.

Nodes keep their tokens, so that every later complaint can name its place.
"""

from dataclasses import dataclass

from spread.config.options import Option
from spread.config.tokens import Token

__all__ = ["DaemonNode", "InterfaceNode", "OptionNode", "RouteNode", "SegmentNode", "Tree"]


@dataclass(frozen=True, slots=True)
class InterfaceNode:
    """Letters, possibly none, and the address they are for."""

    letters: tuple[Token, ...]
    address: Token


@dataclass(frozen=True, slots=True)
class DaemonNode:
    """A name, and what follows it. `interfaces` is None without a block."""

    name: Token
    address: Token | None
    interfaces: tuple[InterfaceNode, ...] | None


@dataclass(frozen=True, slots=True)
class SegmentNode:
    """A segment and its daemons. `is_damaged` tells that a syntax error took a part of it."""

    keyword: Token
    address: Token | None
    daemons: tuple[DaemonNode, ...]
    is_damaged: bool = False


@dataclass(frozen=True, slots=True)
class OptionNode:
    """An option word and the tokens of its value: none, one, or the contents of its braces.

    `is_damaged` tells that a syntax error took the value.
    """

    word: Token
    option: Option
    values: tuple[Token, ...]
    is_damaged: bool = False


@dataclass(frozen=True, slots=True)
class RouteNode:
    """A cost matrix, with the number of segments that stand before it."""

    keyword: Token
    rows: tuple[Token, ...]
    segments_before: int


@dataclass(frozen=True, slots=True)
class Tree:
    """A whole file. `is_damaged` tells that the list of daemons may lack something."""

    segments: tuple[SegmentNode, ...]
    options: tuple[OptionNode, ...]
    routes: tuple[RouteNode, ...]
    is_damaged: bool

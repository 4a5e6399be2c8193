"""The table of imports in docs/architecture.md, and what the sources import in fact.

A row names a module, or with a trailing `*` those modules without a row of their own; behind the
arrow stand the modules that it may import, a package standing for all of its modules. Modules of
one row with `*` may import each other. What is imported for type checkers only does not count.
"""

import ast
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

__all__ = [
    "ROOT",
    "SOURCES",
    "Row",
    "foreign_imports_of",
    "imports_of",
    "module_of",
    "read_table",
    "row_of",
]

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "spread"
SUFFIXES = (".py", ".pyx", ".pxd")
SOURCES = sorted(path for path in PACKAGE.rglob("*") if path.suffix in SUFFIXES)

CYTHON_IMPORT = re.compile(r"^\s*(?:from\s+([\w.]+)\s+)?c?import\s+\(?([\w., \t]*)", re.MULTILINE)


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    modules: str
    allowed: tuple[str, ...]

    def covers(self, module: str) -> bool:
        return fnmatchcase(module, self.modules) or f"{module}.*" == self.modules

    def allows(self, module: str) -> bool:
        return self.covers(module) or any(
            fnmatchcase(module, name) or module.startswith(f"{name}.") for name in self.allowed
        )


def read_table() -> list[Row]:
    """Read the code block under the heading about imports."""
    page = (ROOT / "docs" / "architecture.md").read_text()
    section = page.split("\n## Layers and imports\n")[1].split("\n## ")[0]
    block = section.split("```")[1]
    rows = (line.partition("->") for line in block.splitlines() if "->" in line)
    return [Row(modules.strip(), tuple(allowed.split())) for modules, _, allowed in rows]


def row_of(module: str, table: list[Row]) -> Row | None:
    """Return the row of a module: its own, else the narrowest one with a `*`."""
    covering = [row for row in table if row.covers(module)]
    return max(covering, key=lambda row: (row.modules == module, len(row.modules)), default=None)


def module_of(path: Path) -> str:
    """Return the module's name below `spread`; `spread` itself for the package."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__") or "spread"


def imports_of(path: Path) -> set[str]:
    """Return the modules of ours that the file imports or cimports, named below `spread`."""
    found = (_resolved(name) for name in _imported_names(path) if top_level(name) == "spread")
    return set(found) - {module_of(path)}


def foreign_imports_of(path: Path) -> set[str]:
    """Return the top-level names of all else that the file imports."""
    return {top_level(name) for name in _imported_names(path)} - {"spread"}


def top_level(name: str) -> str:
    return name.partition(".")[0]


def _imported_names(path: Path) -> set[str]:
    text = path.read_text()
    return _names_in_python(ast.parse(text)) if path.suffix == ".py" else _names_in_cython(text)


def _names_in_python(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        names |= _names_in_python(node)
    return names


def _names_in_cython(text: str) -> set[str]:
    code = re.sub(r'""".*?"""', "", text, flags=re.DOTALL)
    names: set[str] = set()
    for source, imported in CYTHON_IMPORT.findall(code):
        prefix = f"{source}." if source else ""
        names |= {prefix + name.strip() for name in imported.split(",") if prefix or name.strip()}
    return names


def _resolved(name: str) -> str:
    """Return the module that holds an imported name: the longest prefix that is a file of ours."""
    parts = name.strip(".").split(".")
    while len(parts) > 1:
        place = ROOT.joinpath(*parts)
        if place.is_dir() or any(place.with_suffix(suffix).exists() for suffix in SUFFIXES):
            return ".".join(parts[1:])
        parts.pop()
    return "spread"

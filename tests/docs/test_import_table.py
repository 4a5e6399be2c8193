"""The table of imports on the architecture page is what the sources do."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.docs.pages import REPOSITORY, blocks

PACKAGE = REPOSITORY / "spread"

CIMPORT = re.compile(r"^\s*from spread\.(\w+) c?import ", re.MULTILINE)
ROW = re.compile(r"^(\S+) *->(.*)$", re.MULTILINE)


def table() -> dict[str, tuple[str, ...]]:
    """Return what each row of the page may import, by its pattern, in the order of the page."""
    rows = next(
        block.text for block in blocks("docs/architecture.md") if block.text.startswith("_check")
    )
    return {pattern: tuple(allowed.split()) for pattern, allowed in ROW.findall(rows)}


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def modules() -> list[str]:
    """Return the modules of the package; those that only re-export or start are left out."""
    paths = (*PACKAGE.rglob("*.py"), *PACKAGE.glob("*.pyx"), *PACKAGE.glob("*.pxd"))
    return sorted({name_of(path) for path in paths if not path.stem.startswith("__")})


def imports(module: str) -> set[str]:
    """Return what a module imports of the package when it is loaded or used."""
    path = PACKAGE.joinpath(*module.split("."))
    if path.with_suffix(".py").exists():
        tree = ast.parse(path.with_suffix(".py").read_text(encoding="utf-8"))
        found = {name for node in _executed(tree) for name in _imported(node)}
    else:
        texts = (path.with_suffix(suffix) for suffix in (".pxd", ".pyx"))
        found = set(CIMPORT.findall("".join(text.read_text() for text in texts if text.exists())))
    return found - {module}


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes but those that only type checkers look at."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        yield child
        yield from _executed(child)


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.ImportFrom) and node.module == "spread":
        # What is no module comes from the public face.
        yield from (name if name in modules() else "spread" for name in _names(node))
    elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("spread."):
        source = str(node.module).removeprefix("spread.")
        submodules = [f"{source}.{name}" for name in _names(node)]
        present = [name for name in submodules if name in modules()]
        yield from present or [source]
    elif isinstance(node, ast.Import):
        yield from (
            alias.name.removeprefix("spread.")
            for alias in node.names
            if alias.name.startswith("spread.")
        )


def _names(node: ast.ImportFrom) -> list[str]:
    return [alias.name for alias in node.names]


def row_of(module: str) -> str | None:
    """Return the pattern of the row of a module: its own name, else the first that matches."""
    rows = table()
    if module in rows:
        return module
    return next((pattern for pattern in rows if fnmatchcase(module, pattern)), None)


def matches(module: str, pattern: str) -> bool:
    """Tell whether a module is what a row's pattern names, or a part of that package."""
    return fnmatchcase(module, pattern) or module.startswith(f"{pattern}.")


def is_allowed(imported: str, row: str) -> bool:
    if "*" in row and row == row_of(imported):
        return True
    return any(matches(imported, pattern) for pattern in table()[row])


@pytest.mark.parametrize("module", modules())
def test_a_module_imports_only_what_its_row_names(module: str) -> None:
    row = row_of(module)
    assert row is not None, f"spread.{module} has no row"

    assert {each for each in imports(module) if not is_allowed(each, row)} == set()


@pytest.mark.parametrize("module", [row for row in table() if "*" not in row])
def test_a_row_names_nothing_that_its_module_does_not_import(module: str) -> None:
    imported = imports(module)

    unused = [
        pattern
        for pattern in table()[module]
        if not any(matches(each, pattern) for each in imported)
    ]

    assert unused == []


def test_imports_go_round_in_no_circle() -> None:
    graph = {module: imports(module) for module in modules()}

    order = tuple(TopologicalSorter(graph).static_order())

    assert set(graph) <= set(order)


def test_importing_the_client_loads_nothing_of_the_daemon() -> None:
    program = "import sys, spread; print(*(name for name in sys.modules if 'spread.' in name))"

    finished = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    loaded = {name.removeprefix("spread.") for name in finished.stdout.split()}

    face = {name for name in loaded if not matches(name, "client")}
    assert face == {"errors", "service", "_frames", "_message_types", "_decoder"}

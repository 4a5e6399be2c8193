"""What keeps the tree as it was meant: direction of imports, sizes, and who may do what."""

import ast
import re
import sys
from pathlib import Path

import pytest

from tests.import_table import (
    ROOT,
    SOURCES,
    foreign_imports_of,
    imports_of,
    module_of,
    read_table,
    row_of,
)

FILE_LINES_MAX = 700
FUNCTION_LINES_MAX = 70

# The only modules that may ask for the interpreter without holding it: where upcalls are made.
WITH_GIL = {"_clients", "_member", "_node", "_reactor", "_teller"}

# Extras and what is in use without being required; each is imported where it is needed only.
THIRD_PARTY = {
    "daemon.auth": {"passlib"},
    "cli.flood.percentiles": {"numpy"},
    "monitor.top": {"rich", "textual"},
    "monitor.prometheus": {"prometheus_client"},
    "monitor.web.metrics": {"prometheus_client"},
    "monitor.web.app": {"starlette"},
    "monitor.web.connections": {"h11", "starlette", "uvicorn"},
    "monitor.web.server": {"uvicorn"},
    "pytest_plugin": {"pytest"},
}

# What runs in a daemon that may no longer read the standard library; two modules import what only
# some systems have, and before.
LATE = [
    path
    for path in SOURCES
    if path.suffix == ".py"
    and module_of(path).startswith(("config.", "daemon."))
    and module_of(path) not in ("daemon.assembly", "daemon.privileges")
]

# Modules that get time, randomness, sockets and files handed in, and decide from that alone.
SANS_IO = {
    "client.address",
    "client.closure",
    "client.handshake",
    "client.protocol",
    "client.reconnection",
    "client.requests",
    "config.cursor",
    "config.diagnostics",
    "config.effective",
    "config.grammar",
    "config.hashes",
    "config.host",
    "config.identity",
    "config.listens",
    "config.load",
    "config.model",
    "config.network",
    "config.option_grammar",
    "config.option_pitfalls",
    "config.options",
    "config.pitfalls",
    "config.report",
    "config.segment_grammar",
    "config.settings",
    "config.stamps",
    "config.syntax",
    "config.tokens",
    "counters",
    "daemon.access",
    "daemon.auth",
    "daemon.composition",
    "daemon.control",
    "daemon.control_groups",
    "daemon.control_ring",
    "daemon.event_sink",
    "daemon.exchange",
    "daemon.group_table",
    "daemon.groups",
    "daemon.handshake",
    "daemon.network",
    "daemon.metrics_http",
    "daemon.sessions",
    "daemon.strangers",
    "daemon.upcalls",
    "daemon.views",
    "errors",
    "monitor.health",
    "monitor.health_hysteresis",
    "monitor.health_own",
    "monitor.health_ring",
    "monitor.health_rules",
    "monitor.health_span",
    "monitor.prometheus",
    "monitor.report",
    "service",
}
SANS_IO |= {
    f"monitor.web.{name}"
    for name in (
        "condition",
        "feed",
        "figures",
        "pairs",
        "picture",
        "rings",
        "sight",
        "story",
        "wording",
    )
}
SANS_IO |= {module for module in map(module_of, SOURCES) if module.startswith("daemon.membership")}
FETCHES = {
    "asyncio",
    "os",
    "random",
    "secrets",
    "select",
    "selectors",
    "signal",
    "socket",
    "subprocess",
    "threading",
    "time",
    "uuid",
}

# Compiled modules that know of the operating system.
KNOWS_THE_SYSTEM = {"_sys", "_poller", "_sender", "_datagrams", "_reactor"}
SYSTEM_NAMES = re.compile(r"\b(sys_\w+|posix\.\w+|epoll\w*|clock_gettime|recvmmsg|sendmmsg)\b")

CYTHON = [path for path in SOURCES if path.suffix in (".pyx", ".pxd")]
PYTHON = [path for path in SOURCES if path.suffix == ".py"]
TABLE = read_table()


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def code_of(path: Path) -> str:
    """Return a Cython source without its comments and docstrings."""
    text = re.sub(r'""".*?"""', "", path.read_text(), flags=re.DOTALL)
    return re.sub(r"#.*", "", text)


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_a_module_imports_only_what_its_row_allows(path: Path) -> None:
    module = module_of(path)
    row = row_of(module, TABLE)
    assert row is not None, f"docs/architecture.md has no row for {module}"

    forbidden = {name for name in imports_of(path) if not row.allows(name)}

    assert not forbidden, f"the row of {module} does not allow {sorted(forbidden)}"


def test_every_row_of_the_table_is_about_a_module() -> None:
    modules = {module_of(path) for path in SOURCES}

    idle = [row.modules for row in TABLE if not any(map(row.covers, modules))]

    assert not idle


def test_imports_never_run_in_a_circle() -> None:
    graph: dict[str, set[str]] = {}
    for path in SOURCES:
        graph.setdefault(module_of(path), set()).update(imports_of(path))

    # Take away modules without imports until none is left; what stays imports itself.
    while free := {module for module, names in graph.items() if not names & graph.keys()}:
        graph = {module: names for module, names in graph.items() if module not in free}

    assert not graph


@pytest.mark.parametrize("path", PYTHON, ids=named)
def test_only_the_standard_library_is_needed(path: Path) -> None:
    foreign = foreign_imports_of(path) - sys.stdlib_module_names

    assert foreign <= THIRD_PARTY.get(module_of(path), set())


def test_the_list_of_modules_without_io_is_up_to_date() -> None:
    assert {module_of(path) for path in PYTHON} >= SANS_IO


@pytest.mark.parametrize("path", [path for path in PYTHON if module_of(path) in SANS_IO], ids=named)
def test_a_module_without_io_fetches_nothing(path: Path) -> None:
    assert not foreign_imports_of(path) & FETCHES


@pytest.mark.parametrize("path", CYTHON, ids=named)
def test_only_the_reactor_knows_the_operating_system(path: Path) -> None:
    if module_of(path) not in KNOWS_THE_SYSTEM:
        assert not SYSTEM_NAMES.findall(code_of(path))


@pytest.mark.parametrize("path", CYTHON, ids=named)
def test_the_interpreter_is_asked_for_only_where_upcalls_are_made(path: Path) -> None:
    if module_of(path) not in WITH_GIL:
        assert "with gil" not in code_of(path)


@pytest.mark.parametrize("path", CYTHON, ids=named)
def test_upcalls_begin_with_call(path: Path) -> None:
    calls = re.findall(r"cdef[^()]*?(\w+)\((?:[^()]|\([^()]*\))*\)[^:\n]*with gil", code_of(path))

    assert all(name.startswith("call_") for name in calls)


@pytest.mark.parametrize("path", CYTHON, ids=named)
def test_functions_without_the_interpreter_say_how_they_fail(path: Path) -> None:
    """A `nogil` function that is neither `noexcept` nor `except` takes the GIL after each call."""
    endings = re.findall(
        r"cdef[^()\n]*?(\w+)\((?:[^()]|\([^()]*\))*\)([^:\n]*nogil)", code_of(path)
    )

    silent = [name for name, ending in endings if "except" not in ending]

    assert not silent


@pytest.mark.parametrize("path", CYTHON, ids=named)
def test_compiled_modules_have_no_assert_and_no_second_face(path: Path) -> None:
    """`assert` is swallowed without the GIL; `cpdef` hides which of two faces is meant."""
    assert not re.findall(r"^\s*(assert|cpdef)\b", code_of(path), flags=re.MULTILINE)


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_a_file_stays_below_the_ratchet(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= FILE_LINES_MAX


@pytest.mark.parametrize("path", PYTHON, ids=named)
def test_a_function_fits_a_screen(path: Path) -> None:
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]

    long = [
        node.name
        for node in functions
        if (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES_MAX
    ]

    assert not long


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_no_module_is_a_drawer(path: Path) -> None:
    drawers = {"utils", "misc", "common", "helpers", "base"}

    assert not drawers & set(module_of(path).replace("_", ".").split("."))


@pytest.mark.parametrize("path", LATE, ids=module_of)
def test_nothing_is_imported_after_privileges_are_gone(path: Path) -> None:
    nodes = ast.walk(ast.parse(path.read_text()))
    functions = [each for each in nodes if isinstance(each, ast.FunctionDef)]
    late = [
        f"line {each.lineno}"
        for function in functions
        for each in ast.walk(function)
        if isinstance(each, ast.Import | ast.ImportFrom)
    ]

    assert late == []
